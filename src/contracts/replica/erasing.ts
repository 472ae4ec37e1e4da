import { erasedIn } from '../../aggregates/contract/erased-values.ts'
import type { LedgerIndex } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { PayloadGroup, PayloadRef } from '../../store/payload-group.ts'
import type { Store } from '../../store/port.ts'
import { erasuresStream } from '../../store/streams.ts'
import type { ContractView } from '../contract-view.ts'

/** How many values are erased in one call of the store. */
const AT_ONCE = 1_000
/** After a failure it is tried again, after a pause that doubles. Milliseconds. */
const AGAIN_MS = 1_000
const AGAIN_MAX_MS = 60_000

/**
 * Takes out of the store of this party what all members have voted to erase, once that has settled: by then the entries that were judged
 * with the values are durable, and they are what is read from then on. A stream of its own says how far that has come, so that
 * a restart goes on, and so does the backup of a time before (decision 0123).
 */
export class Erasing {
  readonly #view: ContractView
  readonly #store: Store
  readonly #clock: Clock
  /** Has what is in memory made anew from the store. */
  readonly #forget: () => void
  readonly #failed: (error: unknown) => void
  /** Ledger index of the last erasure that is carried out; undefined until the store has been asked. */
  #done: LedgerIndex | undefined
  #running: Promise<void> | undefined
  #cancelPause: (() => void) | undefined
  #failures = 0

  constructor(
    view: ContractView,
    { store, clock }: { readonly store: Store; readonly clock: Clock },
    forget: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#view = view
    this.#store = store
    this.#clock = clock
    this.#forget = forget
    this.#failed = failed
  }

  /** Whether nothing is left to be erased, as far as is known. */
  get isIdle(): boolean {
    const { newest } = this.#view.state.settling.agreed.erasures
    return newest === null || (this.#done !== undefined && this.#done >= newest)
  }

  /** To be called when something may have been erased. */
  look(): void {
    if (this.isIdle || this.#running !== undefined || this.#cancelPause !== undefined || this.#view.isClosed) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      this.look()
    })
  }

  /** Resolves when none is under way. */
  async close(): Promise<void> {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      const { contract } = this.#view
      this.#done ??= await this.#lastDone()
      const { agreed } = this.#view.state.settling
      const { newest } = agreed.erasures
      if (newest === null || this.#done >= newest) return
      await this.#erase(erasedIn(agreed))
      await this.#store.events.append(erasuresStream(contract), 'any', [
        { type: 'ErasureCarriedOut', data: JSON.stringify({ index: newest }) },
      ])
      this.#done = newest
      this.#failures = 0
      this.#forget()
    } catch (error) {
      this.#failed(error)
      const pause = Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** this.#failures++)
      this.#cancelPause = this.#clock.after(pause, () => {
        this.#cancelPause = undefined
        this.look()
      })
    }
  }

  /** -1: none. */
  async #lastDone(): Promise<LedgerIndex> {
    const stream = erasuresStream(this.#view.contract)
    let done = -1
    for await (const { type, data } of this.#store.events.read(stream)) {
      const said: unknown = type === 'ErasureCarriedOut' ? JSON.parse(data) : undefined
      if (typeof said === 'object' && said !== null && 'index' in said && Number.isSafeInteger(said.index))
        done = said.index as LedgerIndex
    }
    return done
  }

  /** Wherever they stand: a value can be sealed in more than one statement. */
  async #erase(seals: ReadonlySet<string>): Promise<void> {
    const { contract } = this.#view
    let refs: PayloadRef[] = []
    for await (const { group, entries } of this.#store.payloads.groups(contract)) {
      for (const [seal] of entries) if (seals.has(seal)) refs.push({ group: group as PayloadGroup, seal })
      if (refs.length < AT_ONCE) continue
      await this.#store.payloads.erase(contract, refs)
      refs = []
    }
    if (refs.length > 0) await this.#store.payloads.erase(contract, refs)
  }
}
