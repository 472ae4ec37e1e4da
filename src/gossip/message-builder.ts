import { frontierOf } from '../agreement/feeds.ts'
import { withHistory } from '../agreement/history/looking-back.ts'
import type { WantedEntries } from '../agreement/values/known-entries.ts'
import type { Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import { type AnsweredWants, asWanted, piecesFrom } from './answered-wants.ts'
import {
  type Announcement,
  byStatement,
  encodeMessage,
  type HoldUp,
  MESSAGE_CHARACTERS_SOFT_MAX,
  PLACES_SOFT_MAX,
  WANTED_OF_ONE_MAX,
  WANTED_STATEMENTS_MAX,
  WANTED_VALUES_MAX,
  type Wanted,
} from './message.ts'
import type { PeerKnowledge } from './peer-knowledge.ts'
import { WANTED_PIECES_MAX, type WantedPieces } from './piece-line.ts'
import type { Peer, ReplicaPort } from './replica-port.ts'

/** How much of a message may be pieces of contents, in characters; they never take room that statements need. */
const PIECES_CHARACTERS_MAX = 2 * 1024 * 1024

/** What one message takes along to a peer, of one contract after another, as long as there is room. */
export class MessageBuilder {
  readonly #frontiers = new Map<Uid, Frontier>()
  readonly #wants = new Map<Uid, readonly Wanted[]>()
  readonly #waits = new Map<Uid, HoldUp>()
  readonly #lacks = new Map<Uid, WantedEntries>()
  readonly #pieces = new Map<Uid, readonly WantedPieces[]>()
  #wanted = 0
  #piecesWanted = 0
  #roomForPieces = PIECES_CHARACTERS_MAX
  #places = 0
  readonly #knowledge: PeerKnowledge
  readonly #peer: Peer
  readonly #answered: AnsweredWants
  readonly #lines: string[] = []
  #room = MESSAGE_CHARACTERS_SOFT_MAX
  #isSealed = false

  constructor(knowledge: PeerKnowledge, peer: Peer, answered: AnsweredWants) {
    this.#knowledge = knowledge
    this.#peer = peer
    this.#answered = answered
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

  /** Which values and entries are missing of it, as far as there is room, and why something is left uncovered. */
  #asks({ contract, wants, holdUp, wantsEntries }: ReplicaPort): void {
    if (wantsEntries !== undefined) this.#lacks.set(contract, wantsEntries)
    if (holdUp !== undefined) this.#waits.set(contract, holdUp)
    const asked: Wanted[] = []
    for (const { party, seals, seq } of wants.slice(0, WANTED_STATEMENTS_MAX)) {
      const some = seals.slice(0, Math.min(WANTED_OF_ONE_MAX, WANTED_VALUES_MAX - this.#wanted))
      if (some.length === 0) break
      asked.push({ party, seals: some, seq })
      this.#wanted += some.length
    }
    if (asked.length > 0) this.#wants.set(contract, asked.sort(byStatement))
  }

  /** Which pieces of contents the peer is asked for: in a call, since that ends with its answer. */
  asksForPieces(replica: ReplicaPort): void {
    if (this.#isSealed || this.#piecesWanted >= WANTED_PIECES_MAX) return
    const pieces = replica.contents.take(this.#peer.handle, WANTED_PIECES_MAX - this.#piecesWanted)
    if (pieces.length === 0) return
    this.#piecesWanted += pieces.reduce((sum, { count }) => sum + count, 0)
    this.#pieces.set(replica.contract, pieces)
  }

  /** Whether the header has no room for more contracts. */
  get isFull(): boolean {
    return this.#places >= PLACES_SOFT_MAX
  }

  /**
   * The answer: whether something was left out, for want of room or because the message has left. Requires a party to the
   * contract.
   */
  async put(replica: ReplicaPort): Promise<boolean> {
    const isCutOff = await this.#putNews(replica)
    if (this.#isSealed) return isCutOff
    await this.#putEntries(replica)
    await this.#putPayloads(replica)
    if (!isCutOff) await this.#putPieces(replica)
    return isCutOff
  }

  async #putPayloads(replica: ReplicaPort): Promise<void> {
    const wanted = this.#knowledge.takeWants(replica.contract)
    if (wanted.length === 0 || this.#room <= 0) return
    const { lines, lookedUp } = await replica.payloadLines(this.#peer.handle, wanted, this.#room)
    this.#answered.answered(this.#peer.handle, replica.contract, wanted.slice(0, lookedUp))
    this.#add(lines)
  }

  /** What is left for want of room is asked for again. */
  async #putPieces(replica: ReplicaPort): Promise<void> {
    const wanted = this.#knowledge.takePiecesWanted(replica.contract)
    const room = Math.min(this.#room, this.#roomForPieces)
    if (wanted.length === 0 || room <= 0) return
    const lines = await replica.contents.lines(this.#peer.handle, wanted, room)
    this.#answered.answered(this.#peer.handle, replica.contract, wanted.map(piecesFrom))
    for (const line of lines) this.#roomForPieces -= line.length
    this.#add(lines)
  }

  async #putEntries(replica: ReplicaPort): Promise<void> {
    const wanted = this.#knowledge.takeLacks(replica.contract)
    if (wanted === undefined || this.#room <= 0) return
    const lines = await replica.entryLines(this.#peer.handle, wanted, this.#room)
    this.#answered.answered(this.#peer.handle, replica.contract, [asWanted(wanted)])
    this.#add(lines)
  }

  #putNews(replica: ReplicaPort): Promise<boolean> {
    const { contract } = replica
    return withHistory(replica, (state) => {
      if (this.#isSealed) return true
      const { evidence } = replica
      const lines = this.#knowledge.takeLines(state, this.#room)
      const isCutOff = this.#knowledge.lacksNews(state)
      lines.push(
        ...this.#knowledge.takeProofs(contract, evidence),
        ...this.#knowledge.ownLines(state, replica.waitingOf(this.#peer.handle)),
      )
      this.says(contract, frontierOf(state.feeds))
      this.#asks(replica)
      this.#add(lines)
      return isCutOff
    })
  }

  #add(lines: readonly string[]): void {
    for (const line of lines) {
      this.#lines.push(line)
      this.#room -= line.length
    }
  }

  encoded(words: readonly Announcement[]): string {
    this.#isSealed = true
    return encodeMessage(this.#frontiers, this.#lines, words, {
      lacks: this.#lacks,
      pieces: this.#pieces,
      wants: this.#wants,
      waits: this.#waits,
    })
  }
}
