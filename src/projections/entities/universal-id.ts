import { type ElementId, ROOT, UID_PATTERN, type Uid } from '../../events/ids.ts'
import { baseOf } from '../row-id.ts'
import { contractOf, type Entity } from './entity.ts'

/**
 * The name by which every party of a contract knows a row: the UID of the contract and the place of the row in the
 * order of the ledger. For an element: the UID and the element's id in the protocol; for the document itself: the UID
 * alone. A row whose key has two parts names both. Local ids are this node's alone.
 */
export function universalIdOf(
  { key: [first, second], name }: Entity,
  row: Readonly<Record<string, unknown>>,
  uid: Uid,
): string {
  if (name === 'Contract' || (name === 'Element' && row.key === ROOT)) return uid
  if (name === 'Element') return `${uid}.${row.key}`
  const place = placeOf(row[first] as number)
  if (second === undefined) return `${uid}.${place}`
  return `${uid}.${place}.${name === 'Dialogue' ? placeOf(row[second] as number) : row[second]}`
}

function placeOf(id: number): number {
  return id - baseOf(contractOf(id))
}

const UID_CHARACTERS = 52
const UNIVERSAL = new RegExp(`${UID_PATTERN.slice(0, -1)}(?:\\.|$)`)
const PLACE = /^[1-9]\d{0,9}$/
const LOCAL_ID = /^[1-9]\d{0,15}$/

/** What finds a row in the tables. `elementOf`: the element with that id in the protocol, in the contract of that number. */
export type Key = readonly (string | number)[] | { readonly elementOf: number; readonly key: ElementId }

/** Undefined: there is no such row. `contractOf`: the number of a contract. */
export function keyOf(entity: Entity, id: string, numberOf: (uid: Uid) => number | undefined): Key | undefined {
  if (!UNIVERSAL.test(id)) return localKeyOf(entity, id)
  const number = numberOf(id.slice(0, UID_CHARACTERS) as Uid)
  const rest = id.slice(UID_CHARACTERS + 1)
  if (number === undefined) return undefined
  if (entity.name === 'Contract') return rest === '' ? [number] : undefined
  if (entity.name === 'Element') return { elementOf: number, key: (rest === '' ? ROOT : rest) as ElementId }
  const [first, second] = halves(rest)
  if (!PLACE.test(first)) return undefined
  const base = baseOf(number)
  if (entity.key.length === 1) return second === undefined ? [base + Number(first)] : undefined
  if (second === undefined) return undefined
  if (entity.name !== 'Dialogue') return [base + Number(first), second]
  return PLACE.test(second) ? [base + Number(first), base + Number(second)] : undefined
}

/** A local id, or, of what has a key of two, both with a full stop between them. */
function localKeyOf(entity: Entity, id: string): Key | undefined {
  const [first, second] = halves(id)
  if (!LOCAL_ID.test(first) || (second === undefined) !== (entity.key.length === 1)) return undefined
  if (second === undefined) return [Number(first)]
  if (entity.name !== 'Dialogue') return [Number(first), second]
  return LOCAL_ID.test(second) ? [Number(first), Number(second)] : undefined
}

function halves(text: string): [string, string?] {
  const at = text.indexOf('.')
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
