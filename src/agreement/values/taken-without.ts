import { Map as ImmutableMap } from 'immutable'
import { isErased } from '../../aggregates/contract/erased-values.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import { type Handle, type RequestRef, requestKey, requestOf, type Seq } from '../../events/ids.ts'
import type { VerifiedStatement } from '../verified-statement.ts'

/**
 * The values that a ledger has gone past without: whoever takes an entry cannot tell by that whether a value is erased, or has been
 * lost on the way. What is not among the erased ones later is asked for. Seals by request key; none is empty.
 */
export type TakenWithout = ImmutableMap<string, readonly Hash[]>

export const nothingTaken: TakenWithout = ImmutableMap()

/** The same with a request whose entry was taken, and what of it is neither held nor erased. */
export function withTaken(
  { document, takenWithout }: { readonly document: ContractState; readonly takenWithout: TakenWithout },
  request: RequestRef,
  lacked: readonly Hash[],
): TakenWithout {
  const left = lacked.filter((seal) => !isErased(document, seal))
  return left.length === 0 ? takenWithout : takenWithout.set(requestKey(request), left)
}

/** The same without what an entry has erased. The same object where there is nothing of it. */
export function withoutErasedIn(taken: TakenWithout, before: ContractState, after: ContractState): TakenWithout {
  const hasErased = before.erasures.erased !== after.erasures.erased
  return taken.size === 0 || !hasErased ? taken : without(taken, (seal) => isErased(after, seal))
}

/** The same without what a statement has been completed with. */
export function withoutBrought(taken: TakenWithout, { statement, payloads }: VerifiedStatement): TakenWithout {
  const { party, seq } = statement
  return without(taken, (seal, of) => of.handle === party && of.seq === seq && payloads[seal] !== undefined)
}

/** The seals of a statement among them. */
export function takenWithoutOf(taken: TakenWithout, party: Handle, seq: Seq): ReadonlySet<Hash> {
  const found = new Set<Hash>()
  for (const [key, seals] of taken) {
    const { handle, seq: at } = requestOf(key)
    if (handle === party && at === seq) for (const seal of seals) found.add(seal)
  }
  return found
}

function without(taken: TakenWithout, isGone: (seal: Hash, of: RequestRef) => boolean): TakenWithout {
  return taken.withMutations((left) => {
    for (const [key, seals] of taken) {
      const of = requestOf(key)
      const rest = seals.filter((seal) => !isGone(seal, of))
      if (rest.length === 0) left.delete(key)
      else if (rest.length < seals.length) left.set(key, rest)
    }
  })
}
