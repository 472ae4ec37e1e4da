import type { ContractEvent } from '../../events/contract-events.ts'
import type { ElementId, LedgerIndex, ProposalId } from '../../events/ids.ts'
import { unreachable } from '../../runtime/assert.ts'
import {
  type Block,
  type ContractState,
  type Element,
  emptyBlock,
  type Field,
  find,
  ordinalsOf,
  type Parties,
  parentIdOf,
  type Proposal,
} from './state.ts'

/** What has happened, has happened: never throws on history. `index`: of the ledger entry that the event stands in. */
export function evolve(state: ContractState, event: ContractEvent, index: LedgerIndex): ContractState {
  switch (event.type) {
    case 'ContractOpened': {
      const { title, charter, limits, founder } = event
      const parties = { members: [{ card: founder, admittedAt: index }], invitations: [], former: [] }
      return { ...state, isOpen: true, title, charter, limits, parties }
    }
    case 'PartyInvited': {
      const invitations = [...state.parties.invitations, { index, by: event.by, party: event.party }]
      return { ...state, parties: { ...state.parties, invitations } }
    }
    case 'PartyAdmitted':
      return { ...state, parties: admitted(state.parties, event.invitation, index) }
    case 'PartyResigned':
      return { ...state, parties: resigned(state.parties, event.handle, index) }
    case 'BlockAdded':
      return withChild(state, emptyBlock(event.element, event.name, event.owner, event.list))
    case 'FieldAdded': {
      const { element: id, name, owner, field } = event
      return withChild(state, { kind: 'field', id, name, owner, field, proposals: [] })
    }
    case 'ElementRenamed':
      return renamed(state, event.element, event.name)
    case 'ElementRemoved':
      return removed(state, event.element)
    case 'ElementGranted':
      return withElement(state, event.element, (element) => ({ ...element, owner: event.to }))
    case 'ValueProposed': {
      const { proposal: id, by, seal, replaces } = event
      return withProposals(state, event.field, (standing) => [
        ...standing.filter((proposal) => !replaces.includes(proposal.id)),
        { id, by, seal, votes: [] },
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

function admitted({ members, invitations, former }: Parties, invitation: LedgerIndex, index: LedgerIndex): Parties {
  const used = invitations.find((other) => other.index === invitation)
  return {
    members: used === undefined ? members : [...members, { card: used.party, admittedAt: index }],
    invitations: invitations.filter((other) => other !== used),
    former,
  }
}

function resigned({ members, invitations, former }: Parties, handle: string, index: LedgerIndex): Parties {
  const gone = members.find(({ card }) => card.handle === handle)
  return {
    members: members.filter((member) => member !== gone),
    invitations,
    former: gone === undefined ? former : [...former, { ...gone, resignedAt: index }],
  }
}

function voted(proposal: Proposal, by: Proposal['by'], vote: 'yes' | 'no'): Proposal {
  const known = proposal.votes.some((other) => other.by === by)
  const votes = known
    ? proposal.votes.map((other) => (other.by === by ? { by, vote } : other))
    : [...proposal.votes, { by, vote }]
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
  return withElement(state, parentIdOf(child.id), (parent) => {
    if (parent.kind !== 'block') return parent
    return {
      ...parent,
      names: parent.names.set(child.name, parent.children.slots),
      children: parent.children.append(child),
    }
  })
}

function renamed(state: ContractState, id: ElementId, name: string): ContractState {
  const element = find(state, id)
  if (element === undefined) return state
  return withElement(state, parentIdOf(id), (parent) => {
    if (parent.kind !== 'block') return parent
    const ordinal = lastOrdinalOf(id)
    const names = parent.names.delete(element.name).set(name, ordinal)
    return { ...parent, names, children: parent.children.with(ordinal, { ...element, name }) }
  })
}

function removed(state: ContractState, id: ElementId): ContractState {
  const element = find(state, id)
  if (element === undefined) return state
  return withElement(state, parentIdOf(id), (parent) => {
    if (parent.kind !== 'block') return parent
    const names = parent.names.delete(element.name)
    return { ...parent, names, children: parent.children.with(lastOrdinalOf(id), undefined) }
  })
}

/** Copies what lies on the way from the root to the element, and nothing else. */
function withElement(state: ContractState, id: ElementId, change: (element: Element) => Element): ContractState {
  const document = changedAt(state.document, ordinalsOf(id), change)
  return document.kind === 'block' ? { ...state, document } : state
}

function changedAt(element: Element, way: readonly number[], change: (element: Element) => Element): Element {
  const [ordinal, ...rest] = way
  if (ordinal === undefined) return change(element)
  const child = element.kind === 'block' ? element.children.get(ordinal) : undefined
  if (child === undefined) return element
  const block = element as Block
  return { ...block, children: block.children.with(ordinal, changedAt(child, rest, change)) }
}

function lastOrdinalOf(id: ElementId): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}
