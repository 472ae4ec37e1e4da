import { isAdmissibleKey, isValidSignature } from '../../crypto/ed25519.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { acceptanceBytes } from '../../events/acceptance.ts'
import type { CommandOf } from '../../events/commands.ts'
import type { PartyCard } from '../../events/party-card.ts'
import { type DecideContext, type Decision, Rejection } from './decision.ts'
import { type ContractState, type Invitation, type Parties, partyOf } from './state.ts'

export function openContract(command: CommandOf<'OpenContract'>, state: ContractState, context: DecideContext): Decision {
  const { title, engine, charter, limits, founder } = command
  if (state.isOpen) return new Rejection('already_open')
  if (founder.handle !== context.author) return new Rejection('handle_taken', [founder.handle])
  if (!hasAdmissibleKeys(founder)) return new Rejection('key_not_admissible')
  return [{ type: 'ContractOpened', title, engine, charter, limits, founder }]
}

export function inviteParty({ party }: CommandOf<'InviteParty'>, state: ContractState, context: DecideContext): Decision {
  if (partyOf(state, party.handle) !== undefined) return new Rejection('handle_taken', [party.handle])
  const twin = cardsOf(state.parties).find((card) => isSameParty(card, party))
  if (twin !== undefined) return new Rejection('party_taken', [twin.handle])
  if (!hasAdmissibleKeys(party)) return new Rejection('key_not_admissible')
  const { members, invitations } = state.parties
  if (members.length + invitations.length >= state.limits.members) return new Rejection('limit_exceeded', ['members'])
  return [{ type: 'PartyInvited', by: context.author, party }]
}

export function admitParty({ accepted }: CommandOf<'AdmitParty'>, state: ContractState, context: DecideContext): Decision {
  const { acceptance, signature } = accepted
  const invitation = state.parties.invitations.find(({ index }) => index === acceptance.invitation)
  if (invitation === undefined || invitation.party.handle !== acceptance.handle) {
    return new Rejection('no_invitation', [acceptance.handle])
  }
  if (!isFit(acceptance, invitation, state)) return new Rejection('acceptance_unfit')
  if (!isValidSignature(invitation.party.keys.signing, acceptanceBytes(acceptance), signature)) {
    return new Rejection('acceptance_badly_signed')
  }
  if (acceptance.lastIndex < context.index) return new Rejection('acceptance_late')
  const { head } = acceptance
  const isOfThisLedger = head.size > invitation.index && head.size <= context.index && context.rootAt(head.size) === head.root
  if (!isOfThisLedger) return new Rejection('acceptance_wrong_head')
  return [{ type: 'PartyAdmitted', handle: invitation.party.handle, invitation: invitation.index }]
}

/** Also the last member may go: then nothing can be requested any more, and the contract is at its end. */
export function resign({ reason }: CommandOf<'Resign'>, context: DecideContext): Decision {
  return [{ type: 'PartyResigned', handle: context.author, ...(reason === undefined ? {} : { reason }) }]
}

function isFit(
  acceptance: CommandOf<'AdmitParty'>['accepted']['acceptance'],
  { party }: Invitation,
  state: ContractState,
): boolean {
  return (
    acceptance.contract === state.contract &&
    canonicalJson(acceptance.keys) === canonicalJson(party.keys) &&
    canonicalJson(acceptance.charter) === canonicalJson(state.charter)
  )
}

function hasAdmissibleKeys({ keys }: PartyCard): boolean {
  return keys.signing !== keys.recovery && isAdmissibleKey(keys.signing) && isAdmissibleKey(keys.recovery)
}

function cardsOf({ members, invitations, former }: Parties): PartyCard[] {
  return [...members.map(({ card }) => card), ...former.map(({ card }) => card), ...invitations.map(({ party }) => party)]
}

function isSameParty(one: PartyCard, other: PartyCard): boolean {
  const keys = [one.keys.signing, one.keys.recovery]
  return one.did === other.did || keys.includes(other.keys.signing) || keys.includes(other.keys.recovery)
}
