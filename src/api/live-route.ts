import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ContractState } from '../aggregates/contract/state.ts'
import type { Contracts } from '../contracts/contracts.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import { CountSchema, type ElementId, type LedgerIndex, type Uid } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import { AgreedView } from '../projections/agreed-view.ts'
import type { Store } from '../store/port.ts'
import { contractStream } from '../store/streams.ts'
import type { Access, AccessPorts } from './access.ts'
import { defaultInwardLimits } from './call-limits.ts'
import { BodyMalformed, parseExactly } from './exact-json.ts'
import { sendProblem } from './http-server.ts'
import { parsePath, subjectOf } from './path.ts'
import { describe, problemOf } from './problem.ts'
import { watchAccess } from './watch-access.ts'

const closed = { additionalProperties: false }
/** What a client sends: a subject, spelled as the REST path, and from which ledger index on it wants the changes. */
const askForm = Compile(
  Type.Union([
    Type.Object({ subscribe: Type.String({ maxLength: 8192 }), from: Type.Optional(CountSchema) }, closed),
    Type.Object({ unsubscribe: Type.String({ maxLength: 8192 }) }, closed),
  ]),
)

/** What a client gets for each change at or below a subject. `value`: the field's agreed value after it, if it has one. */
export interface LiveChange {
  readonly subject: string
  readonly index: LedgerIndex
  readonly change: ContractEvent['type']
  readonly by: string
  readonly value?: unknown
}

interface Subscription {
  readonly contract: Uid
  readonly subject: string
  readonly names: readonly string[]
  /** Entries below it have been told. */
  next: LedgerIndex
  /** Changes come in order, also while older ones are still being read. */
  telling: Promise<void>
}

const SUBSCRIPTIONS_MAX = 1000
/** A client that reads slower than this many bytes behind is cut off; it may resume from the last index it has. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024

/** Of how many connections each caller has. */
class Connections {
  readonly #max: number
  readonly #byCaller = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** Whether there is room for one more. */
  open(name: string): boolean {
    const count = this.#byCaller.get(name) ?? 0
    if (count >= this.#max) return false
    this.#byCaller.set(name, count + 1)
    return true
  }

  close(name: string): void {
    const left = (this.#byCaller.get(name) ?? 1) - 1
    if (left === 0) this.#byCaller.delete(name)
    else this.#byCaller.set(name, left)
  }
}

/** `/live`: changes as they settle, by subjects spelled exactly as the REST paths, resumable from an index (design §10). */
export function liveRoute(app: FastifyInstance, ports: AccessPorts & { contracts: Contracts; store: Store }): void {
  const { contracts, store, inwardLimits } = ports
  const connections = new Connections(inwardLimits?.callerConnectionsMax ?? defaultInwardLimits.callerConnectionsMax)
  const sockets = new Map<WebSocket, Map<string, Subscription>>()
  const stop = contracts.listen({
    settled(live) {
      for (const [socket, subscriptions] of sockets) {
        for (const subscription of subscriptions.values()) {
          if (subscription.contract === live.contract) tell(socket, subscription, contracts, store)
        }
      }
    },
  })
  app.addHook('onClose', async () => stop())

  const live = (socket: WebSocket, request: FastifyRequest) => {
    const access = request.access as Access
    const { name } = access.caller
    socket.on('error', () => socket.terminate())
    if (!connections.open(name)) return socket.close(1013, 'too many connections with this key')
    const subscriptions = new Map<string, Subscription>()
    sockets.set(socket, subscriptions)
    const unwatch = watchAccess(access, ports, (why) => socket.close(1008, why))
    socket.on('close', () => {
      sockets.delete(socket)
      connections.close(name)
      unwatch()
    })
    // One after another: a contract may have to be taken into memory first.
    let heard = Promise.resolve()
    const hearing = async (text: string | undefined) => {
      try {
        await hear(text, socket, subscriptions, contracts, store)
      } catch (error) {
        socket.send(JSON.stringify({ problem: problemOf(error) }))
      }
    }
    socket.on('message', (data, isBinary) => {
      try {
        access.count()
        // Only of a text frame it is certain that it was UTF-8 (RFC 6455 §8.1).
        const text = isBinary ? undefined : String(data)
        heard = heard.then(() => hearing(text))
      } catch (error) {
        socket.send(JSON.stringify({ problem: problemOf(error) }))
      }
    })
  }

  app.route({
    method: 'GET',
    url: '/live',
    exposeHeadRoute: false,
    wsHandler: live,
    handler: (_request, reply) => {
      const problem = describe('upgrade_required', 'connect to it as a WebSocket', 426, {})
      return sendProblem(reply.header('upgrade', 'websocket'), problem)
    },
  })
}

async function hear(
  text: string | undefined,
  socket: WebSocket,
  subscriptions: Map<string, Subscription>,
  contracts: Contracts,
  store: Store,
): Promise<void> {
  const ask = messageIn(text)
  if (!askForm.Check(ask)) {
    const detail = 'send {"subscribe": "/new-api/<uid>/…", "from": index} or {"unsubscribe": …}'
    socket.send(JSON.stringify({ problem: describe('live_message_malformed', detail, 400, {}) }))
    return
  }
  if ('unsubscribe' in ask) {
    subscriptions.delete(ask.unsubscribe)
    return
  }
  if (subscriptions.size >= SUBSCRIPTIONS_MAX) {
    socket.send(
      JSON.stringify({ problem: describe('too_many_subscriptions', `at most ${SUBSCRIPTIONS_MAX}`, 429, {}) }),
    )
    return
  }
  const [prefix, uid, ...names] = parsePath(ask.subscribe)
  const contract = (prefix === 'new-api' ? uid : '') as Uid
  await contracts.use(contract, ({ state }) => {
    const size = state.settling.settled
    const subscription = { contract, subject: ask.subscribe, names, next: ask.from ?? size, telling: Promise.resolve() }
    subscriptions.set(ask.subscribe, subscription)
    socket.send(JSON.stringify({ subscribed: ask.subscribe, index: size }))
    tell(socket, subscription, contracts, store)
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

/** Tells what has settled since the last time. All of it is in the store when this is called. */
function tell(socket: WebSocket, subscription: Subscription, contracts: Contracts, store: Store): void {
  subscription.telling = subscription.telling
    .then(async () => {
      const { contract } = subscription
      for await (const event of store.events.read(contractStream(contract), { from: subscription.next })) {
        if (socket.readyState !== socket.OPEN) return
        if (socket.bufferedAmount > BUFFERED_BYTES_MAX)
          return socket.close(1013, 'too slow: resume from the last index')
        const entry = JSON.parse(event.data) as LedgerEntry
        subscription.next = entry.index + 1
        const changes = await contracts.use(contract, ({ state }) =>
          changesIn(entry, subscription, state.settling.agreed, store),
        )
        for (const change of changes) socket.send(JSON.stringify(change))
      }
    })
    .catch(() => socket.close(1011, 'the store failed: resume from the last index'))
}

async function changesIn(
  entry: LedgerEntry,
  { contract, names }: Subscription,
  agreed: ContractState,
  store: Store,
): Promise<LiveChange[]> {
  const view = new AgreedView(agreed, contract, store.payloads)
  const changes: LiveChange[] = []
  for (const event of entry.events) {
    const path = pathOf(event, agreed)
    if (path === undefined || !names.every((name, depth) => path[depth] === name)) continue
    const element = view.find(path)
    const value = element?.kind === 'field' ? await view.valueOf(element) : null
    changes.push({
      subject: subjectOf(contract, path),
      index: entry.index,
      change: event.type,
      by: entry.author,
      ...(value === null ? {} : { value }),
    })
  }
  return changes
}

/** Where in the document a change is: of what was removed, the block it was in; of members, the record itself. */
function pathOf(event: ContractEvent, document: ContractState): string[] | undefined {
  const id =
    'field' in event && typeof event.field === 'string' ? event.field : 'element' in event ? event.element : undefined
  if (id === undefined) return []
  return AgreedView.namesOf(document, id) ?? AgreedView.namesOf(document, parentOf(id))
}

function parentOf(id: ElementId): ElementId {
  return id.slice(0, Math.max(1, id.lastIndexOf('.'))) as ElementId
}
