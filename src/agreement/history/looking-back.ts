import { HistoryPruned } from '../../runtime/history-pruned.ts'
import type { AgreementState, HeldState } from '../state.ts'

/** What comes of looking back where history is needed that is pruned from memory; the store has it. */
export const needsHistory: unique symbol = Symbol('needs history')

/** Does some work that may look back. Every use of an AgreementState that may be pruned is inside of one of these. */
export function lookBack<Result>(
  held: HeldState,
  work: (state: AgreementState) => Result,
): Result | typeof needsHistory {
  try {
    return work(held as AgreementState)
  } catch (error) {
    if (error instanceof HistoryPruned) return needsHistory
    throw error
  }
}

/** The same, which takes its time. */
export async function lookingBack<Result>(
  held: HeldState,
  work: (state: AgreementState) => Promise<Result>,
): Promise<Result | typeof needsHistory> {
  try {
    return await work(held as AgreementState)
  } catch (error) {
    if (error instanceof HistoryPruned) return needsHistory
    throw error
  }
}

/** For who catches whatever goes wrong: this is for `lookBack` alone. */
export function isNeedOfHistory(error: unknown): boolean {
  return error instanceof HistoryPruned
}

/** What is held, and loads the pruned history from the store. */
export interface HistorySource {
  readonly state: HeldState
  /** Resolves when the state has all of its history. */
  recall(): Promise<void>
}

/** Does some work that may look back, and repeats it once the history is loaded, should it need that. */
export async function withHistory<Result>(
  source: HistorySource,
  work: (state: AgreementState) => Result | Promise<Result>,
): Promise<Result> {
  const found = await lookingBack(source.state, async (state) => work(state))
  if (found !== needsHistory) return found
  await source.recall()
  return work(source.state as AgreementState)
}
