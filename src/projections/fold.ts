import Database from 'better-sqlite3'
import { contractHeldIn, isTrue } from '../contracts/registry/held-contracts.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import type { Statement } from '../events/statement.ts'
import { groupOf } from '../store/payload-group.ts'
import type { RecordedEvent } from '../store/port.ts'
import { parseStream, type StreamKind } from '../store/streams.ts'
import { type Checkpoint, Checkpoints, type Failure } from './checkpoint.ts'
import type { ContractRows } from './contract-rows.ts'
import { dataOf, FoldFailed } from './fold-failed.ts'
import { foldingEvents } from './folding-events.ts'
import { StepwiseTransaction } from './stepwise-transaction.ts'
import { prepareTables, type Tables } from './tables.ts'

/** The entry that is not folded in any more, nor anything after it. The statement that carries it claims `time`. */
export type Cut = (entry: { readonly index: number; readonly time: string }) => boolean

/** Contracts whose page is kept between batches. */
const PAGES_MAX = 256
/** Names of streams that are remembered. */
const STREAMS_MAX = 10_000

/** That SQLite, its disk or its file fails, and not what is being written. */
const ofTheDatabase = /^SQLITE_(?!CONSTRAINT|MISMATCH|RANGE|TOOBIG|ERROR)/

/**
 * Folds stored events into the tables of a read model. The outcome is a function of the events and their order alone,
 * however they are cut into batches. A contract whose event cannot be folded is set aside from there on, noted in
 * Failure, and the others go on (decision 0095).
 */
export class Fold {
  readonly #transaction: StepwiseTransaction
  readonly #tables: Tables
  readonly #checkpoints: Checkpoints
  readonly #cut: Cut | undefined
  readonly #streams = new Map<string, StreamKind | undefined>()
  readonly #pages = new Map<Uid, ContractRows>()
  readonly #changed = new Set<ContractRows>()
  /** Contracts whose events are skipped from a position on: they have reached the point in time that is asked for. */
  readonly #cutAt = new Map<string, number>()
  /** Whose events are passed over. */
  #failed: Set<string>

  constructor(database: Database.Database, cut?: Cut) {
    this.#transaction = new StepwiseTransaction(database)
    this.#tables = prepareTables(database)
    this.#checkpoints = new Checkpoints(database)
    this.#cut = cut
    this.#failed = this.#checkpoints.failedSubjects()
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoints.last()
  }

  /**
   * Folds the events in, and moves the checkpoint to the last of them, in steps and in one transaction: one after another. The result:
   * what has failed by it. Throws SQLite's error when the database fails: then nothing has happened, and it may be tried again.
   */
  *folding(events: readonly RecordedEvent[], movesCheckpoint = true): Generator<void, readonly Failure[]> {
    const failures: Failure[] = []
    for (let isStepwise = false; ; ) {
      try {
        yield* this.#transaction.run(this.#foldingAll(events, movesCheckpoint, isStepwise, failures))
        this.#forgetSome()
        return failures
      } catch (error) {
        this.#forgetAll()
        if (error instanceof Database.SqliteError && ofTheDatabase.test(error.code)) throw error
        if (error instanceof StepFailed) failures.push(error.failure)
        // Whose fault it is shows when each event is written by itself.
        else if (!isStepwise) isStepwise = true
        else throw error
      }
    }
  }

  *#foldingAll(
    events: readonly RecordedEvent[],
    movesCheckpoint: boolean,
    isStepwise: boolean,
    failures: readonly Failure[],
  ): Generator<void, void> {
    for (const failure of failures) this.#checkpoints.fail(failure)
    for (const event of events) {
      const stream = this.#streamOf(event.stream)
      const subject = stream && subjectOf(stream, event)
      if (stream === undefined || subject === undefined || this.#failed.has(subject)) continue
      if (failures.some((failure) => failure.subject === subject && failure.position <= event.position)) continue
      if ((this.#cutAt.get(subject) ?? Number.POSITIVE_INFINITY) <= event.position) continue
      if (!isStepwise) yield* this.#foldingOne(event, stream)
      else yield* this.#foldingAlone(event, stream, subject)
      yield
    }
    yield* this.#writing()
    for (const { subject } of failures) this.#failed.add(subject)
    const last = events.at(-1)
    if (movesCheckpoint && last !== undefined) this.#checkpoints.move(last)
  }

  *#foldingAlone(event: RecordedEvent, stream: StreamKind, subject: string): Generator<void, void> {
    try {
      yield* this.#foldingOne(event, stream)
      yield* this.#writing()
    } catch (error) {
      if (error instanceof Database.SqliteError && ofTheDatabase.test(error.code)) throw error
      throw new StepFailed({ subject, ...placeOf(event), reason: reasonOf(error) })
    }
  }

  *#foldingOne(event: RecordedEvent, stream: StreamKind): Generator<void, void> {
    switch (stream.kind) {
      case 'contracts': {
        const held = contractHeldIn(event)
        if (held !== undefined && isTrue(held)) this.#tables.contracts.held(event.revision, held)
        break
      }
      case 'contract': {
        yield* this.#settling(this.#page(stream.contract), dataOf<LedgerEntry>(event), event)
        break
      }
      case 'feed': {
        const { statement } = dataOf<{ statement: Statement }>(event)
        this.#state(this.#page(stream.contract), statement, stream.handle, event.revision)
        break
      }
      case 'evidence': {
        this.#tables.evidence.found(this.#page(stream.contract), event.type, event.revision, dataOf(event))
        break
      }
      default:
    }
  }

  #state(page: ContractRows, statement: Statement, handle: Handle, revision: number): void {
    if (statement.party !== handle) throw new FoldFailed(`the feed of ${handle} has a statement of ${statement.party}`)
    this.#tables.feeds.stated(page, statement, revision)
    this.#tables.requests.stated(page, statement)
  }

  *#settling(page: ContractRows, entry: LedgerEntry, { revision, position }: RecordedEvent): Generator<void, void> {
    if (entry.index !== revision || revision !== page.size) {
      throw new FoldFailed(`the ledger goes on with entry ${entry.index} after ${page.size}`, { revision })
    }
    const carried = this.#tables.requests.find(page, entry.request)
    if (this.#cut?.({ index: entry.index, time: carried.time })) {
      this.#cutAt.set(page.uid, position)
      return
    }
    page.carrier = groupOf(entry.request)
    // The founder has no card before the first event.
    const [first] = entry.events
    if (first?.type === 'ContractOpened') this.#tables.parties.founded(page, first.founder)
    this.#tables.requests.settled(page, entry, carried)
    yield* foldingEvents(this.#tables, page, entry.events)
    page.size++
    page.clock = carried.clock
    page.record = entry.record ?? null
    page.isChanged = true
  }

  /** Throws FoldFailed for a contract that the node does not hold. */
  #page(uid: Uid): ContractRows {
    const known = this.#pages.get(uid)
    if (known !== undefined) {
      this.#changed.add(known)
      return known
    }
    const { contracts, parties, elements, proposals, feeds } = this.#tables
    const row = contracts.find(uid)
    if (row === undefined) throw new FoldFailed(`the node does not hold ${uid}`, { contract: uid })
    const { id: number, base, size, record, clock } = row
    const page: ContractRows = {
      uid,
      number,
      base,
      size,
      record,
      clock,
      isChanged: false,
      carrier: null,
      parties: parties.load(base),
      elements: elements.count(number),
      ...proposals.counts(base),
      elementIds: new Map(),
      fields: new Map(),
      carriers: new Map(),
      feeds: feeds.load(number),
      changedFeeds: new Set(),
      statements: [],
      prunedTo: clock,
    }
    this.#pages.set(uid, page)
    this.#changed.add(page)
    return page
  }

  /** What the batch has come to so far. */
  *#writing(): Generator<void, void> {
    const { contracts, proposals, requests, feeds } = this.#tables
    for (const page of this.#changed) {
      contracts.flush(page)
      yield* requests.saving(page)
      feeds.save(page)
    }
    this.#changed.clear()
    yield* proposals.flushing()
    yield* requests.flushing()
    yield* feeds.flushing()
  }

  /** The oldest first. */
  #forgetSome(): void {
    for (const uid of this.#pages.keys()) {
      if (this.#pages.size <= PAGES_MAX) return
      this.#pages.delete(uid)
    }
  }

  #forgetAll(): void {
    const { proposals, requests, feeds } = this.#tables
    proposals.drop()
    requests.drop()
    feeds.drop()
    this.#changed.clear()
    this.#pages.clear()
    this.#failed = this.#checkpoints.failedSubjects()
  }

  #streamOf(name: string): StreamKind | undefined {
    const known = this.#streams.get(name)
    if (known !== undefined || this.#streams.has(name)) return known
    if (this.#streams.size >= STREAMS_MAX) this.#streams.clear()
    const stream = parseStream(name)
    this.#streams.set(name, stream)
    return stream
  }
}

/** What is set aside if the event fails: a contract, or that event alone. Undefined if it is not folded. */
function subjectOf(stream: StreamKind, { revision }: RecordedEvent): string | undefined {
  switch (stream.kind) {
    case 'contract':
    case 'feed':
    case 'evidence':
      return stream.contract
    case 'contracts':
      return `contracts ${revision}`
    default:
      return undefined
  }
}

function placeOf({ position, stream, revision }: RecordedEvent): Omit<Failure, 'subject' | 'reason'> {
  return { position, stream, revision }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

class StepFailed extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}
