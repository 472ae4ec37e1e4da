import type { Hash } from '../../../crypto/hash.ts'
import type { CommandType } from '../../../events/commands.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { ancestorsOf, type ElementId, type Handle, parentIdOf, ROOT } from '../../../events/ids.ts'
import { ceilings } from '../../../events/limits.ts'
import type { AccessRight } from '../../../events/rule.ts'
import type { Payload, Request } from '../../../events/statement.ts'
import { type ChangeSet, changeSetEnded, changeSetNamed, fieldsOf } from '../change-sets/change-set.ts'
import type { DecideContext } from '../decider.ts'
import { fieldsHolding, fieldsWithCandidates } from '../document/element.ts'
import { EntryRoom } from '../entry-room.ts'
import { evolve } from '../evolve.ts'
import type { ResolvedCommand } from '../parse-command.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find, membersOf } from '../state.ts'
import { ended, withLastVote } from '../values/proposals.ts'
import { isActive, isRuleActive } from './activity.ts'
import type { Changed } from './affected-rules.ts'
import { Authority } from './authority.ts'
import { type Judgement, judging } from './judging.ts'
import type { Inactive } from './rule-book.ts'
import { schemaIdOf } from './rule-schema.ts'
import { isPublishable, type RulesInForce, rulesInForce } from './rules-in-force.ts'
import { StepBudget } from './step-budget.ts'

/** Unanimous members always have a way on: what these break is flagged. Inviting a party is for rules to give. */
const exempt: ReadonlySet<string> = new Set<CommandType>([
  'AdmitParty',
  'WithdrawInvitation',
  'DeclineInvitation',
  'Resign',
  'LockRecord',
  'ReleaseLock',
  'BreakLock',
  'UpgradeEngine',
  'ReopenEdit',
  'EraseValues',
  'KeepValues',
])

/** Whether a request has none but these. */
export function isExempt(commands: readonly Request['commands'][number][]): boolean {
  return commands.every(({ type }) => exempt.has(type))
}

const structural: ReadonlySet<string> = new Set<CommandType>([
  'RemoveElement',
  'RenameElement',
  'GrantElement',
  'SetAudience',
])

/** The rules that judge one request (design §5a). Made for contracts with rules in force, and for publications. */
export class RequestRules {
  readonly #before: ContractState
  readonly #rules: RulesInForce | undefined
  readonly #context: DecideContext
  readonly #budget: StepBudget
  /** What is off by the passes that have been made, of the documents with and without the candidates of the request. */
  #passed: readonly Inactive[] = []
  /** Of these, those by which somebody else has to vote. */
  readonly #switched: Inactive[] = []
  /** Seals of values that were needed and are not held. */
  readonly lacking = new Set<Hash>()

  /** `budget`: left out, it has one of its own. */
  constructor(before: ContractState, context: DecideContext, budget?: StepBudget) {
    const rules = before.phase === 'live' ? rulesInForce(before) : undefined
    // A publication looks at everything once, and has a budget of its own.
    const { requestSteps } = before.phase === 'live' ? before.limits : ceilings
    this.#budget = budget ?? new StepBudget(requestSteps)
    this.#before = before
    this.#context = context
    this.#rules = rules !== undefined && isPublishable(rules) ? rules : undefined
  }

  get authority(): Authority | undefined {
    return this.#authorityIn(this.#before)
  }

  /** Step 1: as the document was before the request, so that nobody lets itself in. */
  access(command: ResolvedCommand): Rejection | undefined {
    const { authority } = this
    if (authority === undefined) return undefined
    for (const asked of askedBy(command, this.#before)) {
      // What the request itself adds is for `add` alone.
      if (find(this.#before, asked.element) === undefined) continue
      const rule = authority.denying(this.#context.author, asked.right, asked.element)
      const { overspent } = this.#budget
      if (overspent !== undefined) return overspent
      if (rule !== undefined) return new Rejection('access_denied', [String(rule), asked.element])
    }
    return this.fixed(command)
  }

  /** What rules in force name or govern is neither removed nor renamed nor granted, whenever somebody would. */
  fixed(command: ResolvedCommand): Rejection | undefined {
    if (this.#rules === undefined || !structural.has(command.type) || !('element' in command)) return undefined
    return this.#governed(command.element, this.#rules)
  }

  /** The votes on candidates that the commands have made where a validation asks for them; in steps of one candidate each (decision 0118). */
  *votes(state: ContractState, made: readonly ContractEvent[]): Generator<void, ContractEvent[] | Rejection> {
    const events: ContractEvent[] = []
    const authority = this.#authorityIn(state)
    if (authority === undefined) return events
    let current = state
    for (const event of made) {
      if (event.type !== 'ValueProposed' || event.candidate === undefined) continue
      yield
      if (!authority.isValidated(event.field)) continue
      const field = find(current, event.field)
      const candidate = field?.kind === 'field' ? field.candidates.find(({ id }) => id === event.proposal) : undefined
      if (field?.kind !== 'field' || candidate === undefined) continue
      const { agreed } = field
      if (agreed !== null && agreed.by !== event.by && !candidate.seen.includes(agreed.id)) continue
      const voters = authority.votersOn(event.field, event.by)
      if (this.#budget.overspent !== undefined) return this.#budget.overspent
      const outside = voters.filter((voter) => event.audience?.includes(voter) === false)
      if (outside.length > 0) return new Rejection('voter_outside', outside)
      const named: ContractEvent = { field: field.id, proposal: candidate.id, type: 'VotersNamed', voters }
      const news = voters.length > 0 ? [named] : withLastVote(field, { ...candidate, voters }, current)
      for (const one of news) current = evolve(current, one, this.#context)
      events.push(...news)
    }
    return events
  }

  /**
   * Whether what the last pass has switched asks others to vote on values of the request: it is decided again, with their votes, on
   * the budget that is left; in steps (decision 0130). Each time somebody more is asked, so there is an end to it.
   */
  *asksMore(made: readonly ContractEvent[], state: ContractState): Generator<void, boolean | Rejection> {
    const rules = this.#rules
    const authority = this.#authorityIn(state)
    if (rules === undefined || authority === undefined) return false
    const { open } = this.#context
    const asking: Inactive[] = []
    for (const inactive of this.#passed) {
      if (inactive === state.inactive) continue
      const wider = new Authority(state, rules, open, this.lacking, this.#budget, [...this.#switched, inactive])
      for (const event of made) {
        if (event.type !== 'ValueProposed') continue
        yield
        const { by, field } = event
        const asks = wider.votersOn(field, by).length > authority.votersOn(field, by).length
        if (this.#budget.overspent !== undefined) return this.#budget.overspent
        if (!asks) continue
        asking.push(inactive)
        break
      }
    }
    this.#switched.push(...asking)
    return asking.length > 0
  }

  /**
   * Who must vote on a change set, in the order of admission: everybody whom a validation asks about one of its
   * values. That is read in the document before it, with its elements, with those of its values that no validation
   * governs, and with the places that it switches both on and off: so a change set cannot vote a party out of its own
   * vote. In steps of one value each. `made`: what its commands make if all is agreed; `switched`: what is inactive
   * then.
   */
  *votersOnSet(
    made: readonly ContractEvent[],
    author: Handle,
    switched: Inactive,
  ): Generator<void, Handle[] | Rejection> {
    if (this.#rules === undefined) return []
    const { open } = this.#context
    const rules = this.#rules
    const authoritiesOn = (state: ContractState) =>
      [state, { ...state, inactive: switched }].map(
        (one) => new Authority(one, rules, open, this.lacking, this.#budget),
      )
    const withEvents = (counts: (event: ContractEvent) => boolean) =>
      made.filter(counts).reduce((state, event) => evolve(state, event, this.#context), this.#before)
    const elements = withEvents(({ type }) => type !== 'ValueProposed' && type !== 'ProposalAgreed')
    const standing = authoritiesOn(elements)
    const fields = made.flatMap((event) =>
      event.type === 'ValueProposed' && find(elements, event.field) !== undefined ? event.field : [],
    )
    const asked = new Set<ElementId>()
    for (const field of new Set(fields)) {
      yield
      if (standing.some((one) => one.isValidated(field))) asked.add(field)
      if (this.#budget.overspent !== undefined) return this.#budget.overspent
    }
    if (asked.size === 0) return []
    const unguarded = authoritiesOn(withEvents((event) => !('field' in event) || !asked.has(event.field as ElementId)))
    const before = authoritiesOn(this.#before)
    const voters = new Set<Handle>()
    for (const field of asked) {
      yield
      const isThere = find(this.#before, field) !== undefined
      for (const one of [...standing, ...unguarded, ...(isThere ? before : [])]) {
        for (const voter of one.votersOn(field, author)) voters.add(voter)
      }
      if (this.#budget.overspent !== undefined) return this.#budget.overspent
    }
    return membersOf(this.#before).flatMap(({ card }) => (voters.has(card.handle) ? card.handle : []))
  }

  /** Steps 3 and 4, on both documents. `made`: all events of the commands; `state`: after them. */
  *judging(
    state: ContractState,
    made: readonly ContractEvent[],
    commands: readonly Request['commands'][number][],
  ): Generator<void, Judgement | Rejection> {
    if (state.phase !== 'live') return { computed: new Map<Hash, Payload>(), events: [], state }
    const context = this.#context
    const shared = {
      budget: this.#budget,
      context,
      isExempt: isExempt(commands),
      ...(isExempt(commands) && { room: new EntryRoom(made) }),
      lacking: this.lacking,
      open: context.open,
    }
    if (!shared.isExempt && this.#budget.overspent !== undefined) return this.#budget.overspent
    const changed = changedBy(made, state)
    const judgement = yield* judging(state, changed, {
      ...shared,
      check: (after) => this.#proposable(after, made, shared.isExempt),
    })
    if (judgement instanceof Rejection) return judgement
    this.#passed = [judgement.state.inactive]
    const wishful = withCandidatesAgreed(state, made, context)
    if (wishful !== undefined) {
      const fields = new Set([...changed.fields, ...wishful.fields])
      const other = yield* judging(wishful.state, { ...changed, fields }, shared)
      if (other instanceof Rejection) return other
      this.#passed = [judgement.state.inactive, other.state.inactive]
    }
    return withFallenCandidates(judgement, context, shared.room)
  }

  #authorityIn(state: ContractState): Authority | undefined {
    const { open } = this.#context
    return this.#rules && new Authority(state, this.#rules, open, this.lacking, this.#budget, this.#switched)
  }

  /** What rules in force name or govern stays where it is and what it is; entries come and go by access. */
  #governed(element: ElementId, rules: RulesInForce): Rejection | undefined {
    const found = find(this.#before, element)
    if (found === undefined || found.instance !== undefined) return undefined
    const naming = rules.naming.get(element)
    const [governing] = [...ancestorsOf(element)].reverse().flatMap((way) => rules.at.get(way) ?? [])
    const rule = naming ?? governing?.terms.id
    return rule === undefined ? undefined : new Rejection('rule_governed', [String(rule), element])
  }

  /** Nobody proposes a value where rules switch it off, or assign one. */
  #proposable(after: ContractState, made: readonly ContractEvent[], isFlaggedOnly: boolean): Rejection | undefined {
    const rules = rulesInForce(after)
    if (!isPublishable(rules) || isFlaggedOnly) return undefined
    for (const event of made) {
      if (event.type !== 'ValueProposed' && event.type !== 'ProposalAgreed') continue
      const { field } = event
      if (!isActive(after, field)) return new Rejection('element_inactive', [field])
      const assigning = rules.assigning.get(schemaIdOf(after, field)) ?? []
      const rule = assigning.find(({ terms }) => isRuleActive(after, terms))
      if (rule !== undefined) return new Rejection('field_assigned', [String(rule.terms.id), field])
    }
    return undefined
  }
}

/** What a command needs a right for, and where. */
function askedBy(command: ResolvedCommand, state: ContractState): { right: AccessRight; element: ElementId }[] {
  switch (command.type) {
    case 'ProposeValue':
    case 'EmptyField':
    case 'RevealValue':
      return [{ right: 'propose', element: command.field }]
    case 'AddBlock':
    case 'AddField':
    case 'AddList':
      return [{ right: 'add', element: command.parent }]
    case 'AddEntry':
      return [{ right: 'add', element: command.list }]
    case 'ImportTemplate':
      return [{ right: 'add', element: command.at }]
    case 'RemoveElement':
      return [{ right: 'remove', element: command.element }]
    case 'CastVote':
      if ('field' in command) return [{ right: 'vote', element: command.field }]
      return 'request' in command ? votesAsked(changeSetNamed(state.changeSets, command.request)) : []
    case 'InviteParty':
      return [{ right: 'invite', element: ROOT }]
    default:
      return []
  }
}

/** On all of its values. */
function votesAsked(set: ChangeSet | undefined): { right: AccessRight; element: ElementId }[] {
  return set === undefined ? [] : [...fieldsOf(set)].map((element) => ({ right: 'vote', element }))
}

function changedBy(events: readonly ContractEvent[], after: ContractState): Changed {
  const fields = new Set<ElementId>()
  const agreed = new Set<ElementId>()
  const lists = new Set<ElementId>()
  const addedEntries = new Set<ElementId>()
  const extended = new Set<ElementId>()
  let all = false
  for (const event of events) {
    if (event.type === 'ProposalAgreed' || event.type === 'ValueRevealed') fields.add(event.field)
    if (event.type === 'ProposalAgreed') agreed.add(event.field)
    if (event.type === 'ValuesErased') {
      for (const { id } of fieldsHolding(after.document, new Set(event.seals))) fields.add(id)
    }
    if (event.type === 'EntryAdded') addedEntries.add(event.element)
    if (
      event.type === 'FieldAdded' ||
      event.type === 'BlockAdded' ||
      event.type === 'ListAdded' ||
      event.type === 'TemplateImported'
    ) {
      extended.add(parentIdOf(event.element))
    }
    if (event.type === 'EntryAdded' || event.type === 'ElementRemoved') lists.add(parentIdOf(event.element))
    if (event.type === 'RulesPublished') all = true
  }
  return { addedEntries, agreed, all, extended, fields, lists }
}

/** The document in which all candidates of a request are agreed; undefined where it has none. */
function withCandidatesAgreed(
  state: ContractState,
  made: readonly ContractEvent[],
  context: DecideContext,
): { state: ContractState; fields: readonly ElementId[] } | undefined {
  const fields: ElementId[] = []
  let current = state
  for (const event of made) {
    if (event.type !== 'ValueProposed' || event.candidate === undefined) continue
    const { field, proposal } = event
    const before = current
    current = evolve(current, { field, proposal, type: 'ProposalAgreed' }, context)
    if (current !== before) fields.push(field)
  }
  return fields.length === 0 ? undefined : { fields, state: current }
}

/** A candidate at a field that is switched off falls, and a change set with a value for one; of what is exempt, those that there is room for. */
function withFallenCandidates(
  { computed, events, state }: Judgement,
  context: DecideContext,
  room: EntryRoom | undefined,
): Judgement {
  const off = events.flatMap((event) => (event.type === 'BlockSwitched' && !event.active ? event.element : []))
  if (off.length === 0) return { computed, events, state }
  const isOff = (field: ElementId) => [...ancestorsOf(field)].some((way) => off.includes(way))
  const sets = state.changeSets.filter((set) => [...fieldsOf(set)].some(isOff))
  const candidates = off.flatMap((block) => {
    const element = find(state, block)
    const fields = element === undefined ? [] : [...fieldsWithCandidates(element)]
    return fields.flatMap(({ id, candidates }) => candidates.map(ended(id, 'inactive')))
  })
  const fallen = [...candidates, ...sets.map((set) => changeSetEnded(set, 'inactive'))].filter(
    (event) => room?.events.takes(event) !== false,
  )
  const after = fallen.reduce((current, event) => evolve(current, event, context), state)
  return { computed, events: [...events, ...fallen], state: after }
}
