import { Map as ImmutableMap } from 'immutable'
import type { Handle, Seq } from '../events/ids.ts'

/**
 * A set of statements that is closed under covering: for each party the seq of the newest one in it. Feeds have no
 * gaps, so one number a party says it all. What is not a key is not in the set at all.
 */
export type Past = ImmutableMap<Handle, Seq>

export const emptyPast: Past = ImmutableMap<Handle, Seq>()

/** Whether statement `seq` of `handle` is in it. */
export function covers(past: Past, handle: Handle, seq: Seq): boolean {
  return (past.get(handle) ?? -1) >= seq
}

/** Whether all of `inner` is in `outer`. */
export function contains(outer: Past, inner: Past): boolean {
  return inner.every((seq, handle) => covers(outer, handle, seq))
}

export function withStatement(past: Past, handle: Handle, seq: Seq): Past {
  return covers(past, handle, seq) ? past : past.set(handle, seq)
}

export function union(one: Past, other: Past): Past {
  if (one === other || one.size === 0) return other
  return one.withMutations((merged) => {
    for (const [handle, seq] of other) {
      if ((merged.get(handle) ?? -1) < seq) merged.set(handle, seq)
    }
  })
}
