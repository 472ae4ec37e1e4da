import { Map as ImmutableMap } from 'immutable'
import { membersOf } from '../aggregates/contract/state.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { isAdmissibleKey, isValidSignature } from '../crypto/ed25519.ts'
import type { Handle, Seq } from '../events/ids.ts'
import { revocationBytes, rotationBytes, type SignedRevocation } from '../events/key-change.ts'
import type { Statement } from '../events/statement.ts'
import type { Decoded } from '../events/statement-codec.ts'
import type { Held } from './held.ts'
import { contains, covers, type Past } from './past.ts'
import type { AgreementState } from './state.ts'
import { viewOf } from './view.ts'

/** A signing key, and the statement of the feed that brought it in. */
interface KeySpan {
  readonly by: Seq
  readonly signing: string
}

/** A party's word that it holds no more of a feed whose key is revoked. */
export interface Hold {
  readonly revocation: SignedRevocation
  /** The newest statement of that feed that it then held; −1: none. */
  readonly upTo: Seq
  /** The place of the word in the feed of who gave it. */
  readonly seq: Seq
}

/** What the feeds say about keys. A function of the statements held, feed by feed. */
export interface KeyState {
  /** Keys that came after the one on the card, by party, oldest first. */
  readonly later: ImmutableMap<Handle, readonly KeySpan[]>
  /** By the party whose key is revoked, then by who holds. */
  readonly holds: ImmutableMap<Handle, ImmutableMap<Handle, Hold>>
}

export const noKeyChanges: KeyState = { later: ImmutableMap(), holds: ImmutableMap() }

/** Takes up what a newly held statement says about keys. */
export function withKeyChange(before: KeyState, { statement, past }: Held): KeyState {
  const { key, party, seq } = statement
  if (key === undefined) return before
  const { later, holds } = before
  if ('hold' in key) {
    const { party: revoked } = key.hold.revocation
    const hold = { revocation: key.hold, upTo: past.get(revoked) ?? -1, seq }
    return { later, holds: holds.set(revoked, (holds.get(revoked) ?? ImmutableMap()).set(party, hold)) }
  }
  const signing = 'rotate' in key ? key.rotate.signing : key.revoke.revocation.signing
  return { later: later.set(party, [...(later.get(party) ?? []), { by: seq, signing }]), holds }
}

/** The key that the statements of a feed before `seq` give to statement `seq`; undefined for a stranger. */
export function keyAt(state: Pick<AgreementState, 'keys' | 'ledger'>, party: Handle, seq: Seq): string | undefined {
  const later = state.keys.later.get(party)?.findLast(({ by }) => by < seq)
  return later?.signing ?? state.ledger.cards.get(party)?.keys.signing
}

/** The key of a party's next statement. */
export function nextKeyOf(state: AgreementState, party: Handle): string | undefined {
  return keyAt(state, party, Number.MAX_SAFE_INTEGER)
}

/** Whether a key is, or was, the party's: enough to know whom one talks to. */
export function isKeyOf(state: Pick<AgreementState, 'keys' | 'ledger'>, party: Handle, key: string): boolean {
  if (state.ledger.cards.get(party)?.keys.signing === key) return true
  return state.keys.later.get(party)?.some(({ signing }) => signing === key) ?? false
}

/** The key under which a statement must be signed: one that revokes is signed with the key that it brings in. */
export function signingKeyOf(state: AgreementState, { party, seq, key }: Statement): string | undefined {
  if (key === undefined || !('revoke' in key)) return keyAt(state, party, seq)
  return isWellSigned(state, key.revoke) ? key.revoke.revocation.signing : undefined
}

/** Whether the recovery key and the new key have signed it. */
export function isWellSigned(
  state: Pick<AgreementState, 'contract' | 'ledger'>,
  { revocation, signature, proof }: SignedRevocation,
): boolean {
  const card = state.ledger.cards.get(revocation.party)
  if (card === undefined || revocation.contract !== state.contract) return false
  if (!isAdmissibleKey(revocation.signing)) return false
  const bytes = revocationBytes(revocation)
  return isValidSignature(card.keys.recovery, bytes, signature) && isValidSignature(revocation.signing, bytes, proof)
}

/**
 * Whether what a statement says about keys fits its causal past: the reason why not, or undefined. `past`: of the
 * statement, itself included; its own feed is held up to the statement before it.
 */
export function keyChangeProblem(state: AgreementState, { statement }: Decoded, past: Past): string | undefined {
  const { contract, party, seq, key } = statement
  if (key === undefined) return undefined
  if (!state.ledger.cards.has(party)) return 'the key is that of the card, in the statement that brings the card'
  const current = keyAt(state, party, seq)
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
  if (revocation.party !== party || revocation.revokes !== current) return 'it revokes another key than the party has'
  if (!isWellSigned(state, key.revoke)) return 'the revocation is not well signed'
  if (isKeyOf(state, party, revocation.signing)) return 'the key is, or was, in use'
  const missing = holdsMissing(state, key.revoke, past)
  return missing.length === 0 ? undefined : `${missing.join(', ')} has not said what it holds`
}

function holdProblem(state: AgreementState, party: Handle, signed: SignedRevocation, past: Past): string | undefined {
  const { revocation } = signed
  const revoked = revocation.party
  if (revoked === party) return 'nobody says of its own feed what it holds'
  const invited = state.ledger.invited.get(revoked)
  if (invited === undefined || !contains(past, invited)) return 'its causal past has no such party'
  // As far as this statement covers that feed: later changes of its key are not in its past.
  if (keyAt(state, revoked, (past.get(revoked) ?? -1) + 1) !== revocation.revokes) return 'the key is not in use there'
  if (!isWellSigned(state, signed)) return 'the revocation is not well signed'
  const earlier = state.keys.holds.get(revoked)?.get(party)
  return earlier !== undefined && earlier.revocation.revocation.revokes === revocation.revokes
    ? 'the party has said so already'
    : undefined
}

/** The members, by the ledger that a past acknowledges, whose word on a revocation is not in that past. */
function holdsMissing(state: AgreementState, signed: SignedRevocation, past: Past): Handle[] {
  const revoked = signed.revocation.party
  const view = viewOf(state, past)
  const holds = state.keys.holds.get(revoked)
  return membersOf(view.ledger.document)
    .map(({ card }) => card.handle)
    .filter((handle) => {
      if (handle === revoked) return false
      const hold = holds?.get(handle)
      return hold === undefined || !covers(past, handle, hold.seq) || !isSame(hold.revocation, signed)
    })
}

function isSame(one: SignedRevocation, other: SignedRevocation): boolean {
  return canonicalJson(one.revocation) === canonicalJson(other.revocation)
}

/** A revocation of somebody else's key that this party has not answered yet: it owes its word (`hold`). */
export function holdDue(state: AgreementState, party: Handle): SignedRevocation | undefined {
  for (const [revoked, holds] of state.keys.holds) {
    const revocation = holds.first()?.revocation
    if (revoked === party || revocation === undefined) continue
    const inUse = nextKeyOf(state, revoked) === revocation.revocation.revokes
    if (inUse && holds.get(party)?.revocation.revocation.revokes !== revocation.revocation.revokes) return revocation
  }
  return undefined
}

/** The revocation of the party's own key, once every member has said what it holds: its next statement carries it. */
export function revokeDue(state: AgreementState, party: Handle): SignedRevocation | undefined {
  const revocation = state.keys.holds.get(party)?.first()?.revocation
  if (revocation === undefined || nextKeyOf(state, party) !== revocation.revocation.revokes) return undefined
  const everything = state.feeds.map((feed) => feed.size - 1)
  return holdsMissing(state, revocation, everything).length === 0 ? revocation : undefined
}

/** What a party has promised not to go beyond: by the party whose key is revoked. */
export function openHoldsOf(state: AgreementState, party: Handle): ImmutableMap<Handle, Hold> {
  return state.keys.holds
    .map((holds) => holds.get(party))
    .filter((hold) => hold !== undefined)
    .filter((hold, revoked) => nextKeyOf(state, revoked) === hold.revocation.revocation.revokes)
}

/**
 * The statements that a party which has promised to hold must leave lying: what comes beyond the promise, but for the
 * chain that the revoking statement, should it be among them, follows.
 */
export function heldBack(state: AgreementState, self: Handle, pending: readonly Decoded[]): ReadonlySet<Decoded> {
  const back = new Set<Decoded>()
  for (const [revoked, { revocation, upTo }] of openHoldsOf(state, self)) {
    const beyond = pending.filter(({ statement }) => statement.party === revoked && statement.seq > upTo)
    const revoking = beyond.find(({ statement: { key } }) => {
      return key !== undefined && 'revoke' in key && isSame(key.revoke, revocation)
    })
    const released = new Set<Decoded>()
    for (let next = revoking; next !== undefined; ) {
      released.add(next)
      const { prev } = next.statement
      next = beyond.find(({ hash }) => hash === prev)
    }
    for (const decoded of beyond) if (!released.has(decoded)) back.add(decoded)
  }
  return back
}
