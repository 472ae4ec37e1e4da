import type { Clock } from '../../src/runtime/clock.ts'
import type { SeededRandom } from './seeded-random.ts'

export interface NetworkFaults {
  /** Probabilities, a message. */
  readonly loss: number
  readonly duplication: number
  /** Longest delay one way, milliseconds; drawn anew for each message, so messages overtake each other. */
  readonly delayMs: number
}

/** What comes of a message on the way. */
export type Mangle = (text: string) => string

type Receive = (from: string, body: string) => Promise<string>

/** Who a caller gives up on, and when. */
const CALL_TIMEOUT_MS = 2_000

/** Calls between machines, with all that can happen to the call and to its answer. */
export class SimulatedNetwork {
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #receivers = new Map<string, Receive>()
  readonly #cut = new Set<string>()
  /** Until when nothing comes out of a link; then everything does. */
  readonly #clogged = new Map<string, number>()
  readonly #lives = new Map<string, number>()
  faults: NetworkFaults
  mangle: Mangle = (text) => text
  /** Whether two know each other by what they show: of a call between others nothing comes. */
  admits: (caller: string, called: string) => boolean = () => true
  calls = 0

  constructor(clock: Clock, random: SeededRandom, faults: NetworkFaults) {
    this.#clock = clock
    this.#random = random
    this.faults = faults
  }

  attach(address: string, receive: Receive): void {
    this.#receivers.set(address, receive)
  }

  /** Whoever was there has been gone for so long that nothing of what it has sent is on its way any more. */
  hangUp(address: string): void {
    this.#lives.set(address, this.#lifeOf(address) + 1)
  }

  /** One direction only: partitions may be asymmetric. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`)
  }

  clog(from: string, to: string, ms: number): void {
    this.#clogged.set(`${from}>${to}`, this.#clock.now() + ms)
  }

  /** The links work again; what `forGood` adds: nothing is lost or doubled any more. */
  heal(forGood = false): void {
    this.#cut.clear()
    this.#clogged.clear()
    if (forGood) this.faults = { ...this.faults, loss: 0, duplication: 0 }
  }

  call(from: string, to: string, body: string): Promise<string> {
    this.calls++
    return new Promise((resolve, reject) => {
      this.#clock.after(CALL_TIMEOUT_MS, () => reject(new Error(`${to} does not answer`)))
      const arrive = () =>
        this.#carry(from, to, () => {
          const receive = this.#receivers.get(to)
          if (receive === undefined || !this.admits(from, to)) return
          const answered = (answer: string) => this.#carry(to, from, () => resolve(this.mangle(answer)))
          receive(from, this.mangle(body)).then(answered, reject)
        })
      arrive()
      if (this.#random.chance(this.faults.duplication)) arrive()
    })
  }

  #carry(from: string, to: string, deliver: () => void): void {
    const link = `${from}>${to}`
    if (this.#cut.has(link) || this.#random.chance(this.faults.loss)) return
    const clogged = Math.max(0, (this.#clogged.get(link) ?? 0) - this.#clock.now())
    const life = this.#lifeOf(from)
    this.#clock.after(clogged + this.#random.fraction() * this.faults.delayMs, () => {
      if (life === this.#lifeOf(from)) deliver()
    })
  }

  #lifeOf(address: string): number {
    return this.#lives.get(address) ?? 0
  }
}
