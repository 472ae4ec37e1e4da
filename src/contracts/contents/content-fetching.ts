import { isErased } from '../../aggregates/contract/erased-values.ts'
import type { Hash } from '../../crypto/hash.ts'
import { CONTENT_PIECE_BYTES, type ContentName, type NamedContent, piecesIn } from '../../events/attachments/content.ts'
import type { Handle } from '../../events/ids.ts'
import { StatementRefused } from '../../events/statement-codec.ts'
import type { Credit } from '../../gossip/credit.ts'
import { type PieceLine, WANTED_PIECES_MAX, type WantedPieces } from '../../gossip/piece-line.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { ContractView } from '../contract-view.ts'
import { completionWrites, piecesHeld, pieceWrite, refsOf } from './content-files.ts'
import type { AwaitedContent, ContentLog, NamingStatement } from './content-log.ts'
import { mayHold, namesOpenIn } from './content-sources.ts'
import { attachmentUnder } from './content-under.ts'
import { ContentWaits } from './content-waits.ts'
import type { ContentsNews, ContentsPorts } from './contents-ports.ts'
import { DRY_MS, DryPeers } from './dry-peers.ts'
import { UnfinishedContent } from './unfinished-content.ts'

/** How many contents of a contract are fetched at once; the others wait until one of them is complete. */
const FETCHED_AT_ONCE = 4
/** How many pieces one peer is asked for in one call. */
const ASKED_OF_ONE_MAX = 8
/** After how many answers in a row, from any peers, that have brought nothing, a content that nothing waits for is left alone. */
const DRY_ANSWERS_MAX = 64
/** Of the credit that a refused statement costs, what a piece does that nobody has asked for. */
const IN_VAIN_COST = 1 / 64

/** What happens to contents beside fetching. */
export interface ContentKeeper {
  /** One is complete, or damaged: the next may begin. */
  goOn(): void
  /** Nothing of it is kept. A newer one has its room: the next of this contract would take that of another, and so on; it is begun where there is room later. */
  giveWay(name: ContentName): void
}

/**
 * Brings the contents that are missing here, from whoever has said that it holds the statement that names them: piece by piece, and
 * every piece is verified before it is kept.
 */
export class ContentFetching {
  readonly #view: ContractView
  readonly #ports: ContentsPorts
  readonly #news: ContentsNews
  readonly #log: ContentLog
  readonly #keeper: ContentKeeper
  readonly #waits: ContentWaits
  readonly #unfinished = new Map<ContentName, UnfinishedContent>()
  /** Those that there was no room for, or whose value is not here: not looked at until somebody names them, or asks for them. */
  readonly #leftAlone = new Set<ContentName>()
  readonly #dry: DryPeers
  #dryAnswers = 0
  /** How often statements have come that name some. */
  #namings = 0
  #cancelAsking: (() => void) | undefined

  constructor(view: ContractView, ports: ContentsPorts, news: ContentsNews, log: ContentLog, keeper: ContentKeeper) {
    this.#view = view
    this.#ports = ports
    this.#news = news
    this.#log = log
    this.#keeper = keeper
    this.#dry = new DryPeers(ports.clock)
    this.#waits = new ContentWaits(ports.waitMs, ports.clock, () => news.changed())
  }

  /** Whether nothing waits for any, and none is being fetched that somebody may bring. */
  get isIdle(): boolean {
    const isFetching = this.#unfinished.size > 0 && this.#dryAnswers < DRY_ANSWERS_MAX
    return this.#waits.isIdle && !isFetching
  }

  /** Whether there is one to begin with, and room for it. */
  get hasNext(): boolean {
    return this.#view.duties.authors && this.#nextToFetch() !== undefined
  }

  /** Whether there is still time for it. */
  isWaitingFor(content: NamedContent): boolean {
    return this.#waits.isWaitingFor(content)
  }

  /** They are named, or asked for: somebody may have what nobody had, and there may be room. */
  named(names: readonly ContentName[]): void {
    this.#dry.clear()
    this.#dryAnswers = 0
    this.#namings++
    for (const name of names) this.#leftAlone.delete(name)
  }

  /** Nothing that is open names it any more: whoever names it again has the whole time anew. */
  judged(name: ContentName): void {
    this.#waits.forget(name)
  }

  /** Begins with as many as there is room for. `isAgain`: some have given way; nothing gives way to those that come in their place. */
  async begin(isAgain: boolean): Promise<void> {
    if (!this.#view.duties.authors) return
    for (let next = this.#nextToFetch(); next !== undefined; next = this.#nextToFetch()) {
      if (isAgain && !this.#ports.room.fits(next.pieces * CONTENT_PIECE_BYTES)) return
      await this.#begin(next)
    }
  }

  /** Another process has completed some. */
  leaveHeld(): void {
    for (const name of this.#unfinished.keys()) if (this.#log.isHeld(name)) this.#unfinished.delete(name)
  }

  /** It is not wanted any more. */
  stop(name: ContentName): void {
    this.#unfinished.delete(name)
    this.#ports.room.end(this.#view.contract, name)
    this.#waits.end(name)
  }

  /** Whether that peer is to be asked for some. */
  lacksPiecesOf(peer: Handle): boolean {
    if (this.#unfinished.size === 0 || this.#dry.has(peer)) return false
    return this.#unfinished.values().some((one) => one.isWanting && mayHold(this.#view.state, peer, one))
  }

  /** The pieces to ask that peer for now, at most that number of them. */
  take(peer: Handle, room: number): WantedPieces[] {
    if (!this.lacksPiecesOf(peer)) return []
    const wanted: WantedPieces[] = []
    let left = Math.min(room, ASKED_OF_ONE_MAX, WANTED_PIECES_MAX)
    for (const one of this.#unfinished.values()) {
      if (left <= 0) break
      if (!one.isWanting || !mayHold(this.#view.state, peer, one)) continue
      const { from, count } = one.ask(peer, left)
      wanted.push({ content: one.content.name, count, from, party: one.party, seq: one.seq })
      left -= count
    }
    return wanted
  }

  /** The call in which it was asked has come to its end. */
  answered(peer: Handle): void {
    let isMissing = false
    for (const one of this.#unfinished.values()) if (one.release(peer)) isMissing = true
    if (isMissing) {
      this.#dry.add(peer)
      this.#dryAnswers++
    }
    this.seek()
  }

  /**
   * Pieces have come. Attacker-controlled: `lines`. Resolves when those that belong to what is missing here are durable; the others are
   * dropped, and whoever brings another piece than the one that was asked for is named.
   */
  async arrived(lines: readonly PieceLine[], credit: Credit): Promise<StatementRefused[]> {
    const { contract, state } = this.#view
    const refused: StatementRefused[] = []
    const kept: { readonly one: UnfinishedContent; readonly index: number; readonly leaf: Hash }[] = []
    for (const line of lines) {
      const one = this.#unfinished.get(line.content)
      if (
        one === undefined ||
        isErased(state.ledger.document, line.content) ||
        !one.isAskedOf(credit.peer, line.index)
      ) {
        credit.spend(IN_VAIN_COST)
        continue
      }
      try {
        const leaf = one.verify(line)
        await this.#ports.store.write([pieceWrite(contract, line.content, line.index, line.bytes)])
        kept.push({ one, index: line.index, leaf })
      } catch (error) {
        if (!(error instanceof ConcordataError) || !error.code.startsWith('merkle_')) throw error
        credit.spend(1)
        const message = `piece ${line.index} that came of a content is another one`
        const evidence = { contract, party: one.party, seq: one.seq, seal: line.content }
        refused.push(new StatementRefused('content_mismatch', message, evidence, { cause: error }))
      }
    }
    for (const { one, index, leaf } of kept) {
      one.took(index, leaf)
      this.#waits.progressed(one.content.name)
    }
    if (kept.length > 0) {
      this.#dry.delete(credit.peer)
      this.#dryAnswers = 0
    }
    for (const one of new Set(kept.map(({ one }) => one))) if (one.isComplete) await this.#complete(one)
    return refused
  }

  /** Nothing is fetched any more. */
  close(): void {
    this.#cancelAsking?.()
    this.#cancelAsking = undefined
    this.#waits.close()
    for (const name of this.#unfinished.keys()) this.#ports.room.end(this.#view.contract, name)
    this.#unfinished.clear()
  }

  /** Asks whoever may have what is missing, now, and those that have nothing yet after their pause. */
  seek(): void {
    if (this.#unfinished.size === 0 || this.#view.isClosed) return
    if (![...this.#unfinished.values()].some(({ isWanting }) => isWanting)) return
    const isLeftAlone = this.#waits.isIdle && this.#dryAnswers >= DRY_ANSWERS_MAX
    if (isLeftAlone) return
    this.#news.lacksPieces()
    if (this.#cancelAsking !== undefined) return
    this.#cancelAsking = this.#ports.clock.after(DRY_MS, () => {
      this.#cancelAsking = undefined
      this.seek()
    })
  }

  #nextToFetch(): AwaitedContent | undefined {
    if (this.#unfinished.size >= FETCHED_AT_ONCE) return undefined
    const { document } = this.#view.state.ledger
    for (const content of this.#log.awaited) {
      const { name } = content
      if (this.#log.isHeld(name) || this.#unfinished.has(name) || this.#leftAlone.has(name) || isErased(document, name))
        continue
      return content
    }
    return undefined
  }

  /** What stands there already is not fetched again. */
  async #begin(awaited: AwaitedContent): Promise<void> {
    const { name, pieces } = awaited
    const { contract, state } = this.#view
    const { store, room } = this.#ports
    const namings = this.#namings
    const found = await this.#foundUnder(awaited)
    if (found === undefined) {
      // A statement that has come meanwhile may bring the value.
      if (namings === this.#namings) this.#leftAlone.add(name)
      return
    }
    const isTooLarge = found.content.bytes > state.ledger.document.limits.attachmentBytes
    if (isTooLarge || this.#log.bytes > room.contractBytesMax) {
      this.#giveUp(name)
      return
    }
    const { content, party, seq } = found
    const held = await piecesHeld(store.payloads, contract, name, pieces)
    if (this.#view.isClosed || !this.#log.isAwaited(name)) return
    const one = new UnfinishedContent(content, party, seq, held)
    this.#unfinished.set(name, one)
    room.begin(contract, name, pieces * CONTENT_PIECE_BYTES, () => {
      this.#giveUp(name)
      this.#keeper.giveWay(name)
    })
    if (one.isComplete) await this.#complete(one)
  }

  /** What waits for it is refused. */
  #giveUp(name: ContentName): void {
    this.#leftAlone.add(name)
    if (namesOpenIn(this.#view.state).has(name)) this.#waits.giveUp(name)
    this.#news.changed()
  }

  /** What it is, by the first statement that names it and whose value is held. */
  async #foundUnder({
    name,
    pieces,
  }: AwaitedContent): Promise<(NamingStatement & { readonly content: NamedContent }) | undefined> {
    for (const { party, seq } of this.#log.namingsOf(name)) {
      const content = await attachmentUnder(this.#ports.store.payloads, this.#view.contract, party, seq, name)
      if (content !== undefined && piecesIn(content) === pieces) return { content, party, seq }
    }
    return undefined
  }

  async #complete(one: UnfinishedContent): Promise<void> {
    const { contract, state } = this.#view
    const { content } = one
    const { name } = content
    if (this.#unfinished.get(name) !== one) return
    const { store, room } = this.#ports
    if (!one.isTrue || isErased(state.ledger.document, name)) {
      // What stood there was damaged; or it has been given up while it came.
      this.#unfinished.delete(name)
      await store.payloads.erase(contract, refsOf(name, one.pieces))
      this.#keeper.goOn()
      return
    }
    await store.write(completionWrites(contract, content, one.leaves))
    this.#unfinished.delete(name)
    room.end(contract, name)
    this.#log.holds(name)
    this.#news.changed()
    this.#keeper.goOn()
  }
}
