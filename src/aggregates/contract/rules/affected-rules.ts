import { ancestorAt, ancestorsOf, depthOf, type ElementId, ordinalsOf } from '../../../events/ids.ts'
import { isWithin, sharedEntry } from '../../rules/schema.ts'
import { type ContractState, find } from '../state.ts'
import type { CompiledRule } from './compiled-rule.ts'
import { instancesOf, schemaIdOf } from './rule-schema.ts'
import type { RulesInForce } from './rules-in-force.ts'

/** What of the document a request has changed. Ids of elements that are there, or were. */
export interface Changed {
  readonly fields: ReadonlySet<ElementId>
  /** Of these, those where something that somebody has put up is agreed: what is assigned there is assigned anew. */
  readonly agreed: ReadonlySet<ElementId>
  /** Lists that have an entry more, or less. */
  readonly lists: ReadonlySet<ElementId>
  readonly addedEntries: ReadonlySet<ElementId>
  /** What has an element more below it. */
  readonly extended: ReadonlySet<ElementId>
  /** Everything: rules have come into force. */
  readonly all: boolean
}

/** Where a rule is to be evaluated again: at these blocks, or wherever it is. */
type Places = Set<ElementId> | 'all'

/** Which rules a pass evaluates, and where: those that read what the request, or the pass itself, has changed. */
export class AffectedRules {
  /** Rules have come into force: every rule is evaluated, wherever it is. */
  readonly isEverything: boolean
  readonly #rules: RulesInForce
  readonly #dirty = new Map<number, Places>()
  readonly #switched = new Set<ElementId | number>()

  constructor(rules: RulesInForce, state: ContractState, changed: Changed) {
    this.#rules = rules
    this.isEverything = changed.all
    for (const field of changed.fields) this.fieldChanged(state, field)
    for (const field of changed.agreed) this.#targetTaken(state, field)
    for (const list of changed.lists) {
      const schemaId = schemaIdOf(state, list)
      this.#listChanged(state, schemaId, list)
      this.#timeRead(state, schemaId, list)
    }
    for (const entry of changed.addedEntries) this.#entryAdded(state, entry)
    for (const block of changed.extended) {
      const schemaId = schemaIdOf(state, block)
      this.#requiredChanged(schemaId)
      this.#timeRead(state, schemaId, block)
    }
  }

  blockSwitched(id: ElementId): void {
    this.#switched.add(id)
    for (const rule of this.#rules.readingUnder.get(id) ?? []) this.#mark(rule, 'all')
    this.#requiredChanged(id)
    for (const rules of this.#rules.requiredBefore.values()) {
      for (const { terms } of rules) if (isWithin(terms.at, id)) this.#dirty.set(terms.id, 'all')
    }
  }

  ruleSetSwitched(id: number): void {
    this.#switched.add(id)
  }

  #mark(rule: CompiledRule, place: ElementId | 'all'): void {
    const { id } = rule.terms
    const places = this.#dirty.get(id)
    if (places === 'all') return
    if (place === 'all') this.#dirty.set(id, 'all')
    else if (places === undefined) this.#dirty.set(id, new Set([place]))
    else places.add(place)
  }

  /** Where a rule reads what has changed: in the entry that both stand in, or, if they are in none, wherever the rule is. */
  #markWhereRead(state: ContractState, rule: CompiledRule, from: ElementId | undefined, changed: ElementId): void {
    const entry = from === undefined ? undefined : sharedEntry(from, rule.lists)
    if (entry === undefined) {
      this.#mark(rule, 'all')
      return
    }
    const part = { under: ancestorAt(changed, depthOf(entry)), of: entry }
    for (const place of instancesOf(state, rule.block, part)) this.#mark(rule, place)
  }

  fieldChanged(state: ContractState, field: ElementId): void {
    const schemaId = schemaIdOf(state, field)
    for (const rule of this.#rules.reading.get(schemaId) ?? []) {
      for (const { id, from } of rule.reads) if (id === schemaId) this.#markWhereRead(state, rule, from, field)
    }
    this.#requiredChanged(schemaId)
    this.#timeRead(state, schemaId, field)
  }

  /** A resignation is not void for it, so the rule has the last word. */
  #targetTaken(state: ContractState, field: ElementId): void {
    for (const rule of this.#rules.assigning.get(schemaIdOf(state, field)) ?? []) {
      this.#mark(rule, rule.lists.length > 0 ? ancestorAt(field, depthOf(rule.block)) : 'all')
    }
  }

  #listChanged(state: ContractState, schemaId: ElementId, list: ElementId): void {
    for (const rule of this.#rules.readingUnder.get(schemaId) ?? []) {
      for (const { id, from } of rule.reads) {
        // What a rule in an entry reads in that entry is the same, whichever others there are.
        const isOwn = from !== undefined && sharedEntry(from, rule.lists)?.startsWith(`${schemaId}.`)
        if (!isOwn && isWithin(id, schemaId)) this.#markWhereRead(state, rule, from, list)
      }
    }
    this.#requiredChanged(schemaId)
  }

  #entryAdded(state: ContractState, entry: ElementId): void {
    const of = schemaIdOf(state, entry)
    for (const way of ancestorsOf(of)) {
      for (const rule of this.#rules.perEntry.get(way) ?? []) {
        if (!isWithin(rule.block, of)) continue
        for (const place of instancesOf(state, rule.block, { under: entry, of })) this.#mark(rule, place)
      }
    }
  }

  /** What says until when something may change is judged when it does (decision 0124). */
  #timeRead(state: ContractState, schemaId: ElementId, changed: ElementId): void {
    for (const way of ancestorsOf(schemaId)) {
      for (const rule of this.#rules.timedAt.get(way) ?? []) {
        this.#markWhereRead(state, rule, schemaId, changed)
      }
    }
  }

  /** A rule set that waits for what is required there is looked at again. */
  #requiredChanged(schemaId: ElementId): void {
    for (const way of ancestorsOf(schemaId)) {
      for (const { terms } of this.#rules.requiredAt.get(way) ?? []) {
        if (terms.body.kind === 'required' && terms.body.before !== 'live') this.#dirty.set(terms.id, 'all')
      }
    }
  }

  isDirty({ terms }: CompiledRule): boolean {
    return this.isEverything || this.#dirty.has(terms.id)
  }

  placesOf(state: ContractState, rule: CompiledRule): readonly ElementId[] {
    const places = this.isEverything || this.isSwitched(rule) ? 'all' : this.#dirty.get(rule.terms.id)
    if (places === undefined) return []
    if (places === 'all') return instancesOf(state, rule.block)
    return [...places].filter((id) => find(state, id) !== undefined).sort(inDocumentOrder)
  }

  /** Whether it is evaluated wherever it is. */
  isWhole(rule: CompiledRule): boolean {
    return this.isEverything || this.isSwitched(rule) || this.#dirty.get(rule.terms.id) === 'all'
  }

  /** Whether it counts since this pass, or does not any more. */
  isSwitched({ terms: { at, ruleSet, body } }: CompiledRule): boolean {
    if (this.#switched.size === 0) return false
    if (ruleSet !== null && this.#switched.has(ruleSet)) return true
    const place = body.kind === 'assignment' ? body.target : at
    return [...ancestorsOf(place)].some((id) => this.#switched.has(id))
  }

  /** The rules that this pass may have something to say about, in the order of their ids. */
  all(): readonly CompiledRule[] {
    if (this.isEverything || this.#switched.size > 0) return this.#rules.rules
    const ids = [...this.#dirty.keys()].sort((one, other) => one - other)
    return ids.flatMap((id) => this.#rules.byId.get(id) ?? [])
  }
}

function inDocumentOrder(one: ElementId, other: ElementId): number {
  const [left, right] = [ordinalsOf(one), ordinalsOf(other)]
  for (const [place, ordinal] of left.entries()) {
    const difference = ordinal - (right[place] ?? -1)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
