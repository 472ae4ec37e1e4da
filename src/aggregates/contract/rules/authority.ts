import type { Hash } from '../../../crypto/hash.ts'
import { ancestorsOf, depthOf, type ElementId, type Handle } from '../../../events/ids.ts'
import type { AccessRight, Who } from '../../../events/rule.ts'
import { type ContractState, memberOf, membersOf } from '../state.ts'
import { isRuleActive } from './activity.ts'
import type { CompiledRule } from './compiled-rule.ts'
import { type Open, OpenedDocument } from './document-view.ts'
import { instancesOf, schemaIdOf } from './rule-schema.ts'
import type { RulesInForce } from './rules-in-force.ts'

/** What the rules give to whom, as one state of a document has it. */
export class Authority {
  readonly #state: ContractState
  readonly #rules: RulesInForce
  readonly #view: OpenedDocument

  constructor(state: ContractState, rules: RulesInForce, open: Open, lacking: Set<Hash>) {
    this.#state = state
    this.#rules = rules
    this.#view = new OpenedDocument(state, open, lacking)
  }

  /** The first rule on the way to an element that does not let a party do something there; undefined if all do. */
  denying(party: Handle, right: AccessRight, element: ElementId): number | undefined {
    for (const { rule, at } of this.#governing(element)) {
      const { body, id } = rule.terms
      if (body.kind !== 'access' || !body.what.includes(right)) continue
      if (!this.#namedBy(body.who, rule, at).has(party)) return id
    }
    return undefined
  }

  isValidated(field: ElementId): boolean {
    return this.#governing(field).some(({ rule }) => rule.terms.body.kind === 'validation')
  }

  isSingle(field: ElementId): boolean {
    return this.#governing(field).some(({ rule }) => rule.terms.body.kind === 'single')
  }

  /** Who must vote on a value there, in the order of their admission, without its author. */
  votersOn(field: ElementId, author: Handle): Handle[] {
    const members = membersOf(this.#state).map(({ card }) => card.handle)
    const voters = new Set<Handle>()
    for (const { rule, at } of this.#governing(field)) {
      const { body } = rule.terms
      if (body.kind !== 'validation') continue
      const named = this.#namedBy(body.who, rule, at)
      // Where nobody is named any more, everybody is asked.
      for (const voter of named.size === 0 ? members : named) voters.add(voter)
    }
    return members.filter((member) => member !== author && voters.has(member))
  }

  /** The active rules of these kinds on the way from the root to an element, and the elements on it that they stand at. */
  #governing(element: ElementId): { rule: CompiledRule; at: ElementId }[] {
    const ways = [...ancestorsOf(element)]
    return [...ancestorsOf(schemaIdOf(this.#state, element))].flatMap((schemaId, depth) =>
      (this.#rules.authorityAt.get(schemaId) ?? [])
        .filter(({ terms }) => isRuleActive(this.#state, terms))
        .map((rule) => ({ rule, at: ways[depth] as ElementId })),
    )
  }

  /** Members only. A party field below a list is that of the entry. */
  #namedBy({ parties, fields }: Who, { terms }: CompiledRule, at: ElementId): ReadonlySet<Handle> {
    const named = fields.flatMap((field) => {
      const shared = commonAncestor(field, terms.at)
      const under = at.split('.', depthOf(shared) + 1).join('.') as ElementId
      return instancesOf(this.#state, field, { under, of: shared }).map((id) => this.#view.value(id))
    })
    const handles = [...parties, ...named.filter((value) => typeof value === 'string')] as Handle[]
    return new Set(handles.filter((handle) => memberOf(this.#state, handle) !== undefined))
  }
}

function commonAncestor(one: ElementId, other: ElementId): ElementId {
  const ways = new Set(ancestorsOf(other))
  return [...ancestorsOf(one)].findLast((way) => ways.has(way)) as ElementId
}
