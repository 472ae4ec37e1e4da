import type { ContractEvent } from '../../events/contract-events.ts'
import { type ElementId, type Handle, type LedgerIndex, type ProposalId, ROOT, requestKey } from '../../events/ids.ts'
import { unreachable } from '../../runtime/assert.ts'
import { nameRules } from '../names/engine-1.ts'
import type { Origin } from './decider.ts'
import {
  type Block,
  type Candidate,
  type ClosedInvitation,
  type ContractState,
  type Element,
  emptyBlock,
  type Field,
  fieldsWithCandidates,
  find,
  ordinalOf,
  ordinalsOf,
  type Parties,
  parentIdOf,
} from './state.ts'
import { votesWithout } from './upgrade.ts'

const empty = { kind: 'field', agreed: null, candidates: [] } as const

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
      return { ...state, parties: admitted(state.parties, event.handle, index), engineVotes: [] }
    case 'InvitationWithdrawn':
      return { ...state, parties: closed(state.parties, event.handle, index, 'withdrawn') }
    case 'InvitationDeclined':
      return { ...state, parties: closed(state.parties, event.handle, index, 'declined') }
    case 'PartyResigned':
      return {
        ...state,
        parties: resigned(state.parties, event.handle, index),
        engineVotes: votesWithout(state, event.handle),
        document: withoutVoter(state.document, event.handle),
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
      const { element: id, name, owner, list } = event
      return withChild(state, emptyBlock({ id, name, namedBy: requestKey(request), owner, list }))
    }
    case 'FieldAdded': {
      const { element: id, name, owner, field } = event
      return withChild(state, { ...empty, id, name, namedBy: requestKey(request), owner, field })
    }
    case 'ElementRenamed': {
      const { element: id, name } = event
      return withSlot(state, id, (element) => ({ ...element, name, namedBy: requestKey(request) }))
    }
    case 'ElementRemoved':
      return withSlot(state, event.element, () => undefined)
    case 'ElementGranted':
      return withElement(state, event.element, (element) => ({ ...element, owner: event.to }))
    case 'ValueProposed': {
      const { by, candidate = agreedAtOnce, proposal: id, seal } = event
      const { exclusive, seen, voters } = candidate
      return withField(state, event.field, (field) => {
        return { ...field, candidates: [...field.candidates, { by, exclusive, id, seal, seen, voters, yes: [] }] }
      })
    }
    case 'ProposalAgreed':
      return withField(state, event.field, (field) => agreed(field, event.proposal))
    case 'CandidateEnded':
      return withField(state, event.field, (field) => {
        return { ...field, candidates: without(field.candidates, event.proposal) }
      })
    case 'VoteCast':
      // A NO is followed by what ends the candidate.
      return event.vote === 'no' ? state : withField(state, event.field, (field) => voted(field, event))
    default:
      return unreachable(event)
  }
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
const agreedAtOnce = { exclusive: false, seen: [], voters: null }

function agreed(field: Field, id: ProposalId): Field {
  const candidate = field.candidates.find((other) => other.id === id)
  if (candidate === undefined) return field
  const { by, seal } = candidate
  return { ...field, agreed: seal === null ? null : { by, id, seal }, candidates: without(field.candidates, id) }
}

function voted(field: Field, { proposal, by }: { readonly proposal: ProposalId; readonly by: Handle }): Field {
  const withYes = (candidate: Candidate) => ({ ...candidate, yes: [...candidate.yes, by] })
  return { ...field, candidates: field.candidates.map((one) => (one.id === proposal ? withYes(one) : one)) }
}

function without(candidates: readonly Candidate[], id: ProposalId): Candidate[] {
  return candidates.filter((candidate) => candidate.id !== id)
}

/** Who resigns is asked no more, wherever candidates wait for its vote. */
function withoutVoter(document: Block, handle: Handle): Block {
  let root: Element = document
  for (const { id, candidates } of fieldsWithCandidates(document)) {
    if (!candidates.some(({ voters }) => voters?.includes(handle))) continue
    root = changedAt(root, ordinalsOf(id), (element) => {
      if (element.kind !== 'field') return element
      const asked = ({ voters }: Candidate) => voters?.filter((voter) => voter !== handle) ?? null
      return { ...element, candidates: element.candidates.map((one) => ({ ...one, voters: asked(one) })) }
    })
  }
  return root as Block
}

function withField(state: ContractState, id: ElementId, change: (field: Field) => Field): ContractState {
  return withElement(state, id, (element) => (element.kind === 'field' ? change(element) : element))
}

function withChild(state: ContractState, child: Element): ContractState {
  return withBlock(state, parentIdOf(child.id), (parent) => ({
    ...parent,
    skeletons: parent.skeletons.set(nameRules.skeleton(child.name), parent.children.slots),
    children: parent.children.append(child),
  }))
}

/** Puts something else, or nothing, in the place of an element, and keeps the skeletons in its parent up with it. */
function withSlot(
  state: ContractState,
  id: ElementId,
  change: (element: Element) => Element | undefined,
): ContractState {
  const element = id === ROOT ? undefined : find(state, id)
  if (element === undefined) return state
  const ordinal = ordinalOf(id)
  const changed = change(element)
  return withBlock(state, parentIdOf(id), (parent) => {
    const skeletons = parent.skeletons.delete(nameRules.skeleton(element.name))
    return {
      ...parent,
      skeletons: changed === undefined ? skeletons : skeletons.set(nameRules.skeleton(changed.name), ordinal),
      children: parent.children.with(ordinal, changed),
    }
  })
}

function withBlock(state: ContractState, id: ElementId, change: (block: Block) => Block): ContractState {
  return withElement(state, id, (element) => (element.kind === 'block' ? change(element) : element))
}

/** Copies what lies on the way from the root to the element, and nothing else. */
function withElement(state: ContractState, id: ElementId, change: (element: Element) => Element): ContractState {
  const document = changedAt(state.document, ordinalsOf(id), change)
  return document.kind === 'block' ? { ...state, document } : state
}

function changedAt(element: Element, way: readonly number[], change: (element: Element) => Element): Element {
  const [ordinal, ...rest] = way
  if (ordinal === undefined) return change(element)
  if (element.kind !== 'block') return element
  const child = element.children.get(ordinal)
  if (child === undefined) return element
  return { ...element, children: element.children.with(ordinal, changedAt(child, rest, change)) }
}
