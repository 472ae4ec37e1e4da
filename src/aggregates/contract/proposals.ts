import { utf8Length } from '../../crypto/bytes.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { CommandOf } from '../../events/commands.ts'
import { type ElementId, type ProposalId, type RequestRef, requestKey } from '../../events/ids.ts'
import { type CommandContext, type DecideContext, type Decision, Rejection } from './decider.ts'
import type { Resolved } from './parse-command.ts'
import { type ContractState, type Field, find, isMemberOrInvitee, type Proposal } from './state.ts'
import { valueFault } from './value-types.ts'

/**
 * A value in the author's name. It takes the place of the author's own that stands, and of those that the author had
 * seen (`basis`); any other stays beside it: a conflict, or, for an `exclusive` one, void (decision 0008).
 */
export function proposeValue(
  { field: id, seal, basis, exclusive }: Resolved<'ProposeValue'>,
  state: ContractState,
  { author, request, place, reveal }: CommandContext,
): Decision {
  const field = fieldAt(id, state)
  if (field instanceof Rejection) return field
  const opened = reveal(seal)
  if (opened === undefined) return new Rejection('value_taken')
  const problem = valueProblem(opened.value, field, state)
  if (problem !== undefined) return problem
  const isReplaced = (standing: Proposal) => standing.by === author || basis.includes(standing.id)
  const unseen = field.proposals.filter((standing) => !isReplaced(standing))
  if (exclusive && unseen.length > 0) return new Rejection('field_conflict', idsOf(unseen))
  const replaces = idsOf(field.proposals.filter(isReplaced))
  return [{ by: author, field: id, proposal: proposalId(request, place), replaces, seal, type: 'ValueProposed' }]
}

export function withdrawProposal(
  { field: id, proposal }: CommandOf<'WithdrawProposal'>,
  state: ContractState,
  { author }: DecideContext,
): Decision {
  const standing = proposalAt(id, proposal, state)
  if (standing instanceof Rejection) return standing
  if (standing.by !== author) return new Rejection('not_author', [standing.by])
  return [{ field: id, proposal, type: 'ProposalWithdrawn' }]
}

/** A NO turns the proposal down, whoever's it is: also the author's own, which comes to withdrawing it. */
export function castVote(
  { field: id, proposal, vote, about }: CommandOf<'CastVote'>,
  state: ContractState,
  { author: by }: DecideContext,
): Decision {
  const standing = proposalAt(id, proposal, state)
  if (standing instanceof Rejection) return standing
  const cast = { ...(about && { about }), by, field: id, proposal, type: 'VoteCast', vote } as const
  return vote === 'yes' ? [cast] : [cast, { by, field: id, proposal, type: 'ProposalTurnedDown' }]
}

function valueProblem(value: unknown, { field: type }: Field, state: ContractState): Rejection | undefined {
  if (utf8Length(canonicalJson(value)) > state.limits.valueBytes) {
    return new Rejection('limit_exceeded', ['valueBytes'])
  }
  const fault = valueFault(type, value, (handle) => isMemberOrInvitee(state, handle))
  if (fault === undefined) return undefined
  return new Rejection('value_wrong_type', fault === 'form' ? [type.type] : [type.type, fault])
}

function fieldAt(id: ElementId, state: ContractState): Field | Rejection {
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  return element.kind === 'field' ? element : new Rejection('not_a_field', [id])
}

function proposalAt(field: ElementId, id: ProposalId, state: ContractState): Proposal | Rejection {
  const element = fieldAt(field, state)
  if (element instanceof Rejection) return element
  return element.proposals.find((standing) => standing.id === id) ?? new Rejection('no_such_proposal', [id])
}

function idsOf(proposals: readonly Proposal[]): ProposalId[] {
  return proposals.map(({ id }) => id)
}

/** A proposal is named by the command that makes it (decision 0007). */
function proposalId(request: RequestRef, place: number): ProposalId {
  return `${requestKey(request)}.${place}` as ProposalId
}
