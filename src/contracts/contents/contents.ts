import { isErased } from '../../aggregates/contract/erased-values.ts'
import { feedOf } from '../../agreement/feeds.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { attachmentsIn } from '../../events/attachments/attachment.ts'
import { type ContentName, type NamedContent, piecesIn } from '../../events/attachments/content.ts'
import type { RequestRef } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import type { ContractView } from '../contract-view.ts'
import { BroughtContents } from './brought-contents.ts'
import { ContentFetching } from './content-fetching.ts'
import { refsOf } from './content-files.ts'
import { awaitedWrite, ContentLog, type NamingStatement } from './content-log.ts'
import { contentsOf, namedAlone, openNoMore } from './content-sources.ts'
import type { ContentsNews, ContentsPorts } from './contents-ports.ts'

/** Where some have given way to others, there may be room after a pause that doubles, up to ten minutes. Milliseconds. */
const AGAIN_MS = 1_000
const AGAIN_MAX_MS = 600_000

const nothing: readonly NamedContent[] = []

/** A statement that names contents. */
type Named = NamingStatement & { readonly contents: readonly NamedContent[] }

/** Nothing of a content is to be left; what names it meanwhile waits until nothing is. */
interface Dropping {
  readonly done: Promise<void>
  readonly namedMeanwhile: Named[]
}

/**
 * The contents that the values of a contract name (decision 0127). This party acknowledges a request when those of its values are
 * complete here, or refuses it when they do not come.
 */
export class Contents {
  readonly fetching: ContentFetching
  readonly #view: ContractView
  readonly #ports: ContentsPorts
  readonly #news: ContentsNews
  readonly #log: ContentLog
  readonly #brought: BroughtContents
  /** Keys of requests that name contents and have come to nothing, of statements that have not been judged whole. */
  readonly #inVain = new Set<string>()
  readonly #dropping = new Map<ContentName, Dropping>()
  #preparing: Promise<void> | undefined
  #againMs = AGAIN_MS
  #cancelAgain: (() => void) | undefined

  constructor(view: ContractView, ports: ContentsPorts, news: ContentsNews) {
    this.#view = view
    this.#ports = ports
    this.#news = news
    this.#log = new ContentLog(ports.store, view.contract)
    this.#brought = new BroughtContents(view, ports, this.#log, (name) => this.#drop(name))
    this.fetching = new ContentFetching(view, ports, news, this.#log, {
      goOn: () => {
        this.#againMs = AGAIN_MS
        this.#prepare(false)
      },
      giveWay: (name) => {
        this.#drop(name, false)
        this.#tryAgain()
      },
    })
  }

  /** Looks what the store has, in case another process has put something there. */
  look(): void {
    this.#prepare(true)
  }

  /** Whether nothing waits for any, none is being fetched that somebody may bring, and none is kept for a request that is to come. */
  get isIdle(): boolean {
    // With the log's next first reading they go; where others read it, too, they stay.
    if (!this.#view.duties.sharesStore && this.#log.unnamed.length > 0) return false
    return this.#preparing === undefined && this.#dropping.size === 0 && this.fetching.isIdle
  }

  /** Whether an open request of others names one that is not complete here. */
  lacksAny({ ledger }: HeldState): boolean {
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
    return this.fetching.isWaitingFor(content)
  }

  /** Whether it is complete here. */
  isHeld(name: ContentName): boolean {
    return this.#log.isHeld(name) && !this.#dropping.has(name)
  }

  /** These were taken in, or were completed by values that came late: what they name is to be fetched. */
  took(statements: readonly Named[]): void {
    const names = statements.flatMap(({ contents }) => contents.map(({ name }) => name))
    if (names.length === 0) return
    for (const { party, seq, contents } of statements) {
      for (const content of contents) {
        const dropping = this.#dropping.get(content.name)
        if (dropping !== undefined) dropping.namedMeanwhile.push({ party, seq, contents: [content] })
        else this.#log.awaits({ name: content.name, party, pieces: piecesIn(content), seq })
      }
    }
    this.fetching.named(names)
    this.#prepare(false)
  }

  /**
   * Somebody asks for one that a value of that statement names, and that is not held here: if it was given up, it is fetched again.
   */
  async want(content: NamedContent, { handle, seq }: Pick<RequestRef, 'handle' | 'seq'>): Promise<void> {
    const { contract, duties } = this.#view
    await this.#preparing
    await this.#dropping.get(content.name)?.done
    if (!duties.authors || this.isHeld(content.name)) return
    const named = { party: handle, seq, contents: [content] }
    if (!this.#log.isAwaited(content.name)) {
      await this.#ports.store.write([awaitedWrite(contract, handle, seq, named.contents)])
    }
    this.took([named])
  }

  /** What came to nothing is not kept. */
  settled(entries: readonly Acknowledged[]): void {
    if (!this.#view.duties.authors) return
    for (const { entry } of entries) {
      const { outcome, record, request } = entry
      for (const name of openNoMore(this.#view.state, request)) this.fetching.judged(name)
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
    await this.#untilSettled(content)
    await this.#brought.keep(content, pieces)
  }

  /** A piece that a process of this party has sent which has no key; and that it has sent all. As `BroughtContents`. */
  async keepPiece(content: NamedContent, index: number, piece: Uint8Array): Promise<void> {
    await this.#untilSettled(content)
    await this.#brought.keepPiece(content, index, piece)
  }

  async complete(content: NamedContent): Promise<void> {
    await this.#untilSettled(content)
    await this.#brought.complete(content)
  }

  /**
   * Nothing of it is kept, whatever names it now; whatever names it from now on has it fetched anew. `hasRoom`: for the next, in its place.
   */
  forget(name: ContentName, hasRoom = true): Promise<void> {
    // Who has no key has kept nothing: what it has sent goes by itself.
    if (!this.#view.duties.authors) return Promise.resolve()
    const dropping = this.#dropping.get(name)
    if (dropping !== undefined) return dropping.done
    const pieces = this.#log.piecesOf(name)
    this.fetching.stop(name)
    if (pieces === undefined) return Promise.resolve()
    this.#log.forget(name)
    const namedMeanwhile: Named[] = []
    const done = this.#erase(name, pieces, namedMeanwhile).finally(() => {
      this.#dropping.delete(name)
    })
    this.#dropping.set(name, { done, namedMeanwhile })
    return done.then(() => {
      this.took(namedMeanwhile)
      if (hasRoom) this.#prepare(false)
    })
  }

  async #erase(name: ContentName, pieces: number, namedMeanwhile: readonly Named[]): Promise<void> {
    const { contract } = this.#view
    const { store } = this.#ports
    await store.payloads.erase(contract, refsOf(name, pieces))
    await this.#log.dropped(name)
    // What has said so before is behind what says that it is gone.
    for (const { party, seq, contents } of namedMeanwhile)
      await store.write([awaitedWrite(contract, party, seq, contents)])
  }

  close(): void {
    this.#cancelAgain?.()
    this.fetching.close()
  }

  async settleDown(): Promise<void> {
    await this.#preparing
    await Promise.allSettled(Array.from(this.#dropping.values(), ({ done }) => done))
  }

  #lackedAmong({ statement }: VerifiedStatement, contents: readonly NamedContent[]): readonly NamedContent[] {
    const { self, state } = this.#view
    if (statement.party === self) return nothing
    const { limits } = state.ledger.document
    // What the rules, or this node, will not take anyway.
    const isTaken = ({ bytes }: NamedContent) => bytes <= limits.attachmentBytes
    return contents.filter((content) => isTaken(content) && !this.isHeld(content.name))
  }

  /** Resolves when what there is of contents is known, and nothing of this one is being erased. */
  async #untilSettled({ name }: NamedContent): Promise<void> {
    await this.#preparing
    await this.#dropping.get(name)?.done
  }

  #drop(name: ContentName, hasRoom = true): void {
    this.forget(name, hasRoom).catch((error: unknown) => this.#news.failed(error))
  }

  /**
   * Begins contents that are still to be fetched, one after another and with growing pauses, where there is room for
   * them, whether or not a new statement names them.
   */
  #tryAgain(): void {
    if (this.#cancelAgain !== undefined || this.#view.isClosed) return
    this.#cancelAgain = this.#ports.clock.after(this.#againMs, () => {
      this.#cancelAgain = undefined
      this.#againMs = Math.min(2 * this.#againMs, AGAIN_MAX_MS)
      if (this.#preparing !== undefined) this.#tryAgain()
      else if (this.fetching.hasNext) this.#prepare(false, true)
    })
  }

  /** `anew`: the store is read once more. `isAgain`: as for `begin`. */
  #prepare(anew: boolean, isAgain = false): void {
    if (this.#preparing !== undefined || this.#view.isClosed) return
    if (!anew && this.#log.isRead && !this.fetching.hasNext) return
    this.#preparing = this.#prepareAll(anew, isAgain)
      .catch((error: unknown) => this.#news.failed(error))
      .finally(() => {
        this.#preparing = undefined
        // Also where the store has failed: nobody else begins what is left.
        if (isAgain && this.fetching.hasNext) this.#tryAgain()
        this.fetching.seek()
      })
  }

  async #prepareAll(anew: boolean, isAgain: boolean): Promise<void> {
    if (anew || !this.#log.isRead) {
      const isFirst = !this.#log.isRead
      await this.#log.read()
      this.fetching.leaveHeld()
      if (this.#view.state.ledger.open.some((held) => contentsOf(held).length > 0)) this.#news.changed()
      const { duties, state } = this.#view
      if (isFirst && duties.authors && duties.sharesStore)
        for (const name of this.#log.unnamed) this.#brought.expire(name)
      // What is asked for in memory alone does not outlive a restart.
      if (isFirst && !duties.sharesStore) {
        const gone = this.#log.unheld(({ party, seq }) => seq < feedOf(state.feeds, party).size)
        for (const name of [...this.#log.unnamed, ...gone]) await this.forget(name)
      }
    }
    await this.fetching.begin(isAgain)
  }
}
