import { base64url } from '../../../crypto/bytes.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import { type Hash, hashCanonical, hashJson, hashToBytes } from '../../../crypto/hash.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { computedId, type ElementId } from '../../../events/ids.ts'
import { ENTRY_EVENTS_MAX } from '../../../events/limits.ts'
import { SALT_BYTES } from '../../../events/seal.ts'
import type { Payload } from '../../../events/statement.ts'
import { evaluate } from '../../rules/evaluate.ts'
import type { Read } from '../../rules/references.ts'
import { itemOf } from '../../rules/values/conform.ts'
import { fieldValueOf } from '../../rules/values/field-values.ts'
import { Nothing, type Value } from '../../rules/values/values.ts'
import type { DecideContext } from '../decider.ts'
import type { Field } from '../document/element.ts'
import { builtInOf } from '../document/types.ts'
import { evolve } from '../evolve.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find } from '../state.ts'
import { isKeyHeld } from '../values/list-keys.ts'
import { valueProblem } from '../values/proposals.ts'
import { isActive, isRuleActive } from './activity.ts'
import { AffectedRules, type Changed } from './affected-rules.ts'
import type { CompiledRule } from './compiled-rule.ts'
import { inputsOf } from './computed-inputs.ts'
import { type Open, OpenedDocument } from './document-view.ts'
import { firstEmptyUnder } from './empty-fields.ts'
import { flagged, isFlagged } from './flags.ts'
import { ruleHash } from './rule-book.ts'
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
    if (this.#judged.isExempt) return new Nothing()
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
    if (active === !this.#state.inactive.blocks.includes(id)) return undefined
    this.#emit({ active, element: id, type: 'BlockSwitched' })
    this.#affected.blockSwitched(id)
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
    if (!switched) this.#offByTriggers.add(id)
    const wasActive = !this.#affected.isEverything && !this.#state.inactive.ruleSets.includes(id)
    // What is in force already is not put out of force by whoever empties a field, or adds one.
    const active = switched && (wasActive || !required.some((rule) => this.#isMissing(rule, id)))
    if (active === !this.#state.inactive.ruleSets.includes(id)) return undefined
    this.#emit({ active, ruleSet: id, type: 'RuleSetSwitched' })
    this.#affected.ruleSetSwitched(id)
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
    if (!isRuleActive(this.#state, terms)) return undefined
    const { target } = terms.body
    const rivals = (this.#rules.assigning.get(target) ?? []).filter((other) => isRuleActive(this.#state, other.terms))
    if (rivals.length > 1) {
      if (this.#judged.isExempt) return undefined
      return new Rejection('assigned_twice', [target, ...rivals.map(({ terms: { id } }) => String(id))])
    }
    for (const block of this.#affected.placesOf(this.#state, rule)) {
      if (this.#isTooMuch) return this.#tooMuch(terms.id)
      const field = `${block}${target.slice(rule.block.length)}` as ElementId
      const problem = yield* this.#assignAt(rule, block, field)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  *#assignAt(rule: CompiledRule, block: ElementId, id: ElementId): Generator<void, Rejection | undefined> {
    const field = find(this.#state, id)
    if (field?.kind !== 'field' || !isActive(this.#state, id)) return undefined
    const inputs = this.#inputsOf(rule, block)
    if (inputs instanceof Rejection) return inputs
    const value = this.#isWaiting(inputs) ? new Nothing() : yield* this.#evaluate(rule, block)
    if (value instanceof Rejection) return value
    const { context, isExempt } = this.#judged
    // Unanimous members have a way on: what would make their leaving void empties the field.
    const unfit = isExempt ? null : undefined
    const fit = value instanceof Nothing ? null : (this.#written(field, value) ?? unfit)
    const written = isExempt && fit !== null && isKeyHeld(this.#state, id, fit, this.#open) ? null : fit
    if (written === undefined) return new Rejection('computed_unfit', [String(rule.terms.id), id])
    if (written === null && field.agreed === null) return undefined
    const proposal = computedId(rule.terms.id, context.index, rule.lists.length > 0 ? id : undefined)
    let seal: Hash | null = null
    if (written !== null) {
      const payload = { salt: this.#saltOf(rule, inputs, id), value: written }
      const text = canonicalJson(payload)
      this.#characters += text.length
      if (this.#characters > COMPUTED_CHARACTERS_MAX && !isExempt) return this.#tooMuch(rule.terms.id)
      seal = hashCanonical('seal', text)
      this.#computed.set(seal, payload)
    }
    this.#emit({ field: id, proposal, rule: rule.terms.id, seal, type: 'ValueComputed' })
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
    return isExempt ? inputs : (budget.overspent ?? inputs)
  }

  #saltOf(rule: CompiledRule, reads: readonly Read[], target: ElementId): string {
    const view = this.#view
    const inputs = reads.map(({ id }) => view.payload(id)?.salt ?? NO_SALT)
    const { context } = this.#judged
    const of = { contract: context.contract, index: context.index, inputs, rule: ruleHash(rule.terms), target }
    return base64url(hashToBytes(hashJson('computed', of)).subarray(0, SALT_BYTES))
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
      for (const at of this.#affected.placesOf(this.#state, rule)) {
        if (this.#isTooMuch) return this.#tooMuch(terms.id)
        const value = isCounting ? yield* this.#evaluate(rule, at) : true
        if (value instanceof Rejection) return value
        const isBroken = value === false
        if (isBroken && body.severity === 'reject' && !this.#judged.isExempt) {
          return new Rejection('rule_broken', [String(terms.id), at])
        }
        if (isBroken !== isFlagged(this.#state, terms.id, at)) this.#emit(flagged(terms.id, at, isBroken))
      }
    }
    return undefined
  }
}

/** Inputs that one step reads: their salts are hashed, whatever the expression looks at. */
const INPUTS_PER_STEP = 8
/** Of what rules compute in one request, as canonical JSON: all of it is one group of the payload store. */
const COMPUTED_CHARACTERS_MAX = 4 * 1024 * 1024
/** Of an input that has no value. */
const NO_SALT = base64url(new Uint8Array(SALT_BYTES))
