import type { Hash } from '../../../crypto/hash.ts'
import { ancestorsOf, depthOf, type ElementId, type Handle } from '../../../events/ids.ts'
import type { AccessRight, RuleBody, Who } from '../../../events/rule.ts'
import { type ContractState, memberOf, membersOf } from '../state.ts'
import { isActive, isRuleActive } from './activity.ts'
import type { CompiledRule } from './compiled-rule.ts'
import { type Open, OpenedDocument } from './document-view.ts'
import type { Inactive } from './rule-book.ts'
import { instancesOf, schemaIdOf } from './rule-schema.ts'
import type { RulesInForce } from './rules-in-force.ts'
import type { StepBudget } from './step-budget.ts'

/** Rules that one step looks at: whether they are in force there, and not what they say. */
const RULES_PER_STEP = 8

/** What the rules give to whom, and ask of whom, as one state of a document has it. */
export class Authority {
  readonly #state: ContractState
  readonly #switched: readonly ContractState[]
  readonly #rules: RulesInForce
  readonly #open: Open
  readonly #lacking: Set<Hash>
  readonly #budget: StepBudget

  /**
   * `switched`: what else may be off in that document; whoever has to vote by any of them is asked. What it finds counts as long as the
   * budget is not overspent: a step for eight rules that it looks at, and for each field that names somebody (decision 0141).
   */
  constructor(
    state: ContractState,
    rules: RulesInForce,
    open: Open,
    lacking: Set<Hash>,
    budget: StepBudget,
    switched: readonly Inactive[] = [],
  ) {
    this.#state = state
    this.#switched = [state, ...switched.map((inactive) => ({ ...state, inactive }))]
    this.#rules = rules
    this.#open = open
    this.#lacking = lacking
    this.#budget = budget
  }

  /** The first rule on the way to an element that does not let a party do something there; undefined if all do. */
  denying(party: Handle, right: AccessRight, element: ElementId): number | undefined {
    const state = withPlaceOn(this.#state, element)
    for (const { rule, at } of this.#governing(element, state)) {
      const { body, id } = rule.terms
      if (body.kind !== 'access' || !body.what.includes(right)) continue
      if (!this.#namedBy(body.who, rule, at, state).has(party)) return id
    }
    return undefined
  }

  isValidated(field: ElementId): boolean {
    return this.#switched.some((state) => this.#has('validation', field, state))
  }

  isSingle(field: ElementId): boolean {
    return this.#has('single', field, withPlaceOn(this.#state, field))
  }

  /** Who must vote on a value there, in the order of their admission, without its author. */
  votersOn(field: ElementId, author: Handle): Handle[] {
    const members = membersOf(this.#state).map(({ card }) => card.handle)
    const voters = new Set<Handle>()
    for (const state of this.#switched) {
      for (const { rule, at } of this.#governing(field, state)) {
        const { body } = rule.terms
        if (body.kind !== 'validation') continue
        const named = this.#namedBy(body.who, rule, at, state)
        // Where nobody is named any more, everybody is asked.
        for (const voter of named.size === 0 ? members : named) voters.add(voter)
      }
    }
    return members.filter((member) => member !== author && voters.has(member))
  }

  #has(kind: RuleBody['kind'], element: ElementId, state: ContractState): boolean {
    return this.#governing(element, state).some(({ rule }) => rule.terms.body.kind === kind)
  }

  /** The active rules of these kinds on the way from the root to an element, and the elements on it that they stand at. */
  #governing(element: ElementId, state: ContractState): { rule: CompiledRule; at: ElementId }[] {
    const ways = [...ancestorsOf(element)]
    return [...ancestorsOf(schemaIdOf(state, element))].flatMap((schemaId, depth) => {
      const rules = this.#rules.authorityAt.get(schemaId)
      if (rules === undefined) return []
      this.#budget.spend(Math.ceil(rules.length / RULES_PER_STEP), (rules[0] as CompiledRule).terms.id)
      const active = rules.filter(({ terms }) => isRuleActive(state, terms))
      return active.map((rule) => ({ rule, at: ways[depth] as ElementId }))
    })
  }

  /** Members only. A party field below a list is that of the entry. */
  #namedBy(
    { parties, fields }: Who,
    { terms }: CompiledRule,
    at: ElementId,
    state: ContractState,
  ): ReadonlySet<Handle> {
    const view = new OpenedDocument(state, this.#open, this.#lacking)
    const named = fields.flatMap((field) => {
      const shared = commonAncestor(field, terms.at)
      const under = at.split('.', depthOf(shared) + 1).join('.') as ElementId
      const instances = instancesOf(state, field, { under, of: shared })
      this.#budget.spend(instances.length, terms.id)
      return instances.map((id) => view.value(id))
    })
    const handles = [...parties, ...named.filter((value) => typeof value === 'string')] as Handle[]
    return new Set(handles.filter((handle) => memberOf(state, handle) !== undefined))
  }
}

/**
 * The document with the blocks on that an element stands in. Nobody has a word at a place that is off; so whoever has one there has
 * it since the same request switches the place on, and the rules of the place are not gone round by that.
 */
function withPlaceOn(state: ContractState, element: ElementId): ContractState {
  const { blocks, ruleSets } = state.inactive
  if (isActive(state, element)) return state
  const around = new Set(ancestorsOf(element))
  return { ...state, inactive: { blocks: blocks.filter((block) => !around.has(block)), ruleSets } }
}

function commonAncestor(one: ElementId, other: ElementId): ElementId {
  const ways = new Set(ancestorsOf(other))
  return [...ancestorsOf(one)].findLast((way) => ways.has(way)) as ElementId
}
