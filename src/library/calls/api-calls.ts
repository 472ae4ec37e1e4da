import type { Static } from 'typebox'
import type { written } from '../../api/answers/written.ts'
import type { ProblemDocument } from '../../api/http/problems/problem.ts'
import { PathMalformed, parsePath } from '../../documents/path.ts'
import type { Answer, Call, Calls } from './calls.ts'
import { notTheNode } from './http-calls.ts'
import { ProblemError, refusedUnasked } from './problem-error.ts'
import { writtenJson } from './written-json.ts'

const handlings = ['lenient', 'strict', 'record', 'dry-run'] as const

/** How a write is made, and what for. */
export interface WriteOptions {
  /** How long it waits for all others: whole seconds, 300 at most. Left out: as the node is configured. */
  readonly waitSeconds?: number
  /**
   * `lenient`: waits for this party's own signature alone; `strict`: what has not got its votes in time is withdrawn; `record`: what
   * is known to be void is signed all the same; `dry-run`: says what would happen, and does nothing.
   */
  readonly handling?: (typeof handlings)[number]
  /** Requested again when the lock of another party ends. */
  readonly retry?: boolean
  /** Asked for again under the same key, it is done once. */
  readonly idempotencyKey?: string
  /** The tag of what was read: what stands there now has to be that. Of writes by path. */
  readonly ifMatch?: string
  readonly signal?: AbortSignal
}

type Done = Static<(typeof written)[200]>
type Accepted = Static<(typeof written)[202]>
type Placed = Extract<Done, { readonly index: number }>

/** What has come of a write. What is refused, void, or late is thrown as a ProblemError. */
export type Outcome =
  /** All have signed for it. `at`: the path of the one element that was added. */
  | ({ readonly kind: 'agreed'; readonly at?: string } & Placed)
  /** It stands agreed already: nothing was asked for. */
  | { readonly kind: 'unchanged' }
  /** It was not waited for, or not all have signed in time: it will settle. */
  | ({ readonly kind: 'pending' } & Exclude<Accepted, { readonly waitingFor: 'votes' }>)
  /** It waits for votes. */
  | ({ readonly kind: 'voting' } & Extract<Accepted, { readonly waitingFor: 'votes' }>)
  | ({ readonly kind: 'dry-run' } & Extract<Done, { readonly dryRun: true }>)

/** Calls of the inward API: JSON for JSON, and each refusal a ProblemError. */
export class ApiCalls {
  readonly #calls: Calls
  /** Of the node, for what is said of it. */
  readonly #where: string

  constructor(calls: Calls, where: string) {
    this.#calls = calls
    this.#where = where
  }

  /** Throws ProblemError, NodeNotRunning. */
  async read(path: string, query: Query = {}, signal?: AbortSignal): Promise<unknown> {
    return (await this.readTagged(path, query, signal)).value
  }

  /** With the tag of what stands there. Throws as `read`. */
  async readTagged(path: string, query: Query = {}, signal?: AbortSignal) {
    const headers = { accept: 'application/json' }
    const call = { method: 'GET', path: `${path}${queryText(query)}`, headers, ...(signal && { signal }) } as const
    const answer = await this.#call(call)
    return { value: this.#json(answer), tag: answer.header('etag') ?? '' }
  }

  /** Throws ProblemError, NodeNotRunning. */
  async write(
    method: Exclude<Call['method'], 'GET'>,
    path: string,
    body?: unknown,
    options: WriteOptions = {},
  ): Promise<Outcome> {
    const answer = await this.#send(method, path, body, options)
    return outcomeOf(answer, this.#json(answer) as Done | Accepted)
  }

  /** Whatever the API has: what it is answered. Throws as `write`. */
  async call(method: Call['method'], path: string, body?: unknown, options: WriteOptions = {}): Promise<unknown> {
    return this.#json(await this.#send(method, path, body, options))
  }

  #send(method: Call['method'], path: string, body: unknown, options: WriteOptions): Promise<Answer> {
    const { signal } = options
    if (method === 'GET' && body !== undefined) throw refusedUnasked('request_malformed', 'GET has no body')
    const json = body === undefined ? {} : { body: writtenJson(body) }
    const type = body === undefined ? {} : { 'content-type': contentTypes[method] ?? 'application/json' }
    const headers = { accept: 'application/json', ...type, ...headersOf(options) }
    return this.#call({ method, path, headers, ...json, ...(signal && { signal }) })
  }

  async #call(call: Call): Promise<Answer> {
    requireWhole(call.path)
    call.signal?.throwIfAborted()
    const answer = await this.#calls(call)
    if (answer.status < 400) return answer
    const problem = this.#json(answer)
    if (!isProblem(problem)) throw notTheNode(this.#where)
    throw new ProblemError(problem)
  }

  #json({ text }: Answer): unknown {
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw notTheNode(this.#where, { cause })
    }
  }
}

const contentTypes: Partial<Record<Call['method'], string>> = { PATCH: 'application/merge-patch+json' }

export type Query = Readonly<Record<string, string | number | undefined>>

function queryText(query: Query): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? '' : `?${given}`
}

/** Throws ProblemError. */
function headersOf({ handling, idempotencyKey, ifMatch, retry, waitSeconds }: WriteOptions): Record<string, string> {
  if (waitSeconds !== undefined && !(Number.isInteger(waitSeconds) && waitSeconds >= 0 && waitSeconds <= 300)) {
    const expected = 'whole seconds from 0 to 300'
    throw refusedUnasked('request_malformed', `waitSeconds is ${expected}`, { expected })
  }
  if (handling !== undefined && !handlings.includes(handling)) {
    throw refusedUnasked('request_malformed', `handling is ${handlings.join(', ')}`, { options: [...handlings] })
  }
  const wishes = [
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
    ...(handling === undefined ? [] : [`handling=${handling}`]),
    ...(retry ? ['retry'] : []),
  ]
  return {
    ...(wishes.length > 0 && { prefer: wishes.join(', ') }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': headerText('idempotencyKey', idempotencyKey) }),
    ...(ifMatch !== undefined && { 'if-match': headerText('ifMatch', ifMatch) }),
  }
}

/** What no header can carry does not reach the node. Throws ProblemError. */
function headerText(name: string, value: string): string {
  if (/^[\x21-\x7e]+$/.test(value)) return value
  const expected = 'visible ASCII characters'
  throw refusedUnasked('request_malformed', `${name} is made of ${expected}`, { expected })
}

function outcomeOf({ header }: Answer, body: Done | Accepted): Outcome {
  if ('dryRun' in body) return { kind: 'dry-run', ...body }
  if ('unchanged' in body) return { kind: 'unchanged' }
  if ('index' in body) {
    const [, , , ...steps] = header('location')?.split('/') ?? []
    return { kind: 'agreed', ...body, ...(steps.length > 0 && { at: steps.join('/') }) }
  }
  if (isVoting(body)) return { kind: 'voting', ...body }
  return { kind: 'pending', ...body }
}

/**
 * What would lead elsewhere is not sent. Programs that send URLs take dots out of paths, escaped or not: to withdraw the proposal `..` of a field would be to
 * remove the field. What does not begin with a slash would be part of the host, which is shown the key. Throws ProblemError.
 */
function requireWhole(path: string): void {
  const [route = ''] = path.split('?', 1)
  const isElsewhere = !/^\/(?!\/)/.test(route) || /[\0-\x20\\#]/.test(path)
  if (!isElsewhere && !route.split('/').some((step) => /^(?:\.|%2e){1,2}$/i.test(step))) return
  throw refusedUnasked('path_malformed', `${JSON.stringify(path)} is no path of the inward API`, { path })
}

function isVoting(body: Accepted): body is Extract<Accepted, { readonly waitingFor: 'votes' }> {
  return body.waitingFor === 'votes'
}

function isProblem(value: unknown): value is ProblemDocument {
  const { code, detail } = (value ?? {}) as Partial<ProblemDocument>
  return typeof code === 'string' && typeof detail === 'string'
}

/** Names with slashes between, escaped as in a URL, or each name as it is. Throws ProblemError `path_malformed`. */
export function stepsOf(path: string | readonly string[]): readonly string[] {
  const steps = typeof path === 'string' ? parsed(path) : path
  // Programs that send URLs take these out of them, escaped or not.
  const dots = steps.find((step) => step === '.' || step === '..' || step === '')
  if (dots === undefined) return steps
  throw refusedUnasked('path_malformed', `no URL can name an element ${JSON.stringify(dots)}`, { path: String(path) })
}

function parsed(path: string): string[] {
  try {
    return parsePath(`/${path.replace(/^\//, '')}`)
  } catch (cause) {
    if (!(cause instanceof PathMalformed)) throw cause
    throw refusedUnasked('path_malformed', cause.message, { path })
  }
}

/** The URL path of an element, or of a view of it. */
export function elementUrl(uid: string, steps: readonly string[], ...view: readonly string[]): string {
  return ['', 'new-api', uid, ...steps, ...view].map((step) => encodeURIComponent(step)).join('/')
}

/** The URL path of a contract, or of what stands below it. */
export function contractUrl(uid: string, ...below: readonly (string | number)[]): string {
  return ['', 'api', 'Contract', uid, ...below].map((step) => encodeURIComponent(step)).join('/')
}
