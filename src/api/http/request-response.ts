import type { FastifyReply } from 'fastify'
import type { HeldUp } from '../../contracts/requests/submission.ts'
import type { CandidateFate } from '../../documents/candidates/fates.ts'
import type { DryRun } from '../../documents/dry-run.ts'
import { subjectOf } from '../../documents/path.ts'
import type { RequestResult, VotedResult } from '../../documents/request-result.ts'
import type { VoidDetails } from '../../documents/requests/void-details.ts'
import type { VoteFate } from '../../documents/vote-fate.ts'
import { type RequestRef, requestKey } from '../../events/ids.ts'
import { type VoidReason, voidCodes } from '../../events/outcome.ts'
import { unreachable } from '../../runtime/assert.ts'
import { describe, type ProblemCode, type ProblemDocument } from './problems/problem.ts'
import { statusOfVoid } from './problems/void-status.ts'

type Settled = Extract<RequestResult, { kind: 'settled' }>

/** What a client is answered about its request. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: AgreedBody | PendingBody | VotingBody | DryRunBody | UnchangedBody | ProblemDocument
}

interface AgreedBody {
  /** Where the request stands: `<handle>.<seq>.<index>`, and its place in the ledger. */
  readonly request: string
  readonly index: number
  readonly vote?: VoteFate
  /** Of what was drafted. */
  readonly rule?: number
  readonly ruleSet?: number
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

/** The one way from what became of a request to HTTP. */
export function send(reply: FastifyReply, result: RequestResult): FastifyReply {
  const { status, headers, body } = answerTo(result.parts === undefined ? result : ofSeveral(result))
  const { parts, takenBack: candidates } = result
  const inParts = parts && { parts: parts.map(requestKey), ...(candidates && { candidates }) }
  return reply
    .code(status)
    .headers(headers)
    .send({ ...body, ...inParts })
}

/** Of several requests no element is the one that was added. */
function ofSeveral(result: RequestResult): RequestResult {
  if (!('createdAt' in result)) return result
  const { createdAt: _of, ...others } = result
  return others
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
      return agreed(contract, { ...place, ...(result.vote && { vote: result.vote }), ...result.drafted }, createdAt)
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
