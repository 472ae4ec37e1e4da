import { Map as ImmutableMap } from 'immutable'
import type { Hash } from '../../crypto/hash.ts'
import { type Charter, defaultCharter } from '../../events/charter.ts'
import type { FieldType } from '../../events/field-type.ts'
import {
  type ElementId,
  type EngineVersion,
  type Handle,
  type LedgerIndex,
  type ProposalId,
  ROOT,
  type Uid,
} from '../../events/ids.ts'
import { defaultLimits, type Limits } from '../../events/limits.ts'
import type { PartyCard } from '../../events/party-card.ts'
import type { LockPurpose } from '../../events/reasons.ts'
import { nameRules } from '../names/engine-1.ts'
import { ChildTree } from './child-tree.ts'

export interface Member {
  readonly card: PartyCard
  /** Ledger index of its admission; 0 for the founder. */
  readonly admittedAt: LedgerIndex
}

export interface Former extends Member {
  readonly resignedAt: LedgerIndex
}

/** An open one: once used, it has become a membership. */
export interface Invitation {
  /** Ledger index of the request that invited; it may have invited others too. */
  readonly index: LedgerIndex
  readonly by: Handle
  readonly party: PartyCard
}

/** An invitation that came to nothing. The party's statements stay verifiable, and its handle is never used again. */
export interface ClosedInvitation extends Invitation {
  readonly closedAt: LedgerIndex
  readonly how: 'declined' | 'withdrawn'
}

export interface Parties {
  /** In the order of their admission. */
  readonly members: readonly Member[]
  readonly invitations: readonly Invitation[]
  readonly former: readonly Former[]
  readonly closed: readonly ClosedInvitation[]
}

/** From its index on, until it ends, only the holder's requests are accepted. */
export interface Lock {
  /** The ledger index at which it was taken: its name. */
  readonly index: LedgerIndex
  readonly holder: Handle
  readonly purpose: LockPurpose
  /** Seal of what a person has to say about it. */
  readonly about?: Hash
  /** Who has voted to break it, in the order of the votes. */
  readonly breakVotes: readonly Handle[]
}

/** A value put forward for a field in a party's name. */
export interface Proposal {
  readonly id: ProposalId
  readonly by: Handle
  readonly seal: Hash
}

/** A proposal that waits for votes, or stands against an agreed value that its author had not seen (design §5). */
export interface Candidate extends Omit<Proposal, 'seal'> {
  /** Null: that the field be emptied. */
  readonly seal: Hash | null
  /** It falls where it comes into conflict. */
  readonly exclusive: boolean
  /** Those of the proposals that stood when it was judged that its author had seen, in the order in which they stood. */
  readonly seen: readonly ProposalId[]
  /**
   * Who must vote YES, without its author, in the order of their admission; members that resign leave it. Null: nobody was
   * asked, so it is in conflict. It is in conflict as well once all of them have voted YES and it still is a candidate.
   */
  readonly voters: readonly Handle[] | null
  /** Who has voted YES, in the order of the votes. A NO ends a candidate. */
  readonly yes: readonly Handle[]
}

interface Named {
  readonly id: ElementId
  /** In the block that it stands in no other one has this name, or one that can be taken for it. */
  readonly name: string
  /** Key of the request that gave it the name; null for the root, which has none: it is there from the first. */
  readonly namedBy: string | null
  /** Alone changes the structure under it; null: shared. */
  readonly owner: Handle | null
}

export interface Block extends Named {
  readonly kind: 'block'
  /** Its children are entries, named by their numbers from 1. */
  readonly list: boolean
  /** The next child gets the ordinal `children.slots`; that of a removed one is never given again. */
  readonly children: ChildTree<Element>
  /** Ordinals of the children that are there, by the skeletons of their names. Follows from them, so no hash is taken over it. */
  readonly skeletons: ImmutableMap<string, number>
}

export interface Field extends Named {
  readonly kind: 'field'
  readonly field: FieldType
  /** What all have agreed on; null: the field is empty. */
  readonly agreed: Proposal | null
  /** In ledger order; never two of one party. */
  readonly candidates: readonly Candidate[]
}

export type Element = Block | Field

/** That the contract goes on in that engine. */
export interface EngineVote {
  readonly by: Handle
  readonly to: EngineVersion
}

/** The contract document at one ledger index: an immutable value. */
export interface ContractState {
  readonly contract: Uid
  readonly isOpen: boolean
  /** That judges the next entry, and has hashed this state. */
  readonly engine: EngineVersion
  /** Ledger index of the entry that opened the contract in it, or upgraded to it. */
  readonly engineSince: LedgerIndex
  /** Of members, at most one of each, in the order in which they were cast. */
  readonly engineVotes: readonly EngineVote[]
  /** There are no rules to be in force yet. */
  readonly phase: 'edit'
  readonly title: string
  readonly charter: Charter
  readonly limits: Limits
  readonly parties: Parties
  readonly lock: Lock | null
  readonly document: Block
}

export function initialState(contract: Uid): ContractState {
  return {
    contract,
    isOpen: false,
    engine: 1,
    engineSince: 0,
    engineVotes: [],
    phase: 'edit',
    title: '',
    charter: defaultCharter,
    limits: defaultLimits,
    parties: { closed: [], former: [], invitations: [], members: [] },
    lock: null,
    document: emptyBlock({ id: ROOT, name: '', namedBy: null, owner: null, list: false }),
  }
}

export function emptyBlock(about: Named & Pick<Block, 'list'>): Block {
  return { kind: 'block', ...about, children: ChildTree.empty, skeletons: ImmutableMap() }
}

/** In the order of their admission; the same array as long as membership does not change. */
export function membersOf(state: ContractState): readonly Member[] {
  return state.parties.members
}

export function memberOf(state: ContractState, handle: Handle): Member | undefined {
  return state.parties.members.find(({ card }) => card.handle === handle)
}

export function formerOf(state: ContractState, handle: Handle): Former | undefined {
  return state.parties.former.find(({ card }) => card.handle === handle)
}

/** The invitation of a party that declined, or was not wanted any more. */
export function closedInvitationOf(state: ContractState, handle: Handle): ClosedInvitation | undefined {
  return state.parties.closed.find(({ party }) => party.handle === handle)
}

/** The open invitation of a party. */
export function invitationOf(state: ContractState, handle: Handle): Invitation | undefined {
  return state.parties.invitations.find(({ party }) => party.handle === handle)
}

/** Who is, was, or is invited to be on the contract: no handle, DID or key of theirs is taken in again. */
export function cardsOf({ parties: { members, former, invitations, closed } }: ContractState): PartyCard[] {
  return [...members, ...former].map(({ card }) => card).concat([...invitations, ...closed].map(({ party }) => party))
}

/** Whoever is, was, or is invited to be on the contract: a handle is never used twice. */
export function partyOf(state: ContractState, handle: Handle): { readonly card: PartyCard } | undefined {
  const invited = invitationOf(state, handle) ?? closedInvitationOf(state, handle)
  return memberOf(state, handle) ?? formerOf(state, handle) ?? (invited && { card: invited.party })
}

/** What a value of the type `party` can name. */
export function isMemberOrInvitee(state: ContractState, handle: Handle): boolean {
  return memberOf(state, handle) !== undefined || invitationOf(state, handle) !== undefined
}

export function childNamed(block: Block, name: string): Element | undefined {
  const child = childLike(block, name)
  return child?.name === name ? child : undefined
}

/** The child whose name is this one, or can be taken for it. */
export function childLike(block: Block, name: string): Element | undefined {
  const ordinal = block.skeletons.get(nameRules.skeleton(name))
  return ordinal === undefined ? undefined : block.children.get(ordinal)
}

/** Follows the ordinals from the root; undefined if there is no such element, or it was removed. */
export function find(state: ContractState, id: ElementId): Element | undefined {
  let element: Element | undefined = state.document
  for (const ordinal of ordinalsOf(id)) {
    if (element?.kind !== 'block') return undefined
    element = element.children.get(ordinal)
  }
  return element
}

/** The way from the root: empty for the root itself. */
export function ordinalsOf(id: ElementId): number[] {
  return id.split('.').slice(1).map(Number)
}

/** An element's place among its siblings. Requires another than the root. */
export function ordinalOf(id: ElementId): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}

/** Requires another than the root. */
export function parentIdOf(id: ElementId): ElementId {
  return id.slice(0, id.lastIndexOf('.')) as ElementId
}

/** All that stands at a field: the agreed value first, then the candidates in ledger order. */
export function standingAt({ agreed, candidates }: Field): readonly (Proposal | Candidate)[] {
  return agreed === null ? candidates : [agreed, ...candidates]
}

/** Whether it has the votes that it was asked for, so that only a proposal which has seen it goes on from it. */
export function isInConflict({ voters, yes }: Candidate): boolean {
  return voters === null || voters.every((voter) => yes.includes(voter))
}

/** In the order of the document, which is that of their ids. */
export function* fieldsWithCandidates(element: Element): Generator<Field> {
  if (element.kind === 'block') for (const child of element.children) yield* fieldsWithCandidates(child)
  else if (element.candidates.length > 0) yield element
}

export function conflictsAt({ candidates }: Field): readonly Candidate[] {
  return candidates.filter(isInConflict)
}
