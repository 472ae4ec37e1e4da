import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { type HeldAbouts, heldAbouts, withAbout } from '../../contracts/requests/held-abouts.ts'
import type { HeldUp, Submission, Verdict } from '../../contracts/requests/submission.ts'
import { type RequestRef, requestKey } from '../../events/ids.ts'
import type { VoidCode } from '../../events/outcome.ts'
import { unreachable } from '../../runtime/assert.ts'
import { retryWithFullHistory } from '../../runtime/history-pruned.ts'
import type { PayloadRef } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'
import { aboutRef, aboutsIn, type ShownOutcome, shownOutcome } from '../routes/shown-outcome.ts'
import { describe, type Problem, type ProblemCode } from './problem.ts'

/** What a client is answered about its request. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: AgreedBody | PendingBody | Problem
}

export interface AgreedBody {
  /** Where the request stands: `<handle>.<seq>.<index>`, and its place in the ledger. */
  readonly request: string
  readonly index: number
}
export interface PendingBody extends HeldUp {
  readonly request: string
}

/** HTTP status of a request that the rules or a collision made void. */
const statusOfVoid: Record<VoidCode, number> = {
  command_unknown: 422,
  command_malformed: 422,
  command_not_alone: 422,
  limit_exceeded: 422,
  not_open: 409,
  already_open: 409,
  title_unfit: 422,
  founder_unfit: 422,
  limits_unfit: 422,
  handle_taken: 409,
  party_taken: 409,
  party_unfit: 422,
  party_confusable: 409,
  key_not_admissible: 422,
  no_invitation: 409,
  acceptance_unfit: 422,
  acceptance_badly_signed: 422,
  acceptance_late: 409,
  acceptance_wrong_head: 409,
  terms_changed: 409,
  decline_badly_signed: 422,
  not_sponsor: 403,
  record_locked: 409,
  lock_held: 409,
  no_such_lock: 409,
  lock_own: 422,
  already_voted: 409,
  engine_not_newer: 409,
  no_such_element: 409,
  root_fixed: 422,
  not_a_block: 422,
  not_a_field: 422,
  name_taken: 409,
  name_confusable: 409,
  name_unfit: 422,
  option_unfit: 422,
  option_confusable: 422,
  not_owner: 403,
  owner_unfit: 422,
  value_wrong_type: 422,
  value_taken: 409,
  field_conflict: 409,
  no_such_proposal: 409,
  not_author: 403,
}

/** Waits for the fate of a request, or, for a client that does not insist, only until it is signed and durable. */
export async function answerFor(
  submission: Submission,
  live: LiveContract,
  payloads: PayloadStore,
  created?: string,
): Promise<Answer> {
  const { signed, verdict, intent } = submission
  const uid = live.contract
  const answer = async (verdict: Verdict) =>
    answerTo(verdict, uid, await heldAbouts(payloads, uid, aboutsOf(verdict)), created)
  if (intent.signedWithinMs === undefined) return answer(await verdict)
  return Promise.race([
    signed.then(async (request) => pending(uid, request, await retryWithFullHistory(live, () => live.heldUp(request)))),
    verdict.then(answer),
  ])
}

function aboutsOf(verdict: Verdict): PayloadRef[] {
  if (verdict.kind === 'settled') return aboutsIn(verdict.outcome, verdict.request.handle)
  return verdict.kind === 'withdrawn' ? aboutRef(verdict.request.handle, verdict) : []
}

/** `created`: where the new element is, if the request made one. */
export function answerTo(verdict: Verdict, uid: string, held: HeldAbouts, created?: string): Answer {
  switch (verdict.kind) {
    case 'settled':
      return settled(verdict.request, verdict.index, shownOutcome(verdict.outcome, held), created)
    case 'pending':
      return pending(uid, verdict.request, verdict)
    case 'timed out':
      return problem(
        504,
        'not_unanimous_in_time',
        verdict.request === undefined
          ? 'This node could not sign the request in time; it never will.'
          : 'Not everybody answered in time; the request was withdrawn for good.',
        {
          ...heldUp(verdict),
          ...(verdict.request === undefined ? {} : { request: requestKey(verdict.request) }),
        },
      )
    case 'withdrawn': {
      const { about } = withAbout(verdict, held)
      return problem(409, 'withdrawn', 'The request was taken back by its user; it is not agreed.', {
        request: requestKey(verdict.request),
        ...(about === undefined ? {} : { about }),
      })
    }
    case 'dropped':
      return problem(409, 'party_resigned', 'This party has resigned from the contract; the request is not agreed.')
    default:
      return unreachable(verdict)
  }
}

function settled(request: RequestRef, index: number, outcome: ShownOutcome, created: string | undefined): Answer {
  const place = { request: requestKey(request), index }
  switch (outcome.kind) {
    case 'accepted': {
      const headers = created === undefined ? {} : { location: created }
      return { status: created === undefined ? 200 : 201, headers, body: place }
    }
    case 'void': {
      const { code, command, with: others } = outcome.reason
      const extra = { ...place, command, ...(others === undefined ? {} : { with: others }) }
      return problem(statusOfVoid[code], code, `The request is void: ${code.replaceAll('_', ' ')}.`, extra)
    }
    case 'refused':
      return problem(409, 'refused', 'A member refused the request.', { ...place, by: outcome.by })
    case 'withdrawn': {
      const { code, about } = outcome
      const why = { because: code, ...(about === undefined ? {} : { about }) }
      return problem(504, 'withdrawn', 'The request was withdrawn; it is not agreed.', { ...place, ...why })
    }
    default:
      return unreachable(outcome)
  }
}

function heldUp({ waitingFor, why }: HeldUp): HeldUp {
  return { waitingFor, ...(why === undefined ? {} : { why }) }
}

function pending(uid: string, request: RequestRef, held: HeldUp): Answer {
  const key = requestKey(request)
  const location = `/api/Contract/${uid}/Requests/${key}`
  return { status: 202, headers: { location }, body: { request: key, ...heldUp(held) } }
}

function problem(status: number, code: ProblemCode, detail: string, evidence: Record<string, unknown> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: describe(code, detail, status, evidence),
  }
}
