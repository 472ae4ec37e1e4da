import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { strangerAt } from '../../../gossip/transport/remote-address.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { ConcordataError } from '../../../runtime/errors.ts'
import type { TakenBody } from '../body.ts'
import { timesSaid } from '../raw-headers.ts'
import { asksForWebSocket, LIVE_PATH } from '../upgrades.ts'
import { UNREADABLE_URL } from '../url.ts'
import { RequestMalformed } from '../validation.ts'
import { CallLimits, type InwardLimits } from './call-limits.ts'

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
export interface ApiCaller {
  readonly name: string
  readonly roles: readonly ApiRole[]
  /** When what it has shown stops being good, in milliseconds since the Unix epoch; left out: it does not by itself. */
  readonly until?: number
}

type Known = ApiCaller | undefined

export interface AccessPorts {
  /** `connection`: on which it is shown. Whose key or token that is; undefined: nobody's, or not any more. Throws TokenInvalid, and what keeps it from finding out. */
  readonly whoIs: (key: string, connection?: object) => Known | Promise<Known>
  readonly clock: Clock
  readonly inwardLimits?: InwardLimits | undefined
  /** Notes who asks for what; a call that changes something is not carried out unless that is written. */
  readonly noteAsked: (asked: AskedCall) => void
  /** Notes what it was answered. */
  readonly noteAnswered: (asked: AskedCall, status: number) => void
}

export interface AskedCall {
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
    /** The name of the caller, '' of one who is not known; undefined as long as it is not found out, and of what is to be noted nowhere. */
    calledBy: string | undefined
    /** Says that it is not under way any more; null: it is not. */
    ends: (() => void) | null
  }
}

/** By what right a call is made. */
export interface Access {
  readonly caller: ApiCaller
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
  app.decorateRequest('calledBy', undefined)
  app.decorateRequest('ends', null)
  const door = new Door(ports)
  app.addHook('onRequest', (request, reply, done) => {
    try {
      door.requireOneKey(request)
      const key = keyIn(request)
      const found = ports.whoIs(key, request.raw.socket)
      // Of a key that is known at once nothing waits: a promise takes as long as all else here.
      if (found instanceof Promise) {
        found
          .then(
            (caller) => door.admit(request, reply, key, caller),
            (error: unknown) => door.refuse(request, reply, error),
          )
          .then(() => done(), done)
        return
      }
      door.admit(request, reply, key, found)
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    door.leave(request, reply.statusCode)
    done()
  })
}

/** Lets calls in by the right of whoever makes them, within the limits of each, and notes what is to be noted. */
class Door {
  readonly #ports: AccessPorts
  readonly #limits: CallLimits
  readonly #underWay = new CallsUnderWay()

  constructor(ports: AccessPorts) {
    this.#ports = ports
    this.#limits = new CallLimits(ports.inwardLimits, () => performance.now())
  }

  /** Throws RequestMalformed, ApiRateLimited. */
  requireOneKey(request: FastifyRequest): void {
    if (timesSaid('authorization', request.raw.rawHeaders) <= 1) return
    this.#stranger(request)
    throw new RequestMalformed('request_malformed', 'Authorization is there more than once')
  }

  /** Throws NotAuthorized, RoleMissing, ApiRateLimited, ApiTooManyCalls, and where that cannot be noted what `noteAsked` throws. */
  admit(request: FastifyRequest, reply: FastifyReply, key: string, caller: ApiCaller | undefined): void {
    if (caller === undefined) {
      this.#stranger(request)
      challenge(reply, key === '' ? '' : 'error="invalid_token"')
      throw new NotAuthorized('not_authorized', 'the request carries no valid key: Authorization: Bearer <key>')
    }
    const { name, roles } = caller
    this.#limits.called(name)
    // What is a connection of its own is counted as that.
    if (!request.ws) this.#underWay.begins(request, this.#limits.begins(name))
    request.calledBy = name
    // Where nothing is, nothing is asked for, and nothing is done.
    const { role = 'any' } = request.routeOptions.config
    if (role === 'any') return
    if (!roles.includes(role)) {
      challenge(reply, `error="insufficient_scope", scope="${role}"`)
      const has = roles.length === 0 ? 'no role here' : roles.join(', ')
      throw new RoleMissing('role_missing', `this takes the role ${role}, and the caller has ${has}`, { role, roles })
    }
    request.access = { caller, key, role, count: () => this.#limits.called(name) }
    if (isChange(request)) this.#ports.noteAsked(askedBy(name, request))
  }

  /** Who calls could not be found out. Throws `error`, ApiRateLimited. */
  refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): never {
    this.#stranger(request)
    if (error instanceof TokenInvalid)
      challenge(reply, `error="invalid_token", error_description="${error.evidence.reason}"`)
    throw error
  }

  /** The call has its answer. */
  leave(request: FastifyRequest, status: number): void {
    this.#underWay.ended(request)
    const { calledBy } = request
    const isRefused = status === 401 || status === 403
    if (calledBy !== undefined && (isRefused || isChange(request)))
      this.#ports.noteAnswered(askedBy(calledBy, request), status)
  }

  /** Whoever floods the node with bad keys floods neither its log nor its disk. Throws ApiRateLimited. */
  #stranger(request: FastifyRequest): void {
    this.#limits.failed(strangerAt(request.ip))
    request.calledBy = ''
  }
}

function askedBy(who: string, request: FastifyRequest): AskedCall {
  const path = (request.url === UNREADABLE_URL ? request.originalUrl : request.url).split('?', 1)[0] as string
  return { who, method: request.method, path, call: request.id }
}

/** RFC 6750 §3. */
function challenge(reply: FastifyReply, error: string): void {
  reply.header('www-authenticate', error === '' ? 'Bearer' : `Bearer ${error}`)
}

function isChange({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function keyIn(request: FastifyRequest): string {
  const { authorization = '' } = request.headers
  if (authorization.startsWith('Bearer ') && authorization.length > 'Bearer '.length)
    return authorization.slice('Bearer '.length)
  const header = /^Bearer (.+)$/i.exec(authorization)?.[1]
  const query = (request.query as { token?: unknown }).token
  return header ?? (isLive(request) && typeof query === 'string' ? query : '')
}

/** Neither WebSocket nor EventSource of browsers can set a header. */
function isLive({ headers, raw, url }: FastifyRequest): boolean {
  if (asksForWebSocket(raw)) return true
  return url.split('?', 1)[0] === LIVE_PATH && headers.accept === 'text/event-stream'
}

/**
 * Each call ends once: when it has its answer, or with its connection. A listener a connection, since one a call takes as long as all else here, and so does
 * a map of calls; a connection has one, or as many as its client sends without waiting (decision 0145).
 */
class CallsUnderWay {
  readonly #of = new WeakMap<Socket, FastifyRequest[]>()

  /** `ends` is called when it does: at once where the caller has gone while it was looked up who it is. */
  begins(request: FastifyRequest, ends: () => void): void {
    const { socket } = request.raw
    if (socket.destroyed) {
      ends()
      return
    }
    request.ends = ends
    this.#on(socket).push(request)
  }

  ended(request: FastifyRequest): void {
    const { ends } = request
    if (ends === null) return
    request.ends = null
    const calls = this.#of.get(request.raw.socket)
    calls?.splice(calls.indexOf(request), 1)
    ends()
  }

  #on(socket: Socket): FastifyRequest[] {
    const known = this.#of.get(socket)
    if (known !== undefined) return known
    const calls: FastifyRequest[] = []
    this.#of.set(socket, calls)
    socket.once('close', () => {
      for (const call of [...calls]) this.ended(call)
    })
    return calls
  }
}
