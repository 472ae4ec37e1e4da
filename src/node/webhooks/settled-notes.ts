import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Turns } from '../../runtime/turns.ts'
import { contractStream } from '../../store/streams.ts'
import type { LaneKey, WebhookFile } from './webhook-file.ts'

export interface SettledNotesPorts {
  readonly clock: Clock
  readonly contracts: Contracts
  readonly file: WebhookFile
  readonly report: { failed(error: unknown): void }
  readonly turns: Turns
}

/** After a failure of this node itself. Milliseconds. */
const PAUSE_MS = 5_000

/**
 * Notes for webhooks of all contracts what has settled in which: each gets a lane there, which goes once it has been told. What is not
 * noted when the process ends is found out by comparing, when it starts.
 */
export class SettledNotes {
  readonly #ports: SettledNotesPorts
  readonly #hooks: ReadonlySet<string>
  readonly #wake: (key: LaneKey) => void
  /** What is to be noted. */
  readonly #sizes = new Map<Uid, number>()
  #isNoting = false
  #isClosed = false

  /** `hooks`: those of all contracts, as they are at any time. */
  constructor(ports: SettledNotesPorts, hooks: ReadonlySet<string>, wake: (key: LaneKey) => void) {
    this.#ports = ports
    this.#hooks = hooks
    this.#wake = wake
  }

  /** Whoever waits for what settles does not wait for this. */
  add(contract: Uid, size: number): void {
    this.#sizes.set(contract, size)
    if (!this.#isNoting) void this.#noteWhatIsAdded()
  }

  /** Compares with all that has settled. */
  async noteAll(): Promise<void> {
    for (const { contract, size } of await this.#ports.contracts.summaries()) this.#note(contract, size)
  }

  close(): void {
    this.#isClosed = true
  }

  async #noteWhatIsAdded(): Promise<void> {
    this.#isNoting = true
    const { clock, report, turns } = this.#ports
    await turns.next()
    for (const [contract, size] of this.#sizes) {
      if (this.#isClosed) break
      this.#sizes.delete(contract)
      try {
        this.#note(contract, size)
      } catch (error) {
        report.failed(error)
        if (!this.#sizes.has(contract)) this.#sizes.set(contract, size)
        await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve))
      }
      if (turns.isOver) await turns.next()
    }
    this.#isNoting = false
  }

  #note(contract: Uid, size: number): void {
    if (this.#hooks.size === 0) return
    const stream = contractStream(contract)
    if (!this.#ports.file.see(contract, size, stream, [...this.#hooks])) return
    for (const hook of this.#hooks) this.#wake({ hook, stream, replay: 0 })
  }
}
