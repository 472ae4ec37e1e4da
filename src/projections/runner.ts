import Database from 'better-sqlite3'
import type { Clock } from '../runtime/clock.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import type { EventStore, RecordedEvent, Subscription } from '../store/port.ts'
import { type Checkpoint, Checkpoints, type Failure, isOf } from './checkpoint.ts'
import { Fold } from './fold.ts'
import { openReadModel, openReadModelToRead, removeReadModel } from './read-model.ts'

/** A batch ends with that many events or characters: the process has other things to do, and its memory is bounded. */
const BATCH_EVENTS = 1024
const BATCH_CHARACTERS = 2 * 1024 * 1024
/**
 * Or so long after its first event; under load, when there are many events in each, up to `BATCH_MS_MAX`: what settles in the batch in
 * which it was asked for is written once. Milliseconds.
 */
const BATCH_MS = 20
const BATCH_MS_MAX = 80
const MANY_EVENTS = 128
/** When the file of the read model fails, the batch is tried again: at first, and at last, after so long. Milliseconds. */
const RETRY_MS = 50
const RETRY_MAX_MS = 1_000
/** After how many failures in a row, a second and a half, somebody is told: another program may have had the file for a moment. */
const FAILURES_TOLD = 5
/** Nothing else has its turn while SQLite waits for a lock: so it does not, and the batch is tried again. */
const NO_WAITING = 0

export interface ProjectionPorts {
  /** Of the read model. */
  readonly path: string
  readonly events: EventStore
  readonly clock: Clock
  readonly report: ProjectionReport
  /** Left out: a batch is folded in at once. */
  readonly turns?: Turns
}

export interface ProjectionReport {
  /** The contract stands still in the read model from that event on. */
  failed(failure: Failure): void
  /** The read model cannot be written to, and is tried again. Told once. */
  stuck(error: unknown): void
  /** It can be written to again. */
  goesOn(): void
  /** The read model is of another store, or of an earlier life of this one: it is made anew. */
  startedAnew(checkpoint: Checkpoint): void
}

/**
 * Keeps a read model up with a store, by a subscription: what has been stored is folded in, in batches, each in steps and in one
 * transaction with its checkpoint. So a crash at any moment costs nothing but the time to fold the last batch again.
 */
export class ProjectionRunner {
  readonly #ports: ProjectionPorts
  readonly #database: Database.Database
  readonly #reader: Database.Database
  readonly #fold: Fold
  readonly #checkpoints: Checkpoints
  readonly #subscription: Subscription
  #batch: RecordedEvent[] = []
  #characters = 0
  #batchMs = BATCH_MS
  #cancel: (() => void) | undefined
  #writing: Promise<void> | undefined
  #isClosing = false
  #wake: (() => void) | undefined
  /** All that was stored at this time is folded in. */
  #upToDateAt: number
  /** What was stored at a later time: it goes up to this position. */
  #mark: { readonly position: number; readonly at: number }
  #position: number | undefined

  private constructor(ports: ProjectionPorts, database: Database.Database, reader: Database.Database) {
    this.#ports = ports
    this.#database = database
    this.#reader = reader
    this.#fold = new Fold(database)
    this.#checkpoints = new Checkpoints(reader)
    this.#position = this.#fold.checkpoint?.position
    this.#upToDateAt = ports.clock.now()
    this.#mark = { position: Number.NEGATIVE_INFINITY, at: this.#upToDateAt }
    this.#subscription = ports.events.subscribe({ after: this.#position }, (event) => this.#take(event))
  }

  /** Requires that no other process writes to the read model. */
  static async open(ports: ProjectionPorts): Promise<ProjectionRunner> {
    const { path, events, report } = ports
    let database = openReadModel(path, NO_WAITING)
    const checkpoint = new Fold(database).checkpoint
    if (checkpoint !== undefined && !(await isOf(events, checkpoint))) {
      report.startedAnew(checkpoint)
      database.close()
      removeReadModel(path)
      database = openReadModel(path, NO_WAITING)
    }
    return new ProjectionRunner(ports, database, openReadModelToRead(path, NO_WAITING) as Database.Database)
  }

  /** For reading beside it: what has been committed. */
  get reader(): Database.Database {
    return this.#reader
  }

  /** Rejects when nothing is heard of the store any more. */
  get closed(): Promise<void> {
    return this.#subscription.closed
  }

  failures(): Failure[] {
    return this.#checkpoints.failures()
  }

  /**
   * For how long the read model has not had all that is stored: seconds. Under a steady load that shows with the next
   * call, so it is exact to the time between two calls.
   */
  async lagSeconds(): Promise<number> {
    const now = this.#ports.clock.now()
    const position = this.#position ?? Number.NEGATIVE_INFINITY
    if (!(await this.#isBehind())) this.#upToDateAt = now
    else if (position >= this.#mark.position) {
      this.#upToDateAt = Math.max(this.#upToDateAt, this.#mark.at)
      this.#mark = { position: (await this.#ports.events.lastPosition()) ?? position, at: now }
    }
    return (now - this.#upToDateAt) / 1000
  }

  async #isBehind(): Promise<boolean> {
    for await (const _ of this.#ports.events.readAll({ after: this.#position })) return true
    return false
  }

  /** What was heard before is folded in, unless the file fails. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#wake?.()
    this.#subscription.close()
    await this.#subscription.closed.catch(() => {})
    await this.#writing
    await this.#write()
    this.#reader.close()
    this.#database.close()
  }

  #take(event: RecordedEvent): Promise<void> | undefined {
    this.#batch.push(event)
    this.#characters += event.data.length
    if (this.#writing !== undefined) return this.#writing
    if (this.#batch.length >= BATCH_EVENTS || this.#characters >= BATCH_CHARACTERS) return this.#write()
    this.#writeSoon()
    return undefined
  }

  #writeSoon(): void {
    this.#cancel ??= this.#ports.clock.after(this.#batchMs, () => void this.#write())
  }

  #write(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = undefined
      // What has come meanwhile.
      if (this.#batch.length > 0 && !this.#isClosing) this.#writeSoon()
    })
    return this.#writing
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    this.#characters = 0
    for (let failed = 0; ; ) {
      try {
        const failures = await inTurns(this.#fold.folding(batch), this.#ports.turns)
        for (const failure of failures) this.#ports.report.failed(failure)
        if (failed >= FAILURES_TOLD) this.#ports.report.goesOn()
        break
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error
        if (++failed === FAILURES_TOLD) this.#ports.report.stuck(error)
        if (this.#isClosing) {
          this.#batch = [...batch, ...this.#batch]
          return
        }
        await this.#pause(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** failed))
      }
    }
    this.#position = batch.at(-1)?.position
    this.#batchMs = batch.length < MANY_EVENTS ? BATCH_MS : Math.min(BATCH_MS_MAX, 2 * this.#batchMs)
  }

  #pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#ports.clock.after(pauseMs, resolve)
    })
  }
}
