import type { WebSocket } from '@fastify/websocket'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { AgreedView } from '../../documents/agreed-view.ts'
import { subjectOf } from '../../documents/path.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { ElementId, LedgerIndex, Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import { contractStream } from '../../store/streams.ts'

/** What a client gets for each change at or below a subject. `value`: the field's agreed value after it, if it has one. */
export interface LiveChange {
  readonly subject: string
  readonly index: LedgerIndex
  readonly change: ContractEvent['type']
  readonly by: string
  readonly value?: unknown
}

export interface Subscription {
  readonly socket: WebSocket
  readonly contract: Uid
  readonly names: readonly string[]
  /** Entries below it have been told. */
  next: LedgerIndex
}

export interface TellingPorts {
  readonly contracts: Contracts
  readonly store: Store
  readonly turns: Turns
}

/** A client that reads slower than this many bytes behind is cut off; it may resume from the last index it has. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024
/** How many entries one subscription is sent before another has its turn. */
const ENTRIES_IN_A_ROW = 64

/**
 * Tells the subscriptions of one caller what has settled. However many they are, and however far back they begin, it does one
 * thing at a time, and lets others have their turn.
 */
export class Telling {
  readonly #ports: TellingPorts
  /** Those that may have something to be told. */
  readonly #due = new Set<Subscription>()
  #isTelling = false

  constructor(ports: TellingPorts) {
    this.#ports = ports
  }

  /** Tells it what has settled since the last time. All of it is in the store when this is called. */
  tell(subscription: Subscription): void {
    this.#due.add(subscription)
    if (!this.#isTelling) void this.#tellAll()
  }

  /** Nothing more is sent to it. */
  drop(subscription: Subscription): void {
    this.#due.delete(subscription)
    // Should it be told at the moment.
    subscription.next = Number.POSITIVE_INFINITY
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true
    // What is asked for and taken back in one breath costs nothing.
    await this.#ports.turns.next()
    for (const subscription of this.#due) {
      this.#due.delete(subscription)
      try {
        if (await this.#tellSome(subscription)) this.#due.add(subscription)
      } catch {
        subscription.socket.close(1011, 'the store failed: resume from the last index')
      }
    }
    this.#isTelling = false
  }

  /** Whether there may be more. */
  async #tellSome(subscription: Subscription): Promise<boolean> {
    const { contracts, store } = this.#ports
    const { socket, contract, next } = subscription
    let told = 0
    if (!Number.isFinite(next)) return false
    for await (const { data } of store.events.read(contractStream(contract), { from: next, limit: ENTRIES_IN_A_ROW })) {
      const entry = JSON.parse(data) as LedgerEntry
      const changes = await contracts.use(contract, ({ state }) =>
        changesIn(entry, subscription, state.settling.agreed, this.#ports),
      )
      if (subscription.next !== entry.index || socket.readyState !== socket.OPEN) return false
      subscription.next = entry.index + 1
      for (const change of changes) send(socket, change)
      told++
    }
    return told === ENTRIES_IN_A_ROW
  }
}

/** Sends it, unless the client has too much to read already. */
export function send(socket: WebSocket, message: object): void {
  if (!isKeepingUp(socket)) return
  socket.send(JSON.stringify(message))
}

/** Cuts off a client that is not. */
export function isKeepingUp(socket: WebSocket): boolean {
  if (socket.bufferedAmount <= BUFFERED_BYTES_MAX) return socket.readyState === socket.OPEN
  socket.close(1013, 'too slow: resume from the last index')
  return false
}

async function changesIn(
  entry: LedgerEntry,
  { contract, names }: Subscription,
  agreed: ContractState,
  { store, turns }: TellingPorts,
): Promise<LiveChange[]> {
  const view = new AgreedView(agreed, contract, store.payloads)
  const changes: LiveChange[] = []
  for (const event of entry.events) {
    if (turns.isOver) await turns.next()
    const path = pathOf(event, agreed)
    if (path === undefined || !names.every((name, depth) => path[depth] === name)) continue
    // What is agreed at once is told once.
    if (event.type === 'ValueProposed' && event.candidate === undefined) continue
    const element = event.type === 'ProposalAgreed' ? view.find(path) : undefined
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
  const id = placeOf(event)
  if (id === undefined) return []
  return AgreedView.namesOf(document, id) ?? AgreedView.namesOf(document, parentOf(id))
}

function placeOf(event: ContractEvent): ElementId | undefined {
  if ('field' in event && typeof event.field === 'string') return event.field
  if ('block' in event) return event.block
  return 'element' in event ? event.element : undefined
}

function parentOf(id: ElementId): ElementId {
  return id.slice(0, Math.max(1, id.lastIndexOf('.'))) as ElementId
}
