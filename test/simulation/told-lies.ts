import { noWishes, type Wishes } from '../../src/agreement/draft.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { type Handle, requestKey } from '../../src/events/ids.ts'
import { payloadsInOrder } from '../../src/events/seal.ts'
import { falseLines, type Lie, malformedCommands } from './malformed.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Sinner } from './sinner.ts'
import { ENTRY_SINS, LIES } from './sins.ts'

/** In one statement, and in all: who has other sins as well leaves the run some room for these. */
const manyLies = { atOnce: 24, most: Number.POSITIVE_INFINITY }
const fewLies = { atOnce: 3, most: 24 }
const LINES_A_MESSAGE = 3

/** What a hostile member asks for and says that is malformed, and what of it is still to be sent. */
export class ToldLies {
  /** What it has asked for that is malformed, by request key. */
  readonly requests = new Map<string, string>()
  /** Names of the malformed statements that it has sent. */
  readonly lines = new Set<string>()
  readonly #self: Sinner
  readonly #random: SeededRandom
  readonly #malformed: Lie[] = []
  readonly #toBeSent = new Map<Handle, string[]>()

  constructor(self: Sinner, random: SeededRandom) {
    this.#self = self
    this.#random = random
  }

  /** Malformed requests, one kind after the other. */
  wishes({ feeds }: AgreementState): Wishes {
    const { handle, sins } = this.#self
    const random = this.#random
    const isLiarAlone = [...sins].every((sin) => [...LIES, ...ENTRY_SINS].some((lie) => lie === sin))
    const { atOnce, most } = isLiarAlone ? manyLies : fewLies
    if (this.requests.size >= most || random.chance(0.3)) return noWishes
    const seq = feeds.get(handle)?.size ?? 0
    const lies = Array.from({ length: atOnce }, () => this.#next())
    const requests = lies.map(({ commands, name }, index) => {
      this.requests.set(requestKey({ handle, index, seq }), name)
      return { commands, id: this.#self.nextId() }
    })
    return {
      ...noWishes,
      payloads: payloadsInOrder(lies.flatMap(({ payloads }) => Object.entries(payloads))),
      requests,
    }
  }

  /** All of them in turn, from one that is drawn. */
  #next(): Lie {
    if (this.#malformed.length === 0) {
      const all = [...malformedCommands()]
      const from = this.#random.below(all.length)
      this.#malformed.push(...all.slice(from), ...all.slice(0, from))
    }
    return this.#malformed.pop() as Lie
  }

  /** A false line for each of them, to be sent before the statement itself. */
  falsify(honest: VerifiedStatement, neighbours: readonly Handle[]): void {
    const lines = [...falseLines(honest, (bytes) => this.#self.sign(bytes))]
    for (const handle of neighbours) {
      const { line, name } = this.#random.pick(lines)
      this.lines.add(name)
      this.#toBeSent.set(handle, [...(this.#toBeSent.get(handle) ?? []), line])
    }
  }

  /** What goes into the next message to this one. */
  takeLines(peer: Handle): string[] {
    return this.#toBeSent.get(peer)?.splice(0, LINES_A_MESSAGE) ?? []
  }
}
