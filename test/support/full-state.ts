import type { AgreementState, HeldState } from '../../src/agreement/state.ts'

/** What a contract holds, for a test that knows that the history is in memory, or that nothing asks for it: it fails where that is wrong. */
export function fullState(held: HeldState): AgreementState {
  return held as AgreementState
}

/** How many statements are held, in memory or not. */
export function statementsIn({ feeds }: HeldState): number {
  return feeds.reduce((sum, feed) => sum + feed.size, 0)
}
