import { childAt, childNamed, type Element, keyOf } from '../../aggregates/contract/document/element.ts'
import { type ContractState, find } from '../../aggregates/contract/state.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { ElementId, Uid } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import { AgreedView, type HeldPayloads, isStanding, openedIn } from '../agreed-view.ts'
import { type Selector, selectorIn } from '../path.ts'

/** The document before a change, and after it. */
export interface Around {
  readonly before: ContractState
  readonly after: ContractState
}

/** The names on the way to what an event is about, and the document that has them. */
interface Place {
  readonly names: readonly string[]
  readonly document: ContractState
}

/** Where the keys of entries are, by which somebody watches them. */
export interface KeysOf {
  readonly contract: Uid
  readonly payloads: HeldPayloads
}

/** The names on the way to what an event is about, as they are then. */
export function changedPath(event: ContractEvent, around: Around): readonly string[] {
  return placeOf(event, event.type === 'ElementRemoved' ? around.before : around.after).names
}

/** Of what is renamed, the names on the way to it that it had. */
export function pathBefore(event: ContractEvent, { before }: Around): readonly string[] | undefined {
  return event.type === 'ElementRenamed' ? placeOf(event, before).names : undefined
}

/**
 * Whether an event concerns whoever watches these names, as paths have them: of them `*` is any one, `Lines[3]` an entry by its number, and
 * `Lines[Insurer = "acme-re"]` one whose key is or was this. It is about what is there or below, or takes away, or has come to be called so, what
 * stands above; what is changed at a prototype is changed in all entries. `beside`: the names on other ways to what it is about, before it.
 */
export function concerns(
  event: ContractEvent,
  watched: readonly string[],
  around: Around,
  keys: KeysOf,
  beside: readonly (readonly string[])[] = [],
): boolean | Promise<boolean> {
  const isRenamed = event.type === 'ElementRenamed'
  const isAbove = isRenamed || event.type === 'ElementRemoved'
  const places = isRenamed
    ? [placeOf(event, around.before), placeOf(event, around.after)]
    : [placeOf(event, isAbove ? around.before : around.after)]
  const others = beside.map((names) => ({ document: around.before, names }))
  const met = [...places, ...others].flatMap((place) => {
    const found = meeting(place, watched)
    return found !== undefined && (found.isBelow || isAbove) ? [found.keyed] : []
  })
  if (met.length === 0) return false
  return met.some((keyed) => keyed.length === 0) || anyHas(met, around, keys)
}

type KeySelector = Extract<Selector, { readonly key: string }>

/** An entry that is watched if it has this key. */
interface Keyed {
  readonly entry: ElementId
  readonly selector: KeySelector
}

/** Undefined: they lead elsewhere. `isBelow`: what is watched is there, or above. `keyed`: if these entries have their keys. */
function meeting(
  { document, names }: Place,
  watched: readonly string[],
): { readonly isBelow: boolean; readonly keyed: readonly Keyed[] } | undefined {
  const keyed: Keyed[] = []
  let at = 0
  for (const name of watched) {
    const step = names[at]
    if (step === undefined) return { isBelow: false, keyed }
    at++
    if (name === '*' || step === name || (step === '0' && isList(names.slice(0, at - 1), document))) continue
    const selector = selectorIn(name)
    const entry = names[at]
    if (selector?.list !== step) return undefined
    if (entry === undefined) return { isBelow: false, keyed }
    at++
    if (entry === '0' && isList(names.slice(0, at - 1), document)) continue
    if ('number' in selector) {
      if (entry !== selector.number) return undefined
      continue
    }
    const element = elementAt(names.slice(0, at), document)
    if (element === undefined) return undefined
    keyed.push({ entry: element.id, selector })
  }
  return { isBelow: true, keyed }
}

function isList(names: readonly string[], document: ContractState): boolean {
  return elementAt(names, document)?.kind === 'list'
}

function elementAt(names: readonly string[], { document }: ContractState): Element | undefined {
  return names.reduce<Element | undefined>((at, name) => at && childNamed(at, name), document)
}

async function anyHas(met: readonly (readonly Keyed[])[], around: Around, keys: KeysOf): Promise<boolean> {
  for (const keyed of met) {
    for (const document of [around.after, around.before]) {
      const has = await Promise.all(keyed.map((one) => hasKey(one, document, keys)))
      if (has.every(Boolean)) return true
    }
  }
  return false
}

async function hasKey({ entry, selector }: Keyed, document: ContractState, keys: KeysOf): Promise<boolean> {
  const list = find(document, parentOf(entry))
  const element = find(document, entry)
  if (list?.kind !== 'list' || keyOf(list)?.name !== selector.key || element === undefined) return false
  const field = childAt(element, 0)
  if (field?.kind !== 'field' || !isStanding(field)) return false
  const { seal } = field.agreed
  const text = (await openedIn([field], keys.contract, keys.payloads, undefined)).get(seal)
  return text !== undefined && valueUnder(seal, text) === selector.value
}

/** Of what is not in the document: the block that it would be in; of members, the record itself. */
function placeOf(event: ContractEvent, document: ContractState): Place {
  const id = idOf(event)
  const names =
    id === undefined ? [] : (AgreedView.namesOf(document, id) ?? AgreedView.namesOf(document, parentOf(id)) ?? [])
  return { document, names }
}

function idOf(event: ContractEvent): ElementId | undefined {
  if ('field' in event && typeof event.field === 'string') return event.field
  if ('block' in event) return event.block
  return 'element' in event ? event.element : undefined
}

function parentOf(id: ElementId): ElementId {
  return id.slice(0, Math.max(1, id.lastIndexOf('.'))) as ElementId
}
