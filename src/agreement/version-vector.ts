import { Map as ImmutableMap } from 'immutable'
import type { Handle, Seq } from '../events/ids.ts'

/**
 * A set of statements that is closed under covering: for each party the seq of the newest one in it. Feeds have no
 * gaps, so one number a party says it all. What is not a key is not in the set at all.
 */
export type VersionVector = ImmutableMap<Handle, Seq>

export const emptyVector: VersionVector = ImmutableMap<Handle, Seq>()

/** Whether statement `seq` of `handle` is in it. */
export function covers(past: VersionVector, handle: Handle, seq: Seq): boolean {
  return (past.get(handle) ?? -1) >= seq
}

/** Whether all of `inner` is in `outer`. */
export function contains(outer: VersionVector, inner: VersionVector): boolean {
  return inner.every((seq, handle) => covers(outer, handle, seq))
}

export function withStatement(past: VersionVector, handle: Handle, seq: Seq): VersionVector {
  return covers(past, handle, seq) ? past : past.set(handle, seq)
}

export function union(one: VersionVector, other: VersionVector): VersionVector {
  if (one === other || one.size === 0) return other
  return one.withMutations((merged) => {
    for (const [handle, seq] of other) {
      if ((merged.get(handle) ?? -1) < seq) merged.set(handle, seq)
    }
  })
}
