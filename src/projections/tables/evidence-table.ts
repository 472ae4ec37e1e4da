import type Database from 'better-sqlite3'
import type { ContractRows } from '../contract-rows.ts'

/** What members were caught at, as this node has come across it: by the proof's revision in the evidence stream. */
const SCHEMA = `
  CREATE TABLE Evidence (
    contract INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    handle   TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (contract, revision)
  ) STRICT, WITHOUT ROWID;
`

const kinds: Readonly<Record<string, string>> = { EquivocationProven: 'equivocation', DivergenceSeen: 'divergence' }

export class EvidenceTable {
  static readonly schema = SCHEMA
  readonly #add

  constructor(database: Database.Database) {
    this.#add = database.prepare('INSERT INTO Evidence (contract, revision, kind, handle, seq) VALUES (?, ?, ?, ?, ?)')
  }

  found(page: ContractRows, type: string, revision: number, { party, seq }: { party: string; seq: number }): void {
    this.#add.run(page.number, revision, kinds[type] ?? type, party, seq)
  }
}
