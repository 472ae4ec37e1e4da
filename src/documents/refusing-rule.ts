import type { Verdict } from '../aggregates/contract/decider.ts'
import type { Field } from '../aggregates/contract/document/element.ts'
import { isActive } from '../aggregates/contract/rules/activity.ts'
import { type CompiledRule, compiledRule } from '../aggregates/contract/rules/compiled-rule.ts'
import { inputsOf } from '../aggregates/contract/rules/computed-inputs.ts'
import { type RuleTerms, ruleNumbered, withRule } from '../aggregates/contract/rules/rule-book.ts'
import { eachInstanceOf } from '../aggregates/contract/rules/rule-schema.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import { changeSetVerdict, nextVerdict } from '../agreement/next-verdict.ts'
import type { AgreementState, HeldState } from '../agreement/state.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Command } from '../events/commands.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import type { ElementId, Handle } from '../events/ids.ts'
import type { Outcome, VoidCode, VoidReason } from '../events/outcome.ts'
import { valueUnder } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import { refOf } from '../store/payload-group.ts'
import type { PayloadStore } from '../store/port.ts'
import { pathOf, type RuleWritten, ruleWritten } from './written-rule.ts'

/** The rule by which a request is void, for the people of its author. */
export interface RefusingRule {
  readonly number: number
  readonly at: string
  readonly says: RuleWritten
  /** What its expression reads, with the values of the request, and those that stand beside them. */
  readonly inputs: readonly { readonly path: string; readonly value: unknown }[]
}

/** Codes whose `with` begins with the number of a rule. */
const byRule: ReadonlySet<VoidCode> = new Set<VoidCode>([
  'access_denied',
  'computed_unfit',
  'field_assigned',
  'required_missing',
  'rule_broken',
  'rule_governed',
  'rule_over_budget',
])

/** As many inputs as are shown. */
const INPUTS_MAX = 100
/** Of rules that are left out to see what the first of them has judged. */
const RULES_LEFT_OUT_MAX = 8

/** A request that a rule makes void, or would. */
export interface AskedRequest {
  readonly author: Handle
  readonly commands: readonly { readonly type: string }[]
  readonly payloads: Payloads
  readonly isChangeSet: boolean
  /** As its author claims it: the median of all claims is close to it. Undefined: that is not known any more. */
  readonly time: string | undefined
}

export interface RefusingRulePorts {
  readonly payloads: PayloadStore
  /** So that others have theirs while a request is judged once more; left out: it is done at once. */
  readonly turns: Turns | undefined
}

/** The leaf names rule and elements by their ids: what they are, and what the values are, only a node that holds them can say. */
export async function refusingRule(
  outcome: Outcome,
  asked: AskedRequest,
  state: AgreementState,
  ports: RefusingRulePorts,
): Promise<RefusingRule | undefined> {
  if (outcome.kind !== 'void') return undefined
  const number = refusing(outcome.reason)
  const { agreed } = state.settling
  const rule = number === undefined ? undefined : ruleNumbered(agreed.rules, number)
  if (rule === undefined) return undefined
  const { terms } = rule
  const { payloads } = asked
  const { computed, document } = await inTurns(judgedDocument(asked, state, terms.id), ports.turns)
  const fields = inputsAt(terms, outcome.reason, document)
  const opened = await ports.payloads.get(
    state.contract,
    fields.flatMap((field) => (field.agreed === null ? [] : refOf(field.agreed))),
  )
  const valueRead = ({ agreed: standing, id }: Field): unknown => {
    // As the rule reads it.
    if (standing === null || standing.audience !== undefined || !isActive(document, id)) return null
    const { seal } = standing
    const known = payloads[seal] ?? computed.get(seal)
    if (known !== undefined) return known.value
    const text = opened.get(seal)
    return text === undefined ? null : valueUnder(seal, text)
  }
  const inputs = fields.map((field) => ({ path: pathOf(field.id, document), value: valueRead(field) }))
  return { number: terms.id, at: pathOf(terms.at, agreed), says: ruleWritten(terms, agreed), inputs }
}

function refusing({ code, with: others }: VoidReason): number | undefined {
  return byRule.has(code) ? Number(others?.[0]) : undefined
}

interface Judged {
  readonly document: ContractState
  /** What rules have computed in it, by its seals. */
  readonly computed: ReadonlyMap<Hash, Payload>
}

/**
 * What a rule has judged: what the request comes to where that rule, and any other that refuses it, is not. The document as it is where
 * that cannot be said, as of a request that a right was missing for.
 */
function* judgedDocument(
  { author, commands, isChangeSet, payloads, time }: AskedRequest,
  state: AgreementState,
  rule: number,
): Generator<void, Judged> {
  if (time === undefined) return { computed: new Map(), document: state.settling.agreed }
  let document = state.settling.agreed
  let without: number | undefined = rule
  for (let count = 0; without !== undefined && count < RULES_LEFT_OUT_MAX; count++) {
    document = { ...document, rules: withRule(document.rules, without, () => undefined) }
    const there = { ...state, ledger: { ...state.ledger, document } }
    const asOne = isChangeSet ? { changeSet: {} } : {}
    const verdict = yield* nextVerdict(commands as readonly Command[], payloads, there, author, { ...asOne, time })
    const set = verdict.kind === 'accepted' ? verdict.state.changeSets.at(-1) : undefined
    const isWaiting =
      set !== undefined &&
      verdict.kind === 'accepted' &&
      verdict.events.some(({ type }) => type === 'ChangeSetProposed')
    const whole = isWaiting ? yield* changeSetVerdict(set, payloads, there, verdict.state, time) : verdict
    if (whole.kind === 'accepted')
      return { computed: whole.computed, document: withItsCandidates(whole, state, author) }
    without = whole.kind === 'void' ? refusing(whole.reason) : undefined
  }
  return { computed: new Map(), document: state.settling.agreed }
}

/** What waits for votes has been judged as if it were agreed, too. */
function withItsCandidates(
  { events, state: document }: Extract<Verdict, { kind: 'accepted' }>,
  { feeds, ledger: { engines, log } }: HeldState,
  author: Handle,
): ContractState {
  const agreed = events.flatMap((event): ContractEvent[] => {
    if (event.type !== 'ValueProposed' || event.candidate === undefined) return []
    return [{ field: event.field, proposal: event.proposal, type: 'ProposalAgreed' }]
  })
  const request = { handle: author, seq: feeds.get(author)?.size ?? 0, index: 0 }
  return engines.evolve(document, agreed, { index: log.size, request })
}

/** What its expression reads, where it was evaluated; the first of them: a list may have thousands of entries. */
function inputsAt(terms: RuleTerms, { code, with: others }: VoidReason, document: ContractState): Field[] {
  const compiled = compiledRule(terms, document)
  if (compiled.kind !== 'fit') return []
  const place = code === 'rule_broken' ? (others?.[1] as ElementId | undefined) : undefined
  const ids =
    place === undefined ? everyInput(compiled, document) : inputsOf(compiled, place, document).map(({ id }) => id)
  const fields: Field[] = []
  for (const id of new Set(ids)) {
    const field = find(document, id)
    if (field?.kind === 'field') fields.push(field)
    if (fields.length === INPUTS_MAX) break
  }
  return fields
}

function* everyInput({ reads }: CompiledRule, document: ContractState): Generator<ElementId> {
  for (const { id } of reads) yield* eachInstanceOf(document, id)
}
