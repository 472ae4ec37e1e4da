import { newestOf, saidToHold } from '../agreement/feeds.ts'
import { lookBack } from '../agreement/history/looking-back.ts'
import { isKeyOf } from '../agreement/keys/key-rules.ts'
import type { Equivocation } from '../agreement/reception.ts'
import type { AgreementState, HeldState } from '../agreement/state.ts'
import type { WantedEntries } from '../agreement/values/known-entries.ts'
import { emptyVector, union, type VersionVector } from '../agreement/version-vector.ts'
import type { Handle, Seq, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import { encodeToPassOn, type SignedStatement } from '../events/statement-codec.ts'
import { disclosed } from './disclosure.ts'
import { forksAgainst, isUpToDate, linesFor, newsFor, placesUnlike, vectorOf } from './exchange.ts'
import type { Wanted } from './message.ts'
import type { WantedPieces } from './piece-line.ts'
import { RecentLines } from './recent-lines.ts'

/** Whether the peer is the party that the contract knows by this handle. */
export function isPartyTo(state: HeldState, peer: { handle: Handle; signingKey: string }): boolean {
  return isKeyOf(state, peer.handle, peer.signingKey)
}

/** What this node believes that one peer holds, contract by contract. A belief: every call replaces it by what the peer says. */
export class PeerKnowledge {
  readonly #handle: Handle
  readonly #lines: RecentLines
  readonly #frontiers = new Map<Uid, Frontier>()
  /** Of those the places that are not known to be the same here. */
  readonly #uncompared = new Map<Uid, Frontier>()
  readonly #holds = new Map<Uid, VersionVector>()
  /** Its newest statement that was held when it last said what it holds, -1 for none: later ones say more. Absent until somebody asks. */
  readonly #newestThen = new Map<Uid, Seq>()
  /** Values that it has asked for, and has not been given since. */
  readonly #wants = new Map<Uid, readonly Wanted[]>()
  /** Entries that it has asked for, and has not been given since. */
  readonly #lacks = new Map<Uid, WantedEntries>()
  /** Pieces that it has asked for, and has not been given since. */
  readonly #pieces = new Map<Uid, readonly WantedPieces[]>()
  /** Proofs that it was shown in this session, by contract and party. */
  readonly #shown = new Set<string>()

  /** `lines`: of what all peers are sent. */
  constructor(handle: Handle, lines = new RecentLines()) {
    this.#handle = handle
    this.#lines = lines
  }

  /** The peer itself says what it holds, and has sent these of the contract on top. */
  told(contract: Uid, frontier: Frontier, sent: readonly SignedStatement[]): void {
    this.#frontiers.set(contract, frontier)
    this.#uncompared.set(contract, frontier)
    this.#newestThen.delete(contract)
    let past = vectorOf(frontier)
    for (const { statement } of sent) past = union(past, emptyVector.set(statement.party, statement.seq))
    this.#holds.set(contract, past)
  }

  /** What it has said it holds is compared with what is held here while that is in memory: later it would take the whole history. */
  compare(held: HeldState): void {
    lookBack(held, (state) => this.#unlike(state))
  }

  /** The peer itself says which values it lacks. */
  wanted(contract: Uid, wants: readonly Wanted[]): void {
    if (wants.length > 0) this.#wants.set(contract, wants)
    else this.#wants.delete(contract)
  }

  /** Which entries it lacks; undefined: none. */
  lacked(contract: Uid, wanted: WantedEntries | undefined): void {
    if (wanted === undefined) this.#lacks.delete(contract)
    else this.#lacks.set(contract, wanted)
  }

  /** Which pieces of contents it lacks. */
  wantedPieces(contract: Uid, pieces: readonly WantedPieces[]): void {
    if (pieces.length > 0) this.#pieces.set(contract, pieces)
    else this.#pieces.delete(contract)
  }

  /** Whether it has asked for values, entries or pieces. */
  hasWants(contract: Uid): boolean {
    return this.#wants.has(contract) || this.#lacks.has(contract) || this.#pieces.has(contract)
  }

  /** As `takeWants`. */
  takePiecesWanted(contract: Uid): readonly WantedPieces[] {
    const pieces = this.#pieces.get(contract) ?? []
    this.#pieces.delete(contract)
    return pieces
  }

  /** As `takeWants`. */
  takeLacks(contract: Uid): WantedEntries | undefined {
    const wanted = this.#lacks.get(contract)
    this.#lacks.delete(contract)
    return wanted
  }

  /** What it wants. It asks again for what it does not get. */
  takeWants(contract: Uid): readonly Wanted[] {
    const wants = this.#wants.get(contract) ?? []
    this.#wants.delete(contract)
    return wants
  }

  /** Whether it lacks anything that it may see. */
  lacksNews(state: AgreementState): boolean {
    return !isUpToDate(state, this.#handle, this.holds(state))
  }

  /** Whether it has not been shown one of the proofs yet. */
  lacksProof(contract: Uid, evidence: readonly Equivocation[]): boolean {
    return evidence.some(({ party }) => !this.#shown.has(`${contract} ${party}`))
  }

  /**
   * Both statements of each proof that it has not been shown: whichever it holds, the other convicts. Its own too: whoever has had
   * its key stolen, or its machine copied, learns of it in this way alone.
   */
  takeProofs(contract: Uid, evidence: readonly Equivocation[]): string[] {
    return evidence.flatMap(({ party, held, other }) => {
      if (this.#shown.has(`${contract} ${party}`)) return []
      this.#shown.add(`${contract} ${party}`)
      return [held, other].map((branch) => encodeToPassOn(branch, disclosed(branch, this.#handle)))
    })
  }

  /** The lines of what it lacks, as many as there is space for; from now on it is believed to hold them. Throws HistoryPruned. */
  takeLines(state: AgreementState, room: number): string[] {
    const holds = this.holds(state)
    const forks = forksAgainst(state.feeds, this.#unlike(state))
    const lineOf = (held: SignedStatement) => {
      const payloads = disclosed(held, this.#handle, state)
      return payloads === held.payloads ? this.#lines.of(held) : encodeToPassOn(held, payloads)
    }
    const { lines, then } = linesFor([...forks, ...newsFor(state, this.#handle, holds)], holds, room, lineOf)
    this.#holds.set(state.contract, then)
    return lines
  }

  /** Its own waiting statements, if it does not hold them: it was restored, and no other node has them. */
  ownLines(state: HeldState, waiting: readonly SignedStatement[]): string[] {
    const own = this.holds(state).get(this.#handle) ?? -1
    return waiting
      .filter(({ statement }) => statement.seq > own)
      .map((decoded) => encodeToPassOn(decoded, disclosed(decoded, this.#handle)))
  }

  /** Whether it holds statements that we lack. */
  isAhead(state: HeldState): boolean {
    return this.holds(state).some((seq, handle) => seq >= (state.feeds.get(handle)?.size ?? 0))
  }

  /** A call failed: what was sent with it may not have arrived. */
  forget(contract: Uid): void {
    this.#forgetShown(contract)
    const frontier = this.#frontiers.get(contract)
    if (frontier === undefined) this.#holds.delete(contract)
    else this.#holds.set(contract, vectorOf(frontier))
  }

  /** Whether the peer has said what it holds of the contract, since this process knows of it. */
  hasHeardOf(contract: Uid): boolean {
    return this.#frontiers.has(contract)
  }

  /** The contract was passivated, or is no longer held: drops what is known of it. */
  drop(contract: Uid): void {
    this.#frontiers.delete(contract)
    this.#uncompared.delete(contract)
    this.#holds.delete(contract)
    this.#newestThen.delete(contract)
    this.#wants.delete(contract)
    this.#lacks.delete(contract)
    this.#pieces.delete(contract)
    this.#forgetShown(contract)
  }

  /** Where it holds another statement, or one that is not held here. A place that is the same is so for good. Throws HistoryPruned. */
  #unlike({ contract, feeds }: AgreementState): Frontier {
    const theirs = this.#uncompared.get(contract)
    if (theirs === undefined) return {}
    const unlike = placesUnlike(feeds, theirs)
    this.#uncompared.set(contract, unlike)
    return unlike
  }

  #forgetShown(contract: Uid): void {
    for (const shown of this.#shown) if (shown.startsWith(`${contract} `)) this.#shown.delete(shown)
  }

  /**
   * What it has said itself, and what the statements cover that it has signed since then: it had stored all that before. Else what
   * came to it from others would be sent to it once more.
   */
  holds(state: HeldState): VersionVector {
    const signed = saidToHold(state.feeds, this.#handle)
    const told = this.#holds.get(state.contract)
    if (told === undefined) return signed
    return this.#hasSignedSince(state) ? union(told, signed) : told
  }

  #hasSignedSince({ contract, feeds }: HeldState): boolean {
    const newest = newestOf(feeds, this.#handle)?.statement.seq ?? -1
    const then = this.#newestThen.get(contract)
    if (then === undefined) this.#newestThen.set(contract, newest)
    return then !== undefined && newest > then
  }
}
