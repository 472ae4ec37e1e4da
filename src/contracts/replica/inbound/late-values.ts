import { isErased } from '../../../aggregates/contract/erased-values.ts'
import type { ContractState } from '../../../aggregates/contract/state.ts'
import { find } from '../../../aggregates/contract/state.ts'
import { confidentialStandingIn } from '../../../aggregates/contract/values/confidential-standing.ts'
import { audienceAt } from '../../../aggregates/contract/values/effective-audience.ts'
import type { Hash } from '../../../crypto/hash.ts'
import { type Handle, requestOf, type Seq } from '../../../events/ids.ts'
import type { Wanted } from '../../../gossip/message.ts'
import { type Clock, timestamp } from '../../../runtime/clock.ts'
import { groupOf, type PayloadRef, textsInOrder } from '../../../store/payload-group.ts'
import type { PayloadStore } from '../../../store/port.ts'
import type { ContractView } from '../../contract-view.ts'

/**
 * Confidential values of the document that are missing here: this party has come into their audience, or has lost them. Others who
 * have them are asked. Nothing waits for them.
 */
export class LateValues {
  readonly #view: ContractView
  readonly #payloads: PayloadStore
  readonly #clock: Clock
  /** More are missing, or less. */
  readonly #changed: () => void
  /** The document that was looked at last. */
  #looked: ContractState | undefined
  #isLooking = false
  /** Those that stand and are in the store, by group and seal. */
  #held = new Set<string>()
  #missing: readonly Wanted[] = []

  constructor(view: ContractView, payloads: PayloadStore, clock: Clock, changed: () => void) {
    this.#view = view
    this.#payloads = payloads
    this.#clock = clock
    this.#changed = changed
  }

  /** Of those that were looked for last. */
  get wanted(): readonly Wanted[] {
    return this.#missing
  }

  isWanted(party: Handle, seq: Seq, seal: Hash): boolean {
    return this.#missing.some((one) => one.party === party && one.seq === seq && one.seals.includes(seal))
  }

  /** Looks which are missing, where another document stands than the last time. `anew`: in any case. */
  look(anew = false): void {
    const { document } = this.#view.state.ledger
    if (document.audiences.length === 0 && this.#missing.length === 0) return
    if (this.#isLooking || this.#view.isClosed || (document === this.#looked && !anew)) return
    this.#looked = document
    const due = this.#dueIn(document)
    const unknown = due.filter((ref) => !this.#held.has(keyOf(ref)))
    if (unknown.length === 0) {
      this.#found(due, new Set())
      return
    }
    this.#isLooking = true
    textsInOrder(unknown, (refs) => this.#payloads.get(this.#view.contract, refs))
      .then(
        (texts) => this.#found(due, new Set(unknown.filter((_, place) => texts[place] !== undefined).map(keyOf))),
        // The store says so wherever something depends on it; here the next turn looks again.
        () => {
          this.#looked = undefined
        },
      )
      .finally(() => {
        this.#isLooking = false
      })
  }

  /** `stored`: keys of those that were looked for and are in the store. */
  #found(due: readonly PayloadRef[], stored: ReadonlySet<string>): void {
    const held = new Set<string>()
    const missing: PayloadRef[] = []
    for (const ref of due) {
      if (this.#held.has(keyOf(ref)) || stored.has(keyOf(ref))) held.add(keyOf(ref))
      else missing.push(ref)
    }
    this.#held = held
    const before = this.#missing
    this.#missing = [...Map.groupBy(missing, ({ group }) => group)].map(([group, refs]) => {
      const { handle, seq } = requestOf(`${group}.0`)
      return { party: handle, seals: refs.map(({ seal }) => seal), seq }
    })
    if (this.#missing.length !== before.length) this.#changed()
  }

  /** Where the values are kept that this party may ask for. */
  #dueIn(document: ContractState): PayloadRef[] {
    const { self } = this.#view
    const now = timestamp(this.#clock)
    const due: PayloadRef[] = []
    for (const [seal, some] of confidentialStandingIn(document)) {
      if (isErased(document, seal)) continue
      for (const { field, standing } of some) {
        const audience = audienceAt(document, field)
        if (audience?.parties.includes(self) !== true) continue
        const isOwn = standing.by === self || find(document, field)?.owner === self
        if (audience.until !== undefined && now >= audience.until && !isOwn) continue
        due.push({ group: groupOf(requestOf(standing.id)), seal })
      }
    }
    return due
  }
}

function keyOf({ group, seal }: PayloadRef): string {
  return `${group} ${seal}`
}
