import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import type { ContractRows } from '../contract-rows.ts'
import { partyOf } from './party-table.ts'

/**
 * What members want erased, each erasure a row from its first vote on; `name` is the hash of its seals, `seals` and `votes` are JSON.
 * `ended_at`: the ledger index at which it came to its end; `is_erased` then says which. ErasureVote is what each party has said of
 * it, the first who has asked: `votes` are those that count. Erased has the seals of all that is erased,
 * ProposedValue (a view) each Proposal with when its value was.
 */
const SCHEMA = `
  CREATE TABLE Erasure (
    id         INTEGER PRIMARY KEY,
    contract   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    seals      TEXT NOT NULL,
    votes      TEXT NOT NULL,
    ended_at   INTEGER,
    is_erased  INTEGER
  ) STRICT;
  CREATE INDEX Erasure_open ON Erasure (contract, name) WHERE ended_at IS NULL;

  CREATE TABLE ErasureVote (
    contract INTEGER NOT NULL,
    erasure  INTEGER NOT NULL,
    party    INTEGER NOT NULL,
    vote     TEXT NOT NULL,
    about    TEXT,
    about_in TEXT,
    cast_at  INTEGER NOT NULL,
    PRIMARY KEY (erasure, party)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE Erased (
    contract   INTEGER NOT NULL,
    seal       TEXT NOT NULL,
    erased_at  INTEGER NOT NULL,
    PRIMARY KEY (contract, seal)
  ) STRICT, WITHOUT ROWID;

  CREATE VIEW ProposedValue AS
    SELECT Proposal.*, (
      SELECT erased_at FROM Erased WHERE Erased.contract = Proposal.contract AND Erased.seal = Proposal.seal
    ) AS erased_at FROM Proposal;
`

export type ErasureEvent = Extract<ContractEvent, { type: 'ErasureVoted' | 'ValuesKept' | 'ValuesErased' }>

interface Cast {
  readonly by: Handle
  readonly about?: Hash
}

export class ErasureTable {
  static readonly schema = SCHEMA
  readonly #count
  readonly #open
  readonly #allOpen
  readonly #add
  readonly #vote
  readonly #said
  readonly #end
  readonly #endAll
  readonly #erase

  constructor(database: Database.Database) {
    this.#count = database.prepare<[number], number>('SELECT count(*) FROM Erasure WHERE contract = ?').pluck()
    this.#open = database.prepare<[number, Hash], { id: number; votes: string }>(
      'SELECT id, votes FROM Erasure WHERE contract = ? AND name = ? AND ended_at IS NULL',
    )
    this.#allOpen = database.prepare<[number], { id: number; name: Hash; votes: string }>(
      'SELECT id, name, votes FROM Erasure WHERE contract = ? AND ended_at IS NULL',
    )
    this.#add = database.prepare('INSERT INTO Erasure VALUES (?, ?, ?, ?, ?, NULL, NULL)')
    this.#vote = database.prepare('UPDATE Erasure SET votes = ? WHERE id = ?')
    this.#said = database.prepare('INSERT OR REPLACE INTO ErasureVote VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#end = database.prepare(
      'UPDATE Erasure SET ended_at = ?, is_erased = ? WHERE contract = ? AND name = ? AND ended_at IS NULL',
    )
    this.#endAll = database.prepare(
      'UPDATE Erasure SET ended_at = ?, is_erased = 0 WHERE contract = ? AND ended_at IS NULL',
    )
    this.#erase = database.prepare('INSERT OR IGNORE INTO Erased VALUES (?, ?, ?)')
  }

  apply(page: ContractRows, event: ErasureEvent): void {
    switch (event.type) {
      case 'ErasureVoted':
        this.#voted(page, event)
        break
      case 'ValuesKept':
        this.#cast(page, this.#open.get(page.number, event.erasure)?.id, event, 'no')
        this.#end.run(page.size, 0, page.number, event.erasure)
        break
      case 'ValuesErased':
        this.#end.run(page.size, 1, page.number, event.erasure)
        for (const seal of event.seals) this.#erase.run(page.number, seal, page.size)
    }
  }

  /** Votes that a newcomer has not seen count no more. */
  memberAdmitted(page: ContractRows): void {
    this.#endAll.run(page.size, page.number)
  }

  /** Its votes count no more, and what nobody else wants is no erasure. */
  memberResigned(page: ContractRows, handle: Handle): void {
    for (const { id, name, votes } of this.#allOpen.all(page.number)) {
      const left = (JSON.parse(votes) as Handle[]).filter((voter) => voter !== handle)
      if (left.length > 0) this.#vote.run(JSON.stringify(left), id)
      else this.#end.run(page.size, 0, page.number, name)
    }
  }

  #voted(page: ContractRows, event: Extract<ErasureEvent, { type: 'ErasureVoted' }>): void {
    const { erasure, seals, by } = event
    const open = this.#open.get(page.number, erasure)
    const id = open?.id ?? page.base + (this.#count.get(page.number) ?? 0) + 1
    if (open !== undefined) this.#vote.run(JSON.stringify([...JSON.parse(open.votes), by]), id)
    else this.#add.run(id, page.number, erasure, JSON.stringify(seals), JSON.stringify([by]))
    this.#cast(page, id, event, 'yes')
  }

  #cast(page: ContractRows, id: number | undefined, { by, about }: Cast, vote: 'yes' | 'no'): void {
    if (id === undefined) return
    this.#said.run(page.number, id, partyOf(page, by).id, vote, about ?? null, page.carrier, page.size)
  }
}
