import type { FastifyReply } from 'fastify'
import type { HeldUp } from '../../contracts/requests/submission.ts'
import type { CandidateFate } from '../../documents/candidates/fates.ts'
import type { DryRun } from '../../documents/dry-run.ts'
import { subjectOf } from '../../documents/path.ts'
import type { RequestResult, VotedResult } from '../../documents/request-result.ts'
import type { VoidDetails } from '../../documents/requests/void-details.ts'
import { type RequestRef, requestKey } from '../../events/ids.ts'
import { type VoidCode, type VoidReason, voidCodes } from '../../events/outcome.ts'
import { unreachable } from '../../runtime/assert.ts'
import { describe, type Problem, type ProblemCode } from './problem.ts'

type Settled = Extract<RequestResult, { kind: 'settled' }>

/** What a client is answered about its request. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: AgreedBody | PendingBody | VotingBody | DryRunBody | UnchangedBody | Problem
}

interface AgreedBody {
  /** Where the request stands: `<handle>.<seq>.<index>`, and its place in the ledger. */
  readonly request: string
  readonly index: number
}
/** What was written waits for votes. */
interface VotingBody {
  readonly request: string
  readonly waitingFor: 'votes'
  readonly candidates: readonly CandidateFate[]
}
/** What would happen. */
type DryRunBody = { readonly dryRun: true } & Omit<DryRun, 'kind' | 'details'> & VoidDetails
interface UnchangedBody {
  readonly unchanged: true
}
interface PendingBody extends HeldUp {
  readonly request: string
}

/** HTTP status of a request that the rules or a collision made void. */
export const statusOfVoid: Readonly<Record<VoidCode, number>> = {
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
  not_a_list: 422,
  entry_fixed: 422,
  prototype_fixed: 422,
  prototype_empty: 422,
  order_unfit: 422,
  key_taken: 409,
  key_unfit: 422,
  name_taken: 409,
  name_confusable: 409,
  name_unfit: 422,
  option_unfit: 422,
  option_confusable: 422,
  currency_unknown: 422,
  type_unknown: 422,
  type_unchanged: 409,
  constraint_unfit: 422,
  not_owner: 403,
  owner_unfit: 422,
  value_wrong_type: 422,
  value_taken: 409,
  audience_unfit: 422,
  owner_outside: 422,
  outside_audience: 403,
  audience_changed: 409,
  voter_outside: 422,
  key_confidential: 422,
  not_confidential: 409,
  seal_unfit: 422,
  field_conflict: 409,
  already_agreed: 409,
  no_vote_asked: 409,
  not_a_voter: 403,
  rules_in_force: 409,
  no_rules_in_force: 409,
  no_such_rule: 409,
  no_such_rule_set: 409,
  rule_unfit: 422,
  rule_changed: 409,
  rules_named_unfit: 422,
  rule_vote_missing: 409,
  rules_cyclic: 422,
  required_missing: 422,
  rule_broken: 422,
  rule_over_budget: 422,
  rule_governed: 409,
  access_denied: 403,
  element_inactive: 409,
  change_set_unfit: 422,
  no_such_change_set: 409,
  field_assigned: 409,
  assigned_twice: 422,
  already_erased: 409,
  no_such_erasure: 404,
  template_unfit: 422,
  template_out_of_place: 409,
  template_held: 409,
  template_unchanged: 409,
  no_such_template: 409,
  role_unfit: 409,
  not_of_template: 409,
  computed_unfit: 422,
  no_such_proposal: 409,
  not_author: 403,
}

/** The one way from what became of a request to HTTP. */
export function send(reply: FastifyReply, result: RequestResult): FastifyReply {
  const { status, headers, body } = answerTo(result)
  return reply.code(status).headers(headers).send(body)
}

export function answerTo(result: RequestResult): Answer {
  switch (result.kind) {
    case 'dry run': {
      const { details, kind: _kind, ...would } = result
      return { status: 200, headers: {}, body: { dryRun: true, ...would, ...details } }
    }
    case 'refused here':
      return voidOf(result.reason, result)
    case 'settled':
      return settled(result)
    case 'voted':
      return voted(result)
    case 'unchanged':
      return { status: 200, headers: {}, body: { unchanged: true } }
    case 'pending':
      return pending(result.contract, result.request, result)
    case 'timed out':
      return problem(
        504,
        'not_unanimous_in_time',
        result.request === undefined
          ? 'This node could not sign the request in time; it never will.'
          : 'Not everybody answered in time; the request was withdrawn for good.',
        {
          ...heldUp(result),
          ...(result.request === undefined ? {} : { request: requestKey(result.request) }),
        },
      )
    case 'withdrawn': {
      const { about, request } = result
      return problem(409, 'withdrawn', 'The request was taken back by its user; it is not agreed.', {
        request: requestKey(request),
        ...(about === undefined ? {} : { about }),
      })
    }
    case 'dropped':
      return problem(409, 'party_resigned', 'This party has resigned from the contract; the request is not agreed.')
    default:
      return unreachable(result)
  }
}

/** `place`: in the ledger; left out: it was never signed. */
function voidOf(
  { code, command, with: others }: VoidReason,
  { details, rule }: Pick<Settled, 'details' | 'rule'>,
  place: Partial<AgreedBody> = {},
): Answer {
  const evidence = { ...place, command, ...(others && { with: others }), ...details, ...(rule && { rule }) }
  return problem(statusOfVoid[code], code, voidCodes[code], evidence)
}

function settled(result: Settled): Answer {
  const { contract, request, index, outcome, createdAt } = result
  const place = { request: requestKey(request), index }
  switch (outcome.kind) {
    case 'accepted':
      return agreed(contract, place, createdAt)
    case 'void':
      return voidOf(outcome.reason, result, place)
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

function voted({ candidates, contract, createdAt, index, isTimedOut, request }: VotedResult): Answer {
  const place = { request: requestKey(request) }
  const [open, ...others] = candidates.filter(({ fate }) => fate === 'open')
  if (open !== undefined) {
    const one = `/new-api/${contract}/${open.at}/~proposals/${open.proposal}`
    const location = others.length === 0 ? one : requestAt(contract, request)
    return { status: 202, headers: { location }, body: { ...place, waitingFor: 'votes', candidates } }
  }
  if (index !== undefined && candidates.every(({ fate }) => fate === 'agreed')) {
    return agreed(contract, { ...place, index }, createdAt)
  }
  if (isTimedOut) {
    const detail = 'The votes were not there in time; what waited for them was withdrawn for good.'
    return problem(504, 'withdrawn', detail, { ...place, because: 'timed_out', candidates })
  }
  const ended = candidates.find(({ fate }) => fate !== 'agreed')?.fate
  const detail = `What was put to the vote has come to its end: ${ended?.replaceAll('_', ' ')}.`
  return problem(409, 'candidate_ended', detail, { ...place, because: ended, candidates })
}

function agreed(contract: string, body: AgreedBody, createdAt: readonly string[] | undefined): Answer {
  if (createdAt === undefined) return { status: 200, headers: {}, body }
  return { status: 201, headers: { location: subjectOf(contract, createdAt) }, body }
}

function heldUp({ waitingFor, why }: HeldUp): HeldUp {
  return { waitingFor, ...(why === undefined ? {} : { why }) }
}

function pending(uid: string, request: RequestRef, held: HeldUp): Answer {
  const headers = { location: requestAt(uid, request) }
  return { status: 202, headers, body: { request: requestKey(request), ...heldUp(held) } }
}

function requestAt(uid: string, request: RequestRef): string {
  return `/api/Contract/${uid}/Requests/${requestKey(request)}`
}

function problem(status: number, code: ProblemCode, detail: string, evidence: Record<string, unknown> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: describe(code, detail, status, evidence),
  }
}
