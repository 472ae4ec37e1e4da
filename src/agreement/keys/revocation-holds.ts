import { membersOf } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle } from '../../events/ids.ts'
import type { SignedRevocation } from '../../events/parties/key-change.ts'
import { placesOf, type Statement } from '../../events/statement.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import { feedOf } from '../feeds.ts'
import type { HeldState } from '../state.ts'
import { holdsOf, isOpen, isSame } from './key-rules.ts'
import type { Hold } from './key-state.ts'

/**
 * When a `hold` on a revoked feed does not apply to a statement. A party that has said `hold` takes in nothing more of
 * that feed, except statements
 * - that a takeover follows or covers;
 * - that another member says it holds, on the same revocation: the takeover must follow what it holds;
 * - that lead up to the `hold` which this party needs to take over its own feed. Where two feeds are revoked at once,
 *   each party would wait for the other behind its own `hold`: so the one admitted first takes it in (decision 0028).
 */
export interface Release {
  /** The takeover, or the other's `hold`. Nothing is released unless it is valid. */
  readonly by: SignedStatement
  readonly statements: ReadonlySet<SignedStatement>
}

/** The open holds of a party, by the party whose key is revoked. */
function openHoldsOf(state: HeldState, party: Handle): [Handle, readonly Hold[]][] {
  return [...state.keys.holds.keys()].flatMap((revoked): [Handle, readonly Hold[]][] => {
    const open = holdsOf(state, revoked, party).filter((hold) => isOpen(state, revoked, hold))
    return open.length === 0 ? [] : [[revoked, open]]
  })
}

/** The statements beyond an open hold: the party that has said it must not take them in. */
export function withheldStatements(
  state: HeldState,
  self: Handle,
  pending: readonly SignedStatement[],
): ReadonlySet<SignedStatement> {
  const back = new Set<SignedStatement>()
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

/** What may be released, also by pending statements. */
export function releases(state: HeldState, self: Handle, pending: readonly SignedStatement[]): Release[] {
  const promises = new Map(openHoldsOf(state, self))
  if (promises.size === 0 || pending.length === 0) return []
  const byHash = new Map(pending.map((decoded) => [decoded.hash, decoded]))
  return pending.flatMap((by) => {
    const parties = releasedBy(state, self, promises, by.statement)
    return parties.length === 0 ? [] : [{ by, statements: pastAmong(byHash, by, new Set(parties)) }]
  })
}

/** The parties, among those whose feeds are withheld, whose statements a statement releases by covering them. */
function releasedBy(
  state: HeldState,
  self: Handle,
  promises: ReadonlyMap<Handle, readonly Hold[]>,
  { key, party }: Statement,
): Handle[] {
  if (key === undefined || 'rotate' in key) return []
  const isPromised = (signed: SignedRevocation) =>
    promises.get(signed.revocation.party)?.some(({ revocation }) => isSame(signed, revocation)) ?? false
  if ('revoke' in key) return isPromised(key.revoke) ? [...promises.keys()] : []
  const revoked = key.hold.revocation.party
  const members = membersOf(state.ledger.document).map(({ card }) => card.handle)
  if (isPromised(key.hold)) return members.includes(party) ? [revoked] : []
  const isFirst = members.includes(self) && members.indexOf(self) < members.indexOf(party)
  return revoked === self && isFirst && promises.has(party) ? [party] : []
}

/** The statements of some parties that are pending and in the causal past of another that is. */
function pastAmong(
  byHash: ReadonlyMap<Hash, SignedStatement>,
  last: SignedStatement,
  parties: ReadonlySet<Handle>,
): ReadonlySet<SignedStatement> {
  const past = new Set([last])
  for (const { statement } of past) {
    for (const hash of [statement.prev, ...placesOf(statement.seen).map(([, place]) => place.hash)]) {
      const covered = hash === null ? undefined : byHash.get(hash)
      if (covered !== undefined) past.add(covered)
    }
  }
  return new Set([...past].filter(({ statement }) => parties.has(statement.party)))
}
