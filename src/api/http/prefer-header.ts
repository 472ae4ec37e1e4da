import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import type { Wait } from '../../documents/documents.ts'
import { RequestMalformed } from './validation.ts'

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

/** What each preference that is understood may be: pattern of its value, in lower case, and that in words. */
const understood: Readonly<Record<string, readonly [RegExp, string]>> = {
  handling: [/^(?:lenient|strict|record|dry-run)$/, 'lenient, strict, record or dry-run'],
  'respond-async': [/^$/, 'nothing behind it'],
  retry: [/^$/, 'nothing behind it'],
  wait: [/^\d+$/, 'whole seconds'],
}

/** Elements of a list as RFC 9110 §5.6.1 has it: a comma in a quoted string separates nothing. */
const ELEMENT = /(?:"(?:[^"\\]|\\.?)*(?:"|$)|[^,"])+/gs

/**
 * A preference that this node does not have is passed over, as RFC 7240 §2 asks. One that it has is understood or refused: a write that was
 * meant as a dry run is not signed since a word is misspelt, or since another one stands before it (decision 0153). Throws RequestMalformed.
 */
export function parsePreferences(header: string | string[] | undefined): Preferences {
  const asked = new Map<string, string>()
  for (const part of [header ?? []].flat().join(',').match(ELEMENT) ?? []) {
    const [name = '', ...values] = part
      .split(';', 1)
      .join('')
      .split('=')
      .map((text) => text.trim().toLowerCase())
    const value = unquoted(values.join('='))
    const [form, expected] = (Object.hasOwn(understood, name) && understood[name]) || []
    if (form === undefined) continue
    if (!form.test(value)) throw malformed(`${name} takes ${expected}`, expected)
    if (asked.has(name)) throw malformed(`${name} stands there twice`, `${name} once`)
    asked.set(name, value)
  }
  const handling = asked.get('handling')
  const isLenient = asked.has('respond-async') || handling === 'lenient'
  if (isLenient && handling === 'strict')
    throw malformed('respond-async waits for no votes, and handling=strict does', 'one of them')
  const seconds = asked.get('wait')
  return {
    waitSeconds: seconds === undefined ? undefined : Math.min(WAIT_SECONDS_MAX, Number(seconds)),
    isLenient,
    ...(handling === 'strict' && { isStrict: true }),
    ...(handling === 'record' && { isRecorded: true }),
    ...(handling === 'dry-run' && { isDryRun: true }),
    ...(asked.has('retry') && { isPatient: true }),
  }
}

function malformed(what: string, expected: string | undefined): RequestMalformed {
  return new RequestMalformed('request_malformed', `Prefer: ${what}`, { path: '/prefer', expected })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its query has `dry-run`, too. */
    takesDryRun?: boolean
  }
  interface FastifyRequest {
    /** Of what is to change something; undefined: it has no `Prefer`. */
    preferences: Preferences | undefined
  }
}

/** Of routes to come: none does for real what it was asked to try, and none passes over what it does not understand. The one place where the header is read. */
export function readPreferences(app: FastifyInstance): void {
  app.decorateRequest('preferences', undefined)
  app.addHook('onRoute', (route) => {
    const { properties = {} } = (route.schema?.querystring ?? {}) as { properties?: object }
    route.config = { ...(route.config as FastifyContextConfig), takesDryRun: 'dry-run' in properties }
  })
  app.addHook('preHandler', (request, _reply, done) => {
    const { headers, method, routeOptions } = request
    if (headers.prefer === undefined || method === 'GET' || method === 'HEAD') return done()
    request.preferences = parsePreferences(headers.prefer)
    if (!request.preferences.isDryRun || routeOptions.config.takesDryRun) return done()
    const message = 'there is no dry run of this: without Prefer: handling=dry-run it is done'
    done(new RequestMalformed('request_malformed', message, { path: '/prefer' }))
  })
}

const NOTHING_PREFERRED = parsePreferences(undefined)

function unquoted(value: string): string {
  return value.replace(/^"(.*)"$/, '$1')
}

/** How long who does not insist on an answer waits for this party's own signature. Milliseconds. */
const SIGNED_WITHIN_MS = 10_000

/**
 * How long a client waits, and for what: as its header `Prefer` asks for, or the node's default. With `?dry-run`, or
 * `Prefer: handling=dry-run`, nothing is signed and nobody is waited for.
 */
export function waitOf(
  { keyed, preferences, url, user }: Pick<FastifyRequest, 'keyed' | 'preferences' | 'url' | 'user'>,
  defaultWaitMs: number,
): Wait {
  const { isDryRun, isLenient, isPatient, isRecorded, isStrict, waitSeconds } = preferences ?? NOTHING_PREFERRED
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
