import type { ContractState } from '../aggregates/contract/state.ts'
import type { RequestRef } from '../events/ids.ts'
import { requestKey } from '../events/ids.ts'
import type { RefusedBy } from '../events/outcome.ts'
import { valueSealsOf } from '../events/seal.ts'
import type { Refusal, Request, Statement } from '../events/statement.ts'
import type { VerifiedStatement } from './verified-statement.ts'

const kept = new WeakMap<Statement, ReadonlyMap<string, Refusal>>()
const nothing: ReadonlyMap<string, Refusal> = new Map()

/** What a statement says against a request. A valid one refuses each once. The first question takes time linear in the statement, others none. */
export function refusalIn(statement: Statement, request: RequestRef): Refusal | undefined {
  return refusalsIn(statement).get(requestKey(request))
}

function refusalsIn(statement: Statement): ReadonlyMap<string, Refusal> {
  if (statement.refusals.length === 0) return nothing
  const known = kept.get(statement)
  if (known !== undefined) return known
  const refusals = new Map(statement.refusals.map((refusal) => [requestKey(refusal.request), refusal]))
  kept.set(statement, refusals)
  return refusals
}

/**
 * The holder of a lock has no vote on breaking it (design §4). A request with any other command is void. A request
 * that seals a value is refused by a member that lacks the value; there the refusal of the holder counts like any
 * other.
 */
export function isVoteToBreakLock(request: Request): boolean {
  const [command, ...others] = request.commands
  return command?.type === 'BreakLock' && others.length === 0 && valueSealsOf([request]).size === 0
}

/** By whom a request is refused, in the order of these answers. */
export function refusalsOf(
  request: Request,
  ref: RequestRef,
  answers: readonly VerifiedStatement[],
  { lock }: ContractState,
): RefusedBy[] {
  if (answers.every(({ statement }) => statement.refusals.length === 0)) return []
  const voiceless = isVoteToBreakLock(request) ? lock?.holder : undefined
  const counted = answers.filter(({ statement }) => statement.party !== voiceless)
  return counted.flatMap(({ statement }) => {
    const refusal = refusalIn(statement, ref)
    if (refusal === undefined) return []
    const { request: _request, audience: _audience, ...why } = refusal
    return [{ ...why, handle: statement.party, seq: statement.seq }]
  })
}
