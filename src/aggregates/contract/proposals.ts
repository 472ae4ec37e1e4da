import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { CommandOf } from '../../events/commands.ts'
import type { ElementId, ProposalId } from '../../events/ids.ts'
import { requestKey } from '../../events/ids.ts'
import { type DecideContext, type Decision, Rejection } from './decision.ts'
import { fitsType } from './field-value.ts'
import { type ContractState, type Field, find, type Proposal, partyOf } from './state.ts'

/** `field` is resolved already. `command`: its place in the request, which names the proposal. */
export function proposeValue(
  command: CommandOf<'ProposeValue'> & { readonly field: ElementId },
  state: ContractState,
  context: DecideContext,
  place: number,
): Decision {
  const field = fieldAt(command.field, state)
  if (field instanceof Rejection) return field
  const opened = context.reveal(command.seal)
  if (opened === undefined) return new Rejection('value_taken')
  if (!fitsType(field.field, opened.value, (handle) => partyOf(state, handle) !== undefined)) {
    return new Rejection('value_wrong_type', [field.field.type])
  }
  if (Buffer.byteLength(canonicalJson(opened.value)) > state.limits.valueBytes) {
    return new Rejection('limit_exceeded', ['valueBytes'])
  }
  const isReplaced = ({ id, by }: Proposal) => by === context.author || command.basis.includes(id)
  const others = field.proposals.filter((proposal) => !isReplaced(proposal))
  if (command.exclusive && others.length > 0) return new Rejection('field_conflict', others.map(({ id }) => id))
  return [
    {
      type: 'ValueProposed',
      field: field.id,
      proposal: `${requestKey(context.request)}.${place}` as ProposalId,
      by: context.author,
      seal: command.seal,
      replaces: field.proposals.filter(isReplaced).map(({ id }) => id),
    },
  ]
}

export function withdrawProposal(
  command: CommandOf<'WithdrawProposal'>,
  state: ContractState,
  context: DecideContext,
): Decision {
  const field = fieldAt(command.field, state)
  if (field instanceof Rejection) return field
  const proposal = field.proposals.find(({ id }) => id === command.proposal)
  if (proposal === undefined) return new Rejection('no_such_proposal', [command.proposal])
  if (proposal.by !== context.author) return new Rejection('not_author', [proposal.by])
  return [{ type: 'ProposalWithdrawn', field: field.id, proposal: proposal.id }]
}

/** A NO turns the proposal down, whoever's it is. */
export function castVote(command: CommandOf<'CastVote'>, state: ContractState, context: DecideContext): Decision {
  const field = fieldAt(command.field, state)
  if (field instanceof Rejection) return field
  const { proposal, vote, reason } = command
  if (!field.proposals.some(({ id }) => id === proposal)) return new Rejection('no_such_proposal', [proposal])
  const by = context.author
  const cast = { type: 'VoteCast', field: field.id, proposal, by, vote, ...(reason === undefined ? {} : { reason }) } as const
  return vote === 'yes' ? [cast] : [cast, { type: 'ProposalTurnedDown', field: field.id, proposal, by }]
}

function fieldAt(id: ElementId, state: ContractState): Field | Rejection {
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  return element.kind === 'field' ? element : new Rejection('not_a_field', [id])
}
