import { Map as ImmutableMap } from 'immutable'
import { type ContractState, initialState } from '../aggregates/contract/state.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Head } from '../events/statement.ts'
import type { Acknowledged, Ledger } from './ledger.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** Two different heads for one size: the inputs, or the software, of that party differ from ours. */
export interface Divergence {
  readonly party: Handle
  /** The place in its feed of the statement that carries the head. */
  readonly seq: number
  readonly theirs: Head
  readonly ours: Head
}

/** How far each party has signed for this ledger, and what of it is settled. */
export interface Settling {
  /** The longest size at which a head of the party equals ours, by handle. */
  readonly signed: ImmutableMap<Handle, number>
  /** The first of each party. */
  readonly divergences: readonly Divergence[]
  /** Entries 0 … settled − 1 are settled. */
  readonly settled: number
  /** The document after the last settled entry: the agreed view. */
  readonly agreed: ContractState
  /** The entries from `settled` on. */
  readonly unsettled: readonly Acknowledged[]
}

export function nothingSettled(contract: Uid): Settling {
  return {
    signed: ImmutableMap(),
    divergences: [],
    settled: 0,
    agreed: initialState(contract),
    unsettled: [],
  }
}

/**
 * Applies new entries and newly held heads, and settles what every member has signed for: an entry settles when each
 * member at its index has, among the statements held, one whose head is longer than the index and equals ours at that
 * size (design §4). The entries that settle by it, oldest first.
 */
export function settleMore(
  before: Settling,
  ledger: Ledger,
  acknowledged: readonly Acknowledged[],
  news: readonly VerifiedStatement[],
): { settling: Settling; settled: readonly Acknowledged[] } {
  const unsettled = acknowledged.length === 0 ? before.unsettled : [...before.unsettled, ...acknowledged]
  const compared = compareHeads({ ...before, unsettled }, ledger, news)
  const count = countSettled(compared)
  if (count === 0) return { settling: compared, settled: [] }
  const settled = unsettled.slice(0, count)
  const agreed = (settled[count - 1] as Acknowledged).document
  return {
    settling: { ...compared, settled: compared.settled + count, agreed, unsettled: unsettled.slice(count) },
    settled,
  }
}

function compareHeads(settling: Settling, ledger: Ledger, news: readonly VerifiedStatement[]): Settling {
  let { signed, divergences } = settling
  for (const { statement } of news) {
    const { party, seq, head } = statement
    // We hold all that the statement covers, so a true head of it is never longer than our ledger (decision 0016).
    const ours = ourHeadAt(Math.min(head.size, ledger.log.size), settling, ledger)
    if (
      head.size === ours.size &&
      head.root === ours.root &&
      (ours.record === undefined || head.record === ours.record)
    ) {
      if (head.size > (signed.get(party) ?? 0)) signed = signed.set(party, head.size)
    } else if (!divergences.some((known) => known.party === party)) {
      divergences = [
        ...divergences,
        { party, seq, theirs: head, ours: { ...ours, record: ours.record ?? head.record } },
      ]
    }
  }
  return { ...settling, signed, divergences }
}

/** `record` is undefined for a size that has settled: every member has signed it, and the document then is not kept. */
function ourHeadAt(
  size: number,
  settling: Settling,
  ledger: Ledger,
): Omit<Head, 'record'> & { record: Head['record'] | undefined } {
  const last = settling.unsettled[size - 1 - settling.settled]
  return { size, root: ledger.log.rootAt(size), record: last && ledger.engines.recordHash(last.document) }
}

function countSettled({ signed, settled, unsettled }: Settling): number {
  let count = 0
  while (count < unsettled.length) {
    const { members } = unsettled[count] as Acknowledged
    const limit = Math.min(...members.map(({ card }) => signed.get(card.handle) ?? 0))
    const until = firstWithOtherMembers(unsettled, count)
    const reach = Math.min(until, Math.max(count, limit - settled))
    if (reach < until) return reach
    count = until
  }
  return count
}

/** Membership changes seldom, so between two changes the heads are compared once for all entries. */
function firstWithOtherMembers(unsettled: readonly Acknowledged[], from: number): number {
  const { members } = unsettled[from] as Acknowledged
  let index = from + 1
  while (index < unsettled.length && unsettled[index]?.members === members) index++
  return index
}
