import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { parsePath } from '../../documents/path.ts'
import { CountSchema, type Uid } from '../../events/ids.ts'
import type { Access, AccessPorts } from '../http/authenticate.ts'
import { defaultInwardLimits } from '../http/call-limits.ts'
import { BodyMalformed, parseExactly } from '../http/exact-json.ts'
import { sendProblem } from '../http/http-server.ts'
import { describe, problemOf } from '../http/problem.ts'
import { LIVE_PATH } from '../http/upgrades.ts'
import { watchAccess } from '../http/watch-access.ts'
import { type Batch, isKeepingUp, type Subscription, send, Telling, type TellingPorts } from './live-telling.ts'

const closed = { additionalProperties: false }
/** What a client sends: a subject, spelled as the REST path, and from which ledger index on it wants the changes. */
export const LiveMessageSchema = Type.Union([
  Type.Object({ subscribe: Type.String({ maxLength: 8192 }), from: Type.Optional(CountSchema) }, closed),
  Type.Object({ unsubscribe: Type.String({ maxLength: 8192 }) }, closed),
])
const askForm = Compile(LiveMessageSchema)

const SUBSCRIPTIONS_MAX = 1000
/** While this many messages of a client wait, nothing more is read from it. */
const UNHEARD_MAX = 16

/** What each caller has open, and what tells it. */
class Callers {
  readonly #max: number
  readonly #ports: TellingPorts
  readonly #byName = new Map<string, { connections: number; readonly telling: Telling }>()

  constructor(max: number, ports: TellingPorts) {
    this.#max = max
    this.#ports = ports
  }

  /** Undefined: there is no room for one more connection. */
  open(name: string): Telling | undefined {
    const caller = this.#byName.get(name) ?? { connections: 0, telling: new Telling(this.#ports) }
    if (caller.connections >= this.#max) return undefined
    caller.connections++
    this.#byName.set(name, caller)
    return caller.telling
  }

  close(name: string): void {
    const caller = this.#byName.get(name)
    if (caller !== undefined && --caller.connections === 0) this.#byName.delete(name)
  }
}

/** What one connection has asked for. */
class Connection {
  readonly #socket: WebSocket
  readonly #telling: Telling
  readonly #ports: TellingPorts
  readonly #subscriptions = new Map<string, Subscription>()

  constructor(socket: WebSocket, telling: Telling, ports: TellingPorts) {
    this.#socket = socket
    this.#telling = telling
    this.#ports = ports
  }

  settled(contract: Uid, batch: Batch | undefined): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.contract === contract) this.#telling.tell(subscription, batch)
    }
  }

  close(): void {
    for (const subject of this.#subscriptions.keys()) this.#end(subject)
  }

  /** Undefined: a frame that was no text. */
  async hear(text: string | undefined): Promise<void> {
    const ask = messageIn(text)
    if (!askForm.Check(ask)) {
      const detail = 'send {"subscribe": "/new-api/<uid>/…", "from": index} or {"unsubscribe": …}'
      send(this.#socket, { problem: describe('live_message_malformed', detail, 400, {}) })
      return
    }
    if ('unsubscribe' in ask) this.#end(ask.unsubscribe)
    else await this.#begin(ask.subscribe, ask.from)
  }

  async #begin(subject: string, from: number | undefined): Promise<void> {
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX && !this.#subscriptions.has(subject)) {
      const detail = `at most ${SUBSCRIPTIONS_MAX}`
      send(this.#socket, { problem: describe('too_many_subscriptions', detail, 429, {}) })
      return
    }
    const [prefix, uid, ...names] = parsePath(subject)
    const contract = (prefix === 'new-api' ? uid : '') as Uid
    await this.#ports.contracts.use(contract, ({ state }) => {
      if (this.#socket.readyState !== this.#socket.OPEN) return
      const size = state.settling.settled
      const subscription: Subscription = { socket: this.#socket, contract, names, next: from ?? size, batches: [] }
      this.#end(subject)
      this.#subscriptions.set(subject, subscription)
      if (subscription.next === size) {
        this.#ports.documents.past.remember(contract, { document: state.settling.agreed, size })
      }
      send(this.#socket, { subscribed: subject, index: size })
      if (subscription.next < size) this.#telling.tell(subscription)
    })
  }

  #end(subject: string): void {
    const subscription = this.#subscriptions.get(subject)
    if (subscription === undefined) return
    this.#subscriptions.delete(subject)
    this.#telling.drop(subscription)
  }
}

/** `/live`: changes as they settle, by subjects spelled exactly as the REST paths, resumable from an index (design §10). */
export function liveRoute(app: FastifyInstance, ports: AccessPorts & TellingPorts): void {
  const { contracts, inwardLimits } = ports
  const callers = new Callers(inwardLimits?.callerConnectionsMax ?? defaultInwardLimits.callerConnectionsMax, ports)
  const connections = new Set<Connection>()
  /** Of contracts in memory, as they have it themselves. */
  const newest = new Map<Uid, { readonly size: number; readonly document: ContractState }>()
  const isNow = ({ contract, state: { settling } }: LiveContract) =>
    newest.set(contract, { size: settling.settled, document: settling.agreed })
  const stop = contracts.listen({
    activated: isNow,
    passivated: (contract) => newest.delete(contract),
    settled(live, acknowledged) {
      const { contract } = live
      const before = newest.get(contract)
      isNow(live)
      const [first] = acknowledged
      if (first === undefined || connections.size === 0) return
      const entries = acknowledged.map(({ entry }) => entry)
      const from = first.entry.index
      const documents = before && [before.document, ...acknowledged.map(({ document }) => document)]
      const batch = documents && before.size === from ? { documents, entries, from } : undefined
      for (const connection of connections) connection.settled(contract, batch)
    },
  })
  app.addHook('onClose', async () => stop())

  const live = (socket: WebSocket, request: FastifyRequest) => {
    const access = request.access as Access
    const { name } = access.caller
    socket.on('error', () => socket.terminate())
    const telling = callers.open(name)
    if (telling === undefined) return socket.close(1013, 'too many connections with this key')
    const connection = new Connection(socket, telling, ports)
    connections.add(connection)
    const unwatch = watchAccess(access, ports, (why) => socket.close(1008, why))
    socket.on('close', () => {
      connections.delete(connection)
      connection.close()
      callers.close(name)
      unwatch()
    })
    // One after another: a contract may have to be taken into memory first.
    let heard = Promise.resolve()
    let awaited = 0
    const hearing = async (text: string | undefined) => {
      try {
        if (ports.turns.isOver) await ports.turns.next()
        await connection.hear(text)
      } catch (error) {
        send(socket, { problem: problemOf(error) })
      }
      if (--awaited === 0) socket.resume()
    }
    socket.on('message', (data, isBinary) => {
      try {
        access.count()
        // Only of a text frame it is certain that it was UTF-8 (RFC 6455 §8.1).
        const text = isBinary ? undefined : String(data)
        if (++awaited >= UNHEARD_MAX) socket.pause()
        heard = heard.then(() => hearing(text))
      } catch (error) {
        send(socket, { problem: problemOf(error) })
      }
    })
    // Each is answered, whether the answers are read or not.
    socket.on('ping', () => isKeepingUp(socket))
  }

  app.route({
    method: 'GET',
    url: LIVE_PATH,
    exposeHeadRoute: false,
    config: { role: 'reader', problems: ['upgrade_required'] },
    schema: { operationId: 'openLive', summary: 'Changes as they settle, on a WebSocket' },
    wsHandler: live,
    handler: (_request, reply) => {
      const problem = describe('upgrade_required', 'connect to it as a WebSocket', 426, {})
      return sendProblem(reply.header('upgrade', 'websocket'), problem)
    },
  })
}

/** Undefined: none that is read here. */
function messageIn(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseExactly(text)
  } catch (error) {
    if (error instanceof BodyMalformed) return undefined
    throw error
  }
}
