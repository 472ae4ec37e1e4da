import type { Hash } from '../crypto/hash.ts'
import type { Uid } from '../events/ids.ts'
import type { PayloadEntry, PayloadGroup, PayloadRef } from './payload-group.ts'

/** The revision of a stream that has no events: one before the first. */
export const NO_EVENTS = -1

/** A fact to be stored. Two that are equal in both are one and the same fact. */
export interface NewEvent {
  /** One line, not empty, such as `StatementMade`. */
  readonly type: string
  /** JSON. Kept and given back to the character, so it must be well-formed Unicode: canonical JSON is. */
  readonly data: string
}

/** A fact that is durable. What other programs have put into a stream counts as well: its data may be no JSON. */
export interface RecordedEvent extends NewEvent {
  readonly stream: string
  /** Its place in the stream: 0, 1, 2 … without gaps. */
  readonly revision: number
  /**
   * Its place among all events of the store: greater than that of every event committed before it, in whatever stream.
   * Positions are for comparing and for going on from: they may have gaps, and the first may be any number.
   */
  readonly position: number
}

/** The revision that the last event of the stream must have, `NO_EVENTS` for a stream without any; or whatever it has. */
export type ExpectedRevision = number | 'any'

export interface Appended {
  /** Revision and position of the last event of the append. */
  readonly revision: number
  readonly position: number
}

export interface StreamRange {
  /** Revision of the first event wanted, itself included. Left out: 0. */
  readonly from?: number
  /** How many events at most. Left out: all. */
  readonly limit?: number
}

export interface AllRange {
  /** Position of the last event *not* wanted: a checkpoint. Left out: from the first event on. */
  readonly after?: number | undefined
  /** Only of streams whose names begin so. Left out: of all. */
  readonly streamPrefix?: string
}

/**
 * Events in streams, append-only. Every adapter passes `eventStoreConformance` (test/support/event-store-conformance.ts),
 * which is this contract as tests. Every call may throw StoreClosed, StoreUnavailable or StoreCorrupt.
 */
export interface EventStore {
  /**
   * Appends one event or more to one stream, all or nothing, durable on return; concurrent appends exclude each other.
   *
   * Safe to repeat: should the stream not be at `expectedRevision`, but these very events (type and data) stand right
   * behind it, that is success, and nothing is stored twice. If only some of them stand there, it is not. A repeat
   * with `any` may be stored again.
   *
   * Throws WrongExpectedRevision, and nothing is stored. After StoreUnavailable the outcome is unknown: repeat the
   * append, or read, before anything is reported.
   */
  append(stream: string, expectedRevision: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended>

  /**
   * The events of a stream that are durable when the reading begins, in order. Of a stream without events, and past
   * the last, there are none. Holds a bounded piece of the stream in memory, however long it is.
   */
  read(stream: string, range?: StreamRange): AsyncIterable<RecordedEvent>

  /** Revision of the last event of a stream, `NO_EVENTS` if it has none. */
  lastRevision(stream: string): Promise<number>

  /** A position that no event which is durable now is beyond: to subscribe after it, for what comes from here on. */
  lastPosition(): Promise<number | undefined>

  /** The events of all streams that are durable when the reading begins, by position. As frugal as `read`. */
  readAll(range?: AllRange): AsyncIterable<RecordedEvent>

  /**
   * Gives each event, those that stand and those to come from any process, to the handler: by position, once, one at
   * a time. The next waits until the handler's promise is done, so a slow handler costs time but no memory and no
   * event. For a restart without gap or double, go on `after` the position of the last event whose effects were kept.
   */
  subscribe(range: AllRange, handler: EventHandler): Subscription
}

export type EventHandler = (event: RecordedEvent) => Promise<void> | void

export interface Subscription {
  /** Of the last event that the handler is done with; at first what `after` was. */
  readonly position: number | undefined
  /**
   * Resolves when the subscription, or its store, was closed and the handler is done. Rejects with what the handler
   * threw, or with the store's failure: then no event is given any more. A rejection that nobody awaits ends the
   * process, since a projection that silently stands still is worse.
   */
  readonly closed: Promise<void>
  /** Ends it, as soon as the handler is done. A handler may call this but must not wait for `closed`. */
  close(): void
}

/** A group as it stands in the store, for who checks that: nothing is left out, and nothing mended. */
export interface StoredGroup {
  /** As the store names it, also if it is none that Concordata writes. Two rows of one group are two of these. */
  readonly group: string
  /** In the order in which they stand. A seal may stand there more than once. */
  readonly entries: readonly (readonly [seal: Hash, text: string])[]
  /** What of it cannot be read, and why. */
  readonly faults: readonly string[]
}

/**
 * What is sealed, kept apart from the events that name the seals, in groups, so that it can be erased (design §3). A seal is
 * a hash of its text: a second `put` of it changes nothing. Same conformance suite, same errors as EventStore.
 */
export interface PayloadStore {
  /**
   * Adds to the group. Durable on return; safe to repeat. All or nothing, also to whoever reads meanwhile. Throws
   * StoreWriteTooLarge, and nothing is added, if the group had more than GROUP_BYTES_MAX then.
   */
  put(contract: Uid, group: PayloadGroup, entries: readonly PayloadEntry[]): Promise<void>
  /** What is held of these, by seal; what is not held, or erased, has no entry. */
  get(contract: Uid, refs: readonly PayloadRef[]): Promise<Map<Hash, string>>
  /** All groups of a contract that stand there when the reading begins, whether anything names them or not. As frugal as `read`. */
  groups(contract: Uid): AsyncIterable<StoredGroup>
  /**
   * On return no file of the store holds the texts any more (of EventStoreDB none once it has been scavenged), nor does any
   * `get` show them. The rest of a group stays. What is not held is passed over. Safe to repeat, and to be repeated after a
   * failure or a crash.
   */
  erase(contract: Uid, refs: readonly PayloadRef[]): Promise<void>
}

export type Write =
  | {
      readonly kind: 'payloads'
      readonly contract: Uid
      readonly group: PayloadGroup
      readonly entries: readonly PayloadEntry[]
    }
  | {
      readonly kind: 'append'
      readonly stream: string
      readonly expectedRevision: ExpectedRevision
      readonly events: readonly NewEvent[]
      /**
       * It depends on nothing in the payloads, or the append, right before it, nor in what these go with: whichever of them a crash leaves
       * undone, the others may stand.
       */
      readonly withPrevious?: true
    }

/** A party's database: its events and its payloads. */
export interface Store {
  readonly events: EventStore
  readonly payloads: PayloadStore
  /** Whether `write` is all or nothing. */
  readonly isAtomic: boolean
  /**
   * Several writes at once, durable on return, taking effect in the order given. Where the store can (SQLite, memory)
   * they are one transaction: all or nothing. Where it cannot (EventStoreDB appends to one stream at a time) a failure
   * or a crash may leave the first few done and the others not: so put first what others depend on, and repeat the
   * whole batch after a failure; what is done already is passed over. There, more events than one append takes are appended
   * in several; payloads that follow each other in the batch are put at once, and so are appends to different streams that go
   * `withPrevious`, with them or with each other. Errors as for `append`.
   */
  write(batch: readonly Write[]): Promise<void>
  /**
   * Ends all subscriptions, makes durable what was accepted before, closes the files. Every later call, and every
   * reading under way, throws StoreClosed. Not to be awaited in a subscription's handler. May be called twice.
   */
  close(): Promise<void>
}
