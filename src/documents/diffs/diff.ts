import {
  type Block,
  childAt,
  childrenOf,
  type Element,
  entriesOf,
  type Field,
  type List,
} from '../../aggregates/contract/document/element.ts'
import { type Rule, ruleHash } from '../../aggregates/contract/rules/rule-book.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Agreed } from '../../aggregates/contract/values/standing.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { FieldType } from '../../events/field-type.ts'
import { type ElementId, type Handle, ordinalOf } from '../../events/ids.ts'
import { pathTo } from '../path.ts'

/** What one document has and another has not, as data: elements by their ids, and by their paths in the one that has them. */
export interface Diff {
  readonly added: readonly Added[]
  /** What stands below goes with it, and is not named. */
  readonly removed: readonly DiffPlace[]
  readonly renamed: readonly (DiffPlace & { readonly from: string; readonly to: string })[]
  readonly granted: readonly (DiffPlace & { readonly from: Handle | null; readonly to: Handle | null })[]
  /** The children of a block by name, in the order in which they are shown. */
  readonly arranged: readonly (DiffPlace & { readonly from: readonly string[]; readonly to: readonly string[] })[]
  /** Agreed ones; null: the field is empty. */
  readonly values: readonly (DiffPlace & { readonly from: Agreed | null; readonly to: Agreed | null })[]
  readonly rules: readonly RuleChange[]
  readonly phase?: { readonly from: ContractState['phase']; readonly to: ContractState['phase'] }
  /** False where there is more than is listed: `CHANGES_MAX` of all kinds together. */
  readonly isWhole: boolean
}

export interface DiffPlace {
  readonly element: ElementId
  readonly path: string
}

interface Added extends DiffPlace {
  readonly kind: 'block' | 'list' | 'field' | 'entry'
  readonly field?: FieldType
}

/** Null: there is no such rule. */
interface RuleChange {
  readonly rule: number
  readonly from: RuleState | null
  readonly to: RuleState | null
}

interface RuleState {
  readonly hash: Hash
  readonly isInForce: boolean
}

export const CHANGES_MAX = 10_000

/**
 * What differs between two states of one history. Takes work in proportion to what differs and to its siblings: the
 * states share what did not change.
 */
export function diff(from: ContractState, to: ContractState): Diff {
  return new Comparison().of(from, to)
}

type Names = readonly string[]
type Found = Omit<Diff, 'isWhole' | 'phase'>
type Kind = keyof Found

class Comparison {
  readonly #found: { [kind in Kind]: Found[kind][number][] } = {
    added: [],
    arranged: [],
    granted: [],
    removed: [],
    renamed: [],
    rules: [],
    values: [],
  }
  #count = 0

  of(from: ContractState, to: ContractState): Diff {
    this.#standing(from.document, to.document, [])
    this.#rules(from.rules.rules, to.rules.rules)
    const phase = from.phase === to.phase ? {} : { phase: { from: from.phase, to: to.phase } }
    return { ...this.#found, ...phase, isWhole: !this.#isFull }
  }

  get #isFull(): boolean {
    return this.#count > CHANGES_MAX
  }

  #note<K extends Kind>(kind: K, change: Found[K][number]): void {
    this.#count++
    if (!this.#isFull) this.#found[kind].push(change)
  }

  /** An element that both have. `names`: on the way to it, in the second. */
  #standing(before: Element, after: Element, names: Names): void {
    if (this.#isFull || isSame(before, after)) return
    const place = placeOf(after, names)
    // Name, owner and structure of what stands in an entry are those of its prototype.
    if (after.instance === undefined) {
      if (before.name !== after.name) this.#note('renamed', { ...place, from: before.name, to: after.name })
      if (before.owner !== after.owner) this.#note('granted', { ...place, from: before.owner, to: after.owner })
    }
    if (before.kind === 'field' && after.kind === 'field') this.#value(before, after, place)
    if (before.kind === 'block' && after.kind === 'block') this.#block(before, after, names)
    if (before.kind === 'list' && after.kind === 'list') this.#list(before, after, names)
  }

  #block(before: Block, after: Block, names: Names): void {
    for (const child of before.children) {
      if (this.#isFull) return
      const gone = after.children.get(ordinalOf(child.id)) === undefined
      if (gone && after.instance === undefined) this.#note('removed', placeOf(child, [...names, child.name]))
    }
    for (const child of after.children) {
      if (this.#isFull) return
      const way = [...names, child.name]
      const was = before.children.get(ordinalOf(child.id))
      if (was !== undefined) this.#standing(was, child, way)
      else if (after.instance === undefined) this.#added(child, way)
      else this.#valuesIn(child, way)
    }
    if (after.instance !== undefined || before.order === after.order) return
    const [from, to] = [namesIn(before), namesIn(after)]
    if (JSON.stringify(before.order) !== JSON.stringify(after.order)) {
      this.#note('arranged', { ...placeOf(after, names), from, to })
    }
  }

  #list(before: List, after: List, names: Names): void {
    if (after.instance === undefined) this.#standing(before.prototype, after.prototype, [...names, '0'])
    for (const entry of entriesOf(before)) {
      if (this.#isFull) return
      if (childAt(after, ordinalOf(entry.id)) === undefined)
        this.#note('removed', placeOf(entry, [...names, entry.name]))
    }
    for (const entry of entriesOf(after)) {
      if (this.#isFull) return
      const way = [...names, entry.name]
      const was = childAt(before, ordinalOf(entry.id))
      if (was !== undefined) this.#standing(was, entry, way)
      else {
        this.#note('added', { ...placeOf(entry, way), kind: 'entry' })
        this.#valuesIn(entry, way)
      }
    }
  }

  /** With all below it. */
  #added(element: Element, names: Names): void {
    if (this.#isFull) return
    const type = element.kind === 'field' ? { field: element.field } : {}
    this.#note('added', { ...placeOf(element, names), kind: element.kind, ...type })
    if (element.kind === 'field') this.#value(undefined, element, placeOf(element, names))
    else if (element.kind === 'list') this.#addedList(element, names)
    else for (const child of element.children) this.#added(child, [...names, child.name])
  }

  /** Its prototype says what its entries are made of. */
  #addedList(list: List, names: Names): void {
    this.#added(list.prototype, [...names, '0'])
    for (const entry of entriesOf(list)) {
      if (this.#isFull) return
      const way = [...names, entry.name]
      this.#note('added', { ...placeOf(entry, way), kind: 'entry' })
      this.#valuesIn(entry, way)
    }
  }

  /** Of what nothing was there before. */
  #valuesIn(element: Element, names: Names): void {
    if (this.#isFull || (element.instance !== undefined && element.instance.own === undefined)) return
    if (element.kind === 'field') this.#value(undefined, element, placeOf(element, names))
    else for (const child of childrenOf(element)) this.#valuesIn(child, [...names, child.name])
  }

  #value(before: Field | undefined, { agreed: to }: Field, place: DiffPlace): void {
    const from = before?.agreed ?? null
    if (from?.id === to?.id && from?.seal === to?.seal) return
    this.#note('values', { ...place, from: from && sealed(from), to: to && sealed(to) })
  }

  #rules(before: readonly Rule[], after: readonly Rule[]): void {
    if (before === after) return
    const was = new Map(before.map((rule) => [rule.terms.id, stateOf(rule)]))
    const is = new Map(after.map((rule) => [rule.terms.id, stateOf(rule)]))
    for (const rule of [...new Set([...was.keys(), ...is.keys()])].sort((one, other) => one - other)) {
      const [from, to] = [was.get(rule) ?? null, is.get(rule) ?? null]
      if (from?.hash !== to?.hash || from?.isInForce !== to?.isInForce) this.#note('rules', { rule, from, to })
    }
  }
}

function isSame(before: Element, after: Element): boolean {
  if (before === after) return true
  // What an entry has of its own: all else is its prototype's.
  const [was, is] = [before.instance, after.instance]
  return was !== undefined && is !== undefined && was.own === is.own
}

function placeOf({ id: element }: Element, names: Names): DiffPlace {
  return { element, path: pathTo(names) }
}

function namesIn(block: Block): string[] {
  return [...childrenOf(block)].map(({ name }) => name)
}

function sealed({ id, by, seal }: Agreed): Agreed {
  return { id, by, seal }
}

function stateOf({ terms, isInForce }: Rule): RuleState {
  return { hash: ruleHash(terms), isInForce }
}
