import { utf8Length } from '../../../crypto/bytes.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import { isAttachment } from '../../../events/attachments/attachment.ts'
import type { Audience } from '../../../events/audience.ts'
import type { CommandOf } from '../../../events/commands.ts'
import type { CandidateEnd, ContractEvent } from '../../../events/contract-events.ts'
import { type ElementId, type ProposalId, type RequestRef, requestKey } from '../../../events/ids.ts'
import { type ChangeSet, changeSetEnded, waitingAt } from '../change-sets/change-set.ts'
import type { CommandContext, CommandOutcome, DecideContext } from '../decider.ts'
import { type Field, fieldsWithCandidates } from '../document/element.ts'
import { builtInOf } from '../document/types.ts'
import type { Share } from '../entry-room.ts'
import { isErased } from '../erased-values.ts'
import { evolve } from '../evolve.ts'
import type { Resolved } from '../parse-command.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find, isInPrototype, isMemberOrInvitee } from '../state.ts'
import { audienceProblem, authorOutside, revealValue } from './audience.ts'
import { audienceAt } from './effective-audience.ts'
import { isKeyHeld } from './list-keys.ts'
import { type Agreed, type Candidate, isInConflict, standingAt } from './standing.ts'
import { valueFault } from './value-types.ts'

/**
 * A value in the author's name (decision 0008). Agreed at once where the author had seen the agreed value, or there is none; else a candidate,
 * or, for an `exclusive` one, void (decision 0110).
 */
export function proposeValue(
  command: Resolved<'ProposeValue'>,
  state: ContractState,
  context: CommandContext,
): CommandOutcome {
  const field = fieldAt(command.field, state)
  if (field instanceof Rejection) return field
  if (isErased(state, command.seal)) return new Rejection('value_taken')
  const held = audienceAt(state, field.id)?.parties
  const problem = authorOutside(context.author, field.id, state) ?? audienceProblem(command.audience, held)
  if (problem !== undefined) return problem
  // What only some have nobody judges by what it is: else they would not all judge alike.
  const opened = held === undefined ? context.reveal(command.seal) : context.confidential?.(command.seal)
  if (opened === undefined && held === undefined) return new Rejection('value_taken')
  const unfit = opened && valueProblem(opened.value, field, state)
  return unfit ?? put(command, { seal: command.seal, ...(held && { audience: held }) }, field, state, context)
}

/** The same with nothing for a value. What has no value stays as it is. */
export function emptyField(
  command: CommandOf<'EmptyField'>,
  state: ContractState,
  context: CommandContext,
): CommandOutcome {
  const field = fieldAt(command.field, state)
  if (field instanceof Rejection) return field
  const outside = authorOutside(context.author, field.id, state)
  if (outside !== undefined) return outside
  if (standingAt(field).length === 0) return []
  return put(command, { seal: null }, field, state, context)
}

/** Makes a confidential value that stands an ordinary one. */
export function revealing(
  command: CommandOf<'RevealValue'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const field = fieldAt(command.field, state)
  if (field instanceof Rejection) return field
  return revealValue(command, state, context, (value) => valueProblem(value, field, state))
}

export function withdrawProposal(
  { field: id, proposal }: CommandOf<'WithdrawProposal'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const candidate = candidateAt(id, proposal, state)
  if (candidate instanceof Rejection) return candidate
  if (candidate.by !== author) return new Rejection('not_author', [candidate.by])
  return [ended(id, 'withdrawn')(candidate)]
}

/** A vote on a candidate, and not on a rule. */
export type VoteOnCandidate = Extract<CommandOf<'CastVote'>, { field: ElementId }>

/** Of those that a candidate asks: the last YES makes it agreed, any NO ends it. */
export function castVote(
  { field: id, proposal, vote, about, audience }: VoteOnCandidate,
  state: ContractState,
  { author: by }: DecideContext,
): CommandOutcome {
  const candidate = candidateAt(id, proposal, state)
  if (candidate instanceof Rejection) return candidate
  if (isInConflict(candidate)) return new Rejection('no_vote_asked')
  if (!candidate.voters?.includes(by)) return new Rejection('not_a_voter')
  // What is said of a confidential value is for those who have it.
  const leak = about && audienceProblem(audience, candidate.audience)
  if (leak !== undefined) return leak
  const cast = { ...(about && { about }), by, field: id, proposal, type: 'VoteCast', vote } as const
  if (vote === 'no') return [cast, ended(id, 'turned_down')(candidate)]
  if (candidate.yes.includes(by)) return new Rejection('already_voted')
  const field = find(state, id) as Field
  return [cast, ...withLastVote(field, { ...candidate, yes: [...candidate.yes, by] }, state)]
}

/**
 * What becomes of candidates whose last missing vote was that of a member that resigns. `resigned`: the document
 * without it. One candidate after another, since one that is agreed can end others or put them in conflict. A
 * candidate for which the entry has no room stays in conflict, with all its votes.
 */
export function candidatesAfterResignation(
  state: ContractState,
  resigned: ContractState,
  context: DecideContext,
  room: Share,
): ContractEvent[] {
  const events: ContractEvent[] = []
  let current = resigned
  for (const { id, candidates } of fieldsWithCandidates(state.document)) {
    for (const open of candidates) {
      if (isInConflict(open)) continue
      const field = find(current, id) as Field
      const candidate = field.candidates.find((other) => other.id === open.id)
      const made = candidate === undefined ? [] : withLastVote(field, candidate, current)
      const news = candidate === undefined ? [] : withoutTakenKey(made, candidate, current, context)
      if (!room.takes(...news)) return events
      for (const event of news) current = evolve(current, event, context)
      events.push(...news)
    }
  }
  return events
}

/** Nobody is kept from leaving: a candidate that would be void now for its key falls. */
function withoutTakenKey(
  news: ContractEvent[],
  { id, seal }: Candidate,
  state: ContractState,
  { open }: DecideContext,
): ContractEvent[] {
  const made = news.find((event) => event.type === 'ProposalAgreed')
  const opened = made === undefined || seal === null ? undefined : open({ id, seal })
  if (made === undefined || opened === undefined || !isKeyHeld(state, made.field, opened.value, open)) return news
  return [ended(made.field, 'key_taken')({ id })]
}

/** Puts a value, or none, up for a field: agreed at once, or a candidate. */
function put(
  { field: id, basis, exclusive: falls }: Pick<CommandOf<'EmptyField'>, 'field' | 'basis' | 'exclusive'>,
  { audience, seal }: { readonly seal: Hash | null; readonly audience?: Audience },
  field: Field,
  { changeSets }: ContractState,
  { author: by, authority, isAgreedAsOne, request, place }: CommandContext,
): CommandOutcome {
  const proposal = proposalId(request, place)
  const confidential = audience && { audience }
  const exclusive = falls === true || authority?.isSingle(id) === true
  const isSeen = (standing: Agreed | Candidate) => standing.by === by || basis.includes(standing.id)
  const seen: ProposalId[] = []
  const unseen: ProposalId[] = []
  for (const standing of standingAt(field)) {
    if (isSeen(standing)) seen.push(standing.id)
    // Open votes are no conflict: what is put up beside them takes nothing from them.
    else if (!('voters' in standing) || isInConflict(standing)) unseen.push(standing.id)
  }
  if (exclusive && unseen.length > 0) return new Rejection('field_conflict', unseen)
  const waiting = waitingAt(changeSets, id)
  const seenWaiting = waiting.filter(({ set, id }) => set.request.handle === by || basis.includes(id))
  const seenOfAll = { id: proposal, seen: [...seen, ...seenWaiting.map(({ id }) => id)] }
  const isFree = field.agreed === null || isSeen(field.agreed)
  if (isFree && (isAgreedAsOne || !authority?.isValidated(id))) {
    return [
      { ...confidential, by, field: id, proposal, seal, type: 'ValueProposed' },
      ...agreed(field, seenOfAll, changeSets),
    ]
  }
  // One of its values in conflict, none of a change set takes effect.
  if (isAgreedAsOne && field.agreed !== null) return new Rejection('field_conflict', [field.agreed.id])
  const own = field.candidates.filter((candidate) => candidate.by === by).map(ended(id, 'replaced'))
  const ownSets = new Set(waiting.flatMap(({ set }) => (set.request.handle === by ? set : [])))
  const sets = [...ownSets].map((set) => changeSetEnded(set, 'replaced'))
  const candidate = { exclusive, seen: seenOfAll.seen }
  return [...own, ...sets, { ...confidential, by, candidate, field: id, proposal, seal, type: 'ValueProposed' }]
}

/** What comes of a candidate with these votes: nothing as long as one is missing, or a value is agreed that it had not seen. */
export function withLastVote(
  field: Field,
  candidate: Candidate,
  { changeSets }: Pick<ContractState, 'changeSets'>,
): ContractEvent[] {
  if (!isInConflict(candidate)) return []
  const { agreed: before } = field
  if (before === null || before.by === candidate.by || candidate.seen.includes(before.id)) {
    return agreed(field, candidate, changeSets)
  }
  return candidate.exclusive ? [ended(field.id, 'conflict')(candidate)] : []
}

/** Agreed, it ends the candidates that its author had seen, and the change sets of such values. */
function agreed(
  field: Field,
  { id: proposal, seen }: Pick<Candidate, 'id' | 'seen'>,
  changeSets: readonly ChangeSet[],
): ContractEvent[] {
  const gone = field.candidates.filter((candidate) => candidate.id !== proposal && seen.includes(candidate.id))
  const events: ContractEvent[] = [{ field: field.id, proposal, type: 'ProposalAgreed' }]
  events.push(...gone.map(ended(field.id, 'replaced')))
  const waiting = waitingAt(changeSets, field.id)
  if (waiting.length === 0) return events
  const sets = new Set(waiting.flatMap(({ set, id }) => (seen.includes(id) ? set : [])))
  for (const set of sets) events.push(changeSetEnded(set, 'replaced'))
  return events
}

export function ended(field: ElementId, why: CandidateEnd): (candidate: Pick<Candidate, 'id'>) => ContractEvent {
  return ({ id: proposal }) => ({ field, proposal, type: 'CandidateEnded', why })
}

/** The most bytes that JSON makes of one UTF-16 code unit: an escape. */
const BYTES_A_CODE_UNIT = 6
const QUOTES = 2

/** Whether the canonical JSON of a value has more bytes than that. Of a short text it need not be written. */
function isLonger(value: unknown, bytesMax: number): boolean {
  if (typeof value === 'string' && value.length * BYTES_A_CODE_UNIT + QUOTES <= bytesMax) return false
  return utf8Length(canonicalJson(value)) > bytesMax
}

/** Why a value cannot stand in a field, whoever puts it there. */
export function valueProblem(value: unknown, { field: type }: Field, state: ContractState): Rejection | undefined {
  if (isLonger(value, state.limits.valueBytes)) {
    return new Rejection('limit_exceeded', ['valueBytes'])
  }
  if (isAttachment(value) && value.bytes > state.limits.attachmentBytes) {
    return new Rejection('limit_exceeded', ['attachmentBytes'])
  }
  const fault = valueFault(type, value, (handle) => isMemberOrInvitee(state, handle), state.types)
  if (fault === undefined) return undefined
  const { type: base } = builtInOf(type, state.types)
  return new Rejection('value_wrong_type', fault === 'form' ? [base] : [base, fault])
}

function fieldAt(id: ElementId, state: ContractState): Field | Rejection {
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  if (element.kind !== 'field') return new Rejection('not_a_field', [id])
  return isInPrototype(state, id) ? new Rejection('prototype_empty', [id]) : element
}

function candidateAt(id: ElementId, proposal: ProposalId, state: ContractState): Candidate | Rejection {
  const field = fieldAt(id, state)
  if (field instanceof Rejection) return field
  if (field.agreed?.id === proposal) return new Rejection('already_agreed')
  return field.candidates.find((standing) => standing.id === proposal) ?? new Rejection('no_such_proposal', [proposal])
}

/** A proposal is named by the command that makes it (decision 0007). */
function proposalId(request: RequestRef, place: number): ProposalId {
  return `${requestKey(request)}.${place}` as ProposalId
}
