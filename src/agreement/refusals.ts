import type { RequestRef } from '../events/ids.ts'
import { requestKey } from '../events/ids.ts'
import type { Refusal, Statement } from '../events/statement.ts'

const kept = new WeakMap<Statement, ReadonlyMap<string, Refusal>>()
const nothing: ReadonlyMap<string, Refusal> = new Map()

/** What a statement says against a request. A valid one refuses each once. The first question takes time linear in the statement, others none. */
export function refusalIn(statement: Statement, request: RequestRef): Refusal | undefined {
  return refusalsOf(statement).get(requestKey(request))
}

function refusalsOf(statement: Statement): ReadonlyMap<string, Refusal> {
  if (statement.refusals.length === 0) return nothing
  const known = kept.get(statement)
  if (known !== undefined) return known
  const refusals = new Map(statement.refusals.map((refusal) => [requestKey(refusal.request), refusal]))
  kept.set(statement, refusals)
  return refusals
}
