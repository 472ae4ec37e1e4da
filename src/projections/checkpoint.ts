import type Database from 'better-sqlite3'
import { type Hash, sha256 } from '../crypto/hash.ts'
import type { EventStore, RecordedEvent } from '../store/port.ts'

/** The last event that is folded in. By its hash it shows whether the store still is the one that was folded. */
export interface Checkpoint {
  readonly position: number
  readonly stream: string
  readonly revision: number
  readonly hash: Hash
}

/** A contract that was set aside, by its UID, or an event of the node that was skipped: `contracts 7`; and where. */
export interface Failure {
  readonly subject: string
  readonly position: number
  readonly stream: string
  readonly revision: number
  readonly reason: string
}

/** How far a read model is, and what has failed on the way. */
export class Checkpoints {
  readonly #last
  readonly #move
  readonly #failures
  readonly #fail

  constructor(database: Database.Database) {
    this.#last = database.prepare<[], Checkpoint>('SELECT position, stream, revision, hash FROM Checkpoint')
    this.#move = database.prepare(
      'INSERT OR REPLACE INTO Checkpoint (id, position, stream, revision, hash) VALUES (1, ?, ?, ?, ?)',
    )
    this.#failures = database.prepare<[], Failure>(
      'SELECT subject, position, stream, revision, reason FROM Failure ORDER BY position',
    )
    this.#fail = database.prepare(
      'INSERT OR IGNORE INTO Failure (subject, position, stream, revision, reason) VALUES (?, ?, ?, ?, ?)',
    )
  }

  last(): Checkpoint | undefined {
    return this.#last.get()
  }

  move(event: RecordedEvent): void {
    this.#move.run(event.position, event.stream, event.revision, hashOf(event))
  }

  failures(): Failure[] {
    return this.#failures.all()
  }

  failedSubjects(): Set<string> {
    return new Set(this.failures().map(({ subject }) => subject))
  }

  fail({ subject, position, stream, revision, reason }: Failure): void {
    this.#fail.run(subject, position, stream, revision, reason)
  }
}

/** Of what the event says, not of where it stands. */
function hashOf({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): Hash {
  return sha256(`${type}\n${data}`)
}

/**
 * Whether the store still has, at that place, the event that was folded in last: it may have been restored from a
 * backup, or be another (decision 0098).
 */
export async function isOf(events: EventStore, { position, stream, revision, hash }: Checkpoint): Promise<boolean> {
  if ((await events.lastRevision(stream)) < revision) return false
  for await (const event of events.read(stream, { from: revision, limit: 1 })) {
    return event.position === position && hashOf(event) === hash
  }
  return false
}
