import { membersOf } from '../aggregates/contract/state.ts'
import { feedOf, newestOf, statementAt } from '../agreement/feeds.ts'
import type { Held } from '../agreement/held.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Handle } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import { type Decoded, decodeSigned, encodeSigned, StatementRefused } from '../events/statement-codec.ts'
import { type Guarded, guardRefused, type SigningGuard, standingOf } from './guard.ts'

/**
 * Sees to it that this party never signs twice at one place of its feed (design §3): after a restore, next to a forgotten
 * second node, without a guard. Says whether it may sign now, and moves the guard on with every statement.
 */
export class OwnFeed {
  readonly #self: Handle
  readonly #guard: SigningGuard
  #guarded: Guarded | undefined
  /** What must be in the own feed again before anything is signed. */
  #reach: Guarded | undefined
  /** While every member has to say what it holds of the own feed: what those have said that did. */
  #said: Map<Handle, number> | undefined
  /** Somebody else signs with this key. */
  #conflict: Error | undefined

  private constructor(self: Handle, guard: SigningGuard, guarded: Guarded | undefined) {
    this.#self = self
    this.#guard = guard
    this.#guarded = guarded
  }

  /** `isFounding`: the contract begins here and now, so nobody can hold anything of it. */
  static async open(state: AgreementState, self: Handle, guard: SigningGuard, isFounding: boolean): Promise<OwnFeed> {
    const { contract } = state
    const guarded = await guard.read(contract)
    const feed = new OwnFeed(self, guard, guarded)
    const own = feedOf(state.feeds, self)
    if (isFounding && guarded === undefined && own.size === 0) return feed
    const standing = standingOf(guarded, own)
    switch (standing.kind) {
      case 'fits':
        if (standing.isAhead) await feed.advance(state)
        break
      case 'set back':
        feed.#reach = standing.to
        break
      case 'unknown':
        feed.#said = new Map()
        break
      case 'contradicts':
        feed.#conflict = guardRefused(contract, placeOf(own.last()), guarded)
        break
    }
    return feed
  }

  /** The last statement that was signed, should the store have lost it. */
  get lost(): Decoded | undefined {
    const line = this.#reach?.line
    if (line === undefined || line === null) return undefined
    try {
      return decodeSigned(line)
    } catch (error) {
      if (error instanceof StatementRefused) return undefined
      throw error
    }
  }

  /** Why nothing may be signed now; undefined when something may. */
  obstacle(state: AgreementState): 'another signs' | 'set back' | 'members must say what they hold' | undefined {
    if (this.#conflict !== undefined) return 'another signs'
    if (this.#reach !== undefined) {
      const { seq, hash } = this.#reach
      if (statementAt(state.feeds, this.#self, seq)?.hash !== hash) return 'set back'
      this.#reach = undefined
    }
    if (this.#said !== undefined && this.#stillUnheard(state).length > 0) return 'members must say what they hold'
    return undefined
  }

  /** The members for whose word on the own feed this node waits before it signs anything. */
  waitsFor(state: AgreementState): Handle[] {
    return this.#said === undefined ? [] : this.#stillUnheard(state)
  }

  /** A peer has said what it holds. */
  heard(peer: Handle, frontier: Frontier): void {
    this.#said?.set(peer, frontier[this.#self]?.seq ?? -1)
  }

  /** A statement of the own feed came from elsewhere, and this node has not signed it: another process may be at work. */
  foundUnknown(seq: number): void {
    if (seq > (this.#guarded?.seq ?? -1)) this.#said ??= new Map()
  }

  /** Somebody else has signed another statement at a place of the own feed: this node signs nothing any more. */
  foundFork(error: Error): void {
    this.#conflict = error
  }

  /** Tells the guard of the newest statement of the own feed. To be awaited before anybody else gets to see it. */
  async advance(state: AgreementState): Promise<void> {
    const newest = newestOf(state.feeds, this.#self)
    const to = placeOf(newest)
    if (this.#guarded !== undefined && this.#guarded.seq >= to.seq) return
    try {
      await this.#guard.advance(state.contract, this.#guarded, to)
    } catch (error) {
      if (error instanceof Error) this.#conflict = error
      throw error
    }
    this.#guarded = to
    this.#said = undefined
  }

  #stillUnheard(state: AgreementState): Handle[] {
    const held = feedOf(state.feeds, this.#self).size - 1
    return membersOf(state.ledger.document)
      .map(({ card }) => card.handle)
      .filter((handle) => handle !== this.#self && (this.#said?.get(handle) ?? Number.POSITIVE_INFINITY) > held)
  }
}

function placeOf(held: Held | undefined): Guarded {
  if (held === undefined) return { seq: -1, hash: null, line: null }
  const { statement, hash, text, signature, payloads } = held
  return { seq: statement.seq, hash, line: encodeSigned(text, signature, payloads) }
}
