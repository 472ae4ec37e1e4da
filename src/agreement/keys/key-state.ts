import { Map as ImmutableMap } from 'immutable'
import type { Handle, Seq } from '../../events/ids.ts'
import type { SignedRevocation } from '../../events/parties/key-change.ts'
import type { VerifiedStatement } from '../verified-statement.ts'

/** A signing key, and the statement of the feed that brought it in. */
export interface KeySpan {
  readonly by: Seq
  readonly signing: string
  /** By the recovery key: earlier promises about the feed are void. */
  readonly isTakeover: boolean
}

/** A party's announcement of how much it holds of a feed whose key is revoked (`hold`). */
export interface Hold {
  readonly revocation: SignedRevocation
  /** The newest statement of that feed that it then held; −1: none. */
  readonly upTo: Seq
  /** The place of the `hold` in the feed of its author. */
  readonly seq: Seq
}

/** What the feeds say about keys. A function of the statements held, feed by feed. */
export interface KeyState {
  /** Keys that came after the one on the card, by party, oldest first. */
  readonly later: ImmutableMap<Handle, readonly KeySpan[]>
  /** By the party whose key is revoked, then by who holds; oldest first. */
  readonly holds: ImmutableMap<Handle, ImmutableMap<Handle, readonly Hold[]>>
}

export const noKeyChanges: KeyState = { later: ImmutableMap(), holds: ImmutableMap() }

/** Applies what a newly held statement says about keys. */
export function withKeyChange(before: KeyState, { statement, past }: VerifiedStatement): KeyState {
  const { key, party, seq } = statement
  if (key === undefined) return before
  const { later, holds } = before
  if ('hold' in key) {
    const { party: revoked } = key.hold.revocation
    const hold = { revocation: key.hold, upTo: past.get(revoked) ?? -1, seq }
    const given = holds.get(revoked) ?? ImmutableMap()
    return { later, holds: holds.set(revoked, given.set(party, [...(given.get(party) ?? []), hold])) }
  }
  const signing = 'rotate' in key ? key.rotate.signing : key.revoke.revocation.signing
  const span = { by: seq, signing, isTakeover: 'revoke' in key }
  return { later: later.set(party, [...(later.get(party) ?? []), span]), holds }
}
