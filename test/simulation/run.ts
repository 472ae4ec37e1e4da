import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { placesOf } from '../../src/events/statement.ts'
import { Confidences } from './confidences.ts'
import type { HostileMember } from './hostile.ts'
import type { Machine } from './machine.ts'
import type { SimulatedNetwork } from './network.ts'
import type { SimulationOptions } from './options.ts'
import { Oracle } from './oracle.ts'
import { RandomSources } from './random-sources.ts'
import { settleMicrotasks, VirtualClock } from './virtual-clock.ts'

/** How long it takes at most until something comes of what a machine was asked, and how closely that is looked at. */
const PATIENCE_MS = 30_000
const STEP_MS = 1
/** Turns of the event loop in which something comes of what needs no time. */
const TURNS_AT_ONCE = 20

/** What workload, faults and checks of one run have in common. */
export class Run {
  readonly options: SimulationOptions
  readonly sources: RandomSources
  readonly clock = new VirtualClock()
  readonly oracle = new Oracle()
  readonly confidences = new Confidences()
  network!: SimulatedNetwork
  machines: Machine[] = []
  /** A second machine with the key of one member: whatever the one signs, the other knows nothing of. */
  twin: Machine | undefined
  hostile: HostileMember | undefined
  contract!: Uid
  requests = 0
  wasSetBack = false
  /** Seals of values that name files which their authors do not have. */
  readonly filesNotBrought = new Set<Hash>()
  readonly violations: unknown[] = []
  readonly counts: Record<string, number> = {}
  readonly #trace: (line: string) => void

  constructor(seed: number, options: SimulationOptions, trace: (line: string) => void) {
    this.options = options
    this.sources = new RandomSources(seed, options.reseed)
    this.#trace = trace
  }

  trace(line: string): void {
    this.#trace(`${((this.clock.now() - Date.UTC(2026, 0, 1)) / 1000).toFixed(3)} ${line}`)
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  /** What is thrown there ends the run at the next check. */
  guard(check: () => void): void {
    try {
      check()
    } catch (violation) {
      this.violations.push(violation)
    }
  }

  async pass(ms: number): Promise<void> {
    await this.clock.runUntil(this.clock.now() + ms)
    await settleMicrotasks()
  }

  /**
   * The same promise: where nothing comes of it while no time passes, time passes. So a contract is taken up that stores what a crash
   * left out. Where it needs none nothing else is moved, and a seed stays what it was.
   */
  comesOf<Result>(under: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    under.then(over, over)
    void this.#passUntil(() => isOver)
    return under
  }

  async #passUntil(isOver: () => boolean): Promise<void> {
    for (let turn = 0; turn < TURNS_AT_ONCE && !isOver(); turn++) await settleMicrotasks()
    const end = this.clock.now() + PATIENCE_MS
    while (!isOver() && this.clock.now() < end) await this.pass(STEP_MS)
  }

  everyone(): Machine[] {
    return this.twin === undefined ? this.machines : [...this.machines, this.twin]
  }

  /** The machines of a twinned member are not asked for anything: it may believe what it likes. */
  isHonest(machine: Machine): boolean {
    return this.twin === undefined || machine.handle !== ('ben' as Handle)
  }

  strangersTo(machine: Machine) {
    const cards = this.machines.map(({ card }) => card)
    if (this.hostile !== undefined) cards.push(this.hostile.card)
    return cards.filter(({ handle }) => handle !== machine.handle)
  }

  /** The contract, if it is in memory at that machine. */
  held(machine: Machine): LiveContract | undefined {
    return machine.contracts?.find(this.contract)
  }

  /** How many there are, at whoever holds the most. */
  statements(): number {
    const counts = this.machines.map((machine) => {
      const feeds = this.held(machine)?.state.feeds
      const frontier = machine.contracts?.cache.passive(this.contract)?.frontier ?? {}
      if (feeds === undefined) return placesOf(frontier).reduce((sum, [, { seq }]) => sum + seq + 1, 0)
      return feeds.reduce((sum, feed) => sum + feed.size, 0)
    })
    return Math.max(...counts)
  }
}
