import { type HeldAbouts, type Shown, withAbout } from '../contracts/requests/held-abouts.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import type { Outcome, RefusedBy } from '../events/outcome.ts'
import type { PayloadRef } from '../store/payload-group.ts'
import { groupOf } from '../store/payload-group.ts'

/** An outcome as a person reads it: with what is under the seals in it, as far as this node has that. */
export type ShownOutcome =
  | Exclude<Outcome, { kind: 'refused' | 'withdrawn' }>
  | Shown<Extract<Outcome, { kind: 'withdrawn' }>>
  | { readonly kind: 'refused'; readonly by: readonly Shown<RefusedBy>[] }

/** Where what is said in it is kept. `author`: of the request. */
export function aboutsIn(outcome: Outcome, author: Handle): PayloadRef[] {
  if (outcome.kind === 'refused') return outcome.by.flatMap((refusal) => aboutRef(refusal.handle, refusal))
  return outcome.kind === 'withdrawn' ? aboutRef(author, outcome) : []
}

/** Of what a statement of that party says. None, where it says nothing. */
export function aboutRef(handle: Handle, { seq, about }: { readonly seq: Seq; readonly about?: Hash }): PayloadRef[] {
  return about === undefined ? [] : [{ group: groupOf({ handle, seq }), seal: about }]
}

export function shownOutcome(outcome: Outcome, held: HeldAbouts): ShownOutcome {
  if (outcome.kind === 'withdrawn') return withAbout(outcome, held)
  if (outcome.kind === 'refused') return { kind: 'refused', by: outcome.by.map((one) => withAbout(one, held)) }
  return outcome
}
