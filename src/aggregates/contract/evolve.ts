import type { ContractEvent } from '../../events/contract-events.ts'
import { type ElementId, type Handle, type LedgerIndex, type ProposalId, ROOT, requestKey } from '../../events/ids.ts'
import { unreachable } from '../../runtime/assert.ts'
import { nameRules } from '../names/engine-1.ts'
import type { Origin } from './decider.ts'
import {
  type Block,
  type ClosedInvitation,
  type ContractState,
  type Element,
  emptyBlock,
  type Field,
  find,
  ordinalOf,
  ordinalsOf,
  type Parties,
  type Proposal,
  parentIdOf,
} from './state.ts'
import { votesWithout } from './upgrade.ts'

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
      return withChild(state, { kind: 'field', id, name, namedBy: requestKey(request), owner, field, proposals: [] })
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
      const { proposal: id, by, seal, replaces } = event
      return withProposals(state, event.field, (standing) => [
        ...standing.filter((proposal) => !replaces.includes(proposal.id)),
        { by, id, seal, votes: [] },
      ])
    }
    case 'VoteCast': {
      const { by, vote } = event
      return withProposals(state, event.field, (standing) =>
        standing.map((proposal) => (proposal.id === event.proposal ? voted(proposal, by, vote) : proposal)),
      )
    }
    case 'ProposalWithdrawn':
    case 'ProposalTurnedDown':
      return withProposals(state, event.field, (standing) => without(standing, event.proposal))
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

function voted(proposal: Proposal, by: Handle, vote: 'yes' | 'no'): Proposal {
  const place = proposal.votes.findIndex((other) => other.by === by)
  const votes = place < 0 ? [...proposal.votes, { by, vote }] : proposal.votes.with(place, { by, vote })
  return { ...proposal, votes }
}

function without(standing: readonly Proposal[], id: ProposalId): Proposal[] {
  return standing.filter((proposal) => proposal.id !== id)
}

function withProposals(
  state: ContractState,
  field: ElementId,
  change: (standing: readonly Proposal[]) => readonly Proposal[],
): ContractState {
  return withElement(state, field, (element) =>
    element.kind === 'field' ? ({ ...element, proposals: change(element.proposals) } satisfies Field) : element,
  )
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
