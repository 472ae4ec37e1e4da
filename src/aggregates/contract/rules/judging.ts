import { canonicalJson } from '../../../crypto/canonical-json.ts'
import { type Hash, hashCanonical } from '../../../crypto/hash.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { computedId, type ElementId } from '../../../events/ids.ts'
import { COMPUTED_CHARACTERS_MAX, ENTRY_EVENTS_MAX } from '../../../events/limits.ts'
import type { Payload } from '../../../events/statement.ts'
import { evaluate } from '../../rules/evaluate.ts'
import type { Read } from '../../rules/references.ts'
import { itemOf } from '../../rules/values/conform.ts'
import { fieldValueOf } from '../../rules/values/field-values.ts'
import { Nothing, type Value } from '../../rules/values/values.ts'
import type { DecideContext } from '../decider.ts'
import type { Field } from '../document/element.ts'
import { builtInOf } from '../document/types.ts'
import type { EntryRoom } from '../entry-room.ts'
import { evolve } from '../evolve.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find } from '../state.ts'
import { isKeyHeld } from '../values/list-keys.ts'
import { valueProblem } from '../values/proposals.ts'
import { isActive, isRuleActive } from './activity.ts'
import { AffectedRules, type Changed } from './affected-rules.ts'
import type { CompiledRule } from './compiled-rule.ts'
import { computedSalt, inputsOf } from './computed-inputs.ts'
import { type Open, OpenedDocument } from './document-view.ts'
import { firstEmptyUnder } from './empty-fields.ts'
import { flagged, isFlagged } from './flags.ts'
import { isPublishable, type RulesInForce, rulesInForce } from './rules-in-force.ts'
import type { StepBudget } from './step-budget.ts'

/** What the rules make of a request whose commands have taken effect. */
export interface Judgement {
  readonly events: readonly ContractEvent[]
  readonly state: ContractState
  /** What has been computed, by its seals. */
  readonly computed: ReadonlyMap<Hash, Payload>
}

export interface Judged {
  readonly context: DecideContext
  readonly open: Open
  /** Seals of values that were needed and are not held: the judgement says nothing. */
  readonly lacking: Set<Hash>
  /** Of the whole request, both documents together. */
  readonly budget: StepBudget
  /** Nothing of it is void: what fails is flagged. */
  readonly isExempt: boolean
  /** Of what is exempt: where it is full, nothing more is judged, and what is not is flagged (decision 0150). */
  readonly room?: EntryRoom
  /** What has to hold after the pass, before conditions are judged. */
  readonly check?: (state: ContractState) => Rejection | undefined
}

/**
 * One pass over what rules compute, then their conditions (design §5a, steps 3 and 4), in steps of one evaluation each.
 * Deterministic; evaluates what depends on the changes, and nothing else.
 */
export function* judging(
  state: ContractState,
  changed: Changed,
  judged: Judged,
): Generator<void, Judgement | Rejection> {
  const rules = rulesInForce(state)
  if (!isPublishable(rules)) {
    if (judged.isExempt) return { computed: new Map(), events: [], state }
    return new Rejection(rules.code, rules.rules.map(String))
  }
  return yield* new Pass(state, rules, judged, changed).run()
}

class Pass {
  #state: ContractState
  readonly #rules: RulesInForce
  readonly #judged: Judged
  readonly #affected: AffectedRules
  readonly #events: ContractEvent[] = []
  readonly #computed = new Map<Hash, Payload>()
  /** Rule sets; others are off while they wait for what is required before them. */
  readonly #offByTriggers = new Set<number>()
  /** Of what has been computed. */
  #characters = 0

  constructor(state: ContractState, rules: RulesInForce, judged: Judged, changed: Changed) {
    this.#state = state
    this.#rules = rules
    this.#judged = judged
    this.#affected = new AffectedRules(rules, state, changed)
  }

  *run(): Generator<void, Judgement | Rejection> {
    for (const node of this.#rules.order) {
      const problem =
        node.kind === 'assignment'
          ? yield* this.#assign(node.rule)
          : node.kind === 'block'
            ? yield* this.#block(node.id)
            : yield* this.#ruleSet(node.id)
      if (problem !== undefined) return problem
    }
    const unfit = this.#judged.check?.(this.#state)
    if (unfit !== undefined) return unfit
    const problem = yield* this.#conditions()
    if (problem !== undefined) return problem
    return { computed: this.#computed, events: this.#events, state: this.#state }
  }

  #emit(event: ContractEvent): void {
    this.#events.push(event)
    this.#state = evolve(this.#state, event, this.#judged.context)
  }

  /** Where the rule stands, of one for each entry the prototype: it does not hold wherever it should, or is not known to. */
  #mark({ block, terms: { id } }: CompiledRule): void {
    if (isFlagged(this.#state, id, block)) return
    const mark = flagged(id, block, true)
    if (this.#judged.room?.marks.takes(mark)) this.#emit(mark)
  }

  /** It has been judged wherever it is: where there is no room to say so, it stays marked. */
  #unmark(rule: CompiledRule): void {
    const { block, lists, terms } = rule
    const isPlace = terms.body.kind === 'constraint' && lists.length === 0
    if (isPlace || !this.#affected.isWhole(rule) || !isFlagged(this.#state, terms.id, block)) return
    this.#emitIfRoom(flagged(terms.id, block, false))
  }

  /** One that could not switch something stays marked, whatever else it switches. */
  #unmarkSwitching(rules: readonly CompiledRule[]): void {
    if (this.#judged.room?.switches.isFull === true) return
    for (const rule of rules) this.#unmark(rule)
  }

  /** Nothing more can be evaluated, and nothing of it is void: what is on or off stays so. */
  #areUnjudged(rules: readonly CompiledRule[]): boolean {
    const { budget, room } = this.#judged
    if (room === undefined || budget.left > 0) return false
    for (const rule of rules) this.#mark(rule)
    return true
  }

  get #isFull(): boolean {
    return this.#judged.room?.events.isFull === true
  }

  /** False: the entry has no room for it. */
  #emitIfRoom(event: ContractEvent): boolean {
    if (this.#judged.room?.events.takes(event) === false) return false
    this.#emit(event)
    return true
  }

  /** The same, and which rules it was. */
  #switch(event: ContractEvent, rules: readonly CompiledRule[]): boolean {
    if (this.#judged.room?.switches.takes(event) === false) {
      for (const rule of rules) this.#mark(rule)
      return false
    }
    this.#emit(event)
    return true
  }

  get #isTooMuch(): boolean {
    return this.#events.length > ENTRY_EVENTS_MAX && !this.#judged.isExempt
  }

  #tooMuch(rule: number): Rejection {
    return new Rejection('rule_over_budget', [String(rule), 'entryEvents'])
  }

  get #view(): OpenedDocument {
    const { context, lacking } = this.#judged
    return new OpenedDocument(this.#state, this.#open, lacking, context.time)
  }

  get #open(): Open {
    return (value) => this.#computed.get(value.seal) ?? this.#judged.open(value)
  }

  *#evaluate({ terms, expression }: CompiledRule, at: ElementId): Generator<void, Value | Rejection> {
    yield
    const { budget } = this.#judged
    const { ruleSteps } = this.#state.limits
    if (expression === undefined) return new Nothing()
    const outcome = evaluate(expression.program, this.#view, Math.min(ruleSteps, budget.left), at)
    budget.spend(outcome.steps, terms.id)
    // Conditions are true or false, and no field takes a list.
    if (outcome.kind === 'value') return itemOf(outcome.value)
    if (this.#judged.isExempt) {
      if (budget.left <= 0) this.#judged.room?.events.close()
      return new Nothing()
    }
    const limit = budget.left <= 0 ? 'requestSteps' : 'ruleSteps'
    return new Rejection('rule_over_budget', [String(terms.id), limit])
  }

  /** Whether a trigger's condition is true. */
  *#holds(rule: CompiledRule): Generator<void, boolean | Rejection> {
    const value = yield* this.#evaluate(rule, rule.block)
    return value instanceof Rejection ? value : value === true
  }

  *#isActiveBy(
    rules: readonly CompiledRule[],
    isIn: (rule: CompiledRule, which: 'activates' | 'deactivates') => boolean,
  ): Generator<void, boolean | Rejection> {
    let isActivated: boolean | undefined
    let isDeactivated = false
    for (const rule of rules) {
      const holds = yield* this.#holds(rule)
      if (holds instanceof Rejection) return holds
      if (isIn(rule, 'activates')) isActivated = isActivated === true || holds
      if (isIn(rule, 'deactivates')) isDeactivated ||= holds
    }
    return isActivated !== false && !isDeactivated
  }

  *#block(id: ElementId): Generator<void, Rejection | undefined> {
    const rules = this.#rules.switchingBlock.get(id) ?? []
    if (!rules.some((rule) => this.#affected.isDirty(rule))) return undefined
    const active = yield* this.#isActiveBy(
      rules,
      ({ terms: { body } }, which) => body.kind === 'trigger' && body[which].blocks.includes(id),
    )
    if (active instanceof Rejection) return active
    if (this.#areUnjudged(rules)) return undefined
    this.#unmarkSwitching(rules)
    if (active === !this.#state.inactive.blocks.includes(id)) return undefined
    if (this.#switch({ active, element: id, type: 'BlockSwitched' }, rules)) this.#affected.blockSwitched(id)
    return undefined
  }

  *#ruleSet(id: number): Generator<void, Rejection | undefined> {
    const rules = this.#rules.switchingRuleSet.get(id) ?? []
    const required = this.#rules.requiredBefore.get(id) ?? []
    const isOpen = [...rules, ...required].some((rule) => this.#affected.isDirty(rule))
    if (!isOpen && !required.some((rule) => this.#affected.isSwitched(rule))) return undefined
    const switched = yield* this.#isActiveBy(
      rules,
      ({ terms: { body } }, which) => body.kind === 'trigger' && body[which].ruleSets.includes(id),
    )
    if (switched instanceof Rejection) return switched
    if (this.#areUnjudged(rules)) return undefined
    if (!switched) this.#offByTriggers.add(id)
    const wasActive = !this.#affected.isEverything && !this.#state.inactive.ruleSets.includes(id)
    // What is in force already is not put out of force by whoever empties a field, or adds one (decision 0121).
    const active = switched && (wasActive || !required.some((rule) => this.#isMissing(rule, id)))
    this.#unmarkSwitching(rules)
    if (active === !this.#state.inactive.ruleSets.includes(id)) return undefined
    if (this.#switch({ active, ruleSet: id, type: 'RuleSetSwitched' }, rules)) this.#affected.ruleSetSwitched(id)
    return undefined
  }

  #isOff(ruleSet: number | null): boolean {
    return ruleSet !== null && this.#offByTriggers.has(ruleSet)
  }

  /** Whether something has no value that a rule requires before this rule set. One of the set itself counts while the set is off. */
  #isMissing({ terms }: CompiledRule, ruleSet: number): boolean {
    if (terms.ruleSet !== ruleSet && !isRuleActive(this.#state, terms)) return false
    return firstEmptyUnder(this.#state, terms.at) !== undefined
  }

  *#assign(rule: CompiledRule): Generator<void, Rejection | undefined> {
    const { terms, expression } = rule
    if (terms.body.kind !== 'assignment' || expression === undefined) return undefined
    if (!this.#affected.isDirty(rule) && !this.#affected.isSwitched(rule)) return undefined
    if (!isRuleActive(this.#state, terms)) {
      this.#unmark(rule)
      return undefined
    }
    const { target } = terms.body
    const rivals = (this.#rules.assigning.get(target) ?? []).filter((other) => isRuleActive(this.#state, other.terms))
    if (rivals.length > 1) {
      if (this.#judged.isExempt) return undefined
      return new Rejection('assigned_twice', [target, ...rivals.map(({ terms: { id } }) => String(id))])
    }
    const places = this.#affected.placesOf(this.#state, rule)
    if (this.#isFull && places.length > 0) {
      this.#mark(rule)
      return undefined
    }
    for (const block of places) {
      if (this.#isTooMuch) return this.#tooMuch(terms.id)
      const field = `${block}${target.slice(rule.block.length)}` as ElementId
      const problem = yield* this.#assignAt(rule, block, field)
      if (problem !== undefined) return problem
      if (this.#isFull) {
        this.#mark(rule)
        return undefined
      }
    }
    this.#unmark(rule)
    return undefined
  }

  *#assignAt(rule: CompiledRule, block: ElementId, id: ElementId): Generator<void, Rejection | undefined> {
    const field = find(this.#state, id)
    if (field?.kind !== 'field' || !isActive(this.#state, id)) return undefined
    const inputs = this.#inputsOf(rule, block)
    if (inputs instanceof Rejection) return inputs
    if (this.#isFull) return undefined
    const value = this.#isWaiting(inputs) ? new Nothing() : yield* this.#evaluate(rule, block)
    if (value instanceof Rejection) return value
    if (this.#isFull) return undefined
    const { context, isExempt } = this.#judged
    // Unanimous members have a way on: what would make their leaving void empties the field.
    const unfit = isExempt ? null : undefined
    const fit = value instanceof Nothing ? null : (this.#written(field, value) ?? unfit)
    const written = isExempt && fit !== null && isKeyHeld(this.#state, id, fit, this.#open) ? null : fit
    if (written === undefined) return new Rejection('computed_unfit', [String(rule.terms.id), id])
    if (written === null && field.agreed === null) return undefined
    const proposal = computedId(rule.terms.id, context.index, rule.lists.length > 0 ? id : undefined)
    let seal: Hash | null = null
    let payload: Payload | undefined
    if (written !== null) {
      payload = { salt: computedSalt(rule, inputs, id, this.#view, context), value: written }
      const text = canonicalJson(payload)
      this.#characters += text.length
      if (this.#characters > COMPUTED_CHARACTERS_MAX) {
        if (!isExempt) return this.#tooMuch(rule.terms.id)
        this.#judged.room?.events.close()
      }
      seal = hashCanonical('seal', text)
    }
    if (!this.#emitIfRoom({ field: id, proposal, rule: rule.terms.id, seal, type: 'ValueComputed' })) return undefined
    if (seal !== null && payload !== undefined) this.#computed.set(seal, payload)
    this.#affected.fieldChanged(this.#state, id)
    return undefined
  }

  /** In the form of the field; undefined where it does not fit, like a value that a party proposes. */
  #written(field: Field, value: Value): unknown {
    const written = fieldValueOf(builtInOf(field.field, this.#state.types), value)
    return written === undefined || valueProblem(written, field, this.#state) !== undefined ? undefined : written
  }

  /** An assignment waits for all fields that it reads outside of lists; below its own block these are the entry's. */
  #isWaiting(inputs: readonly Read[]): boolean {
    const view = this.#view
    return inputs.some(({ id, isOfList }) => !isOfList && view.payload(id) === undefined)
  }

  #inputsOf(rule: CompiledRule, block: ElementId): Read[] | Rejection {
    const inputs = inputsOf(rule, block, this.#state)
    const { budget, isExempt } = this.#judged
    budget.spend(Math.ceil(inputs.length / INPUTS_PER_STEP), rule.terms.id)
    if (!isExempt) return budget.overspent ?? inputs
    if (budget.overspent !== undefined) this.#judged.room?.events.close()
    return inputs
  }

  *#conditions(): Generator<void, Rejection | undefined> {
    for (const rule of this.#affected.all()) {
      const { terms } = rule
      const { body } = terms
      if (
        body.kind === 'required' &&
        body.before === 'live' &&
        this.#affected.isEverything &&
        !this.#isOff(terms.ruleSet)
      ) {
        const empty = firstEmptyUnder(this.#state, terms.at)
        if (empty !== undefined) return new Rejection('required_missing', [String(terms.id), empty])
      }
      if (body.kind !== 'constraint') continue
      if (!this.#affected.isDirty(rule) && !this.#affected.isSwitched(rule)) continue
      const isCounting = isRuleActive(this.#state, terms)
      const places = this.#affected.placesOf(this.#state, rule)
      if (this.#isFull) {
        if (isCounting && places.length > 0) this.#mark(rule)
        continue
      }
      for (const at of places) {
        if (this.#isTooMuch) return this.#tooMuch(terms.id)
        const value = isCounting ? yield* this.#evaluate(rule, at) : true
        if (value instanceof Rejection) return value
        if (this.#isFull) {
          this.#mark(rule)
          break
        }
        const isBroken = value === false
        if (isBroken && body.severity === 'reject' && !this.#judged.isExempt) {
          return new Rejection('rule_broken', [String(terms.id), at])
        }
        if (isBroken === isFlagged(this.#state, terms.id, at)) continue
        if (this.#emitIfRoom(flagged(terms.id, at, isBroken))) continue
        this.#mark(rule)
        break
      }
      if (!this.#isFull) this.#unmark(rule)
    }
    return undefined
  }
}

/** Inputs that one step reads: their salts are hashed, whatever the expression looks at. */
const INPUTS_PER_STEP = 8
