import { LOCAL_IDS } from '../row-id.ts'
import type { Bound } from './cursor.ts'
import { type Attribute, contractOf, type Entity, isFilter } from './entity.ts'
import { entityOf } from './model.ts'
import { QueryUnfit } from './query-unfit.ts'
import type { Key } from './universal-id.ts'

/** A condition in SQL with what is bound in it. Its text never has anything of a query in it but the names of columns. */
export interface Condition {
  readonly sql: string
  readonly values: readonly Bound[]
}

/** What rows are asked for. */
export interface Filters {
  readonly conditions: readonly Condition[]
  /** Conditions on the rows of `walks` that hold for all of these: by an index, or the range of a contract. */
  readonly narrowing: readonly Condition[]
  /** The narrowing says all that the conditions say: each row that is looked at is one that is asked for. */
  readonly isExact: boolean
}

export interface Lookups {
  /** What finds the row of that id, which may be a local or a universal one; undefined: there is none. */
  readonly find: (entity: Entity, id: string) => Key | undefined
  readonly elementAt: (contract: number, path: string) => number | undefined
  readonly elementOf: (contract: number, key: string) => number | undefined
}

/** Undefined: no row can be meant. Attacker-controlled: `said`, by attribute; each is one that is a filter. Throws QueryUnfit. */
export function filtersOf(entity: Entity, said: ReadonlyMap<string, string>, lookups: Lookups): Filters | undefined {
  const conditions: Condition[] = []
  const narrowing: Condition[] = []
  let isExact = entity.key.length === 1
  for (const [name, value] of said) {
    const attribute = entity.attributes.find((one) => one.name === name)
    if (attribute === undefined || !isFilter(attribute))
      throw new QueryUnfit('query_unfit', `${name} is no filter of ${entity.plural}`, { path: `/${name}` })
    if (attribute.source === 'derived') {
      const key = name === 'path' ? elementAt(said, value, lookups) : lookups.find(entity, value)
      const found = key && rowOf(entity, key, lookups)
      if (found === undefined) return undefined
      conditions.push(...found)
      narrowing.push({ sql: 'id = ?', values: found[0]?.values ?? [] })
      continue
    }
    if (value === '') {
      isExact = false
      conditions.push({ sql: `(${name} IS NULL OR ${name} = '')`, values: [] })
      continue
    }
    const bound = boundOf(attribute, value, lookups)
    if (bound === undefined) return undefined
    const { isAll, isRange, more } = narrowed(entity, attribute, bound)
    // Said twice, SQLite would look through all rows of the contract for each page, by their index, and put them in order.
    if (!isRange)
      conditions.push({ sql: attribute.storage === 'json' ? `json(${name}) = ?` : `${name} = ?`, values: [bound] })
    narrowing.push(...more)
    isExact &&= isAll
  }
  return { conditions, narrowing, isExact }
}

/** By all columns of its key. Undefined: there is none. */
export function rowOf({ key: columns }: Entity, key: Key, { elementOf }: Lookups): Condition[] | undefined {
  if ('elementOf' in key) {
    const id = elementOf(key.elementOf, key.key)
    return id === undefined ? undefined : [{ sql: 'id = ?', values: [id] }]
  }
  return columns.map((column, place) => ({ sql: `${column} = ?`, values: [key[place] as Bound] }))
}

function elementAt(said: ReadonlyMap<string, string>, path: string, { elementAt, find }: Lookups): Key | undefined {
  const contract = said.get('contract')
  if (contract === undefined)
    throw new QueryUnfit('query_unfit', 'a path is one of a contract: name it', { path: '/path', expected: 'contract' })
  const key = find(entityOf('Contract'), contract)
  if (key === undefined || 'elementOf' in key) return undefined
  const id = elementAt(key[0] as number, path)
  return id === undefined ? undefined : [id]
}

function boundOf(attribute: Attribute, said: string, { elementOf, find }: Lookups): Bound | undefined {
  const { format, name, references, storage } = attribute
  if (references !== undefined) {
    const key = find(entityOf(references), said)
    if (key === undefined) return undefined
    return 'elementOf' in key ? elementOf(key.elementOf, key.key) : (key[0] as Bound)
  }
  switch (storage) {
    case 'boolean':
      if (said === 'true' || said === 'false') return Number(said === 'true')
      throw unfit(name, 'true or false')
    case 'integer':
      if (/^(?:0|[1-9]\d{0,14})$/.test(said)) return Number(said)
      if (format === 'local-id' && /^[1-9]\d{15}$/.test(said)) return Number(said)
      throw unfit(name, 'an integer')
    case 'json':
      try {
        return JSON.stringify(JSON.parse(said))
      } catch {
        throw unfit(name, 'JSON')
      }
    case 'text':
      return said
  }
}

/** What such a value says of the rows that have to be looked at; whether that is all that it says, and whether it is by the range of a contract. */
function narrowed(
  entity: Entity,
  { isIndexed, name, references }: Attribute,
  bound: Bound,
): { readonly isAll: boolean; readonly isRange?: boolean; readonly more: Condition[] } {
  const [first] = entity.key
  if (name === first) return { isAll: true, more: [{ sql: 'id = ?', values: [bound] }] }
  if (isIndexed) return { isAll: true, more: [{ sql: `${name} = ?`, values: [bound] }] }
  if (references === undefined) return { isAll: false, more: [] }
  // Whatever a row refers to is of the same contract.
  const contract = references === 'Contract' ? (bound as number) : contractOf(bound as number)
  if (entity.name === 'Contract') return { isAll: false, more: [{ sql: 'id = ?', values: [contract] }] }
  const range = { sql: 'id > ? AND id < ?', values: [contract * LOCAL_IDS, (contract + 1) * LOCAL_IDS] }
  const isContract = references === 'Contract'
  return { isAll: isContract, isRange: isContract, more: [range] }
}

function unfit(name: string, expected: string): QueryUnfit {
  return new QueryUnfit('query_unfit', `the filter ${name} takes ${expected}`, { path: `/${name}`, expected })
}
