import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { ContractRows } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'

/**
 * The types that contracts define, each definition a row: of one name the last is what the name stands for, and fields keep the
 * one that they were added with. `definition` is its hash, `constraints` and `hints` are JSON.
 */
const SCHEMA = `
  CREATE TABLE Type (
    id           INTEGER PRIMARY KEY,
    contract     INTEGER NOT NULL,
    definition   TEXT NOT NULL,
    name         TEXT NOT NULL,
    base         TEXT NOT NULL,
    constraints  TEXT NOT NULL,
    hints        TEXT NOT NULL,
    defined_at   INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX Type_definition ON Type (contract, definition);
`

export interface TypeRow {
  readonly id: number
  readonly base: string
  /** JSON. */
  readonly constraints: string
}

export class TypeTable {
  static readonly schema = SCHEMA
  readonly #count
  readonly #find
  readonly #add

  constructor(database: Database.Database) {
    this.#count = database.prepare<[number], number>('SELECT count(*) FROM Type WHERE contract = ?').pluck()
    this.#find = database.prepare<[number, Hash], TypeRow>(
      'SELECT id, base, constraints FROM Type WHERE contract = ? AND definition = ? ORDER BY id LIMIT 1',
    )
    this.#add = database.prepare('INSERT INTO Type VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  }

  defined(page: ContractRows, event: Extract<ContractEvent, { type: 'TypeDefined' }>): void {
    const { definition, name, base, constraint, hints } = event
    const id = page.base + (this.#count.get(page.number) ?? 0) + 1
    const form = [JSON.stringify(constraint), JSON.stringify(hints)]
    this.#add.run(id, page.number, definition, name, base, ...form, page.size)
  }

  /** Throws FoldFailed for one that was never defined. */
  find(page: ContractRows, definition: Hash): TypeRow {
    const row = this.#find.get(page.number, definition)
    if (row === undefined) throw new FoldFailed('the ledger names a type before it was defined', { definition })
    return row
  }
}
