import { isErased } from '../../aggregates/contract/erased-values.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { type Hash, hashFromBytes } from '../../crypto/hash.ts'
import { attachmentsIn } from '../../events/attachments/attachment.ts'
import { CONTENT_PIECE_BYTES, type ContentName, type NamedContent, piecesIn } from '../../events/attachments/content.ts'
import type { Handle, RequestRef, Seq } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import { StatementRefused } from '../../events/statement-codec.ts'
import type { Credit } from '../../gossip/credit.ts'
import { type PieceLine, WANTED_PIECES_MAX, type WantedPieces } from '../../gossip/piece-line.ts'
import { leafHash } from '../../merkle/hashing.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Store } from '../../store/port.ts'
import type { ContractView } from '../replica/contract-view.ts'
import { completionWrites, piecesHeld, pieceWrite, refsOf } from './content-files.ts'
import { type AwaitedContent, ContentLog } from './content-log.ts'
import type { ContentRoom } from './content-room.ts'
import { contentsOf, mayHold, namedAlone } from './content-sources.ts'
import { attachmentUnder } from './content-under.ts'
import { ContentWaits } from './content-waits.ts'
import { UnfinishedContent } from './unfinished-content.ts'

/** So many contents of a contract are fetched at once; the others wait until one of them is complete. */
const FETCHED_AT_ONCE = 4
/** So many pieces one peer is asked for in one call. */
const ASKED_OF_ONE_MAX = 8
/** A peer that has brought nothing is asked again after a pause that doubles, up to the second. Milliseconds. */
const DRY_MS = 500
const DRY_MAX_MS = 10_000
/** After so many answers in a row that have brought nothing, of whomever, what nothing waits for is left alone. */
const DRY_ANSWERS_MAX = 64
/** Of the credit that a refused statement costs, what a piece does that nobody has asked for. */
const IN_VAIN_COST = 1 / 64

const nothing: readonly NamedContent[] = []

/** This node keeps no more contents of the contract, or this process none. Evidence: `contract`. */
export class ContentNotKept extends ConcordataError {}

export interface ContentsPorts {
  readonly store: Store
  readonly clock: Clock
  readonly room: ContentRoom
  readonly waitMs: number
}

/** What the contents of a contract tell. */
export interface ContentsNews {
  /** One is complete, or not waited for any more: answers may be due. */
  changed(): void
  /** There are pieces to ask for. */
  wanting(): void
  failed(error: unknown): void
}

/**
 * The contents that the values of a contract name (decision 0127). This party acknowledges a request when those of its values are
 * complete here, or refuses it when they do not come. They are fetched from whoever has said that it holds the statement, piece by
 * piece, and every piece is verified before it is kept.
 */
export class Contents {
  readonly #view: ContractView
  readonly #ports: ContentsPorts
  readonly #news: ContentsNews
  readonly #log: ContentLog
  readonly #waits: ContentWaits
  /** Those that are being fetched. */
  readonly #unfinished = new Map<ContentName, UnfinishedContent>()
  /** Those that there is no room for, or that cannot be fetched: not looked at again in this life. */
  readonly #givenUp = new Set<ContentName>()
  /** Keys of requests that name contents and have come to nothing, of statements that have not been judged whole. */
  readonly #inVain = new Set<string>()
  /** Peers that had nothing to give: until when they are left alone, and for how long the next time. */
  readonly #dry = new Map<Handle, { until: number; pauseMs: number }>()
  #dryAnswers = 0
  #preparing: Promise<void> | undefined
  #cancelAsking: (() => void) | undefined

  constructor(view: ContractView, ports: ContentsPorts, news: ContentsNews) {
    this.#view = view
    this.#ports = ports
    this.#news = news
    this.#log = new ContentLog(ports.store, view.contract)
    this.#waits = new ContentWaits(ports.waitMs, ports.clock, () => news.changed())
  }

  /** Looks what the store has, in case another process has put something there. */
  look(): void {
    this.#prepare(true)
  }

  /** Whether nothing waits for any, and none is being fetched that somebody may bring. */
  get isIdle(): boolean {
    const isFetching = this.#unfinished.size > 0 && this.#dryAnswers < DRY_ANSWERS_MAX
    return this.#waits.isIdle && this.#preparing === undefined && !isFetching
  }

  /** Whether an open request of others names one that is not complete here. */
  lacksAny({ ledger }: AgreementState): boolean {
    return ledger.open.some(
      (held) => contentsOf(held).length > 0 && this.#lackedAmong(held, contentsOf(held)).length > 0,
    )
  }

  /** Those of one request of another party that are not complete here. */
  lackedIn(held: VerifiedStatement, request: Request): readonly NamedContent[] {
    if (contentsOf(held).length === 0) return nothing
    return this.#lackedAmong(held, attachmentsIn([request], held.payloads))
  }

  /** Whether there is still time for it. */
  isWaitingFor(content: NamedContent): boolean {
    return !this.#givenUp.has(content.name) && this.#waits.isWaitingFor(content)
  }

  /** Whether it is complete here. */
  isHeld(name: ContentName): boolean {
    return this.#log.isHeld(name)
  }

  /** These were taken in, or were completed by values that came late: what they name is to be fetched. */
  took(
    statements: readonly { readonly party: Handle; readonly seq: Seq; readonly contents: readonly NamedContent[] }[],
  ): void {
    let isNew = false
    for (const { party, seq, contents } of statements) {
      for (const content of contents) {
        this.#log.awaits({ name: content.name, party, pieces: piecesIn(content), seq })
        isNew = true
      }
    }
    if (!isNew) return
    this.#dryAnswers = 0
    this.#prepare(false)
  }

  /** What came to nothing is not kept. */
  settled(entries: readonly Acknowledged[]): void {
    if (!this.#view.duties.authors) return
    for (const { entry } of entries) {
      const { outcome, record, request } = entry
      if (outcome.kind !== 'accepted') {
        for (const name of namedAlone(this.#view.state, request, this.#log, this.#inVain)) this.#drop(name)
      }
      // The last entry of a statement: nothing beside it is judged any more.
      if (record !== undefined) this.#endStatement(request)
    }
  }

  #endStatement({ handle, seq }: RequestRef): void {
    for (const key of this.#inVain) if (key.startsWith(`${handle}.${seq}.`)) this.#inVain.delete(key)
  }

  /** An erasure has been carried out: pieces that came meanwhile go, too. */
  dropErased(): void {
    const { agreed } = this.#view.state.settling
    for (const { name } of [...this.#log.awaited]) if (isErased(agreed, name)) this.#drop(name)
  }

  /**
   * All pieces of one that a request of this party is about to name. Resolves when it is complete and durable. Throws ContentNotKept;
   * after whatever it throws, and where nothing comes of the request, `forget` leaves nothing.
   */
  async keep(content: NamedContent, pieces: Iterable<Uint8Array>): Promise<void> {
    const { contract, duties } = this.#view
    if (!duties.authors) {
      const message = 'this process has no key, and keeps no bytes of attachments'
      throw new ContentNotKept('upload_unavailable', message, { contract })
    }
    await this.#preparing
    const { store, room } = this.#ports
    const { name } = content
    if (this.isHeld(name)) return
    if (this.#log.bytes + content.bytes > room.contractBytesMax)
      throw new ContentNotKept('contents_full', 'the contract has as many contents as this node keeps', { contract })
    await this.#log.begin(name, piecesIn(content))
    const leaves: Hash[] = []
    for (const piece of pieces) {
      await store.write([pieceWrite(contract, name, leaves.length, piece)])
      leaves.push(hashFromBytes(leafHash(piece)))
    }
    await store.write(completionWrites(contract, content, leaves))
    this.#log.holds(name)
  }

  /** Nothing of it is kept, whatever names it. */
  async forget(name: ContentName): Promise<void> {
    const { contract } = this.#view
    const pieces = this.#log.piecesOf(name)
    this.#stop(name)
    if (pieces === undefined) return
    await this.#ports.store.payloads.erase(contract, refsOf(name, pieces))
    await this.#log.drop(name)
  }

  /** Whether that peer is to be asked for some. */
  lacksPiecesOf(peer: Handle): boolean {
    if (this.#unfinished.size === 0 || this.#isDry(peer)) return false
    return this.#unfinished.values().some((one) => one.isWanting && mayHold(this.#view.state, peer, one))
  }

  /** So many at most, now asked of that peer. */
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
      const pauseMs = Math.min(DRY_MAX_MS, 2 * (this.#dry.get(peer)?.pauseMs ?? DRY_MS / 2))
      this.#dry.set(peer, { until: this.#ports.clock.now() + pauseMs, pauseMs })
      this.#dryAnswers++
    }
    this.#seek()
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

  async settleDown(): Promise<void> {
    await this.#preparing
  }

  #lackedAmong({ statement }: VerifiedStatement, contents: readonly NamedContent[]): readonly NamedContent[] {
    const { self, state } = this.#view
    if (statement.party === self) return nothing
    const { limits } = state.ledger.document
    // What the rules, or this node, will not take anyway.
    const isTaken = ({ bytes }: NamedContent) => bytes <= limits.attachmentBytes
    return contents.filter((content) => isTaken(content) && !this.isHeld(content.name))
  }

  #drop(name: ContentName): void {
    this.forget(name).catch((error: unknown) => this.#news.failed(error))
  }

  #stop(name: ContentName): void {
    this.#unfinished.delete(name)
    this.#ports.room.end(this.#view.contract, name)
    this.#waits.giveUp(name)
  }

  /** `anew`: the store is read once more. */
  #prepare(anew: boolean): void {
    if (this.#preparing !== undefined || this.#view.isClosed) return
    if (!anew && this.#log.isRead && !this.#isMore()) return
    this.#preparing = this.#prepareAll(anew)
      .catch((error: unknown) => this.#news.failed(error))
      .finally(() => {
        this.#preparing = undefined
        this.#seek()
      })
  }

  async #prepareAll(anew: boolean): Promise<void> {
    if (anew || !this.#log.isRead) {
      const isFirst = !this.#log.isRead
      await this.#log.read()
      for (const name of this.#unfinished.keys()) if (this.isHeld(name)) this.#unfinished.delete(name)
      if (this.#view.state.ledger.open.some((held) => contentsOf(held).length > 0)) this.#news.changed()
      // What is asked for in memory alone does not outlive a restart.
      if (isFirst && !this.#view.duties.sharesStore) for (const name of this.#log.unnamed) await this.forget(name)
    }
    if (!this.#view.duties.authors) return
    for (let next = this.#nextToFetch(); next !== undefined; next = this.#nextToFetch()) await this.#begin(next)
  }

  #isMore(): boolean {
    return this.#view.duties.authors && this.#nextToFetch() !== undefined
  }

  #nextToFetch(): AwaitedContent | undefined {
    if (this.#unfinished.size >= FETCHED_AT_ONCE) return undefined
    const { document } = this.#view.state.ledger
    for (const content of this.#log.awaited) {
      const { name } = content
      if (this.isHeld(name) || this.#unfinished.has(name) || this.#givenUp.has(name) || isErased(document, name))
        continue
      return content
    }
    return undefined
  }

  /** What stands there already is not fetched again. */
  async #begin({ name, party, seq, pieces }: AwaitedContent): Promise<void> {
    const { contract, state } = this.#view
    const { store, room } = this.#ports
    const content = await attachmentUnder(store.payloads, contract, party, seq, name)
    const isUnfit = content === undefined || piecesIn(content) !== pieces
    const isTooLarge = isUnfit || content.bytes > state.ledger.document.limits.attachmentBytes
    if (isTooLarge || this.#log.bytes > room.contractBytesMax) {
      this.#givenUp.add(name)
      this.#news.changed()
      return
    }
    const held = await piecesHeld(store.payloads, contract, name, pieces)
    if (this.#view.isClosed) return
    const one = new UnfinishedContent(content, party, seq, held)
    this.#unfinished.set(name, one)
    room.begin(contract, name, pieces * CONTENT_PIECE_BYTES, () => {
      this.#givenUp.add(name)
      this.#drop(name)
      this.#news.changed()
    })
    if (one.isComplete) await this.#complete(one)
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
      this.#prepare(false)
      return
    }
    await store.write(completionWrites(contract, content, one.leaves))
    this.#unfinished.delete(name)
    room.end(contract, name)
    this.#log.holds(name)
    this.#news.changed()
    this.#prepare(false)
  }

  #isDry(peer: Handle): boolean {
    const dry = this.#dry.get(peer)
    return (
      dry !== undefined &&
      Math.abs(dry.until - this.#ports.clock.now()) <= dry.pauseMs &&
      dry.until > this.#ports.clock.now()
    )
  }

  /** Asks whoever may have what is missing, now, and those that have nothing yet after their pause. */
  #seek(): void {
    if (this.#unfinished.size === 0 || this.#view.isClosed) return
    if (![...this.#unfinished.values()].some(({ isWanting }) => isWanting)) return
    const isLeftAlone = this.#waits.isIdle && this.#dryAnswers >= DRY_ANSWERS_MAX
    if (isLeftAlone) return
    this.#news.wanting()
    if (this.#cancelAsking !== undefined) return
    this.#cancelAsking = this.#ports.clock.after(DRY_MS, () => {
      this.#cancelAsking = undefined
      this.#seek()
    })
  }
}
