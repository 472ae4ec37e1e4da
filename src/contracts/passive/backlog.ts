import { membersOf } from '../../aggregates/contract/state.ts'
import { waitingForAnswers, waitingForHeads } from '../../agreement/confirmable.ts'
import { newestOf } from '../../agreement/feeds.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { Handle } from '../../events/ids.ts'

/** What is under way in a contract, and who holds it up. */
export interface Backlog {
  /** Ledger entries that not everybody has signed for. */
  readonly unsettled: number
  /** The parties that the oldest unsettled request waits for: for a head, or an answer. */
  readonly waitsFor: readonly Handle[]
  /** What that is: a place in the ledger, or a request. As long as it is the same nothing has moved. */
  readonly oldest: string | null
  /** Entries that each of the other members has not signed for. */
  readonly lags: readonly (readonly [Handle, number])[]
}

export function waitingIn(state: HeldState, self: Handle): Backlog {
  const size = state.ledger.log.size
  const others = membersOf(state.settling.agreed)
    .map(({ card }) => card.handle)
    .filter((handle) => handle !== self)
  return {
    unsettled: state.settling.unsettled.length,
    waitsFor: waitedFor(state),
    oldest: oldestIn(state),
    lags: others.map((handle) => [
      handle,
      Math.max(0, size - (newestOf(state.feeds, handle)?.statement.head.size ?? 0)),
    ]),
  }
}

function oldestIn({ settling, ledger }: HeldState): string | null {
  const [unsettled] = settling.unsettled
  if (unsettled !== undefined) return `entry ${unsettled.entry.index}`
  const [open] = ledger.open
  return open === undefined ? null : `request ${open.statement.party}.${open.statement.seq}`
}

function waitedFor(state: HeldState): Handle[] {
  const [unsettled] = state.settling.unsettled
  if (unsettled !== undefined) return waitingForHeads(state, unsettled.entry.index)
  const [open] = state.ledger.open
  if (open === undefined) return []
  return waitingForAnswers(state, { handle: open.statement.party, seq: open.statement.seq, index: 0 })
}
