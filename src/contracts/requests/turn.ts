import { memberOf } from '../../aggregates/contract/state.ts'
import type { Wishes } from '../../agreement/draft.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { Handle, Seq } from '../../events/ids.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../../events/limits.ts'
import type { Submission } from './submission.ts'

/**
 * Requests are signed together as far as their values have no more characters than this: what one statement carries is sealed,
 * packed and written in one turn of the event loop each. One that has more by itself goes alone.
 */
const VALUES_TOGETHER_MAX = 512 * 1024

/** What one statement will say for the local users, and what becomes of their submissions once it is durable. */
export interface Turn {
  readonly wishes: Wishes
  readonly isEmpty: boolean
  /**
   * Nobody would take the statement, which has requests: those come to nothing for which `problemOf` has something. If it has
   * nothing against any, they are for statements of their own.
   */
  part(problemOf: (wishes: Pick<Wishes, 'requests' | 'payloads'>) => unknown): void
  /** To be called when the statement with these wishes, at `seq`, is durable. */
  durable(seq: Seq): void
}

/** Whether a party makes requests: a member does, and whoever opens the contract. */
export function mayRequest({ ledger: { document } }: HeldState, self: Handle): boolean {
  return !document.isOpen || memberOf(document, self) !== undefined
}

/** The requests of one statement: the first ones, as far as there is room. `bytesMax`: of them in the statement. */
export function chosenFrom(
  queue: readonly Submission[],
  state: HeldState,
  self: Handle,
  bytesMax: number,
): Submission[] {
  if (!mayRequest(state, self)) return []
  const { limits } = state.ledger.document
  const chosen: Submission[] = []
  let bytes = 0
  let valueCharacters = 0
  for (const submission of queue) {
    bytes += submission.requestBytes
    valueCharacters += submission.valueBytes
    const valuesMax = chosen.length === 0 ? MESSAGE_VALUES_CHARACTERS_MAX : VALUES_TOGETHER_MAX
    const isFull = bytes > bytesMax || valueCharacters > valuesMax
    const isApart = chosen.length > 0 && (submission.isAlone || chosen[0]?.isAlone)
    if (isFull || isApart || chosen.length === limits.requestsPerStatement) break
    chosen.push(submission)
  }
  return chosen
}
