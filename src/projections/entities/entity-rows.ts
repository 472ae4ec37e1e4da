import type Database from 'better-sqlite3'
import { nfc } from '../../aggregates/names/normal-form.ts'
import { BoundedCache } from '../../crypto/bounded-cache.ts'
import { ROOT, type Uid } from '../../events/ids.ts'
import { type Bound, cursorOf, type PagePlace, placeIn } from './cursor.ts'
import { columnsOf, type Entity } from './entity.ts'
import { type Condition, type Filters, filtersOf, type Lookups, rowOf } from './entity-filters.ts'
import type { EntityRow } from './held-values.ts'
import { QueryTooWide, QueryUnfit } from './query-unfit.ts'
import { keyOf, universalIdOf } from './universal-id.ts'

export interface EntityQuery {
  /** By attributes that are filters: what they are to be, as a query has it; '' is null, or an empty text. */
  readonly filters?: ReadonlyMap<string, string>
  /** Left out: in the order of the key, which never changes, so that nothing comes twice and nothing is left out. */
  readonly sort?: { readonly by: string; readonly isDescending: boolean }
  readonly cursor?: string
  readonly limit: number
  /** Contracts that are not held any more as well. */
  readonly hasGivenUp?: true
}

export interface EntityPage {
  readonly rows: readonly EntityRow[]
  /** There may be more behind that; even a page without rows may have it (decision 0135). */
  readonly next?: string
}

const STATEMENTS_MAX = 64

type Values = readonly Bound[]

/** Contracts that were given up are few. */
const GIVEN_UP = 'SELECT id FROM Contract WHERE given_up_at IS NOT NULL AND given_up_at >= held_at'

/** Finds rows of entities in a read model. What is asked costs bounded work, whatever it is. */
export class EntityRows {
  readonly #database: Database.Database
  readonly #anyGivenUp
  readonly #uid
  readonly #number
  readonly #key
  readonly #child
  readonly #made
  readonly #above
  readonly #lookups: Lookups
  /** By their text: a page is asked for by the same as the one before. */
  readonly #statements = new BoundedCache<Database.Statement<Bound[], EntityRow>>(STATEMENTS_MAX)

  constructor(database: Database.Database) {
    this.#database = database
    this.#anyGivenUp = database.prepare<[], number>(GIVEN_UP).pluck()
    this.#uid = database.prepare<[number], Uid>('SELECT uid FROM Contract WHERE id = ?').pluck()
    this.#number = database.prepare<[Uid], number>('SELECT id FROM Contract WHERE uid = ?').pluck()
    this.#key = database
      .prepare<[number, string], number>('SELECT id FROM Element WHERE contract = ? AND key = ?')
      .pluck()
    this.#child = database
      .prepare<[number, string], number>('SELECT id FROM Element WHERE parent = ? AND name = ? AND removed_at IS NULL')
      .pluck()
    // What stands in an entry has its name from the prototype.
    this.#made = database
      .prepare<[number, string], number>(
        `SELECT own.id FROM Element AS own JOIN Element AS made ON made.id = own.prototype
         WHERE own.parent = ? AND own.name IS NULL AND own.removed_at IS NULL AND made.name = ?`,
      )
      .pluck()
    // Not from the view: with what is bound in a join SQLite prepares the statement anew each time, which takes twenty times as long.
    this.#above = database.prepare<[number], { readonly parent: number | null; readonly name: string }>(
      `SELECT parent, coalesce(name, (SELECT name FROM Element WHERE id = own.prototype)) AS name
       FROM Element AS own WHERE id = ?`,
    )
    const elementOf = (contract: number, key: string) => this.#key.get(contract, key)
    this.#lookups = {
      find: (entity, id) => keyOf(entity, id, (uid) => this.#number.get(uid)),
      elementOf,
      elementAt: (contract, path) => {
        let element = elementOf(contract, ROOT)
        for (const name of stepsOf(path)) {
          if (element === undefined) return undefined
          element = this.#named(element, name) ?? this.#entryNumbered(element, name)
        }
        return element
      },
    }
  }

  #named(parent: number, name: string): number | undefined {
    return this.#child.get(parent, name) ?? this.#made.get(parent, name)
  }

  /** `Lines[3]`: what is as well `Lines/3`. */
  #entryNumbered(parent: number, step: string): number | undefined {
    const [, list, entry] = /^(.+)\[(0|[1-9]\d*)\]$/s.exec(step) ?? []
    const id = list === undefined ? undefined : this.#named(parent, list)
    return id === undefined ? undefined : this.#named(id, entry as string)
  }

  /** Of the contract of that number. */
  uidOf(contract: number): Uid | undefined {
    return this.#uid.get(contract)
  }

  /** By its local id, or by its universal one. */
  get(entity: Entity, id: string): EntityRow | undefined {
    const key = this.#lookups.find(entity, id)
    const conditions = key && rowOf(entity, key, this.#lookups)
    if (conditions === undefined) return undefined
    const { sql, values } = all([...conditions, ...held(entity)])
    const row = this.#prepare(`SELECT ${columns(entity)} FROM ${entity.from} WHERE ${sql}`).get(...values)
    return row && this.#shown(entity, [row])[0]
  }

  /** Attacker-controlled: `query`. Throws QueryUnfit, QueryTooWide. */
  find(entity: Entity, query: EntityQuery): EntityPage {
    const { cursor, filters = new Map<string, string>(), limit, sort } = query
    const found = filtersOf(entity, filters, this.#lookups)
    const byKey = sort === undefined || sort.by === entity.key[0]
    const said = JSON.stringify([entity.name, sort ?? null, [...filters].sort()])
    const lengths = byKey ? [1, entity.key.length] : [entity.key.length + 1]
    const after = cursor === undefined ? undefined : placeIn(said, cursor, lengths)
    if (found === undefined) return { rows: [] }
    const [first] = entity.key
    const narrowing = found.narrowing.map((one) => ofKey(first, one))
    const standing = query.hasGivenUp || this.#anyGivenUp.get() === undefined ? [] : held(entity)
    const wanted = { ...found, conditions: [...found.conditions, ...narrowing, ...standing] }
    const isDescending = sort?.isDescending ?? false
    const [rows, next] = byKey
      ? this.#inOrder(entity, wanted, {
          after,
          isDescending,
          limit,
          isAll: found.isExact,
          isEach: standing.length === 0,
        })
      : this.#sorted(entity, wanted, { after, by: sort.by, isDescending, limit })
    return { rows: this.#shown(entity, rows), ...(next && { next: cursorOf(said, next) }) }
  }

  /** Looks through the next rows of the table that is walked, in the order of their ids, up to a number of them. */
  #inOrder(
    entity: Entity,
    { conditions, narrowing }: Filters,
    how: { after: PagePlace | undefined; isDescending: boolean; limit: number; isAll: boolean; isEach: boolean },
  ): [rows: EntityRow[], next?: PagePlace] {
    const { after, isAll, isDescending, isEach, limit } = how
    const [first, second] = entity.key
    const [beyond, direction] = isDescending ? ['<', 'DESC'] : ['>', 'ASC']
    const [from, ofSecond] = after ?? []
    // A row that is walked may have others of the entity to come.
    const isWithin = second !== undefined && after?.length === 2
    const start = from === undefined ? [] : [{ sql: `id ${beyond}${isWithin ? '=' : ''} ?`, values: [from] }]
    const walk = all([...narrowing, ...start])
    const looked = isAll ? limit + 1 : entity.looksAt
    // Where each row that is looked at is one that is asked for, the limit is the bound.
    const end =
      isAll && isEach
        ? undefined
        : this.#database
            .prepare<Bound[], number>(
              `SELECT id FROM ${entity.walks} WHERE ${walk.sql} ORDER BY id ${direction} LIMIT 1 OFFSET ${looked - 1}`,
            )
            .pluck()
            .get(...walk.values)
    const { sql, values } = all([
      ...conditions,
      ...start.map((one) => ofKey(first, one)),
      ...(isWithin ? [{ sql: `(${first} <> ? OR ${second} ${beyond} ?)`, values: [from, ofSecond] as Values }] : []),
      ...(end === undefined ? [] : [{ sql: `${first} ${isDescending ? '>=' : '<='} ?`, values: [end] }]),
    ])
    const order = entity.key.map((column) => `${column} ${direction}`).join(', ')
    const rows = this.#prepare(
      `SELECT ${columns(entity)} FROM ${entity.from} WHERE ${sql} ORDER BY ${order} LIMIT ${limit + 1}`,
    ).all(...values)
    if (rows.length > limit) return [rows.slice(0, limit), keyIn(entity, rows[limit - 1] as EntityRow)]
    return end === undefined ? [rows] : [rows, [end]]
  }

  /** Puts in order what is asked for, if the rows that have to be looked at for it are not too many. */
  #sorted(
    entity: Entity,
    { conditions, narrowing }: Filters,
    {
      after,
      by,
      isDescending,
      limit,
    }: { after: PagePlace | undefined; by: string; isDescending: boolean; limit: number },
  ): [rows: EntityRow[], next?: PagePlace] {
    const walk = all(narrowing)
    const count = this.#database
      .prepare<Bound[], number>(
        `SELECT count(*) FROM (SELECT 1 FROM ${entity.walks} WHERE ${walk.sql} LIMIT ${entity.looksAt + 1})`,
      )
      .pluck()
      .get(...walk.values) as number
    if (count > entity.looksAt) {
      const message = `more than ${entity.looksAt} rows would have to be put in order: ask for those of a contract, or of a parent`
      throw new QueryTooWide('query_too_wide', message, { limit: { name: 'rows', max: entity.looksAt } })
    }
    const direction = isDescending ? 'DESC' : 'ASC'
    const { sql, values } = all([...conditions, ...(after ? [behind(entity, by, after, isDescending)] : [])])
    const order = [by, ...entity.key].map((column) => `${column} ${direction}`).join(', ')
    const rows = this.#prepare(
      `SELECT ${columns(entity)} FROM ${entity.from} WHERE ${sql} ORDER BY ${order} LIMIT ${limit + 1}`,
    ).all(...values)
    const last = rows[limit - 1]
    if (rows.length <= limit || last === undefined) return [rows]
    return [rows.slice(0, limit), [last[by] as Bound, ...keyIn(entity, last)]]
  }

  #prepare(sql: string) {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const made = this.#database.prepare<Bound[], EntityRow>(sql)
    this.#statements.set(sql, made)
    return made
  }

  #shown(entity: Entity, rows: readonly EntityRow[]): EntityRow[] {
    const columns = columnsOf(entity)
    const booleans = columns.filter(({ storage }) => storage === 'boolean').map(({ name }) => name)
    const texts = columns.filter(({ storage }) => storage === 'json').map(({ name }) => name)
    const pathOf = entity.name === 'Element' ? this.#pathsOf() : undefined
    const uidOf = this.#uidsOf()
    for (const row of rows) {
      // It is nobody else's, and another object for each row would take as long as reading it.
      const shown = row as Record<string, unknown>
      shown.universalId = universalIdOf(entity, row, uidOf((row.contract ?? row.id) as number))
      if (pathOf !== undefined) shown.path = pathOf(row)
      for (const name of booleans) if (row[name] !== null) shown[name] = row[name] === 1
      for (const name of texts) if (row[name] !== null) shown[name] = JSON.parse(row[name] as string)
    }
    return rows as EntityRow[]
  }

  /** Of rows one after another: those that stand together are mostly of one contract. */
  #uidsOf(): (contract: number) => Uid {
    const uids = new Map<number, Uid>()
    let last: { readonly contract: number; readonly uid: Uid } | undefined
    return (contract) => {
      if (last?.contract === contract) return last.uid
      const uid = uids.get(contract) ?? (this.uidOf(contract) as Uid)
      uids.set(contract, uid)
      last = { contract, uid }
      return uid
    }
  }

  /** Likewise: of one block. */
  #pathsOf(): (row: EntityRow) => string | null {
    const paths = new Map<number, string>()
    let last: { readonly block: number; readonly path: string } | undefined
    return ({ name, parent, removed_at }) => {
      if (removed_at !== null) return null
      if (parent === null) return ''
      const block = parent as number
      if (last?.block !== block) last = { block, path: this.#blockPath(block, paths) }
      return joined(last.path, name as string)
    }
  }

  #blockPath(block: number, paths: Map<number, string>): string {
    const known = paths.get(block)
    if (known !== undefined) return known
    const { name, parent } = this.#above.get(block) as { parent: number | null; name: string }
    const path = parent === null ? '' : joined(this.#blockPath(parent, paths), name)
    paths.set(block, path)
    return path
  }
}

/** Names as rows show them, in whatever normalisation form; entries by their numbers, since keys are values, and values are in no table. Attacker-controlled: `path`. Throws QueryUnfit. */
function stepsOf(path: string): string[] {
  const steps = path === '' ? [] : path.split('/').map((step) => nfc(unescaped(step)))
  if (steps.includes('')) throw pathUnfit()
  return steps
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    throw pathUnfit()
  }
}

function pathUnfit(): QueryUnfit {
  const expected = 'names, escaped as in a URL, with slashes between them, an entry of a list by its number or its key'
  return new QueryUnfit('query_unfit', `a path is ${expected}`, { path: '/path', expected })
}

function joined(above: string, name: string): string {
  const step = encodeURIComponent(name)
  return above === '' ? step : `${above}/${step}`
}

function columns(entity: Entity): string {
  return columnsOf(entity)
    .map(({ name }) => name)
    .join(', ')
}

function keyIn({ key }: Entity, row: EntityRow): PagePlace {
  return key.map((column) => row[column] as Bound)
}

function held({ name }: Entity): Condition[] {
  return [{ sql: `${name === 'Contract' ? 'id' : 'contract'} NOT IN (${GIVEN_UP})`, values: [] }]
}

/** The same of the rows of an entity, whose key begins with the id of what is walked. */
function ofKey(first: string, { sql, values }: Condition): Condition {
  return { sql: sql.replaceAll(/\bid\b/g, first), values }
}

function all(conditions: readonly Condition[]): { readonly sql: string; readonly values: Values } {
  if (conditions.length === 0) return { sql: 'TRUE', values: [] }
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  }
}

/** Behind a place in the order of an attribute and, of equal ones, of the key; null comes first, as SQLite has it. */
function behind({ key }: Entity, by: string, [value = null, ...at]: PagePlace, isDescending: boolean): Condition {
  const beyond = isDescending ? '<' : '>'
  const [first, second] = key
  const ofKey =
    second === undefined ? `${first} ${beyond} ?` : `(${first} ${beyond} ? OR ${first} = ? AND ${second} ${beyond} ?)`
  const values = second === undefined ? [at[0] as Bound] : [at[0] as Bound, at[0] as Bound, at[1] as Bound]
  if (value === null) {
    const isEqual = `(${by} IS NULL AND ${ofKey})`
    return { sql: isDescending ? isEqual : `(${by} IS NOT NULL OR ${isEqual})`, values }
  }
  const others = isDescending ? `${by} < ? OR ${by} IS NULL` : `${by} > ?`
  return { sql: `(${others} OR ${by} = ? AND ${ofKey})`, values: [value, value, ...values] }
}
