import { createHmac } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { keyedId } from '../../contracts/requests/keyed-id.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Documents } from '../../documents/documents.ts'
import type { RequestResult } from '../../documents/request-result.ts'
import type { AskedBefore } from '../../documents/requests/asked-before.ts'
import { requestKey, type Uid } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { waitOf } from './prefer-header.ts'
import { send } from './request-response.ts'
import { RequestMalformed } from './validation.ts'

/** How soon the first call may have been answered. */
const COME_AGAIN_AFTER_SECONDS = 1

/** A request that was asked for under the same key has not been answered yet. Evidence: `retryAfterSeconds`. */
export class KeyInUse extends ConcordataError {}
/** The key was used for something else before. Evidence: `request`, which that was, if it was one. */
export class KeyReused extends ConcordataError {}

export interface IdempotencyPorts {
  /** Of this node alone, and in its backups: by it keys become names of requests. */
  readonly requestSecret: Uint8Array
  readonly defaultWaitMs: number
  readonly documents: Documents
}

/** What a request is called that comes with a key. */
export interface Keyed {
  /** The first part of `id`: the same for whatever the caller asks for under the key. */
  readonly key: string
  readonly id: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route does with `Idempotency-Key`; `founds`: what it makes is found again by it; left out: a write of a contract is found again in the feed, and no other takes one. */
    idempotency?: 'founds'
  }
  interface FastifyRequest {
    keyed: Keyed | undefined
    /** Of a file that is uploaded, which is read by its route: what its request is called when its hash is known. */
    keyedFile: ((hash: Hash) => Keyed) | undefined
    /** As they came; only with a key. */
    bodyBytes: Buffer | undefined
  }
}

/** A structured string (RFC 8941), as the draft asks for, or plain text, as clients write it. */
const KEY = /^(?:"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([!#-~]{1,255}))$/

/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): what is asked for again under a key is answered as it was before,
 * and done once. Nothing is kept for that but the request itself, which carries a MAC of the key as its id (design §10).
 */
export function findAgain(app: FastifyInstance, ports: IdempotencyPorts): void {
  app.decorateRequest('keyed', undefined)
  app.decorateRequest('keyedFile', undefined)
  app.decorateRequest('bodyBytes', undefined)
  const underWay = new Set<string>()
  // Whether or not somebody still listens: as long as it is carried out, it is not carried out once more.
  app.addHook('onSend', ({ keyed, params }, _reply, payload, done) => {
    if (keyed !== undefined) underWay.delete(placeOf(params, keyed))
    done(null, payload)
  })
  const look = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const key = keyOf(request)
    const { body, idempotency } = request.routeOptions.config
    if (key === undefined) return
    const { uid } = request.params as { uid?: Uid }
    if (uid === undefined && idempotency !== 'founds')
      throw new RequestMalformed(
        'request_malformed',
        'nothing is remembered here under an Idempotency-Key: leave it out',
      )
    const wait = waitOf(request, ports.defaultWaitMs)
    if (wait.isDryRun) return
    const keyed = named(request, key, ports.requestSecret, request.bodyBytes ?? '')
    const place = placeOf(request.params, keyed)
    if (underWay.has(place))
      throw new KeyInUse('idempotency_key_in_use', 'what was asked for under this key has not been answered yet', {
        retryAfterSeconds: COME_AGAIN_AFTER_SECONDS,
      })
    underWay.add(place)
    request.keyed = keyed
    if (body === 'bytes') {
      const type = request.headers['content-type'] ?? ''
      request.keyedFile = (hash) => named(request, key, ports.requestSecret, `${type} ${hash}`)
      return
    }
    const before = uid === undefined ? undefined : await ports.documents.askedBefore(uid, keyed.key)
    if (before === undefined || uid === undefined) return
    requireSame(before, keyed)
    const isByPath = request.url.startsWith('/new-api/')
    return sendAgain(reply, await ports.documents.again(uid, before, wait, isByPath))
  }
  app.addHook('preHandler', (request, reply, done) => {
    if (request.headers['idempotency-key'] !== undefined) return look(request, reply)
    done()
  })
}

function placeOf(params: unknown, { key }: Keyed): string {
  return `${(params as { uid?: Uid }).uid ?? ''} ${key}`
}

/** What was asked for under a key before. */
export function sendAgain(reply: FastifyReply, result: RequestResult): FastifyReply {
  return send(reply.header('idempotent-replayed', 'true'), result)
}

/** Throws KeyReused. */
export function requireSame({ at, request }: Omit<AskedBefore, 'key'>, { id }: Keyed): void {
  if (request.id !== id) throw keyReused({ request: requestKey(at) })
}

export function keyReused(evidence: { readonly request?: string } = {}): KeyReused {
  const message = 'something else was asked for under this key: another method, path or body'
  return new KeyReused('idempotency_key_reused', message, evidence)
}

/** Undefined: the call has none, or changes nothing. */
function keyOf({ headers, method }: FastifyRequest): string | undefined {
  const header = headers['idempotency-key']
  if (header === undefined || method === 'GET' || method === 'HEAD') return undefined
  const [, quoted, plain] = KEY.exec([header].flat().join(', ').trim()) ?? []
  const key = quoted ?? plain
  if (key !== undefined) return key
  const expected = 'one to 255 visible ASCII characters, in quotes or not'
  throw new RequestMalformed('request_malformed', `Idempotency-Key is ${expected}`, { expected })
}

function named(
  { access, method, url }: FastifyRequest,
  key: string,
  secret: Uint8Array,
  content: string | Uint8Array,
): Keyed {
  const mac = (...parts: readonly (string | Uint8Array)[]) => {
    const hmac = createHmac('sha256', secret)
    for (const part of parts) hmac.update(`${part.length}\n`).update(part)
    return hmac.digest('base64url').slice(0, 22)
  }
  const caller = mac('concordata/v1/idempotency-key', access?.caller.name ?? '', key)
  const id = keyedId(caller, mac('concordata/v1/idempotency-content', method, url, content))
  return { id, key: `k.${caller}` }
}
