import { membersOf } from '../aggregates/contract/state.ts'
import type { HeldState } from '../agreement/state.ts'
import type { VerifiedStatement } from '../agreement/verified-statement.ts'
import type { Handle } from '../events/ids.ts'

/** Statements that were taken in or made in one turn of a contract. */
export interface News {
  readonly made: VerifiedStatement | undefined
  readonly taken: readonly VerifiedStatement[]
}

/** Who is called about a contract: everybody who lacks something, or these. */
export type CalledPeers = 'all' | ReadonlySet<Handle>

const NOBODY: CalledPeers = new Set()

/** Somebody waits for it: own requests and decisions, and heads while own requests are under way (design §6). */
export function isUrgent({ made }: News, hasUnsettled: boolean): boolean {
  if (made === undefined) return false
  return hasUnsettled || made.statement.requests.length > 0 || made.statement.decided.length > 0
}

/**
 * Who is called after a while about what is not urgent. What others carry to everybody is not carried again: until a
 * request has settled its author does, so the author alone has to have it; cosignatures one member gathers, and spreads (decision 0101).
 * `hasUnsettled`: own requests are under way.
 */
export function lazyRecipients(state: HeldState, self: Handle, news: News, hasUnsettled: boolean): CalledPeers {
  if (news.made?.statement.key !== undefined) return 'all'
  const authors = authorsUnderWay(state)
  // What came goes with the next own statement, which is urgent.
  if (authors.has(self)) return hasUnsettled ? NOBODY : 'all'
  if (authors.size > 0) return authors
  return isNoted(news) && gathererOf(state) === self ? 'all' : NOBODY
}

/** The authors of the requests that have not settled. */
function authorsUnderWay({ ledger, settling }: HeldState): Set<Handle> {
  const authors = new Set<Handle>()
  for (const { statement } of ledger.open) authors.add(statement.party)
  for (const { entry } of settling.unsettled) authors.add(entry.author)
  return authors
}

/** Each member in turn, as the ledger grows: all who hold that the same has settled name the same. */
function gathererOf({ settling }: HeldState): Handle | undefined {
  const members = membersOf(settling.agreed)
  return members[settling.settled % members.length]?.card.handle
}

function isNoted({ made, taken }: News): boolean {
  return made?.statement.note !== undefined || taken.some(({ statement }) => statement.note !== undefined)
}

/** How far a contract is, as a node sees it. */
export interface LedgerProgress {
  /** How many entries of its ledger have settled. */
  readonly settled: number
  /** What the whole ledger has reached (design §2): something is under way (1), all has settled (3), all have cosigned (4). */
  readonly tier: 1 | 3 | 4
}

/** A contract that is looked at now and then, since others have to bring it on. */
export interface Watch {
  readonly settled: number
  /** How many looks have found nothing new. */
  readonly inVain: number
}

/** By then cosignatures have been gathered and spread, each of which takes two pauses between looks at most. */
const LOOKS_FOR_COSIGNATURES = 4

/** What follows from a look: the next one, or that others are left to it no longer. */
export function afterLook(watch: Watch, now: LedgerProgress | undefined): Watch | 'carry' | 'done' {
  if (now === undefined || now.tier === 4) return 'done'
  if (now.settled > watch.settled) return { settled: now.settled, inVain: 0 }
  const inVain = watch.inVain + 1
  return now.tier === 1 || inVain === LOOKS_FOR_COSIGNATURES ? 'carry' : { settled: now.settled, inVain }
}

/**
 * Whom of the others a party compares with, one after another: first those that stand 1, 2, 4, … places behind it, by
 * which news get around in ⌈log2 N⌉ turns, then the rest, so that after N − 1 turns it has met everybody.
 */
export function ringOf<Other extends { readonly handle: Handle }>(self: Handle, others: readonly Other[]): Other[] {
  const inOrder = [...others].sort((one, other) => (one.handle < other.handle ? -1 : 1))
  const start = inOrder.filter(({ handle }) => handle < self).length
  const behind = [...inOrder.slice(start), ...inOrder.slice(0, start)]
  const isPower = (_: Other, index: number) => ((index + 1) & index) === 0
  return [...behind.filter(isPower), ...behind.filter((other, index) => !isPower(other, index))]
}
