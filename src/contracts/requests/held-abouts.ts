import type { Hash } from '../../crypto/hash.ts'
import { type ShownAbout, shownAbout } from '../../events/about.ts'
import type { Uid } from '../../events/ids.ts'
import type { PayloadRef } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'

/** What is under these seals, as far as this node has it. */
export type HeldAbouts = (seal: Hash) => ShownAbout

/** Requires of the answer that it is asked for these only. Throws SealedDamaged, and what the store throws. */
export async function heldAbouts(
  payloads: PayloadStore,
  contract: Uid,
  refs: readonly PayloadRef[],
): Promise<HeldAbouts> {
  const texts = refs.length === 0 ? undefined : await payloads.get(contract, refs)
  return (seal) => shownAbout(seal, texts?.get(seal))
}

/** Something with the seal of an `about` in it, as a person is shown it. */
export type Shown<T> = Omit<T, 'about'> & { readonly about?: ShownAbout }

export function withAbout<T extends { readonly about?: Hash }>(what: T, held: HeldAbouts): Shown<T> {
  const { about, ...rest } = what
  return about === undefined ? rest : { ...rest, about: held(about) }
}
