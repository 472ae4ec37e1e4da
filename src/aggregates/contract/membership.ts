import { canonicalJson } from '../../crypto/canonical-json.ts'
import { isAdmissibleKey, isValidSignature } from '../../crypto/ed25519.ts'
import type { CommandOf } from '../../events/commands.ts'
import { canRefuseWhole } from '../../events/limits.ts'
import { type Acceptance, acceptanceBytes } from '../../events/parties/acceptance.ts'
import { declineBytes } from '../../events/parties/decline.ts'
import { isLei } from '../../events/parties/lei.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import { nameRules } from '../names/engine-1.ts'
import type { CommandOutcome, DecideContext } from './decider.ts'
import { EntryRoom } from './entry-room.ts'
import { erasedAfterResignation } from './erasures.ts'
import { evolve } from './evolve.ts'
import { lockAfterResignation } from './record-lock.ts'
import { Rejection } from './rejection.ts'
import { reopenAfterResignation } from './rules/rule-commands.ts'
import { type ContractState, cardsOf, type Invitation, invitationOf, memberOf, partyOf } from './state.ts'
import { upgradeAfterResignation } from './upgrade.ts'
import { candidatesAfterResignation } from './values/proposals.ts'

export function openContract(
  { title, engine, charter, limits, founder }: CommandOf<'OpenContract'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  if (state.isOpen) return new Rejection('already_open')
  if (nameRules.textFault(title) !== undefined) return new Rejection('title_unfit')
  if (founder.handle !== author || !isFitCard(founder)) return new Rejection('founder_unfit', [founder.handle])
  if (!hasAdmissibleKeys(founder)) return new Rejection('key_not_admissible')
  if (!canRefuseWhole(limits)) return new Rejection('limits_unfit')
  return [{ charter, engine, founder, limits, title, type: 'ContractOpened' }]
}

/** An open invitation takes the place of a member: so there are never too many of them at once (decision 0024). */
export function inviteParty(
  { party }: CommandOf<'InviteParty'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  if (partyOf(state, party.handle) !== undefined) return new Rejection('handle_taken', [party.handle])
  const twin = cardsOf(state).find((card) => isSameParty(card, party))
  if (twin !== undefined) return new Rejection('party_taken', [twin.handle])
  if (!isFitCard(party)) return new Rejection('party_unfit', [party.handle])
  const lookalike = lookalikeOf(party, state)
  if (lookalike !== undefined) return new Rejection('party_confusable', [lookalike.handle])
  if (!hasAdmissibleKeys(party)) return new Rejection('key_not_admissible')
  const { members, invitations } = state.parties
  if (members.length + invitations.length >= state.limits.members) return new Rejection('limit_exceeded', ['members'])
  return [{ by: author, party, type: 'PartyInvited' }]
}

/** Any member brings the acceptance in: what counts is the invitee's signature in it. */
export function admitParty(
  { accepted: { acceptance, signature } }: CommandOf<'AdmitParty'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const invitation = invitationOf(state, acceptance.handle)
  if (invitation === undefined || invitation.index !== acceptance.invitation) {
    return new Rejection('no_invitation', [acceptance.handle])
  }
  if (!isFit(acceptance, invitation, state)) return new Rejection('acceptance_unfit')
  if (!isValidSignature(invitation.party.keys.signing, acceptanceBytes(acceptance), signature)) {
    return new Rejection('acceptance_badly_signed')
  }
  if (acceptance.lastIndex < context.index) return new Rejection('acceptance_late')
  if (!isHeadSinceInvitation(acceptance, context)) return new Rejection('acceptance_wrong_head')
  if (haveTermsChanged(acceptance, state)) return new Rejection('terms_changed')
  return [{ handle: acceptance.handle, invitation: invitation.index, type: 'PartyAdmitted' }]
}

/** Whether rules, phase or engine are others than those that an invitee has verified. They never are the same again. */
export function haveTermsChanged({ head }: Pick<Acceptance, 'head'>, { engineSince, rules }: ContractState): boolean {
  return head.size <= Math.max(engineSince, rules.since)
}

/** Also the last member may go: then nothing can be requested any more, and the contract is at its end. */
export function resign(
  { about, reason }: CommandOf<'Resign'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const { author } = context
  const resigned = {
    ...(about && { about }),
    handle: author,
    ...(reason && { reason }),
    type: 'PartyResigned',
  } as const
  const gone = evolve(state, resigned, context)
  const lock = lockAfterResignation(state, author)
  const votes = [...reopenAfterResignation(state, author), ...upgradeAfterResignation(state, author)]
  const { events: room } = new EntryRoom([resigned, ...lock, ...votes])
  const erased = erasedAfterResignation(state, gone, context, room)
  const after = erased.reduce((current, event) => evolve(current, event, context), gone)
  return [resigned, ...lock, ...erased, ...candidatesAfterResignation(state, after, context, room), ...votes]
}

/** A party that has not joined yet is not wanted any more. */
export function withdrawInvitation(
  { party: handle }: CommandOf<'WithdrawInvitation'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const invitation = invitationOf(state, handle)
  if (invitation === undefined) return new Rejection('no_invitation', [handle])
  const { by, index } = invitation
  if (by !== author && memberOf(state, by) !== undefined) return new Rejection('not_sponsor', [by])
  return [{ handle, invitation: index, type: 'InvitationWithdrawn' }]
}

/** Any member brings it in: what counts is the invitee's signature in it. */
export function declineInvitation(
  { declined: { decline, signature } }: CommandOf<'DeclineInvitation'>,
  state: ContractState,
): CommandOutcome {
  const invitation = invitationOf(state, decline.handle)
  if (invitation === undefined || invitation.index !== decline.invitation) {
    return new Rejection('no_invitation', [decline.handle])
  }
  const isGenuine = isValidSignature(invitation.party.keys.signing, declineBytes(decline), signature)
  if (decline.contract !== state.contract || !isGenuine) return new Rejection('decline_badly_signed')
  return [{ handle: decline.handle, invitation: decline.invitation, type: 'InvitationDeclined' }]
}

function isFit(acceptance: Acceptance, { party }: Invitation, state: ContractState): boolean {
  const { contract, keys, charter } = acceptance
  return canonicalJson([contract, keys, charter]) === canonicalJson([state.contract, party.keys, state.charter])
}

/** The record hash in the head needs no look: the root stands for it. */
function isHeadSinceInvitation({ head, invitation }: Acceptance, { index, rootAt }: DecideContext): boolean {
  return head.size > invitation && head.size <= index && head.root === rootAt(head.size)
}

function isFitCard({ name, lei }: PartyCard): boolean {
  return nameRules.textFault(name) === undefined && (lei === undefined || isLei(lei))
}

function hasAdmissibleKeys({ keys }: PartyCard): boolean {
  return keys.signing !== keys.recovery && isAdmissibleKey(keys.signing) && isAdmissibleKey(keys.recovery)
}

/**
 * Whoever the party can be taken for: by its handle or its name, for the handle or the name of the other. Who has gone, or never
 * came, keeps its handle for ever, since the ledger names it by that, but not its name: a company that comes back has one name (decision 0005).
 */
function lookalikeOf(party: PartyCard, state: ContractState): PartyCard | undefined {
  const { handle, name } = skeletonsOf(party)
  const present = new Set([
    ...state.parties.members.map(({ card }) => card),
    ...state.parties.invitations.map(({ party }) => party),
  ])
  return cardsOf(state).find((card) => {
    const other = skeletonsOf(card)
    if (other.handle === handle || other.handle === name) return true
    return present.has(card) && (other.name === handle || other.name === name)
  })
}

interface CardSkeletons {
  readonly handle: string
  readonly name: string
}

const keptSkeletons = new WeakMap<PartyCard, CardSkeletons>()

function skeletonsOf(card: PartyCard): CardSkeletons {
  const known = keptSkeletons.get(card)
  if (known !== undefined) return known
  const skeletons = { handle: nameRules.skeleton(card.handle), name: nameRules.skeleton(card.name) }
  keptSkeletons.set(card, skeletons)
  return skeletons
}

function isSameParty(one: PartyCard, other: PartyCard): boolean {
  const keys = [one.keys.signing, one.keys.recovery]
  return one.did === other.did || keys.includes(other.keys.signing) || keys.includes(other.keys.recovery)
}
