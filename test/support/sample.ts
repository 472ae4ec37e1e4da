import { readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { type Answer, type NodeParty, until } from './node-party.ts'

/**
 * Runs the lines of the `text` sample below a heading of docs/api.md: `ana> PUT /new-api/UID/Rate 0.25 [If-Match: *]`, and behind that what is
 * answered, `202  {…}`, where `…` stands for whatever there is. `known` has what words in it stand for; a word among `found` stands
 * for what the first answer has in its place.
 */
export async function playSample(
  t: Test,
  heading: string,
  parties: Readonly<Record<string, Pick<NodeParty, 'call'>>>,
  known: Record<string, string>,
  found: readonly string[] = [],
): Promise<void> {
  const lines = await sampleBelow(heading)
  t.ok(lines.length > 1, 'the page has a sample')

  const meant = (line: string) => Object.entries(known).reduce((so, [word, is]) => so.replaceAll(word, is), line)

  const isLike = (actual: unknown, expected: unknown): boolean => {
    if (expected === '…') return actual !== undefined
    if (typeof expected === 'string' && found.includes(expected) && known[expected] === undefined) {
      known[expected] = String(actual)
      return true
    }
    if (typeof expected !== 'object' || expected === null) return actual === expected
    if (typeof actual !== 'object' || actual === null) return false
    const [there, wanted] = [actual as Record<string, unknown>, expected as Record<string, unknown>]
    const isWhole = '…' in wanted || Object.keys(there).length === Object.keys(wanted).length
    return isWhole && Object.entries(wanted).every(([name, value]) => name === '…' || isLike(there[name], value))
  }

  for (let place = 0; place < lines.length; place += 2) {
    const asked = meant(lines[place] ?? '')
    const [, who = '', method = '', path = '', body, header = '', value = ''] =
      /^(\w+)> (\w+) (\S+)(?: (?!\[)(.*?))?(?: \[([\w-]+): (.*)\])?$/.exec(asked) ?? []
    const more = header === '' ? {} : { [header]: value }
    const [, status, text = ''] = /^(\d{3}) {2}(.*)$/.exec(lines[place + 1] ?? '') ?? []
    const [party] = [parties[who]]
    if (party === undefined) throw new Error(`nobody is asked by ${asked}`)
    const written = text.replaceAll(': …', ': "…"').replaceAll('…}', '"…": true}')
    let answer: Answer = { status: 0, body: undefined }
    const ask = async () => {
      answer = await party.call(method, path, body === undefined ? undefined : JSON.parse(body), 'wait=2', more)
      return answer.status === Number(status) && isLike(answer.body, JSON.parse(meant(written)))
    }
    // The others hold a moment later what the author was answered.
    if (method === 'GET') await until(asked, ask)
    else t.ok(await ask(), `${asked}\n${JSON.stringify(answer)}`)
  }
}

/** The same of one party, character by character: `send` gives what is answered as it came. Further lines of an answer are indented by five. */
export async function playTextSample(
  t: Test,
  heading: string,
  send: (line: string, headers: Record<string, string>, body: string) => Promise<{ status: number; text: string }>,
  known: Readonly<Record<string, string>>,
): Promise<void> {
  const page = (await sampleBelow(heading)).join('\n')
  const asked = page.split(/^\w+> /m).slice(1)
  t.ok(asked.length > 1, 'the page has a sample')
  for (const one of asked) {
    const [line = '', ...answer] = Object.entries(known)
      .reduce((so, [word, is]) => so.replaceAll(word, is), one.trimEnd())
      .split('\n')
    const [, request = '', body = ''] = /^(\w+ \S+)(?: (.*))?$/.exec(line) ?? []
    const type = body.startsWith('<') ? 'application/xml' : /^[[{"]/.test(body) ? 'application/json' : 'text/plain'
    const { status, text } = await send(request, body === '' ? {} : { 'content-type': type }, body)
    const expected = answer.map((part) => part.slice(5)).join('\n')
    const pieces = expected
      .split(/ ?…/)
      .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(', ', ',\\s*'))
    t.equal(`${status}`, answer[0]?.slice(0, 3), `${line}: ${text}`)
    t.match(text, new RegExp(`^${pieces.join('.+?')}$`, 's'), line)
  }
}

async function sampleBelow(heading: string): Promise<string[]> {
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ', 1)[0] ?? ''
  return /```text\n([\s\S]*?)```/.exec(section)?.[1]?.trim().split('\n') ?? []
}
