import type Database from 'better-sqlite3'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { RequestRef } from '../../events/ids.ts'
import type { ContractRows } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { partyOf } from './party-table.ts'

/**
 * Requests that are voted, and take effect, as one. `id` is that of the row of Request, which has the commands; `handle`, `seq` and
 * `place` name it. Open is what has neither `agreed_at` nor `ended_at`; `ended_by` says what ended it, `reason` (JSON) by which
 * command. ChangeSetVoter: who is asked, ChangeSetVote: who has said what; in both a party stands once.
 */
const SCHEMA = `
  CREATE TABLE ChangeSet (
    id          INTEGER PRIMARY KEY,
    contract    INTEGER NOT NULL,
    handle      TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    about       TEXT,
    about_in    TEXT,
    proposed_at INTEGER NOT NULL,
    agreed_at   INTEGER,
    ended_at    INTEGER,
    ended_by    TEXT,
    reason      TEXT
  ) STRICT;
  CREATE UNIQUE INDEX ChangeSet_named ON ChangeSet (contract, handle, seq, place);
  CREATE INDEX ChangeSet_open ON ChangeSet (contract) WHERE agreed_at IS NULL AND ended_at IS NULL;

  CREATE TABLE ChangeSetVoter (
    contract   INTEGER NOT NULL,
    change_set INTEGER NOT NULL,
    party      INTEGER NOT NULL,
    PRIMARY KEY (change_set, party)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ChangeSetVote (
    contract   INTEGER NOT NULL,
    change_set INTEGER NOT NULL,
    party      INTEGER NOT NULL,
    vote       TEXT NOT NULL,
    about      TEXT,
    about_in   TEXT,
    cast_at    INTEGER NOT NULL,
    PRIMARY KEY (change_set, party)
  ) STRICT, WITHOUT ROWID;
`

/** Handles of the members without whose YES a set, by its id, waits. */
export const MISSING_VOTERS = `
  SELECT handle FROM ChangeSetVoter AS asked JOIN Market ON Market.id = asked.party JOIN Party ON Party.id = asked.party
  WHERE asked.change_set = ? AND Market.standing = 'member' AND NOT EXISTS (
    SELECT 1 FROM ChangeSetVote WHERE change_set = asked.change_set AND party = asked.party AND vote = 'yes'
  ) ORDER BY asked.party`

export type ChangeSetEvent = Extract<
  ContractEvent,
  { type: 'ChangeSetProposed' | 'ChangeSetVoteCast' | 'ChangeSetAgreed' | 'ChangeSetEnded' }
>

export class ChangeSetTable {
  static readonly schema = SCHEMA
  readonly #find
  readonly #add
  readonly #addVoter
  readonly #vote
  readonly #agree
  readonly #end

  constructor(database: Database.Database) {
    this.#find = database
      .prepare<[contract: number, handle: string, seq: number, place: number], number>(
        'SELECT id FROM ChangeSet WHERE contract = ? AND handle = ? AND seq = ? AND place = ?',
      )
      .pluck()
    this.#add = database.prepare(
      `INSERT INTO ChangeSet (id, contract, handle, seq, place, about, about_in, proposed_at, agreed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#addVoter = database.prepare('INSERT INTO ChangeSetVoter (contract, change_set, party) VALUES (?, ?, ?)')
    this.#vote = database.prepare(
      `INSERT OR REPLACE INTO ChangeSetVote (contract, change_set, party, vote, about, about_in, cast_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#agree = database.prepare('UPDATE ChangeSet SET agreed_at = ? WHERE id = ?')
    this.#end = database.prepare('UPDATE ChangeSet SET ended_at = ?, ended_by = ?, reason = ? WHERE id = ?')
  }

  apply(page: ContractRows, event: ChangeSetEvent): void {
    const { request } = event
    switch (event.type) {
      case 'ChangeSetProposed': {
        const id = this.#insert(page, request, event.about)
        for (const voter of event.voters) this.#addVoter.run(page.number, id, partyOf(page, voter).id)
        break
      }
      case 'ChangeSetVoteCast': {
        const { by, vote, about } = event
        const party = partyOf(page, by).id
        const said = [about ?? null, about === undefined ? null : page.carrier]
        this.#vote.run(page.number, this.#idOf(page, request), party, vote, ...said, page.size)
        break
      }
      case 'ChangeSetAgreed': {
        const { handle, seq, index } = request
        const id = this.#find.get(page.number, handle, seq, index)
        // Nobody had to vote: it is agreed in the entry that it came in.
        if (id === undefined) this.#insert(page, request, undefined, page.size)
        else this.#agree.run(page.size, id)
        break
      }
      case 'ChangeSetEnded': {
        const { why, reason } = event
        this.#end.run(page.size, why, reason === undefined ? null : JSON.stringify(reason), this.#idOf(page, request))
        break
      }
    }
  }

  #insert(page: ContractRows, request: RequestRef, about: string | undefined, agreedAt: number | null = null): number {
    const { handle, seq, index } = request
    const id = page.base + page.size + 1
    const said = [about ?? null, about === undefined ? null : page.carrier]
    this.#add.run(id, page.number, handle, seq, index, ...said, page.size, agreedAt)
    return id
  }

  #idOf(page: ContractRows, { handle, seq, index }: RequestRef): number {
    const id = this.#find.get(page.number, handle, seq, index)
    if (id !== undefined) return id
    throw new FoldFailed(`the ledger names ${handle}.${seq}.${index}, which is no change set`, { handle, seq, index })
  }
}
