import type { IncomingHttpHeaders } from 'node:http'
import type { Wait } from '../../documents/documents.ts'
import type { User } from '../../events/parties/user.ts'

/** What a client says in `Prefer` (RFC 7240) about how long it waits. */
export interface Preferences {
  /** Seconds it waits for unanimity; undefined: the node's default. */
  readonly waitSeconds: number | undefined
  /** `respond-async` or `handling=lenient`: it does not insist on an answer now; its request stays until it is settled. */
  readonly isLenient: boolean
  /** `handling=strict`: what has not got the votes that rules ask for when the time is over is withdrawn. */
  readonly isStrict?: true
  /** `handling=record`: what is known to be void is signed all the same. */
  readonly isRecorded?: true
  /** `handling=dry-run`: nothing is signed. */
  readonly isDryRun?: true
  /** `retry`: what is void because another party holds the record lock is requested again when that ends. */
  readonly isPatient?: true
}

/** Longest wait that a client may ask for, in seconds. */
export const WAIT_SECONDS_MAX = 300

/** Preferences are wishes: what is not understood is passed over, as RFC 7240 §2 asks. */
export function parsePreferences(header: string | string[] | undefined): Preferences {
  let waitSeconds: number | undefined
  let isLenient = false
  let isPatient = false
  let isStrict = false
  let isRecorded = false
  let isDryRun = false
  for (const part of [header ?? []].flat().join(',').split(',')) {
    const [name, value] = part
      .split(';', 1)
      .join('')
      .split('=')
      .map((text) => text.trim().toLowerCase())
    if (name === 'respond-async' || (name === 'handling' && unquoted(value) === 'lenient')) isLenient = true
    if (name === 'handling' && unquoted(value) === 'strict') isStrict = true
    if (name === 'handling' && unquoted(value) === 'record') isRecorded = true
    if (name === 'handling' && unquoted(value) === 'dry-run') isDryRun = true
    if (name === 'retry') isPatient = true
    if (name === 'wait' && /^\d+$/.test(unquoted(value))) {
      waitSeconds = Math.min(WAIT_SECONDS_MAX, Number(unquoted(value)))
    }
  }
  return {
    waitSeconds,
    isLenient,
    ...(isStrict && { isStrict }),
    ...(isRecorded && { isRecorded }),
    ...(isDryRun && { isDryRun }),
    ...(isPatient && { isPatient }),
  }
}

function unquoted(value: string | undefined): string {
  return (value ?? '').replace(/^"(.*)"$/, '$1')
}

/** How long who does not insist on an answer waits for this party's own signature. Milliseconds. */
const SIGNED_WITHIN_MS = 10_000

/**
 * How long a client waits, and for what: as its header `Prefer` asks for, or the node's default. With `?dry-run`, or
 * `Prefer: handling=dry-run`, nothing is signed and nobody is waited for.
 */
export function waitOf(
  {
    headers,
    keyed,
    url,
    user,
  }: {
    readonly headers: IncomingHttpHeaders
    readonly keyed?: { readonly id: string } | undefined
    readonly url: string
    readonly user?: User | undefined
  },
  defaultWaitMs: number,
): Wait {
  const { isDryRun, isLenient, isPatient, isRecorded, isStrict, waitSeconds } = parsePreferences(headers.prefer)
  const wishes = {
    ...(isPatient && { retry: true as const }),
    ...(keyed && { id: keyed.id }),
    ...(user && { user }),
    ...(isRecorded && { isRecorded }),
    ...((isDryRun || asksFor('dry-run', url)) && { isDryRun: true as const }),
  }
  if (isLenient) return { signedWithinMs: SIGNED_WITHIN_MS, ...wishes }
  const timeoutMs = waitSeconds === undefined ? defaultWaitMs : waitSeconds * 1000
  return { timeoutMs, ...wishes, ...(isStrict && { isStrict }) }
}

/** Whether a query has a member that stands alone, or is true. */
export function asksFor(name: string, url: string): boolean {
  const query = new URLSearchParams(url.slice(url.indexOf('?') >>> 0))
  return query.has(name) && query.get(name) !== 'false'
}
