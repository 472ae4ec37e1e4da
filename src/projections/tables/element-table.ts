import type Database from 'better-sqlite3'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { FieldType } from '../../events/field-type.ts'
import { type ElementId, type Handle, ordinalOf, parentIdOf, ROOT } from '../../events/ids.ts'
import type { Constraint } from '../../events/type-definition.ts'
import type { ContractRows } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { partyOf } from './party-table.ts'
import type { TypeTable } from './type-table.ts'

/**
 * The agreed tree. `key` is the element id of the protocol; `added_at`, `removed_at` are ledger indexes. What is under a
 * removed block is removed with it. Element_path is the path index: from a block, one step a name; Path is each
 * element's whole way, read through it, so that renaming a block renames one row. Siblings are shown by `place`, those without one
 * behind the others, by the last number of their keys. `type` is that of the values: of a custom type its base.
 * `audience`: the handles of those who get the values at and below it, as far as those above do, as JSON; null: as above it.
 *
 * The prototype of a list is its child of the name 0. An entry, and what stands in one, has a `prototype`: the row that says all
 * about it but its place, so that one change there is one row, however many entries there are. What stands in an entry has a row from
 * the first value on that is put forward in it. DocumentElement has them all with what they have from their prototypes.
 */
const SCHEMA = `
  CREATE TABLE Element (
    id          INTEGER PRIMARY KEY,
    contract    INTEGER NOT NULL,
    key         TEXT NOT NULL,
    parent      INTEGER,
    kind        TEXT NOT NULL,
    prototype   INTEGER,
    place       INTEGER,
    name        TEXT,
    owner       INTEGER,
    entries_max INTEGER,
    keyed       INTEGER,
    type        TEXT,
    custom      INTEGER,
    options     TEXT,
    currency    TEXT,
    hint        TEXT,
    audience       TEXT,
    audience_until TEXT,
    active      INTEGER NOT NULL DEFAULT 1,
    added_at    INTEGER NOT NULL,
    removed_at  INTEGER,
    UNIQUE (contract, key)
  ) STRICT;
  CREATE UNIQUE INDEX Element_path ON Element (parent, name) WHERE removed_at IS NULL;
  CREATE INDEX Element_below ON Element (parent);
  CREATE INDEX Element_instances ON Element (prototype) WHERE prototype IS NOT NULL AND removed_at IS NULL;

  CREATE VIEW DocumentElement AS
    SELECT own.id, own.contract, own.key, own.parent, own.kind, own.prototype, coalesce(own.name, made_of.name) AS name,
      ${[
        'place',
        'owner',
        'entries_max',
        'keyed',
        'type',
        'custom',
        'options',
        'currency',
        'hint',
        'audience',
        'audience_until',
      ]
        .map((column) => `coalesce(own.${column}, made_of.${column}) AS ${column}`)
        .join(', ')}, own.active, own.added_at, own.removed_at
    FROM Element AS own LEFT JOIN Element AS made_of ON made_of.id = own.prototype;

  CREATE VIEW Path (element, contract, path) AS
    WITH RECURSIVE way (element, contract, path) AS (
      SELECT id, contract, '' FROM Element WHERE parent IS NULL
      UNION ALL
      SELECT child.id, way.contract, CASE way.path WHEN '' THEN child.name ELSE way.path || '/' || child.name END
      FROM way JOIN DocumentElement AS child ON child.parent = way.element AND child.removed_at IS NULL
    )
    SELECT element, contract, path FROM way;
`

export type StructureEvent = Extract<
  ContractEvent,
  {
    type: 'BlockAdded' | 'FieldAdded' | 'ListAdded' | 'EntryAdded' | 'ElementRenamed' | 'ElementGranted' | 'AudienceSet'
  }
>

export interface RemovedElement {
  readonly id: number
  readonly key: ElementId
}

/** What an entry, or an element in one, is made of. */
interface Prototype {
  readonly id: number
  readonly key: ElementId
  readonly kind: NewElement['kind']
}

interface NewElement {
  readonly kind: 'block' | 'list' | 'field'
  readonly prototype?: Prototype
  /** Left out: that of the prototype. */
  readonly name?: string
  readonly owner?: Handle | null
  readonly entriesMax?: number
  readonly keyed?: boolean
  readonly field?: FieldType
}

/** Elements whose ids are remembered between batches. */
const REMEMBERED_MAX = 4096
/** Elements that are put in order, or taken away, in one step. */
const ELEMENTS_A_STEP = 256

export class ElementTable {
  static readonly schema = SCHEMA
  readonly #types: TypeTable
  readonly #count
  readonly #find
  readonly #prototypeOf
  readonly #add
  readonly #rename
  readonly #grant
  readonly #setAudience
  readonly #unplace
  readonly #place
  readonly #remove
  readonly #removeBelow
  readonly #removeMade

  constructor(database: Database.Database, types: TypeTable) {
    this.#types = types
    this.#count = database.prepare<[number], number>('SELECT count(*) FROM Element WHERE contract = ?').pluck()
    this.#find = database
      .prepare<[contract: number, key: ElementId], number>('SELECT id FROM Element WHERE contract = ? AND key = ?')
      .pluck()
    this.#prototypeOf = database.prepare<[element: number], Prototype>(
      `SELECT id, key, kind FROM Element WHERE id = (SELECT coalesce(prototype, id) FROM Element WHERE id = ?)`,
    )
    this.#add = database.prepare(
      `INSERT INTO Element (id, contract, key, parent, kind, prototype, name, owner, entries_max, keyed, type, custom, options,
         currency, hint, added_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#rename = database.prepare('UPDATE Element SET name = ? WHERE id = ?')
    this.#grant = database.prepare('UPDATE Element SET owner = ? WHERE id = ?')
    this.#setAudience = database.prepare('UPDATE Element SET audience = ?, audience_until = ? WHERE id = ?')
    this.#unplace = database.prepare('UPDATE Element SET place = NULL WHERE parent = ? AND place IS NOT NULL')
    this.#place = database.prepare('UPDATE Element SET place = ? WHERE id = ?')
    this.#remove = database.prepare<[at: number, element: number], RemovedElement>(
      'UPDATE Element SET removed_at = ? WHERE id = ? RETURNING id, key',
    )
    const removeSome = (column: string) =>
      database.prepare<[at: number, elements: string], RemovedElement>(
        `UPDATE Element SET removed_at = ? WHERE id IN (
           SELECT id FROM Element WHERE ${column} IN (SELECT value FROM json_each(?)) AND removed_at IS NULL LIMIT ${ELEMENTS_A_STEP}
         ) RETURNING id, key`,
      )
    this.#removeBelow = removeSome('parent')
    this.#removeMade = removeSome('prototype')
  }

  count(contract: number): number {
    return this.#count.get(contract) ?? 0
  }

  /** Throws FoldFailed for an element that never was. What stands in an entry gets a row by being asked for. */
  idOf(page: ContractRows, key: ElementId): number {
    const known = page.elementIds.get(key)
    if (known !== undefined) return known
    const id = this.#find.get(page.number, key) ?? this.#addInstance(page, key)
    if (page.elementIds.size >= REMEMBERED_MAX) page.elementIds.clear()
    page.elementIds.set(key, id)
    return id
  }

  addRoot(page: ContractRows): void {
    this.#insert(page, ROOT, null, { kind: 'block', name: '' })
  }

  apply(page: ContractRows, event: StructureEvent): void {
    switch (event.type) {
      case 'BlockAdded':
        this.#insert(page, event.element, this.#parentOf(page, event.element), { ...event, kind: 'block' })
        break
      case 'FieldAdded':
        this.#insert(page, event.element, this.#parentOf(page, event.element), { ...event, kind: 'field' })
        break
      case 'ListAdded':
        this.#addList(page, event)
        break
      case 'EntryAdded':
        this.#addEntry(page, event.element)
        break
      case 'ElementRenamed':
        this.#rename.run(event.name, this.idOf(page, event.element))
        break
      case 'ElementGranted':
        this.#grant.run(event.to === null ? null : partyOf(page, event.to).id, this.idOf(page, event.element))
        break
      case 'AudienceSet': {
        const { parties, until = null } = event
        this.#setAudience.run(parties && JSON.stringify(parties), until, this.idOf(page, event.element))
        break
      }
    }
  }

  /** The element, all below it and all that is made of these, a part at a time: each is gone once it is here. */
  *removing(page: ContractRows, element: ElementId): Generator<RemovedElement[], void> {
    const parts = [this.#remove.all(page.size, this.idOf(page, element))]
    yield* parts
    for (const part of parts) {
      const ids = JSON.stringify(part.map(({ id }) => id))
      for (const some of [this.#removeBelow, this.#removeMade]) {
        for (let next = some.all(page.size, ids); next.length > 0; next = some.all(page.size, ids)) {
          parts.push(next)
          yield next
        }
      }
    }
  }

  *arranging(page: ContractRows, block: ElementId, order: readonly number[]): Generator<void, void> {
    this.#unplace.run(this.idOf(page, block))
    for (const [place, ordinal] of order.entries()) {
      if (place % ELEMENTS_A_STEP === ELEMENTS_A_STEP - 1) yield
      this.#place.run(place, this.idOf(page, `${block}.${ordinal}` as ElementId))
    }
  }

  #addList(page: ContractRows, event: Extract<StructureEvent, { type: 'ListAdded' }>): void {
    const { element, entry, entriesMax, key, name, owner } = event
    const parent = this.#parentOf(page, element)
    const list = this.#insert(page, element, parent, { entriesMax, keyed: key !== null, kind: 'list', name, owner })
    const [prototype, first] = [`${element}.0` as ElementId, `${element}.0.0` as ElementId]
    const made = { name: '0', owner }
    if (entry !== 'block') {
      this.#insert(page, prototype, list, { ...made, field: entry, kind: 'field' })
      return
    }
    const block = this.#insert(page, prototype, list, { ...made, kind: 'block' })
    if (key !== null) this.#insert(page, first, block, { ...key, kind: 'field', owner })
  }

  #addEntry(page: ContractRows, key: ElementId): void {
    const parent = this.#parentOf(page, key)
    const list = this.#prototypeOf.get(parent)
    const prototype = list && this.#prototypeOf.get(this.idOf(page, `${list.key}.0` as ElementId))
    if (prototype === undefined) throw new FoldFailed(`the ledger names entry ${key} of no list`, { element: key })
    this.#insert(page, key, parent, { kind: prototype.kind, name: String(ordinalOf(key)), prototype })
  }

  #addInstance(page: ContractRows, key: ElementId): number {
    const parent = key === ROOT ? undefined : this.#parentOf(page, key)
    const block = parent === undefined ? undefined : this.#prototypeOf.get(parent)
    if (parent !== undefined && block !== undefined && block.id !== parent && block.kind === 'block') {
      const id = this.#find.get(page.number, `${block.key}.${ordinalOf(key)}` as ElementId)
      const prototype = id === undefined ? undefined : this.#prototypeOf.get(id)
      if (prototype !== undefined) return this.#insert(page, key, parent, { kind: prototype.kind, prototype })
    }
    throw new FoldFailed(`the ledger names element ${key} before it was added`, { element: key })
  }

  #parentOf(page: ContractRows, key: ElementId): number {
    return this.idOf(page, parentIdOf(key))
  }

  /** Base, custom type, options, currency, hint. */
  #typeOf(page: ContractRows, field: FieldType | undefined): (string | number | null)[] {
    if (field === undefined) return [null, null, null, null, null]
    const hint = field.hint ?? null
    if (field.type === 'custom') {
      const { id, base, constraints } = this.#types.find(page, field.definition)
      const { options, currency } = JSON.parse(constraints) as Constraint
      return [base, id, options === undefined ? null : JSON.stringify(options), currency ?? null, hint]
    }
    const options = field.type === 'choice' ? JSON.stringify(field.options) : null
    const currency = field.type === 'money' ? (field.currency ?? null) : null
    return [field.type, null, options, currency, hint]
  }

  #insert(page: ContractRows, key: ElementId, parent: number | null, element: NewElement): number {
    const { kind, prototype, name, owner, entriesMax, keyed, field } = element
    const id = page.base + ++page.elements
    const ownerId = owner === null || owner === undefined ? null : partyOf(page, owner).id
    const named = [prototype?.id ?? null, name ?? null, ownerId]
    const list = [entriesMax ?? null, keyed === undefined ? null : Number(keyed)]
    this.#add.run(id, page.number, key, parent, kind, ...named, ...list, ...this.#typeOf(page, field), page.size)
    if (page.elementIds.size < REMEMBERED_MAX) page.elementIds.set(key, id)
    if (kind === 'field' && page.fields.size < REMEMBERED_MAX) page.fields.set(key, { id, standing: [] })
    return id
  }
}
