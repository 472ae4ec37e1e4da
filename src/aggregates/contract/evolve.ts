import { inCanonicalOrder } from '../../crypto/canonical-json.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { type ElementId, type Handle, type LedgerIndex, type ProposalId, requestKey } from '../../events/ids.ts'
import { unreachable } from '../../runtime/assert.ts'
import { completed } from '../../runtime/turns.ts'
import { changeSetNamed, withChangeSet, withoutChangeSet, withoutVoterOnSets } from './change-sets/change-set.ts'
import type { Origin } from './decider.ts'
import { audiencesOutside, withAudience } from './document/audiences.ts'
import { withChild, withElement, withEntry, withName, withOrder, withoutElement } from './document/changed-document.ts'
import { emptyBlock, emptyList, type Field, fieldsWithCandidates } from './document/element.ts'
import { withType } from './document/types.ts'
import { noErasures, withErased, withErasureVote, withoutErasure, withoutVotesOf } from './erased-values.ts'
import { withBlockSwitched, withRuleSetSwitched } from './rules/activity.ts'
import { flagsOutside, withFlag, withoutFlag } from './rules/flags.ts'
import { allActive, type Rule, type RuleBook, type RuleTerms, withRule } from './rules/rule-book.ts'
import type { ClosedInvitation, ContractState, Parties } from './state.ts'
import { builtElement } from './templates/built-element.ts'
import { placedAt, rulesDrafted, type TemplateImported, typesDefined, useOf } from './templates/imported-events.ts'
import {
  heldTemplate,
  saidBy,
  type TemplateUse,
  templatesUnvoted,
  templatesWithout,
  upgradedBy,
  withoutUsesIn,
  withPiece,
  withUse,
  withUseChanged,
} from './templates/template-book.ts'
import { votesWithout } from './upgrade.ts'
import { type Candidate, nothing } from './values/standing.ts'

/** What an event changes. Never throws: an event that fits nothing changes nothing. */
export function evolve(state: ContractState, event: ContractEvent, { index, request }: Origin): ContractState {
  switch (event.type) {
    case 'ContractOpened': {
      const { title, engine, charter, limits, founder } = event
      const parties = { closed: [], former: [], invitations: [], members: [{ admittedAt: index, card: founder }] }
      return { ...state, isOpen: true, engine, engineSince: index, title, charter, limits, parties }
    }
    case 'PartyInvited': {
      const invitations = [...state.parties.invitations, { by: event.by, index, party: event.party }]
      return { ...state, parties: { ...state.parties, invitations } }
    }
    case 'PartyAdmitted':
      // A newcomer that lacks the engine can refuse a vote, but none that was cast before it came.
      return {
        ...withRules(state, { reopenVotes: [] }),
        parties: admitted(state.parties, event.handle, index),
        engineVotes: [],
        templates: templatesUnvoted(state.templates),
        erasures: { ...state.erasures, open: noErasures.open },
      }
    case 'InvitationWithdrawn':
      return { ...state, parties: closed(state.parties, event.handle, index, 'withdrawn') }
    case 'InvitationDeclined':
      return { ...state, parties: closed(state.parties, event.handle, index, 'declined') }
    case 'PartyResigned': {
      const parties = resigned(state.parties, event.handle, index)
      const reopenVotes = state.rules.reopenVotes.filter((voter) => voter !== event.handle)
      const others = {
        engineVotes: votesWithout(state, event.handle),
        erasures: withoutVotesOf(state.erasures, event.handle),
        rules: { ...state.rules, reopenVotes },
        templates: templatesWithout(state.templates, event.handle),
      }
      const changeSets = withoutVoterOnSets(state.changeSets, event.handle)
      return { ...withoutVoter(state, event.handle), ...others, changeSets, parties }
    }
    case 'RecordLocked': {
      const { about, holder, purpose } = event
      return { ...state, lock: { ...(about && { about }), breakVotes: [], holder, index, purpose } }
    }
    case 'LockBreakVoted': {
      const { lock } = state
      return lock === null ? state : { ...state, lock: { ...lock, breakVotes: [...lock.breakVotes, event.by] } }
    }
    case 'RecordReleased':
    case 'LockBroken':
      return { ...state, lock: null }
    case 'EngineVoted': {
      const { by, to } = event
      return { ...state, engineVotes: [...votesWithout(state, by), { by, to }] }
    }
    case 'EngineUpgraded':
      return { ...state, engine: event.to, engineSince: index, engineVotes: [] }
    case 'BlockAdded': {
      const { element: id, name, owner } = event
      return withChild(state, emptyBlock({ id, name, namedBy: requestKey(request), owner }))
    }
    case 'FieldAdded': {
      const { element: id, name, owner, field } = event
      return withChild(state, { ...nothing, kind: 'field', id, name, namedBy: requestKey(request), owner, field })
    }
    case 'ListAdded': {
      const { element: id, name, owner } = event
      return withChild(state, emptyList({ id, name, namedBy: requestKey(request), owner }, event))
    }
    case 'EntryAdded':
      return withEntry(state, event.element, requestKey(request))
    case 'ChildrenArranged':
      return withOrder(state, event.block, event.order)
    case 'TypeDefined': {
      const { base, constraint, hints, name } = event
      return { ...state, types: withType(state.types, { base, constraint, hints, name }) }
    }
    case 'ElementRenamed':
      return withName(state, event.element, event.name, requestKey(request))
    case 'ElementRemoved':
      return {
        ...withoutElement(state, event.element),
        audiences: audiencesOutside(state.audiences, event.element),
        templates: withoutUsesIn(state.templates, event.element),
        flags: flagsOutside(state.flags, event.element),
      }
    case 'ElementGranted':
      return withElement(state, event.element, (element) => ({ ...element, owner: event.to }))
    case 'ValueProposed': {
      const { audience, by, candidate = agreedAtOnce, proposal: id, seal } = event
      const { exclusive, seen } = candidate
      const confidential = audience && { audience }
      return withField(state, event.field, (field) => {
        const proposed = { ...confidential, by, exclusive, id, seal, seen, voters: null, yes: [] }
        return { ...field, candidates: [...field.candidates, proposed] }
      })
    }
    case 'VotersNamed':
      return withField(state, event.field, (field) => {
        const { proposal, voters } = event
        return { ...field, candidates: field.candidates.map((one) => (one.id === proposal ? { ...one, voters } : one)) }
      })
    case 'ProposalAgreed':
      return withField(state, event.field, (field) => agreed(field, event.proposal))
    case 'CandidateEnded':
      return withField(state, event.field, (field) => {
        return { ...field, candidates: without(field.candidates, event.proposal) }
      })
    case 'VoteCast':
      // A NO is followed by what ends the candidate.
      return event.vote === 'no' ? state : withField(state, event.field, (field) => voted(field, event))
    case 'ChangeSetProposed': {
      const { about, commands, request: named, voters } = event
      const proposed = { ...(about && { about }), commands, index, request: named, voters, yes: [] }
      return { ...state, changeSets: [...state.changeSets, proposed] }
    }
    case 'ChangeSetVoteCast': {
      // A NO is followed by what ends the set.
      const set = changeSetNamed(state.changeSets, event.request)
      if (set === undefined || event.vote === 'no') return state
      return { ...state, changeSets: withChangeSet(state.changeSets, { ...set, yes: [...set.yes, event.by] }) }
    }
    case 'ChangeSetAgreed':
    case 'ChangeSetEnded':
      return { ...state, changeSets: withoutChangeSet(state.changeSets, event.request) }
    case 'AudienceSet': {
      const { element, parties, until } = event
      const set = parties && { parties, ...(until !== undefined && { until }) }
      return { ...state, audiences: withAudience(state.audiences, element, set) }
    }
    case 'ValueRevealed':
      return withField(state, event.field, (field) => {
        const { agreed, candidates } = field
        const reveal = <T extends Revealed>(standing: T) => revealed(standing, event.proposal, requestKey(request))
        return { ...field, agreed: agreed && reveal(agreed), candidates: candidates.map(reveal) }
      })
    case 'TemplateBrought':
      return { ...state, templates: withPiece(state.templates, event) }
    case 'TemplateImported':
      return completed(withImported(state, event, { index, request }))
    case 'TemplateUpgradeVoted': {
      const { by, element, roles, to } = event
      const voted = (use: TemplateUse) => ({
        ...use,
        votes: [...use.votes.filter((one) => one.by !== by), { by, roles, to }],
      })
      return { ...state, templates: withUseChanged(state.templates, element, voted) }
    }
    case 'TemplateUpgraded':
      return {
        ...state,
        templates: withUseChanged(state.templates, event.element, (use) => upgradedBy(use, event, index)),
      }
    case 'RuleSetAdded':
      return withRules(state, { ruleSets: [...state.rules.ruleSets, { id: event.ruleSet, name: event.name }] })
    case 'RuleDrafted': {
      const drafted: Rule = { by: event.by, isInForce: false, terms: termsIn(event), yes: [] }
      return withRules(state, { nextRule: event.rule + 1, rules: [...state.rules.rules, drafted] })
    }
    case 'RuleEdited':
      return withRuleChanged(state, event.rule, (rule) => ({ ...rule, by: event.by, terms: termsIn(event), yes: [] }))
    case 'RuleRemoved':
      return withRuleChanged(state, event.rule, () => undefined)
    case 'RuleVoteCast': {
      const { by, vote } = event
      return withRuleChanged(state, event.rule, (rule) => {
        const others = rule.yes.filter((voter) => voter !== by)
        return { ...rule, yes: vote === 'yes' ? [...others, by] : others }
      })
    }
    case 'RulesPublished': {
      const isPublished = ({ terms: { ruleSet } }: Rule) => ruleSet === null || event.ruleSets.includes(ruleSet)
      const rules = state.rules.rules.map((rule) => ({ ...rule, isInForce: isPublished(rule) }))
      return { ...withRules(state, { rules, since: index }), phase: 'live' }
    }
    case 'ReopenVoted':
      return withRules(state, { reopenVotes: [...state.rules.reopenVotes, event.by] })
    case 'EditReopened': {
      // Whoever wants them back in force says so once more.
      const rules = state.rules.rules.map((rule) => ({ ...rule, isInForce: false, yes: [] }))
      const reopened = withRules(state, { reopenVotes: [], rules, since: index })
      return { ...reopened, flags: [], inactive: allActive, phase: 'edit' }
    }
    case 'ErasureVoted':
      return { ...state, erasures: withErasureVote(state.erasures, event) }
    case 'ValuesKept':
      return { ...state, erasures: withoutErasure(state.erasures, event.erasure) }
    case 'ValuesErased':
      return { ...state, erasures: withErased(state.erasures, event, index) }
    case 'ValueComputed': {
      const { proposal: id, seal } = event
      return withField(state, event.field, (field) => {
        return { ...field, agreed: seal === null ? null : { by: null, id, seal } }
      })
    }
    case 'BlockSwitched':
      return { ...state, inactive: withBlockSwitched(state.inactive, event.element, event.active) }
    case 'RuleSetSwitched':
      return { ...state, inactive: withRuleSetSwitched(state.inactive, event.ruleSet, event.active) }
    case 'RuleFlagged':
      return { ...state, flags: withFlag(state.flags, event) }
    case 'RuleCleared':
      return { ...state, flags: withoutFlag(state.flags, event) }
    default:
      return unreachable(event)
  }
}

/** The same in steps: most events change little, an import may add ten thousand elements. */
export function* evolving(state: ContractState, event: ContractEvent, origin: Origin): Generator<void, ContractState> {
  return event.type === 'TemplateImported' ? yield* withImported(state, event, origin) : evolve(state, event, origin)
}

const EVENTS_A_STEP = 64

function* withImported(state: ContractState, event: TemplateImported, origin: Origin): Generator<void, ContractState> {
  const held = heldTemplate(state.templates, event.template)
  if (held === undefined) return state
  const template = saidBy(held)
  const { element, name, roles } = event
  const { elements } = template
  const ground = { elements, namedBy: requestKey(origin.request), placed: placedAt(element), roles }
  let imported = withChild(state, yield* builtElement(ground, name))
  let place = 0
  for (const events of [typesDefined(event, template), rulesDrafted(event, template)]) {
    for (const one of events) {
      if (place++ % EVENTS_A_STEP === EVENTS_A_STEP - 1) yield
      imported = evolve(imported, one, origin)
    }
  }
  return { ...imported, templates: withUse(imported.templates, useOf(event, template, origin.index)) }
}

function withRules(state: ContractState, changes: Partial<RuleBook>): ContractState {
  return { ...state, rules: { ...state.rules, ...changes } }
}

function withRuleChanged(state: ContractState, id: number, change: (rule: Rule) => Rule | undefined): ContractState {
  return { ...state, rules: withRule(state.rules, id, change) }
}

function termsIn(event: Extract<ContractEvent, { type: 'RuleDrafted' | 'RuleEdited' }>): RuleTerms {
  const { about, at, body, rule: id, ruleSet } = event
  return { ...(about && { about }), at, body, id, ruleSet }
}

function admitted(parties: Parties, handle: Handle, index: LedgerIndex): Parties {
  const { members, invitations } = parties
  const used = invitations.find(({ party }) => party.handle === handle)
  return {
    ...parties,
    invitations: invitations.filter((other) => other !== used),
    members: used === undefined ? members : [...members, { admittedAt: index, card: used.party }],
  }
}

function closed(parties: Parties, handle: Handle, closedAt: LedgerIndex, how: ClosedInvitation['how']): Parties {
  const ended = parties.invitations.find(({ party }) => party.handle === handle)
  if (ended === undefined) return parties
  return {
    ...parties,
    invitations: parties.invitations.filter((other) => other !== ended),
    closed: [...parties.closed, { by: ended.by, closedAt, how, index: ended.index, party: ended.party }],
  }
}

function resigned(parties: Parties, handle: Handle, index: LedgerIndex): Parties {
  const { members, former } = parties
  const gone = members.find(({ card }) => card.handle === handle)
  return {
    ...parties,
    members: members.filter((member) => member !== gone),
    former: gone === undefined ? former : [...former, { ...gone, resignedAt: index }],
  }
}

/** What a value is on its way to being agreed in the same entry. */
const agreedAtOnce = { exclusive: false, seen: [] }

function agreed(field: Field, id: ProposalId): Field {
  const candidate = field.candidates.find((other) => other.id === id)
  if (candidate === undefined) return field
  const { audience, by, revealedBy, seal } = candidate
  const confidential = audience && { audience }
  const carried = revealedBy === undefined ? undefined : { revealedBy }
  return {
    ...field,
    agreed: seal === null ? null : { ...confidential, by, id, ...carried, seal },
    candidates: without(field.candidates, id),
  }
}

type Revealed = Pick<Candidate, 'audience' | 'id' | 'revealedBy'>

/** The proposal of that name, as an ordinary one. */
function revealed<T extends Revealed>(standing: T, proposal: ProposalId, revealedBy: string): T {
  if (standing.id !== proposal) return standing
  const { audience: _audience, ...ordinary } = standing
  return inCanonicalOrder({ ...(ordinary as T), revealedBy })
}

function voted(field: Field, { proposal, by }: { readonly proposal: ProposalId; readonly by: Handle }): Field {
  const withYes = (candidate: Candidate) => ({ ...candidate, yes: [...candidate.yes, by] })
  return { ...field, candidates: field.candidates.map((one) => (one.id === proposal ? withYes(one) : one)) }
}

function without(candidates: readonly Candidate[], id: ProposalId): Candidate[] {
  return candidates.filter((candidate) => candidate.id !== id)
}

/** Who resigns is asked no more, wherever candidates wait for its vote. */
function withoutVoter(state: ContractState, handle: Handle): ContractState {
  let current = state
  for (const { id, candidates } of fieldsWithCandidates(state.document)) {
    if (!candidates.some(({ voters }) => voters?.includes(handle))) continue
    const asked = ({ voters }: Candidate) => voters?.filter((voter) => voter !== handle) ?? null
    current = withField(current, id, (field) => {
      return { ...field, candidates: field.candidates.map((one) => ({ ...one, voters: asked(one) })) }
    })
  }
  return current
}

function withField(state: ContractState, id: ElementId, change: (field: Field) => Field): ContractState {
  return withElement(state, id, (element) => (element.kind === 'field' ? change(element) : element))
}
