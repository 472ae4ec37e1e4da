import { frontierOf } from '../agreement/feeds.ts'
import type { Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import { withHistory } from '../runtime/forgotten.ts'
import type { Knowledge } from './knowledge.ts'
import { encodeMessage, MESSAGE_CHARACTERS_SOFT_MAX, PLACES_SOFT_MAX, type Word } from './message.ts'
import type { Participant, Peer } from './participant.ts'

/** What one message takes along to a peer, of one contract after another, as long as there is room. */
export class Parcel {
  readonly #frontiers = new Map<Uid, Frontier>()
  #places = 0
  readonly #knowledge: Knowledge
  readonly #peer: Peer
  readonly #lines: string[] = []
  #room = MESSAGE_CHARACTERS_SOFT_MAX
  #isSealed = false

  constructor(knowledge: Knowledge, peer: Peer) {
    this.#knowledge = knowledge
    this.#peer = peer
  }

  /** The characters that are taken along so far. */
  get size(): number {
    return MESSAGE_CHARACTERS_SOFT_MAX - this.#room
  }

  /** How much is held of a contract. */
  says(contract: Uid, frontier: Frontier): void {
    this.#places += Object.keys(frontier).length
    this.#frontiers.set(contract, frontier)
  }

  /** Whether the header has no room for more contracts. */
  get isFull(): boolean {
    return this.#places >= PLACES_SOFT_MAX
  }

  /**
   * The answer: whether something was left out, for want of room or because the parcel has left. Requires a party to the
   * contract.
   */
  put(participant: Participant): Promise<boolean> {
    const { contract } = participant
    return withHistory(participant, () => {
      if (this.#isSealed) return true
      const { state, evidence } = participant
      const lines = this.#knowledge.takeLines(state, this.#room)
      const isCutOff = this.#knowledge.lacksNews(state)
      lines.push(
        ...this.#knowledge.takeProofs(contract, evidence),
        ...this.#knowledge.ownLines(state, participant.waitingOf(this.#peer.handle)),
      )
      this.says(contract, frontierOf(state.feeds))
      for (const line of lines) {
        this.#lines.push(line)
        this.#room -= line.length
      }
      return isCutOff
    })
  }

  encoded(words: readonly Word[]): string {
    this.#isSealed = true
    return encodeMessage(this.#frontiers, this.#lines, words)
  }
}
