import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { strangerAt } from '../../gossip/transport/remote-address.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { TakenBody } from './body.ts'
import { CallLimits, type InwardLimits } from './call-limits.ts'
import { asksForWebSocket, LIVE_PATH } from './upgrades.ts'
import { UNREADABLE_URL } from './url.ts'

/** The caller did not show a key that this node's inward API knows. */
export class NotAuthorized extends ConcordataError {}
/** The caller shows an access token, and it is not good for this API. Evidence: `reason`, in a word. */
export class TokenInvalid extends ConcordataError {}
/** The caller's key does not have the role that the call asks for. Evidence: `role`. */
export class RoleMissing extends ConcordataError {}

/** What a caller may do. None implies another: a key has as many as it is given. */
export const apiRoles = ['reader', 'editor', 'voter', 'operator'] as const
export type ApiRole = (typeof apiRoles)[number]

/** Who calls: a name for people, and what it may do. */
export interface Caller {
  readonly name: string
  readonly roles: readonly ApiRole[]
  /** When what it has shown stops being good, in milliseconds since the Unix epoch; left out: it does not by itself. */
  readonly until?: number
}

export interface AccessPorts {
  /** Whose key or token that is; undefined: nobody's, or not any more. Throws TokenInvalid, and what keeps it from finding out. */
  readonly whoIs: (key: string) => Promise<Caller | undefined>
  readonly clock: Clock
  readonly inwardLimits?: InwardLimits | undefined
  /** Notes who asks for what; a call that changes something is not carried out unless that is written. */
  readonly noteAsked: (asked: Asked) => void
  /** Notes what it was answered. */
  readonly noteAnswered: (asked: Asked, status: number) => void
}

export interface Asked {
  readonly who: string
  readonly method: string
  /** Without the query: a key may stand there. Names of elements may, values never do. */
  readonly path: string
  /** Of the call: question and answer have the same. */
  readonly call: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks for. `any`: a good key is enough. */
    role?: ApiRole | 'any'
    body?: TakenBody
  }
  interface FastifyRequest {
    access: Access | null
  }
}

/** By what right a call is made. */
export interface Access {
  readonly caller: Caller
  readonly key: string
  readonly role: ApiRole
  /** Counts something more that the caller asks for on the same connection. Throws ApiRateLimited. */
  readonly count: () => void
}

/**
 * Everything behind it asks for `Authorization: Bearer <key or token>`, and for the role of the route. The API signs contracts
 * in the party's name, and a loopback port can be reached by any program, and any web page, on the machine. WebSocket and
 * EventSource clients in browsers cannot set headers: at `/live` they may pass `?token=` instead. Throws, while routes are registered, for one without a role (decision 0085).
 */
export function requireKey(app: FastifyInstance, ports: AccessPorts): void {
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.role === undefined) throw new Error(`the route ${[method].flat().join()} ${url} has no role`)
  })
  app.decorateRequest('access', null)
  const limits = new CallLimits(ports.inwardLimits, () => performance.now())
  const asked = new WeakMap<FastifyRequest, Asked>()
  app.addHook('onRequest', async (request, reply) => {
    const path = (request.url === UNREADABLE_URL ? request.originalUrl : request.url).split('?', 1)[0] as string
    const what = { who: '', method: request.method, path, call: request.id }
    const key = keyIn(request)
    const caller = await ports.whoIs(key).catch(async (error: unknown) => {
      // Whoever floods the node with bad keys floods neither its log nor its disk.
      limits.failed(strangerAt(request.ip))
      asked.set(request, what)
      if (error instanceof TokenInvalid)
        challenge(reply, `error="invalid_token", error_description="${error.evidence.reason}"`)
      throw error
    })
    if (caller === undefined) {
      limits.failed(strangerAt(request.ip))
      asked.set(request, what)
      challenge(reply, key === '' ? '' : 'error="invalid_token"')
      throw new NotAuthorized('not_authorized', 'the request carries no valid key: Authorization: Bearer <key>')
    }
    limits.called(caller.name)
    // What is a connection of its own is counted as that.
    if (!request.ws) untilClosed(reply.raw, limits.begins(caller.name))
    const known = { ...what, who: caller.name }
    asked.set(request, known)
    // Where nothing is, nothing is asked for, and nothing is done.
    const { role = 'any' } = request.routeOptions.config
    if (role === 'any') return
    if (!caller.roles.includes(role)) {
      challenge(reply, `error="insufficient_scope", scope="${role}"`)
      throw new RoleMissing('role_missing', `this takes a key with the role ${role}`, { role })
    }
    request.access = { caller, key, role, count: () => limits.called(caller.name) }
    if (isChange(request)) ports.noteAsked(known)
  })
  app.addHook('onResponse', async (request, reply) => {
    const what = asked.get(request)
    const isRefused = reply.statusCode === 401 || reply.statusCode === 403
    if (what !== undefined && (isChange(request) || isRefused)) ports.noteAnswered(what, reply.statusCode)
  })
}

/** RFC 6750 §3. */
function challenge(reply: FastifyReply, error: string): void {
  reply.header('www-authenticate', error === '' ? 'Bearer' : `Bearer ${error}`)
}

function isChange({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function keyIn(request: FastifyRequest): string {
  const header = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const query = (request.query as { token?: unknown }).token
  return header ?? (isLive(request) && typeof query === 'string' ? query : '')
}

/** Neither WebSocket nor EventSource of browsers can set a header. */
function isLive({ headers, raw, url }: FastifyRequest): boolean {
  if (asksForWebSocket(raw)) return true
  return url.split('?', 1)[0] === LIVE_PATH && headers.accept === 'text/event-stream'
}

/** The caller may have gone while it was looked up who it is: then nothing closes any more. */
function untilClosed(response: ServerResponse, ends: () => void): void {
  if (response.closed || response.destroyed || response.socket?.destroyed === true) ends()
  else response.once('close', ends)
}
