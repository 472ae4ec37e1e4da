import { lackingIn } from '../../../agreement/completing.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import type { VerifiedStatement } from '../../../agreement/verified-statement.ts'
import { valueSealsOf } from '../../../events/seal.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { isDead } from '../../approvals/approvals.ts'
import type { ContractView } from '../contract-view.ts'

/** Values that are missing are asked for at once, then after a pause that doubles, up to the second. Milliseconds. */
const ASK_AGAIN_MS = 500
const ASK_AGAIN_MAX_MS = 10_000

/** Values that statements name and that are not here: the other parties are asked for them until they come. */
export class MissingValues {
  readonly #view: ContractView
  readonly #clock: Clock
  /** Asks the others now. */
  readonly #ask: () => void
  /** Another process of this party may have got them meanwhile. */
  readonly #lookAgain: () => void
  #cancelAsking: (() => void) | undefined
  /** As of the state for which it was asked last. */
  #wanted: { readonly of: AgreementState; readonly statements: readonly VerifiedStatement[] } | undefined
  #asked = 0

  constructor(view: ContractView, clock: Clock, ask: () => void, lookAgain: () => void) {
    this.#view = view
    this.#clock = clock
    this.#ask = ask
    this.#lookAgain = lookAgain
  }

  /** The statements whose values are missing, but for requests that come to nothing anyway; in ledger order. */
  get wanted(): readonly VerifiedStatement[] {
    const { state } = this.#view
    if (this.#wanted?.of !== state) this.#wanted = { of: state, statements: lackingIn(state).filter(isWantedIn(state)) }
    return this.#wanted.statements
  }

  /** To be called after each turn. `isMore`: more are missing than before. */
  seek(isMore: boolean): void {
    const isLacking = this.wanted.length > 0
    if (isMore || !isLacking) {
      this.cancel()
      this.#asked = 0
    }
    if (!isLacking || this.#cancelAsking !== undefined || this.#view.isClosed) return
    this.#ask()
    const pause = Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MS * 2 ** this.#asked++)
    this.#cancelAsking = this.#clock.after(pause, () => {
      this.#cancelAsking = undefined
      this.seek(false)
      this.#lookAgain()
    })
  }

  cancel(): void {
    this.#cancelAsking?.()
    this.#cancelAsking = undefined
  }
}

/** Whether one of its requests lacks a value, and may come to something. */
function isWantedIn(state: AgreementState) {
  return (held: VerifiedStatement): boolean => {
    const { party, seq, requests } = held.statement
    const lacked = new Set(held.lacks)
    return requests.some(
      (request, index) =>
        [...valueSealsOf([request])].some((seal) => lacked.has(seal)) &&
        !isDead({ handle: party, seq, index }, request, state),
    )
  }
}
