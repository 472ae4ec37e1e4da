import { memberOf } from '../aggregates/contract/state.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import { placesOf } from '../events/statement.ts'
import type { Decoded } from '../events/statement-codec.ts'
import { feedOf } from './feeds.ts'
import type { Hold } from './key-state.ts'
import { holdsOf, isOpen, isSame } from './keys.ts'
import type { AgreementState } from './state.ts'

/**
 * Why a promise to take in no more of a feed whose key is revoked does not concern some statements: the takeover itself
 * follows them, or another member, on the same revocation, has said that it holds them, which the takeover must follow.
 */
export interface Release {
  /** The takeover, or the other member's `hold`. Only if it is valid is anything released. */
  readonly by: Decoded
  readonly statements: ReadonlySet<Decoded>
}

/** What a party has promised not to go beyond: by the party whose key is revoked. */
function openHoldsOf(state: AgreementState, party: Handle): [Handle, readonly Hold[]][] {
  return [...state.keys.holds.keys()].flatMap((revoked): [Handle, readonly Hold[]][] => {
    const open = holdsOf(state, revoked, party).filter((hold) => isOpen(state, revoked, hold))
    return open.length === 0 ? [] : [[revoked, open]]
  })
}

/** The statements that a party which has promised to hold must leave lying: what comes beyond the promise. */
export function heldBack(state: AgreementState, self: Handle, pending: readonly Decoded[]): ReadonlySet<Decoded> {
  const back = new Set<Decoded>()
  for (const [revoked, holds] of openHoldsOf(state, self)) {
    // What has been released is held by now.
    const held = Math.max(holds[0]?.upTo ?? -1, feedOf(state.feeds, revoked).size - 1)
    for (const decoded of pending) {
      const { party, seq } = decoded.statement
      if (party === revoked && seq > held) back.add(decoded)
    }
  }
  return back
}

/** What may be released, by statements that are pending too. */
export function releases(state: AgreementState, self: Handle, pending: readonly Decoded[]): Release[] {
  const promises = openHoldsOf(state, self)
  if (promises.length === 0 || pending.length === 0) return []
  const byHash = new Map(pending.map((decoded) => [decoded.hash, decoded]))
  return promises.flatMap(([revoked, holds]) =>
    pending
      .filter((decoded) => releasesFrom(state, revoked, holds, decoded))
      .map((by) => ({ by, statements: pastAmong(byHash, by, revoked) })),
  )
}

function releasesFrom(state: AgreementState, revoked: Handle, holds: readonly Hold[], { statement }: Decoded): boolean {
  const { key, party } = statement
  if (key === undefined || 'rotate' in key) return false
  const isOfMember = memberOf(state.ledger.document, party) !== undefined
  const signed = 'hold' in key ? isOfMember && key.hold : party === revoked && key.revoke
  return signed !== false && holds.some(({ revocation }) => isSame(signed, revocation))
}

/** The statements of one party that are pending and in the causal past of another that is. */
function pastAmong(byHash: ReadonlyMap<Hash, Decoded>, last: Decoded, party: Handle): ReadonlySet<Decoded> {
  const past = new Set([last])
  for (const { statement } of past) {
    for (const hash of [statement.prev, ...placesOf(statement.seen).map(([, place]) => place.hash)]) {
      const covered = hash === null ? undefined : byHash.get(hash)
      if (covered !== undefined) past.add(covered)
    }
  }
  return new Set([...past].filter(({ statement }) => statement.party === party))
}
