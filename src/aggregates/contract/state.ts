import type { Hash } from '../../crypto/hash.ts'
import { type Charter, defaultCharter } from '../../events/charter.ts'
import {
  type ElementId,
  type EngineVersion,
  type Handle,
  type LedgerIndex,
  ordinalsOf,
  ROOT,
  type Uid,
} from '../../events/ids.ts'
import { defaultLimits, type Limits } from '../../events/limits.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { LockPurpose } from '../../events/reasons.ts'
import type { ChangeSet } from './change-sets/change-set.ts'
import { type BlockAudience, noAudiences } from './document/audiences.ts'
import { childAt, type Element, emptyBlock, type StoredBlock } from './document/element.ts'
import { noTypes, type Types } from './document/types.ts'
import { type Erasures, noErasures } from './erased-values.ts'
import { allActive, type Flag, type Inactive, noRules, type RuleBook } from './rules/rule-book.ts'
import { noTemplates, type TemplateBook } from './templates/template-book.ts'

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
  /** In `edit` rules are drafted and voted on, and none is in force; in `live` those that are published are, and stay as they are. */
  readonly phase: 'edit' | 'live'
  readonly rules: RuleBook
  /** What triggers have switched off. */
  readonly inactive: Inactive
  readonly flags: readonly Flag[]
  /** Those that wait for votes, in the order in which they were proposed. */
  readonly changeSets: readonly ChangeSet[]
  readonly title: string
  readonly charter: Charter
  readonly limits: Limits
  readonly parties: Parties
  readonly lock: Lock | null
  readonly erasures: Erasures
  /** Those that it defines. */
  readonly types: Types
  readonly templates: TemplateBook
  /** Of its confidential blocks. */
  readonly audiences: readonly BlockAudience[]
  readonly document: StoredBlock
}

export function initialState(contract: Uid): ContractState {
  return {
    contract,
    isOpen: false,
    engine: 1,
    engineSince: 0,
    engineVotes: [],
    phase: 'edit',
    rules: noRules,
    inactive: allActive,
    flags: [],
    changeSets: [],
    title: '',
    charter: defaultCharter,
    limits: defaultLimits,
    parties: { closed: [], former: [], invitations: [], members: [] },
    lock: null,
    erasures: noErasures,
    types: noTypes,
    templates: noTemplates,
    audiences: noAudiences,
    document: emptyBlock({ id: ROOT, name: '', namedBy: null, owner: null }),
  }
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

/** Follows the ordinals from the root; undefined if there is no such element, or it was removed. */
export function find(state: ContractState, id: ElementId): Element | undefined {
  let element: Element | undefined = state.document
  for (const ordinal of ordinalsOf(id)) {
    element = childAt(element, ordinal)
    if (element === undefined) return undefined
  }
  return element
}

/** Whether an element is, or stands in, the prototype of a list. */
export function isInPrototype(state: ContractState, id: ElementId): boolean {
  let element: Element | undefined = state.document
  for (const ordinal of ordinalsOf(id)) {
    if (element?.kind === 'list' && ordinal === 0) return true
    element = element && childAt(element, ordinal)
  }
  return false
}
