import { ancestorsOf, type ElementId } from '../../../events/ids.ts'
import { readsRequestTime } from '../../rules/references.ts'
import type { ContractState } from '../state.ts'
import { type CompiledRule, compiledRule } from './compiled-rule.ts'
import type { RuleBook } from './rule-book.ts'

/** One thing that rules compute: in the order of the graph it comes after all that it depends on. */
export type Computed =
  | { readonly kind: 'assignment'; readonly rule: CompiledRule }
  /** Whether a block, or a rule set, is active. */
  | { readonly kind: 'block'; readonly id: ElementId }
  | { readonly kind: 'rule set'; readonly id: number }

/** The rules in force, by what they are looked up for. Made once, when they are published or loaded: their structure is fixed. */
export interface RulesInForce {
  /** In the order of their ids. */
  readonly rules: readonly CompiledRule[]
  readonly byId: ReadonlyMap<number, CompiledRule>
  /** Those that stand at an element. */
  readonly at: ReadonlyMap<ElementId, readonly CompiledRule[]>
  /** Of these, those that say who may and must there, and those that say what must have a value. */
  readonly authorityAt: ReadonlyMap<ElementId, readonly CompiledRule[]>
  readonly requiredAt: ReadonlyMap<ElementId, readonly CompiledRule[]>
  /** Those whose expression names an element; and, for switched blocks, one at or below it. Ids of the schema. */
  readonly reading: ReadonlyMap<ElementId, readonly CompiledRule[]>
  readonly readingUnder: ReadonlyMap<ElementId, readonly CompiledRule[]>
  /** Constraints that read the time of the request, by the element that they stand at: judged whenever something below it changes. */
  readonly timedAt: ReadonlyMap<ElementId, readonly CompiledRule[]>
  readonly readTime: boolean
  /** Those that are evaluated for each entry of a list. */
  readonly perEntry: ReadonlyMap<ElementId, readonly CompiledRule[]>
  /** Assignments by their targets. */
  readonly assigning: ReadonlyMap<ElementId, readonly CompiledRule[]>
  readonly switchingBlock: ReadonlyMap<ElementId, readonly CompiledRule[]>
  readonly switchingRuleSet: ReadonlyMap<number, readonly CompiledRule[]>
  /** `required` rules by the rule set that waits for them. */
  readonly requiredBefore: ReadonlyMap<number, readonly CompiledRule[]>
  /** The first rule that names an element, or one below it. */
  readonly naming: ReadonlyMap<ElementId, number>
  readonly order: readonly Computed[]
}

/** What rules compute depends on itself; or a rule no longer has a meaning. */
export interface Unpublishable {
  readonly kind: 'unpublishable'
  readonly code: 'rules_cyclic' | 'rule_unfit'
  readonly rules: readonly number[]
}

const kept = new WeakMap<RuleBook, RulesInForce | Unpublishable>()

export function rulesInForce(state: ContractState): RulesInForce | Unpublishable {
  const known = kept.get(state.rules)
  if (known !== undefined) return known
  const made = rulesOf(state)
  kept.set(state.rules, made)
  return made
}

/** Whether what is in force reads the time of a request. */
export function readsTime(state: ContractState): boolean {
  if (state.phase !== 'live') return false
  const rules = rulesInForce(state)
  return isPublishable(rules) && rules.readTime
}

const drafts = new WeakMap<RuleBook, boolean>()

/** Whether rules that are there, in force or not, read the time of a request. */
export function wouldReadTime({ rules: book }: ContractState): boolean {
  const known = drafts.get(book)
  if (known !== undefined) return known
  const found = book.rules.some(({ terms: { body } }) => {
    const expression = 'condition' in body ? body.condition : 'expression' in body ? body.expression : undefined
    return expression !== undefined && readsRequestTime(expression)
  })
  drafts.set(book, found)
  return found
}

export function isPublishable(made: RulesInForce | Unpublishable): made is RulesInForce {
  return !('kind' in made)
}

function rulesOf(state: ContractState): RulesInForce | Unpublishable {
  const rules: CompiledRule[] = []
  for (const { terms, isInForce } of state.rules.rules) {
    if (!isInForce) continue
    const rule = compiledRule(terms, state)
    if (rule.kind === 'unfit') return { kind: 'unpublishable', code: 'rule_unfit', rules: [terms.id] }
    rules.push(rule)
  }
  const maps = {
    at: new Map<ElementId, CompiledRule[]>(),
    authorityAt: new Map<ElementId, CompiledRule[]>(),
    requiredAt: new Map<ElementId, CompiledRule[]>(),
    reading: new Map<ElementId, CompiledRule[]>(),
    readingUnder: new Map<ElementId, CompiledRule[]>(),
    timedAt: new Map<ElementId, CompiledRule[]>(),
    perEntry: new Map<ElementId, CompiledRule[]>(),
    assigning: new Map<ElementId, CompiledRule[]>(),
    switchingBlock: new Map<ElementId, CompiledRule[]>(),
    switchingRuleSet: new Map<number, CompiledRule[]>(),
    requiredBefore: new Map<number, CompiledRule[]>(),
  }
  for (const rule of rules) {
    const { terms, expression, lists } = rule
    add(maps.at, terms.at, rule)
    for (const list of lists) add(maps.perEntry, list, rule)
    const read = expression?.references ?? []
    for (const id of read) add(maps.reading, id, rule)
    for (const id of new Set(read.flatMap((one) => [...ancestorsOf(one)]))) add(maps.readingUnder, id, rule)
    const { body } = terms
    if (body.kind === 'access' || body.kind === 'validation' || body.kind === 'single') {
      add(maps.authorityAt, terms.at, rule)
    }
    if (body.kind === 'constraint' && rule.readsTime) add(maps.timedAt, terms.at, rule)
    if (body.kind === 'required') add(maps.requiredAt, terms.at, rule)
    if (body.kind === 'assignment') add(maps.assigning, body.target, rule)
    if (body.kind === 'required' && body.before !== 'live') add(maps.requiredBefore, body.before, rule)
    if (body.kind === 'trigger') {
      for (const block of new Set([...body.activates.blocks, ...body.deactivates.blocks]))
        add(maps.switchingBlock, block, rule)
      for (const set of new Set([...body.activates.ruleSets, ...body.deactivates.ruleSets]))
        add(maps.switchingRuleSet, set, rule)
    }
  }
  const naming = new Map<ElementId, number>()
  for (const rule of rules) {
    for (const id of [rule.terms.at, ...namedBy(rule)])
      for (const way of ancestorsOf(id)) if (!naming.has(way)) naming.set(way, rule.terms.id)
  }
  const byId = new Map(rules.map((rule) => [rule.terms.id, rule]))
  const readTime = rules.some(({ readsTime }) => readsTime)
  const order = orderOf({ rules, byId, naming, readTime, ...maps })
  return 'kind' in order ? order : { rules, byId, naming, readTime, ...maps, order }
}

/** All elements that what a rule says has in it. */
function namedBy({ terms: { body }, expression }: CompiledRule): readonly ElementId[] {
  const read = expression?.references ?? []
  switch (body.kind) {
    case 'assignment':
      return [...read, body.target]
    case 'trigger':
      return [...read, ...body.activates.blocks, ...body.deactivates.blocks]
    case 'access':
    case 'validation':
      return body.who.fields
    default:
      return read
  }
}

function add<Key>(map: Map<Key, CompiledRule[]>, key: Key, rule: CompiledRule): void {
  const there = map.get(key)
  if (there === undefined) map.set(key, [rule])
  else there.push(rule)
}

/**
 * What is computed, each after all that it depends on; of what does not depend on each other blocks and rule sets first, then
 * assignments by their ids. Takes work in proportion to the references of all rules.
 */
function orderOf(of: Omit<RulesInForce, 'order'>): readonly Computed[] | Unpublishable {
  const nodes = new Map<string, Computed>()
  for (const id of of.switchingBlock.keys()) nodes.set(`block ${id}`, { kind: 'block', id })
  for (const id of new Set([...of.switchingRuleSet.keys(), ...of.requiredBefore.keys()])) {
    nodes.set(`rule set ${id}`, { kind: 'rule set', id })
  }
  for (const rule of of.rules) {
    if (rule.terms.body.kind === 'assignment') nodes.set(`rule ${rule.terms.id}`, { kind: 'assignment', rule })
  }
  const needs = new Map([...nodes].map(([key, node]) => [key, new Set(needsOf(node, of, nodes))]))
  const needed = new Map<string, string[]>()
  for (const [key, before] of needs) {
    for (const one of before) {
      const others = needed.get(one)
      if (others === undefined) needed.set(one, [key])
      else others.push(key)
    }
  }
  const ready = [...needs].filter(([, before]) => before.size === 0).map(([key]) => key)
  const order: Computed[] = []
  for (let key = takeFirst(ready, nodes); key !== undefined; key = takeFirst(ready, nodes)) {
    order.push(nodes.get(key) as Computed)
    for (const next of needed.get(key) ?? []) {
      const before = needs.get(next) as Set<string>
      before.delete(key)
      if (before.size === 0) ready.push(next)
    }
    needs.delete(key)
  }
  if (needs.size === 0) return order
  // What only depends on a circle is in none.
  const circle = new Set(needs.keys())
  for (const before of needs.values()) for (const one of before) if (!needs.has(one)) before.delete(one)
  for (let size = -1; size !== circle.size; ) {
    size = circle.size
    for (const key of circle) if (!(needed.get(key) ?? []).some((next) => circle.has(next))) circle.delete(key)
  }
  return { kind: 'unpublishable', code: 'rules_cyclic', rules: rulesIn([...circle], of, nodes) }
}

/** The keys of what a node depends on. */
function* needsOf(
  node: Computed,
  of: Omit<RulesInForce, 'order'>,
  nodes: ReadonlyMap<string, Computed>,
): Generator<string> {
  const switched = function* (id: ElementId) {
    for (const block of ancestorsOf(id)) if (nodes.has(`block ${block}`)) yield `block ${block}`
  }
  const read = function* (ids: readonly ElementId[]) {
    for (const id of ids) {
      for (const rule of of.assigning.get(id) ?? []) yield `rule ${rule.terms.id}`
      yield* switched(id)
    }
  }
  const conditions = function* (rules: readonly CompiledRule[]) {
    for (const rule of rules) yield* read(rule.expression?.references ?? [])
  }
  switch (node.kind) {
    case 'assignment': {
      const { terms, expression } = node.rule
      yield* read(expression?.references ?? [])
      yield* switched(terms.at)
      if (terms.ruleSet !== null && nodes.has(`rule set ${terms.ruleSet}`)) yield `rule set ${terms.ruleSet}`
      if (terms.body.kind === 'assignment') yield* switched(terms.body.target)
      break
    }
    case 'block':
      yield* conditions(of.switchingBlock.get(node.id) ?? [])
      // What stands in a switched block is switched with it.
      for (const block of ancestorsOf(node.id))
        if (block !== node.id && nodes.has(`block ${block}`)) yield `block ${block}`
      break
    case 'rule set':
      yield* conditions(of.switchingRuleSet.get(node.id) ?? [])
      for (const { terms } of of.requiredBefore.get(node.id) ?? []) {
        yield* switched(terms.at)
        // A rule of a set that is off requires nothing, but of the set itself, which waits for it.
        if (terms.ruleSet !== node.id && nodes.has(`rule set ${terms.ruleSet}`)) yield `rule set ${terms.ruleSet}`
        for (const target of of.assigning.keys()) {
          if (target === terms.at || target.startsWith(`${terms.at}.`)) yield* read([target])
        }
        // A block under the place that is switched takes its fields out of what is required.
        for (const id of of.switchingBlock.keys()) if (id.startsWith(`${terms.at}.`)) yield `block ${id}`
      }
  }
}

/** Blocks and rule sets first, then assignments by their ids. */
function takeFirst(ready: string[], nodes: ReadonlyMap<string, Computed>): string | undefined {
  const rank = (key: string) => {
    const node = nodes.get(key)
    return node?.kind === 'assignment' ? node.rule.terms.id : 0
  }
  let first = 0
  for (let place = 1; place < ready.length; place++) {
    const [one, other] = [rank(ready[place] as string), rank(ready[first] as string)]
    if (one < other || (one === other && (ready[place] as string) < (ready[first] as string))) first = place
  }
  return ready.splice(first, 1)[0]
}

function rulesIn(
  keys: readonly string[],
  of: Omit<RulesInForce, 'order'>,
  nodes: ReadonlyMap<string, Computed>,
): number[] {
  const ids = keys.flatMap((key) => {
    const node = nodes.get(key)
    if (node === undefined) return []
    if (node.kind === 'assignment') return [node.rule.terms.id]
    const rules = node.kind === 'block' ? of.switchingBlock.get(node.id) : of.switchingRuleSet.get(node.id)
    return (rules ?? []).map(({ terms }) => terms.id)
  })
  return [...new Set(ids)].sort((one, other) => one - other)
}
