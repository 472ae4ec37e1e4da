import { membersOf } from '../../aggregates/contract/state.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { isAdmissibleKey, isValidSignature } from '../../crypto/ed25519.ts'
import type { Handle, Seq } from '../../events/ids.ts'
import { revocationBytes, rotationBytes, type SignedRevocation } from '../../events/parties/key-change.ts'
import type { Statement } from '../../events/statement.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import { statementAt } from '../feeds.ts'
import { replaying } from '../history/replay.ts'
import type { AgreementState, HeldState } from '../state.ts'
import type { VerifiedStatement } from '../verified-statement.ts'
import { contains, covers, type VersionVector } from '../version-vector.ts'
import type { Hold } from './key-state.ts'

/** The key that the statements of a feed before `seq` give to statement `seq`; undefined for a stranger. */
export function keyAt(state: Pick<HeldState, 'keys' | 'ledger'>, party: Handle, seq: Seq): string | undefined {
  const later = state.keys.later.get(party)?.findLast(({ by }) => by < seq)
  return later?.signing ?? state.ledger.cards.get(party)?.keys.signing
}

/** The key of a party's next statement. */
export function nextKeyOf(state: HeldState, party: Handle): string | undefined {
  return keyAt(state, party, Number.MAX_SAFE_INTEGER)
}

/** Whether a key is, or was, the party's: enough to identify the other end. */
export function isKeyOf(state: Pick<HeldState, 'keys' | 'ledger'>, party: Handle, key: string): boolean {
  if (state.ledger.cards.get(party)?.keys.signing === key) return true
  return state.keys.later.get(party)?.some(({ signing }) => signing === key) ?? false
}

/** Whether a statement takes its feed over, authorized by the recovery key. */
export function isTakeover({ statement: { key } }: { readonly statement: Pick<Statement, 'key'> }): boolean {
  return key !== undefined && 'revoke' in key
}

/** The key under which a statement must be signed: one that revokes is signed with the key that it brings in. */
export function signingKeyOf(state: HeldState, { party, seq, key }: Statement): string | undefined {
  if (key === undefined || !('revoke' in key)) return keyAt(state, party, seq)
  return isWellSigned(state, key.revoke) ? key.revoke.revocation.signing : undefined
}

/** Whether the recovery key and the new key have signed it. */
export function isWellSigned(
  state: Pick<HeldState, 'contract' | 'ledger'>,
  { revocation, signature, proof }: SignedRevocation,
): boolean {
  const card = state.ledger.cards.get(revocation.party)
  if (card === undefined || revocation.contract !== state.contract) return false
  if (!isAdmissibleKey(revocation.signing)) return false
  const bytes = revocationBytes(revocation)
  return isValidSignature(card.keys.recovery, bytes, signature) && isValidSignature(revocation.signing, bytes, proof)
}

/**
 * Whether what a statement says about keys fits its causal past: the reason why not, or undefined; in steps, since who has to have
 * spoken follows from the whole of that past. `past`: of the statement, itself included; its own feed is held up to the statement
 * before it.
 */
export function* keyChangeProblem(
  state: AgreementState,
  { statement }: SignedStatement,
  past: VersionVector,
): Generator<void, string | undefined> {
  const { contract, party, seq, key } = statement
  if (key === undefined) return undefined
  if (!state.ledger.cards.has(party)) return 'the key is that of the card, in the statement that brings the card'
  if ('rotate' in key) {
    const { signing, proof } = key.rotate
    if (isKeyOf(state, party, signing) || signing === state.ledger.cards.get(party)?.keys.recovery) {
      return 'the key is, or was, in use'
    }
    if (!isAdmissibleKey(signing)) return 'the key is not admissible'
    if (!isValidSignature(signing, rotationBytes({ contract, party, seq, signing }), proof)) {
      return 'the new key has not signed the rotation'
    }
    return undefined
  }
  if ('hold' in key) return holdProblem(state, party, key.hold, past)
  const { revocation } = key.revoke
  if (revocation.party !== party) return 'it revokes the key of another party'
  if (!isWellSigned(state, key.revoke)) return 'the revocation is not well signed'
  if (isKeyOf(state, party, revocation.signing)) return 'the key is, or was, in use'
  const missing = holdsMissing(state, yield* replaying(state, past), key.revoke, past)
  return missing.length === 0 ? undefined : `${missing.join(', ')} has not said what it holds`
}

/** The keys that a feed has had since it was last taken over, as far as the past goes: later changes are not in it. */
function keysInUse(state: HeldState, party: Handle, past: VersionVector): string[] {
  const upTo = past.get(party) ?? -1
  const later = state.keys.later.get(party)?.filter(({ by }) => by <= upTo) ?? []
  const last = later.findLastIndex(({ isTakeover }) => isTakeover)
  const keys = later.slice(Math.max(0, last)).map(({ signing }) => signing)
  const first = state.ledger.cards.get(party)?.keys.signing
  return last < 0 && first !== undefined ? [first, ...keys] : keys
}

/** Whether the party's next statement can say what it holds of a feed, on this revocation. */
export function canHold(state: HeldState, party: Handle, signed: SignedRevocation): boolean {
  return holdProblem(state, party, signed, everythingIn(state)) === undefined
}

function everythingIn({ feeds }: HeldState): VersionVector {
  return feeds.map((feed) => feed.size - 1)
}

function holdProblem(
  state: HeldState,
  party: Handle,
  signed: SignedRevocation,
  past: VersionVector,
): string | undefined {
  const { revocation } = signed
  const revoked = revocation.party
  if (revoked === party) return 'nobody says of its own feed what it holds'
  const invited = state.ledger.invited.get(revoked)
  if (invited === undefined || !contains(past, invited)) return 'its causal past has no such party'
  if (!keysInUse(state, revoked, past).includes(revocation.revokes)) return 'the key is not in use there'
  if (!isWellSigned(state, signed)) return 'the revocation is not well signed'
  return hasHeld(state, party, signed) ? 'the party has said so already' : undefined
}

/** The members that have not said what they hold, on a revocation of the party's own key. */
export function holdsAwaited(state: AgreementState, signed: SignedRevocation): Handle[] {
  return holdsMissing(state, state, signed, everythingIn(state))
}

/** The members, by the ledger that a past acknowledges, whose `hold` for a revocation is not in that past. `view`: the state then. */
function holdsMissing(
  state: AgreementState,
  view: AgreementState,
  signed: SignedRevocation,
  past: VersionVector,
): Handle[] {
  const revoked = signed.revocation.party
  return membersOf(view.ledger.document)
    .map(({ card }) => card.handle)
    .filter((handle) => {
      if (handle === revoked) return false
      const hold = holdsOf(state, revoked, handle).find(({ revocation }) => isSame(revocation, signed))
      return hold === undefined || !covers(past, handle, hold.seq)
    })
}

/** What a party has said that it holds of a feed whose key is, or was, revoked. */
export function holdsOf({ keys }: HeldState, revoked: Handle, holder: Handle): readonly Hold[] {
  return keys.holds.get(revoked)?.get(holder) ?? []
}

/** Whether a party has said what it holds of a feed, on this very revocation. */
function hasHeld(state: HeldState, holder: Handle, signed: SignedRevocation): boolean {
  return holdsOf(state, signed.revocation.party, holder).some(({ revocation }) => isSame(revocation, signed))
}

export function isSame(one: SignedRevocation, other: SignedRevocation): boolean {
  return canonicalJson(one.revocation) === canonicalJson(other.revocation)
}

/** Whether a promise is still in force: the feed has not been taken over since. */
export function isOpen(state: HeldState, revoked: Handle, { upTo }: Hold): boolean {
  return !(state.keys.later.get(revoked)?.some(({ by, isTakeover }) => isTakeover && by > upTo) ?? false)
}

/** The statements in which others promise to wait until the party takes its feed over. */
export function openHoldsOn(state: AgreementState, revoked: Handle): VerifiedStatement[] {
  const statements: VerifiedStatement[] = []
  for (const [holder, holds] of state.keys.holds.get(revoked) ?? []) {
    for (const hold of holds) {
      const held = isOpen(state, revoked, hold) ? statementAt(state.feeds, holder, hold.seq) : undefined
      if (held !== undefined) statements.push(held)
    }
  }
  return statements
}

/** The statements that a party has promised to wait for, as far as they are there. */
export function takeoversFor(state: AgreementState, holder: Handle): VerifiedStatement[] {
  return [...state.keys.holds].flatMap(([revoked, holders]) =>
    (holders.get(holder) ?? []).flatMap(({ upTo }) => {
      const takeover = state.keys.later.get(revoked)?.find(({ by, isTakeover }) => isTakeover && by > upTo)
      return (takeover && statementAt(state.feeds, revoked, takeover.by)) ?? []
    }),
  )
}

/** The revocations of a party's key that anybody has answered, and that have not been carried out. */
function revocationsOf(state: HeldState, revoked: Handle): SignedRevocation[] {
  const found = new Map<string, SignedRevocation>()
  for (const holds of state.keys.holds.get(revoked)?.values() ?? []) {
    for (const hold of holds) {
      if (isOpen(state, revoked, hold)) found.set(hold.revocation.revocation.signing, hold.revocation)
    }
  }
  return [...found.values()]
}

/** Whether the party's own key is about to be taken over: then it is not changed otherwise. */
export function isBeingRevoked(state: HeldState, party: Handle): boolean {
  return revocationsOf(state, party).length > 0
}

/** A revocation of somebody else's key that this party has not answered yet: it owes a `hold`. */
export function holdDue(state: HeldState, party: Handle): SignedRevocation | undefined {
  for (const revoked of state.keys.holds.keys()) {
    if (revoked === party) continue
    const due = revocationsOf(state, revoked).find((revocation) => canHold(state, party, revocation))
    if (due !== undefined) return due
  }
  return undefined
}

/** The revocations of the party's own key on which every member has said what it holds: its next statement may carry one. */
export function revocationsDue(state: AgreementState, party: Handle): SignedRevocation[] {
  return revocationsOf(state, party).filter((revocation) => holdsAwaited(state, revocation).length === 0)
}
