import type Database from 'better-sqlite3'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { FieldType } from '../../events/field-type.ts'
import { type ElementId, type Handle, ROOT } from '../../events/ids.ts'
import type { ContractRows } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { partyOf } from './party-table.ts'

/**
 * The agreed tree. `key` is the element id of the protocol; `added_at`, `removed_at` are ledger indexes. What is under a
 * removed block is removed with it. Element_path is the path index: from a block, one step a name; Path is each
 * element's whole way, read through it, so that renaming a block renames one row.
 */
const SCHEMA = `
  CREATE TABLE Element (
    id         INTEGER PRIMARY KEY,
    contract   INTEGER NOT NULL,
    key        TEXT NOT NULL,
    parent     INTEGER,
    kind       TEXT NOT NULL,
    list       INTEGER NOT NULL,
    name       TEXT NOT NULL,
    owner      INTEGER,
    type       TEXT,
    options    TEXT,
    hint       TEXT,
    added_at   INTEGER NOT NULL,
    removed_at INTEGER,
    UNIQUE (contract, key)
  ) STRICT;
  CREATE UNIQUE INDEX Element_path ON Element (parent, name) WHERE removed_at IS NULL;

  CREATE VIEW Path (element, contract, path) AS
    WITH RECURSIVE way (element, contract, path) AS (
      SELECT id, contract, '' FROM Element WHERE parent IS NULL
      UNION ALL
      SELECT child.id, way.contract, CASE way.path WHEN '' THEN child.name ELSE way.path || '/' || child.name END
      FROM way JOIN Element AS child ON child.parent = way.element AND child.removed_at IS NULL
    )
    SELECT element, contract, path FROM way;
`

export type StructureEvent = Extract<
  ContractEvent,
  { type: 'BlockAdded' | 'FieldAdded' | 'ElementRenamed' | 'ElementRemoved' | 'ElementGranted' }
>

export interface RemovedElement {
  readonly id: number
  readonly key: ElementId
}

/** Elements whose ids are remembered between batches. */
const REMEMBERED_MAX = 4096

export class ElementTable {
  static readonly schema = SCHEMA
  readonly #count
  readonly #find
  readonly #add
  readonly #rename
  readonly #grant
  readonly #remove

  constructor(database: Database.Database) {
    this.#count = database.prepare<[number], number>('SELECT count(*) FROM Element WHERE contract = ?').pluck()
    this.#find = database
      .prepare<[contract: number, key: ElementId], number>('SELECT id FROM Element WHERE contract = ? AND key = ?')
      .pluck()
    this.#add = database.prepare(
      `INSERT INTO Element (id, contract, key, parent, kind, list, name, owner, type, options, hint, added_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#rename = database.prepare('UPDATE Element SET name = ? WHERE id = ?')
    this.#grant = database.prepare('UPDATE Element SET owner = ? WHERE id = ?')
    this.#remove = database.prepare<[element: number, at: number], RemovedElement>(
      `WITH RECURSIVE gone (id) AS (
           VALUES (?)
           UNION ALL SELECT child.id FROM gone JOIN Element AS child ON child.parent = gone.id AND child.removed_at IS NULL
         )
         UPDATE Element SET removed_at = ? WHERE id IN (SELECT id FROM gone) RETURNING id, key`,
    )
  }

  count(contract: number): number {
    return this.#count.get(contract) ?? 0
  }

  /** Throws FoldFailed for an element that never was. */
  idOf(page: ContractRows, key: ElementId): number {
    const known = page.elementIds.get(key)
    if (known !== undefined) return known
    const id = this.#find.get(page.number, key)
    if (id === undefined) throw new FoldFailed(`the ledger names element ${key} before it was added`, { element: key })
    if (page.elementIds.size >= REMEMBERED_MAX) page.elementIds.clear()
    page.elementIds.set(key, id)
    return id
  }

  addRoot(page: ContractRows): void {
    this.#insert(page, ROOT, null, { kind: 'block', list: false, name: '', owner: null })
  }

  /** What is gone by it. */
  apply(page: ContractRows, event: StructureEvent): RemovedElement[] {
    switch (event.type) {
      case 'BlockAdded':
        this.#insert(page, event.element, this.#parentOf(page, event.element), { ...event, kind: 'block' })
        return []
      case 'FieldAdded':
        this.#insert(page, event.element, this.#parentOf(page, event.element), { ...event, kind: 'field', list: false })
        return []
      case 'ElementRenamed':
        this.#rename.run(event.name, this.idOf(page, event.element))
        return []
      case 'ElementGranted':
        this.#grant.run(event.to === null ? null : partyOf(page, event.to).id, this.idOf(page, event.element))
        return []
      case 'ElementRemoved':
        return this.#remove.all(this.idOf(page, event.element), page.size)
    }
  }

  #parentOf(page: ContractRows, key: ElementId): number {
    return this.idOf(page, key.slice(0, key.lastIndexOf('.')) as ElementId)
  }

  #insert(
    page: ContractRows,
    key: ElementId,
    parent: number | null,
    element: {
      readonly kind: 'block' | 'field'
      readonly list: boolean
      readonly name: string
      readonly owner: Handle | null
      readonly field?: FieldType
    },
  ): void {
    const { kind, list, name, owner, field } = element
    const id = page.base + ++page.elements
    const options = field?.type === 'choice' ? JSON.stringify(field.options) : null
    const ownerId = owner === null ? null : partyOf(page, owner).id
    const type = [field?.type ?? null, options, field?.hint ?? null]
    this.#add.run(id, page.number, key, parent, kind, Number(list), name, ownerId, ...type, page.size)
    if (page.elementIds.size < REMEMBERED_MAX) page.elementIds.set(key, id)
    if (kind === 'field' && page.fields.size < REMEMBERED_MAX) page.fields.set(key, { id, standing: [] })
  }
}
