import type Database from 'better-sqlite3'
import type { EngineVote } from '../../aggregates/contract/state.ts'
import type { ContractHeld } from '../../contracts/registry/held-contracts.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { EngineVersion, Handle, Uid } from '../../events/ids.ts'
import type { ContractRows, PartyRef } from '../contract-rows.ts'
import { baseOf } from '../row-id.ts'

/**
 * A contract that this node holds. `title` and what follows is null until its first entry has settled here. `record` is
 * the record hash after the last entry, null in the middle of a statement; `clock` of the statement that carries it.
 * `engine_votes`: `[{by, to}]` in the order in which they were cast; null without any. `held_at` and `given_up_at`: where in the
 * `contracts` stream it was taken up and given up last; `HeldContract` has those that are held.
 */
const SCHEMA = `
  CREATE TABLE Contract (
    id           INTEGER PRIMARY KEY,
    uid          TEXT NOT NULL UNIQUE,
    founder      TEXT NOT NULL,
    held_at      INTEGER NOT NULL,
    given_up_at  INTEGER,
    title        TEXT,
    engine       INTEGER,
    engine_votes TEXT,
    charter      TEXT,
    limits       TEXT,
    size         INTEGER NOT NULL DEFAULT 0,
    record       TEXT,
    clock        INTEGER NOT NULL DEFAULT 0,
    lock_index   INTEGER,
    lock_holder  INTEGER,
    lock_purpose TEXT,
    lock_about   TEXT,
    lock_about_in TEXT
  ) STRICT;

  CREATE INDEX Contract_given_up ON Contract (id) WHERE given_up_at IS NOT NULL;

  CREATE VIEW HeldContract AS SELECT * FROM Contract WHERE given_up_at IS NULL OR given_up_at < held_at;
`

interface ContractRow {
  readonly id: number
  readonly size: number
  readonly record: string | null
  readonly clock: number
}

type Locked = Extract<ContractEvent, { type: 'RecordLocked' }>
type Opened = Extract<ContractEvent, { type: 'ContractOpened' }>

export class ContractTable {
  static readonly schema = SCHEMA
  readonly #add
  readonly #giveUp
  readonly #find
  readonly #open
  readonly #votes
  readonly #vote
  readonly #upgrade
  readonly #advance
  readonly #lock

  constructor(database: Database.Database) {
    // One that comes again stays what it was.
    this.#add = database.prepare(
      `INSERT INTO Contract (id, uid, founder, held_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET held_at = max(held_at, excluded.held_at)`,
    )
    this.#giveUp = database.prepare('UPDATE Contract SET given_up_at = max(coalesce(given_up_at, 0), ?) WHERE uid = ?')
    this.#find = database.prepare<[Uid], ContractRow>('SELECT id, size, record, clock FROM Contract WHERE uid = ?')
    this.#open = database.prepare('UPDATE Contract SET title = ?, engine = ?, charter = ?, limits = ? WHERE id = ?')
    this.#votes = database.prepare<[number], string | null>('SELECT engine_votes FROM Contract WHERE id = ?').pluck()
    this.#vote = database.prepare('UPDATE Contract SET engine_votes = ? WHERE id = ?')
    this.#upgrade = database.prepare('UPDATE Contract SET engine = ?, engine_votes = NULL WHERE id = ?')
    this.#advance = database.prepare('UPDATE Contract SET size = ?, record = ?, clock = ? WHERE id = ?')
    this.#lock = database.prepare(
      'UPDATE Contract SET lock_index = ?, lock_holder = ?, lock_purpose = ?, lock_about = ?, lock_about_in = ? WHERE id = ?',
    )
  }

  /** `place`: in the `contracts` stream, from 0. */
  held(place: number, { contract, founder, insteadOf }: ContractHeld): void {
    this.#add.run(place + 1, contract, founder.handle, place)
    if (insteadOf !== undefined) this.#giveUp.run(place, insteadOf)
  }

  find(uid: Uid): (ContractRow & { readonly base: number }) | undefined {
    const row = this.#find.get(uid)
    return row && { ...row, base: baseOf(row.id) }
  }

  opened(page: ContractRows, { title, engine, charter, limits }: Opened): void {
    this.#open.run(title, engine, JSON.stringify(charter), JSON.stringify(limits), page.number)
  }

  /** A vote for a newer engine takes the place of the party's other one. */
  voted(page: ContractRows, vote: EngineVote): void {
    this.#vote.run(JSON.stringify([...this.#votesBut(page, vote.by), vote]), page.number)
  }

  /** Its vote goes with the party. */
  resigned(page: ContractRows, handle: Handle): void {
    const votes = this.#votesBut(page, handle)
    this.#vote.run(votes.length === 0 ? null : JSON.stringify(votes), page.number)
  }

  #votesBut(page: ContractRows, handle: Handle): EngineVote[] {
    const votes = JSON.parse(this.#votes.get(page.number) ?? '[]') as EngineVote[]
    return votes.filter(({ by }) => by !== handle)
  }

  upgraded(page: ContractRows, engine: EngineVersion): void {
    this.#upgrade.run(engine, page.number)
  }

  locked(page: ContractRows, holder: PartyRef, { purpose, about }: Locked): void {
    this.#lock.run(page.size, holder.id, purpose, about ?? null, page.carrier, page.number)
  }

  released(page: ContractRows): void {
    this.#lock.run(null, null, null, null, null, page.number)
  }

  flush(page: ContractRows): void {
    if (!page.isChanged) return
    page.isChanged = false
    this.#advance.run(page.size, page.record, page.clock, page.number)
  }
}
