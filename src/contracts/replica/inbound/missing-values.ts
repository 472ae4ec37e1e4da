import { lackingFor, lackingIn, missingAhead, missingBehind } from '../../../agreement/completing.ts'
import { isDead } from '../../../agreement/foreseen.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import { lackedFor } from '../../../agreement/values/lacked-values.ts'
import type { VerifiedStatement } from '../../../agreement/verified-statement.ts'
import type { Handle } from '../../../events/ids.ts'
import { confidentialSealsOf, valueSealsOf } from '../../../events/seal.ts'
import type { Wanted } from '../../../gossip/message.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { ContractView } from '../../contract-view.ts'
import type { LateComputed } from './late-computed.ts'
import type { LateValues } from './late-values.ts'

/** Values that are missing are asked for at once, then after a pause that doubles, up to `ASK_AGAIN_MAX_MS`. Milliseconds. */
const ASK_AGAIN_MS = 500
const ASK_AGAIN_MAX_MS = 10_000

/** Values that statements name and that are not here: the other parties are asked for them until they come (decision 0019). */
export class MissingValues {
  readonly #view: ContractView
  readonly #late: LateValues
  readonly #computed: LateComputed
  readonly #clock: Clock
  /** Asks the others now. */
  readonly #ask: () => void
  /** Another process of this party may have got them meanwhile. */
  readonly #lookAgain: () => void
  #cancelAsking: (() => void) | undefined
  /** As of the state for which it was asked last. */
  #wanted:
    | {
        readonly of: AgreementState
        readonly values: readonly Wanted[]
        readonly lacking: readonly VerifiedStatement[]
      }
    | undefined
  #asked = 0

  constructor(
    view: ContractView,
    late: LateValues,
    computed: LateComputed,
    clock: Clock,
    ask: () => void,
    lookAgain: () => void,
  ) {
    this.#view = view
    this.#late = late
    this.#computed = computed
    this.#clock = clock
    this.#ask = ask
    this.#lookAgain = lookAgain
  }

  /**
   * By statements, those of open requests in ledger order first, but for requests that come to nothing anyway; then those that the
   * ledger has gone past, those of a statement that stands in the store and cannot be held without, and late ones.
   */
  get wanted(): readonly Wanted[] {
    const { values } = this.#ofOpen
    const late = this.#late.wanted
    return late.length === 0 ? values : [...values, ...late.filter((one) => !values.some(isSamePlace(one)))]
  }

  /** The statements because of which the ledger may stand still: not of a confidential value. In ledger order. */
  get lacking(): readonly VerifiedStatement[] {
    return this.#ofOpen.lacking
  }

  get #ofOpen() {
    const { isCutShort, self, state } = this.#view
    if (this.#wanted?.of === state) return this.#wanted
    const isWanted = isWantedIn(state, self)
    const values = lackingFor(state, self).flatMap((held): Wanted[] => {
      const { party, seq } = held.statement
      return isWanted(held) ? [{ party, seals: lackedFor(held, self), seq }] : []
    })
    const places = new Set(values.map(({ party, seq }) => `${party}.${seq}`))
    for (const one of missingBehind(state)) if (!places.has(`${one.party}.${one.seq}`)) values.push(one)
    // Else it comes again, with its values.
    const ahead = isCutShort ? missingAhead(state) : undefined
    if (ahead !== undefined) values.push(ahead)
    this.#wanted = { of: state, values, lacking: lackingIn(state).filter(isWanted) }
    return this.#wanted
  }

  /** To be called after each turn. `isMore`: more are missing than before. */
  seek(isMore: boolean): void {
    const isLacking = this.wanted.length + this.#computed.wanted.length > 0
    if (isMore || !isLacking) {
      this.cancel()
      this.#asked = 0
    }
    if (!isLacking || this.#cancelAsking !== undefined || this.#view.isClosed) return
    this.#ask()
    const pause = Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MS * 2 ** this.#asked++)
    this.#cancelAsking = this.#clock.after(pause, () => {
      this.#cancelAsking = undefined
      this.#late.look(true)
      // The store says so wherever something depends on it.
      if (this.#view.duties.sharesStore) this.#computed.look().catch(() => {})
      this.#computed.askNext()
      this.seek(false)
      this.#lookAgain()
    })
  }

  cancel(): void {
    this.#cancelAsking?.()
    this.#cancelAsking = undefined
  }
}

function isSamePlace({ party, seq }: Wanted) {
  return (other: Wanted): boolean => other.party === party && other.seq === seq
}

/** Whether one of its requests lacks a value, and may come to something. */
function isWantedIn(state: AgreementState, self: Handle) {
  return (held: VerifiedStatement): boolean => {
    const { party, seq, requests } = held.statement
    const lacked = new Set(lackedFor(held, self))
    return requests.some((request, index) => {
      const named = valueSealsOf([request]).union(confidentialSealsOf([request]))
      return !named.isDisjointFrom(lacked) && !isDead({ handle: party, seq, index }, request, state)
    })
  }
}
