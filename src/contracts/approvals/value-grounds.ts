import { formerOf, memberOf } from '../../aggregates/contract/state.ts'
import { hasUnfitValue, isDead, isOpen } from '../../agreement/foreseen.ts'
import { confidentialLackedFor, lackedIn } from '../../agreement/values/lacked-values.ts'
import type { Handle } from '../../events/ids.ts'
import type { Contents } from '../contents/contents.ts'
import type { Asked, Finding } from './grounds.ts'
import type { ValueWaits } from './value-waits.ts'

/** The contents that requests name: whether they are complete here, and waited for. */
export type AwaitedContents = Pick<Contents, 'lacksAny' | 'lackedIn' | 'isWaitingFor'>

export const noContents: AwaitedContents = { lacksAny: () => false, lackedIn: () => [], isWaitingFor: () => false }

/** Whether what a request seals, and names, is here and fits. What is missing is waited for, and then refused. */
export class ValueGrounds {
  readonly #self: Handle
  readonly #waits: ValueWaits
  readonly #contents: AwaitedContents

  constructor(self: Handle, waits: ValueWaits, contents: AwaitedContents) {
    this.#self = self
    this.#waits = waits
    this.#contents = contents
  }

  /** In steps. */
  *find(asked: Asked): Generator<void, Finding> {
    const { ref, request, held, state } = asked
    if (!isOpen(ref, state)) return undefined
    const isNothing = isDead(ref, request, state)
    if (lackedIn(held, request).length > 0) {
      // What has been acknowledged everybody holds: so it is refused, whatever else is known of it.
      return missing(asked, !isNothing && (this.#isToCome(asked) || this.#waits.isWaitingFor(held)))
    }
    if (isNothing) return undefined
    return (yield* this.#confidential(asked)) ?? this.#content(asked)
  }

  *#confidential(asked: Asked): Generator<void, Finding> {
    const { ref, request, held, state } = asked
    // Nothing in the ledger depends on it, so it is not waited for any longer by whoever is no member yet.
    if (confidentialLackedFor(held, request, this.#self).length > 0)
      return missing(asked, this.#waits.isWaitingFor(held))
    const isUnfit = yield* hasUnfitValue(state, held, ref.index, this.#self)
    return isUnfit ? { code: 'value_unfit' } : undefined
  }

  #content(asked: Asked): Finding {
    const contents = this.#contents.lackedIn(asked.held, asked.request)
    if (contents.length === 0) return undefined
    const isWaiting = contents.every((content) => this.#contents.isWaitingFor(content)) || this.#isToCome(asked)
    return missing(asked, isWaiting)
  }

  /**
   * Whether it is to become a member: of what nobody brings the members refuse what names it, so it is not kept for ever. Whoever has
   * resigned owes its last head still, for which they wait, and is told nothing of what they say after that.
   */
  #isToCome({ state }: Asked): boolean {
    const { document } = state.ledger
    return memberOf(document, this.#self) === undefined && formerOf(document, this.#self) === undefined
  }
}

function missing({ mayWait }: Asked, isWaiting: boolean): Finding {
  return mayWait && isWaiting ? 'waits' : { code: 'payload_missing' }
}
