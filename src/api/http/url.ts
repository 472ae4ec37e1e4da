import { PathMalformed } from '../../documents/path.ts'

/** The route of a request whose URL cannot be read. With a good key the response says what is wrong. */
export const UNREADABLE_URL = '/~unreadable'

/** What needs no reading: the way that this program itself writes URLs, blanks and other signs of ASCII escaped as `encodeURIComponent` does. */
const PLAIN = /^(?:\/(?:[\w.~-]|%(?:2[02-6BCF]|3[A-F]|40|5[B-E]|60|7[B-D]))*)+(?:\?[\w.~=-]*)?$/
const ABSOLUTE = /^https?:\/\/[^/?]*/i

/**
 * The one spelling of a request target: what routes are found by, and what names are taken from. Without scheme and
 * host (RFC 9112 §3.2.2), each step of the path and each part of the query percent-encoded as `encodeURIComponent` does.
 * Attacker-controlled: `target`. Throws PathMalformed.
 */
export function readUrl(target: string): string {
  if (PLAIN.test(target)) return target
  if (/[^\u0021-\u007e]|[#\\]/.test(target)) throw malformed('it has a character that stands in no URL')
  const local = target.replace(ABSOLUTE, '')
  if (local === '' || local.startsWith('?')) return readUrl(`/${local}`)
  if (!local.startsWith('/')) throw malformed('it has no path')
  const end = local.indexOf('?')
  const path = end === -1 ? local : local.slice(0, end)
  const steps = path.split('/').map((step) => encodeURIComponent(decoded(step)))
  return steps.join('/') + (end === -1 ? '' : `?${readQuery(local.slice(end + 1))}`)
}

/** As `application/x-www-form-urlencoded` has it: a plus is a space. */
function readQuery(query: string): string {
  const names = new Set<string>()
  const parts: string[] = []
  for (const part of query.split('&')) {
    if (part === '') continue
    const [name, value] = halves(part, '=').map((half) => decoded(half.replaceAll('+', ' '))) as [string, string]
    if (names.has(name)) throw malformed(`its query says ${name} twice`)
    names.add(name)
    parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  }
  return parts.join('&')
}

function halves(text: string, at: string): [string, string] {
  const place = text.indexOf(at)
  return place === -1 ? [text, ''] : [text.slice(0, place), text.slice(place + 1)]
}

function decoded(text: string): string {
  let said: string
  try {
    said = decodeURIComponent(text)
  } catch {
    throw malformed('it has a wrong escape')
  }
  if (said.includes('\0')) throw malformed('it has a character U+0000')
  return said
}

function malformed(what: string): PathMalformed {
  return new PathMalformed('path_malformed', `the URL cannot be read: ${what}`)
}

/** What is asked of an element beside its value. No name has a tilde or a hash sign in it. */
const VIEW = /^(.*?)(?:~|%23)(proposals|votes|rules|schema|history|changes|attributes|tiers|attachments|evidence)$/i

/**
 * `/new-api/<uid>/A/B/~proposals/…` is routed as `/new-api/<uid>/A%2FB/~proposals/…`: how many steps there are before the
 * view, no route can say. `B%23Proposals` stands for `B/~proposals`. Requires what `readUrl` returns.
 */
export function withElementAsOne(url: string): string {
  if (!url.startsWith('/new-api/') || !/~|%23/.test(url)) return url
  const end = url.indexOf('?')
  const [path, query] = end === -1 ? [url, ''] : [url.slice(0, end), url.slice(end)]
  const [uid = '', ...steps] = path.slice('/new-api/'.length).split('/')
  const place = steps.findIndex((step) => VIEW.test(step))
  const [, last = '', view = ''] = VIEW.exec(steps[place] ?? '') ?? []
  if (view === '') return url
  const element = [...steps.slice(0, place), last].filter((step) => step !== '').join('/')
  const below = steps
    .slice(place + 1)
    .map((step, depth) => (depth % 2 === 0 ? step : step.replace('~', '').toLowerCase()))
  const meant = ['', 'new-api', uid, encodeURIComponent(`/${element}`), `~${view.toLowerCase()}`, ...below].join('/')
  return meant.replace(/\/$/, '') + query
}

/** URLs that are remembered, and the longest of them, in characters. */
const REMEMBERED_MAX = 2048
const REMEMBERED_CHARACTERS_MAX = 512

/** What it comes to for a URL, made once for those that are asked for again and again; none with a query, in which a key may stand. */
export function remembering(rewritten: (url: string) => string): (url: string) => string {
  const known = new Map<string, string>()
  return (url) => {
    const before = known.get(url)
    if (before !== undefined) return before
    const made = rewritten(url)
    if (url.length > REMEMBERED_CHARACTERS_MAX || url.includes('?')) return made
    if (known.size >= REMEMBERED_MAX) known.clear()
    known.set(url, made)
    return made
  }
}
