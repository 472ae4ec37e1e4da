import { feedOf } from '../../agreement/feeds.ts'
import { lookingBack, type needsHistory } from '../../agreement/history/looking-back.ts'
import { pruned } from '../../agreement/history/pruning.ts'
import { snapshotOf } from '../../agreement/history/snapshot.ts'
import { encodeSnapshot } from '../../agreement/history/snapshot-text.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { Handle, Seq } from '../../events/ids.ts'
import { inTurns, type Turns } from '../../runtime/turns.ts'
import type { Kept } from '../../store/snapshot-port.ts'
import { passiveFormOf } from './passive-contract.ts'

/** What is kept of a contract. `before`: it leaves out own statements before that one. */
export interface Keeping {
  readonly kept: Kept
  readonly before: Seq
}

/**
 * What is to be kept of a contract, as it is at the time of the call: when the promise resolves the contract may have
 * gone on. `isPlain`: no evidence of misbehaviour and no differing head is known. `placesBefore`: the places of own
 * requests before a statement.
 */
export function keeping(
  held: HeldState,
  self: Handle,
  isPlain: boolean,
  placesBefore: (seq: Seq) => Kept['requests'],
  turns: Turns | undefined,
): Promise<Keeping | typeof needsHistory> {
  return lookingBack(held, async (all) => {
    const state = isPlain ? pruned(all) : all
    const passive = passiveFormOf(all, self)
    const before = feedOf(state.feeds, self).base
    const requests = placesBefore(before)
    const snapshot = await inTurns(encodeSnapshot(await inTurns(snapshotOf(state), turns)), turns)
    const parties = Object.keys(passive.parties) as Handle[]
    return { before, kept: { parties, passive: JSON.stringify(passive), requests, snapshot } }
  })
}
