import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Subject } from '../../api/routes/live/subject.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { contractHeldIn, isTrue } from '../../contracts/registry/held-contracts.ts'
import { settledFrom } from '../../contracts/replica/find-settled.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { Documents } from '../../documents/documents.ts'
import { StatementTimes } from '../../documents/past/statement-times.ts'
import { changesIn, type FoundChanges, toldOf, toldRequests } from '../../documents/past/told-changes.ts'
import type { Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { EventStore, RecordedEvent, Store } from '../../store/port.ts'
import { CONTRACTS_STREAM, contractStream } from '../../store/streams.ts'

/** Something that is sent: by `id` its receiver knows it again. */
export interface Message {
  /** `stream@revision#n`; of a stream that is this node's own, with its epoch: `stream.epoch@revision#n`. */
  readonly id: string
  readonly revision: number
  readonly part: number
  readonly body: string
  /** What its event is known by, where the stream is this node's own. */
  readonly mark: string | null
}

/** What comes next in a stream. */
export interface Chunk {
  readonly messages: readonly Message[]
  /** All before this revision has been looked at. */
  readonly next: number
  /** What the event before it is known by, where the stream is this node's own. */
  readonly mark: string | null
  /** Whether there may be more. */
  readonly more: boolean
}

export interface MessagePorts {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Store
  readonly turns: Turns
}

export interface MessagesFrom {
  readonly next: number
  readonly part: number
  /** The first revision that is not wanted. */
  readonly end: number
}

/** What is held of a webhook at once, at most: messages, and characters of them, beyond what one entry has. */
const MESSAGES_MAX = 64
const CHARACTERS_MAX = 256 * 1024
/** How many entries are read from the store, and looked at, before others have their turn. */
const ENTRIES_MAX = MESSAGES_MAX
/** How many values of consecutive entries, or statements, are read from the store at once: of a party that makes requests, every second statement has one. */
const VALUES_AT_ONCE = 32
const STATEMENTS_AT_ONCE = 2 * VALUES_AT_ONCE

/** A contract's stream is the same at all its members, and after a restore: a revision of it has no other meaning. */
export function idOf(stream: string, epoch: string, revision: number, part: number): string {
  return stream === CONTRACTS_STREAM ? `${stream}.${epoch}@${revision}#${part}` : `${stream}@${revision}#${part}`
}

/**
 * What a webhook is to be told of a contract, as `/live` tells it. Of what has been erased since it says that, as every later look
 * at the past does. Throws NoSuchContract, ContractDamaged, and what the store throws.
 */
export function readLedger(
  subject: Extract<Subject, { readonly names: unknown }>,
  contract: Uid,
  { end, next: from, part }: MessagesFrom,
  ports: MessagePorts,
): Promise<Chunk> {
  const { contracts, documents, store, turns } = ports
  const stream = contractStream(contract)
  return contracts.use(contract, async (live) => {
    const size = Math.min(end, live.state.settling.settled)
    const messages: Message[] = []
    const telling = { ...ports, times: new StatementTimes(store.events, contract, STATEMENTS_AT_ONCE) }
    let [characters, next, pending, values] = [0, from, 0, 0]
    let before: ContractState | undefined
    let found: FoundChanges[] = []
    const add = ({ index }: LedgerEntry, place: number, data: object) => {
      if (index === from && place < part) return
      const body = bodyOf(subject.kind === 'changes' ? 'contract.change' : 'contract.request', timeIn(data), data)
      messages.push({ id: idOf(stream, '', index, place), revision: index, part: place, body, mark: null })
      characters += body.length
    }
    const addFound = async () => {
      for (const { change, entry, place } of await toldOf(found, contract, telling)) add(entry, place, change)
      found = []
      pending = 0
      values = 0
    }
    if (from < size) {
      for await (const entry of settledFrom(store.events, contract, from, ENTRIES_MAX)) {
        const isFull = messages.length >= MESSAGES_MAX || characters >= CHARACTERS_MAX
        if (next >= size || isFull) break
        if (subject.kind === 'changes') {
          before ??= await documents.past.ofSize(live, entry.index)
          const after = documents.past.next(live, entry, before)
          const changes = await changesIn(entry, { contract, names: subject.names }, { before, after }, ports)
          found.push(changes)
          pending += changes.events.length
          values += changes.fields.size
          before = after
          if (values >= VALUES_AT_ONCE || messages.length + pending >= MESSAGES_MAX) await addFound()
        } else {
          for (const [place, data] of (await toldRequests(entry, contract, telling)).entries()) add(entry, place, data)
        }
        next++
        if (turns.isOver) await turns.next()
      }
      await addFound()
    }
    if (before !== undefined) documents.past.remember(contract, { document: before, size: next })
    return { messages, next, mark: null, more: next < size }
  })
}

/** The contracts that this node has come to hold. Attacker-controlled: nothing but what `contractHeldIn` has checked. */
export async function readHeld(events: EventStore, epoch: string, { end, next: from }: MessagesFrom): Promise<Chunk> {
  const messages: Message[] = []
  let next = from
  let mark: string | null = null
  for await (const event of events.read(CONTRACTS_STREAM, { from, limit: Math.min(MESSAGES_MAX, end - from) })) {
    const { revision } = event
    mark = markOf(event)
    const held = contractHeldIn(event)
    next = revision + 1
    if (held === undefined || !isTrue(held)) continue
    const { contract, founder, from: by } = held
    const data = {
      subject: `/api/Contract/${contract}`,
      contract,
      founder: founder.handle,
      ...(by !== undefined && { from: by }),
    }
    const id = idOf(CONTRACTS_STREAM, epoch, revision, 0)
    messages.push({ id, revision, part: 0, body: bodyOf('contract.held', undefined, data), mark })
  }
  return { messages, next, mark, more: messages.length > 0 }
}

/** The same event again is the same; another at its place is not. */
export function markOf({ data, type }: Pick<RecordedEvent, 'data' | 'type'>): string {
  return sha256(`${type}\n${data}`)
}

function bodyOf(type: string, timestamp: string | undefined, data: object): string {
  return JSON.stringify({ type, ...(timestamp !== undefined && { timestamp }), data })
}

/** As its author claims it. */
function timeIn(data: object): string | undefined {
  return 'time' in data && typeof data.time === 'string' && data.time !== '' ? data.time : undefined
}
