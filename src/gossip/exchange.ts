import { closedInvitationOf, formerOf, invitationOf, memberOf } from '../aggregates/contract/state.ts'
import { beyond, type Feeds, newestOf, statementAt } from '../agreement/feeds.ts'
import { openHoldsOn, takeoversFor } from '../agreement/keys/key-rules.ts'
import type { AgreementState, HeldState } from '../agreement/state.ts'
import type { VerifiedStatement } from '../agreement/verified-statement.ts'
import { emptyVector, union, type VersionVector } from '../agreement/version-vector.ts'
import type { Handle, LedgerIndex } from '../events/ids.ts'
import { type Frontier, type Head, placesOf } from '../events/statement.ts'
import { encodeToPassOn } from '../events/statement-codec.ts'

/** What a frontier says that its owner holds, as far as it is of the feeds that we hold. */
export function vectorOf(frontier: Frontier): VersionVector {
  return emptyVector.withMutations((past) => {
    for (const [handle, { seq }] of placesOf(frontier)) past.set(handle, seq)
  })
}

/**
 * Statements of ours that the owner of a frontier cannot have: of a feed that forked, the one at a place where it holds
 * another. The two together are the proof of the equivocation.
 */
export function forksAgainst(feeds: Feeds, theirs: Frontier): VerifiedStatement[] {
  return placesOf(theirs).flatMap(([handle, place]) => {
    const ours = statementAt(feeds, handle, place.seq)
    return ours === undefined || ours.hash === place.hash ? [] : [ours]
  })
}

/** The places of a frontier at which we hold another statement, or none. Throws HistoryPruned. */
export function placesUnlike(feeds: Feeds, theirs: Frontier): Frontier {
  const unlike = placesOf(theirs).filter(([handle, { hash, seq }]) => statementAt(feeds, handle, seq)?.hash !== hash)
  return Object.fromEntries(unlike) as Frontier
}

/**
 * What a party may see of a contract: a member and an invitee everything, one that resigned, or whose invitation came to
 * nothing, what leads up to everybody's signature under that, anybody else nothing (undefined).
 */
export function visibleTo(state: AgreementState, handle: Handle): VersionVector | undefined {
  const { document } = state.ledger
  if (memberOf(document, handle) !== undefined || invitationOf(document, handle) !== undefined) return everything(state)
  const goneAt = goneAtIn(state, handle)
  if (goneAt === undefined) return undefined
  let visible = emptyVector
  for (const [, feed] of state.feeds) {
    // A wrong head is no signature under anything.
    const signed = feed.find((held) => signsBeyond(held, goneAt, state)) ?? feed.last()
    if (signed !== undefined) visible = union(visible, signed.past)
  }
  // Who waits for a feed to be taken over must see that it has been, and whose feed it is, that others wait.
  for (const { past } of [...openHoldsOn(state, handle), ...takeoversFor(state, handle)]) visible = union(visible, past)
  return visible
}

/**
 * Whether a party that has left the contract is shown no more of a feed than is held here. Who shows a statement that signs
 * for a ledger beyond that holds all that leads up to it, so nobody who is honest has ever shown more, nor will. `handle`:
 * whose view it is.
 */
export function isShownNoMore(state: AgreementState, handle: Handle, of: Handle): boolean {
  const goneAt = goneAtIn(state, handle)
  const newest = newestOf(state.feeds, of)
  return of !== handle && goneAt !== undefined && newest !== undefined && signsBeyond(newest, goneAt, state)
}

/**
 * The ledger index before which a party is shown entries. A member or an invitee is shown all of them, a party that
 * left those before it left, a stranger none.
 */
export function entriesShownTo(state: HeldState, handle: Handle): LedgerIndex {
  const { document } = state.ledger
  const isOnIt = memberOf(document, handle) !== undefined || invitationOf(document, handle) !== undefined
  return isOnIt ? state.ledger.log.size : (goneAtIn(state, handle) ?? 0)
}

/** The ledger index at which a party left, or its invitation came to nothing. */
function goneAtIn({ ledger: { document } }: HeldState, handle: Handle): LedgerIndex | undefined {
  return formerOf(document, handle)?.resignedAt ?? closedInvitationOf(document, handle)?.closedAt
}

function signsBeyond({ statement: { head } }: VerifiedStatement, goneAt: LedgerIndex, state: AgreementState): boolean {
  return head.size > goneAt && isOurs(head, state)
}

function isOurs({ size, root }: Head, { ledger }: AgreementState): boolean {
  return size <= ledger.log.size && ledger.log.rootAt(size) === root
}

function everything(state: HeldState): VersionVector {
  return state.feeds.map((feed) => feed.size - 1)
}

/** What the party lacks and may see, causes before effects, up to the size of one message. */
export function newsFor(state: AgreementState, handle: Handle, theirs: VersionVector): VerifiedStatement[] {
  const visible = visibleTo(state, handle)
  if (visible === undefined) return []
  return beyond(state.feeds, theirs).filter((held) => (visible.get(held.statement.party) ?? -1) >= held.statement.seq)
}

/**
 * The lines of as many of them as there is room for, one at least if there is any, and the past of a party that has them,
 * beside what it had. `room`: characters; `lineOf`: how a statement is passed on.
 */
export function linesFor(
  news: readonly VerifiedStatement[],
  theirs: VersionVector,
  room: number,
  lineOf: (held: VerifiedStatement) => string = encodeToPassOn,
): { lines: string[]; then: VersionVector } {
  const lines: string[] = []
  let then = theirs
  let size = 0
  for (const held of news) {
    const line = lineOf(held)
    size += line.length
    if (room <= 0 || (lines.length > 0 && size > room)) break
    lines.push(line)
    then = then.set(held.statement.party, held.statement.seq)
  }
  return { lines, then }
}

/** Whether the party holds all that it may see. */
export function isUpToDate(state: AgreementState, handle: Handle, theirs: VersionVector): boolean {
  const visible = visibleTo(state, handle)
  return visible === undefined || visible.every((seq, party) => (theirs.get(party) ?? -1) >= seq)
}
