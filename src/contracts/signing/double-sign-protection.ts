import { Compile } from 'typebox/compile'
import { closedInvitationOf } from '../../aggregates/contract/state.ts'
import { feedOf, newestOf, statementAt } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { isSignedBy, isSignedWith } from '../../agreement/verify-statement.ts'
import { commandSchemas } from '../../events/commands.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { type Frontier, placesOf } from '../../events/statement.ts'
import { decodeSigned, encodeSigned, type SignedStatement, StatementRefused } from '../../events/statement-codec.ts'
import { isShownNoMore } from '../../gossip/exchange.ts'
import {
  type Guarded,
  GuardRefused,
  guardRefused,
  isSamePlace,
  type SigningGuard,
  standingOf,
} from './signing-guard.ts'

const inviteForm = Compile(commandSchemas.InviteParty)

/** Below every place, also that of a guard which knows that nothing was signed (−1). */
const NOWHERE = -2

/** Why nothing may be signed: codes of `../obstacles/obstacles.ts`. */
export type FeedObstacle = 'another_signs' | 'store_set_back' | 'members_awaited' | 'nobody_to_ask'

/** What became of an attempt to move the guard on to the newest own statement. */
export type Advanced =
  /** It stands there, and this process has put it there. */
  | 'won'
  /** It stood there already: another process of this party was faster. */
  | 'there'
  /** It stands further on: the store has more of the own feed than this process has seen. */
  | 'behind'

/**
 * Ensures that this party never signs twice for one place of its feed (design §3): not after a restore, not with a
 * forgotten second node, not without a guard. Says whether it may sign now, and moves the guard on with every
 * statement.
 *
 * Where several processes of the party share store and guard, the guard decides which of them has made a statement:
 * the one that moved it there. Nobody outside sees a statement that the guard does not know (decision 0042).
 */
export class DoubleSignProtection {
  readonly #self: Handle
  readonly #guard: SigningGuard
  readonly #isShared: boolean
  #guarded: Guarded | undefined
  /** What must be in the own feed again before anything is signed. */
  #reach: Guarded | undefined
  /** While every other party has to say what it holds: what those have said that did. */
  #said: Map<Handle, Frontier> | undefined
  /** Somebody else signs with this key. */
  #conflict: Error | undefined
  #isVouched = false

  private constructor(self: Handle, guard: SigningGuard, isShared: boolean) {
    this.#self = self
    this.#guard = guard
    this.#isShared = isShared
  }

  /**
   * `isFounding`: the contract begins here and now, so nobody can hold anything of it. `isShared`: other processes of this
   * party append to the same feed, under the same guard. `ahead`: what the store has beyond what is held, and cannot be taken in yet.
   */
  static async open(
    state: AgreementState,
    self: Handle,
    guard: SigningGuard,
    isFounding: boolean,
    isShared = false,
    ahead: readonly SignedStatement[] = [],
  ): Promise<DoubleSignProtection> {
    const protection = new DoubleSignProtection(self, guard, isShared)
    await protection.reopen(state, isFounding, ahead)
    return protection
  }

  /** As of the guard, and of what the store is found to hold: what was known before counts no more. As for `open`. */
  async reopen(state: AgreementState, isFounding: boolean, ahead: readonly SignedStatement[] = []): Promise<void> {
    const { contract } = state
    const guarded = await this.#guard.read(contract)
    this.#guarded = guarded
    this.#reach = undefined
    this.#said = undefined
    this.#conflict = undefined
    this.#isVouched = false
    const own = feedOf(state.feeds, this.#self)
    if (isFounding && guarded === undefined && own.size === 0) return
    const standing = standingOf(guarded, own)
    switch (standing.kind) {
      case 'fits':
        if (standing.isAhead) await this.advance(state)
        await this.#promise(contract, ahead)
        break
      case 'set back':
        if (isTakenOver(state, this.#self, standing.to)) await this.advance(state, true)
        else this.#reach = standing.to
        break
      case 'unknown':
        this.#said = new Map()
        break
      case 'contradicts':
        if (isTakenOver(state, this.#self, standing.to)) await this.advance(state, true)
        else this.#conflict = guardRefused(contract, placeOf(own.last()), guarded)
        break
    }
  }

  /**
   * The store has an own statement that nobody else has seen, and has lost what it covers: the guard is told of it, as if it had been
   * when it was made. Nothing else is signed for its place.
   */
  async #promise(contract: Uid, ahead: readonly SignedStatement[]): Promise<void> {
    const own = ahead.findLast(({ statement }) => statement.party === this.#self)
    if (own === undefined) return
    const to = placeOf(own)
    await this.#guard.advance(contract, this.#guarded, to)
    this.#guarded = to
    this.#reach = to
  }

  /** The store has this statement of the own feed, and not what it covers: until it can be taken in nothing is signed. */
  awaits(own: SignedStatement): void {
    if ((this.#reach?.seq ?? NOWHERE) < own.statement.seq) this.#reach = placeOf(own)
  }

  /** Whether the feed is all that this party has signed, as far as anybody knows: nothing has to be found out. */
  get isCertain(): boolean {
    return this.#conflict === undefined && this.#reach === undefined && this.#said === undefined
  }

  /** The seq at which the guard stands, should all that is uncertain be that what is held ends before it. */
  get standsAt(): number | undefined {
    return this.#conflict === undefined && this.#said === undefined ? this.#reach?.seq : undefined
  }

  /** The last statement that was signed, should the store have lost it. */
  get lost(): SignedStatement | undefined {
    const line = this.#reach?.line
    return line === undefined || line === null ? undefined : decodedOf(line)
  }

  /**
   * Whether a statement that runs ahead is signed by its party, under the keys that are known here, or is the one that the
   * store has lost: that may be under a key that has to come back with others.
   */
  isSignedOrLost(state: AgreementState, decoded: SignedStatement): boolean {
    return (
      isSignedBy(state, decoded) ||
      (decoded.statement.party === this.#self &&
        decoded.hash === this.#reach?.hash &&
        decoded.signature === this.lost?.signature)
    )
  }

  /** Why nothing may be signed now; undefined when something may. `waiting`: statements that run ahead of what is held. */
  obstacle(
    state: AgreementState,
    waiting: readonly SignedStatement[] = [],
    isVouched: boolean = this.#isVouched,
  ): FeedObstacle | undefined {
    if (this.#conflict !== undefined) return 'another_signs'
    if (this.#reach !== undefined) {
      const { seq, hash } = this.#reach
      if (statementAt(state.feeds, this.#self, seq)?.hash !== hash) return 'store_set_back'
      this.#reach = undefined
    }
    if (this.#said === undefined || isSilentForGood(state, this.#self)) return undefined
    const others = othersIn(state, this.#self)
    const isMissing = waiting.some((decoded) => decoded.statement.party === this.#self && isSignedBy(state, decoded))
    if (isMissing || others.some((handle) => this.#saysMore(state, handle))) return 'members_awaited'
    if (isVouched) return undefined
    if (others.length === 0) return 'nobody_to_ask'
    return others.some((handle) => this.#isSilent(handle)) ? 'members_awaited' : undefined
  }

  /** Whether a person may override: this counts for parties that have not responded, not against what is known. */
  needsWord(state: AgreementState, waiting: readonly SignedStatement[]): boolean {
    return this.obstacle(state, waiting) !== undefined && this.obstacle(state, waiting, true) === undefined
  }

  /**
   * Whether the feed may be taken over with that key although signing is blocked. What the old key signed does not
   * matter then. But this node must not have taken the feed over before a restore (decision 0043).
   */
  mayBeTakenUp(state: AgreementState, signing: string, waiting: readonly SignedStatement[]): boolean {
    const isUnderIt = (decoded: SignedStatement) => isSignedWith(signing, decoded)
    if (waiting.some((decoded) => decoded.statement.party === this.#self && isUnderIt(decoded))) return false
    if (this.lost !== undefined && isUnderIt(this.lost)) return false
    return this.#said === undefined || this.#isVouched || this.waitsFor(state).length === 0
  }

  /**
   * A person vouches that no party without a response holds anything of this feed, and that no second copy of this
   * node runs. It counts until this node has signed again (decision 0044).
   */
  goOnRegardless(): void {
    this.#isVouched = true
  }

  /**
   * The parties that this node waits for before it signs anything: their responses on the own feed are missing, or
   * they hold what is missing here.
   */
  waitsFor(state: AgreementState): Handle[] {
    if (this.#said === undefined || isSilentForGood(state, this.#self)) return []
    return othersIn(state, this.#self).filter((handle) => this.#isSilent(handle) || this.#saysMore(state, handle))
  }

  /** A peer has answered what it holds. */
  heard(peer: Handle, frontier: Frontier): void {
    this.#said?.set(peer, frontier)
  }

  /**
   * What has come from elsewhere. A statement of the own feed that this node has not signed: another process may be at work, or
   * it is this node's own from before a restore. Two for one place: somebody else signs with this key, and nothing is signed here any more.
   */
  notice(
    contract: Uid,
    {
      taken,
      equivocations,
    }: { readonly taken: readonly SignedStatement[]; readonly equivocations: readonly { readonly party: Handle }[] },
  ): void {
    if (equivocations.some(({ party }) => party === this.#self)) {
      const message = 'two different statements were signed with the key of this party for one place of its feed'
      this.#conflict = new GuardRefused('guard_refused', message, { contract })
    }
    for (const { statement } of taken) {
      const isUnknown = statement.party === this.#self && statement.seq > (this.#guarded?.seq ?? -1)
      if (isUnknown) this.#said ??= new Map()
    }
  }

  /**
   * Tells the guard of the newest statement of the own feed. To be awaited before anybody else gets to see it. `revokes`:
   * it takes the feed up at a place that every member has signed for, whatever was signed there under the old key.
   * Throws GuardRefused, and nothing may be signed any more, when the guard stands where this feed has never been.
   */
  async advance(state: AgreementState, revokes = false): Promise<Advanced> {
    const to = placeOf(newestOf(state.feeds, this.#self))
    while (!isSamePlace(this.#guarded, to) && (revokes || (this.#guarded?.seq ?? NOWHERE) < to.seq)) {
      try {
        await this.#guard.advance(state.contract, this.#guarded, to)
        this.#stands(to, revokes)
        return 'won'
      } catch (error) {
        if (!(error instanceof GuardRefused)) throw error
        const moved = this.#isShared ? await this.#lookAgain(state) : 'elsewhere'
        if (moved === 'behind') return 'behind'
        if (moved === 'on') continue
        this.#conflict = error
        throw error
      }
    }
    return 'there'
  }

  /** Whether another process has moved the guard, and along the feed that is held here. */
  async #lookAgain(state: AgreementState): Promise<'on' | 'behind' | 'elsewhere'> {
    const found = await this.#guard.read(state.contract)
    const { kind } = standingOf(found, feedOf(state.feeds, this.#self))
    if (kind === 'set back') return 'behind'
    if (kind !== 'fits' || isSamePlace(found, this.#guarded)) return 'elsewhere'
    this.#guarded = found
    this.#said = undefined
    return 'on'
  }

  /**
   * The store has own statements that another process of this party has made: nobody gets to see them here before the guard
   * knows of them, which that process may not have come to tell. `revokes`: one of them takes the feed up under another key,
   * and what stood in the way of the old one does not any more. `behind`: the guard knows of more than is held.
   */
  async meet(state: AgreementState, revokes: boolean): Promise<'met' | 'behind'> {
    const guarded = await this.#guard.read(state.contract)
    const standing = standingOf(guarded, feedOf(state.feeds, this.#self))
    switch (standing.kind) {
      case 'fits':
        this.#stands(guarded, revokes)
        return (await this.advance(state)) === 'behind' ? 'behind' : 'met'
      case 'set back':
        if (!isTakenOver(state, this.#self, standing.to)) return 'behind'
        return this.#meetTakeover(state, guarded)
      case 'unknown':
        this.#said ??= new Map()
        return 'met'
      case 'contradicts':
        if (isTakenOver(state, this.#self, standing.to)) return this.#meetTakeover(state, guarded)
        this.#conflict = guardRefused(state.contract, placeOf(newestOf(state.feeds, this.#self)), guarded)
        return 'met'
    }
  }

  async #meetTakeover(state: AgreementState, guarded: Guarded | undefined): Promise<'met' | 'behind'> {
    this.#stands(guarded, true)
    return (await this.advance(state, true)) === 'behind' ? 'behind' : 'met'
  }

  /** The guard knows of statements that the store does not have: as after a restore, they must come back first. */
  async setBack(contract: Uid): Promise<void> {
    this.#reach = await this.#guard.read(contract)
  }

  #stands(to: Guarded | undefined, revokes: boolean): void {
    this.#guarded = to
    this.#said = undefined
    this.#isVouched = false
    if (!revokes) return
    this.#reach = undefined
    this.#conflict = undefined
  }

  /** Whether a party has not said yet what it holds of this feed. */
  #isSilent(handle: Handle): boolean {
    return this.#said?.get(handle) === undefined
  }

  /** Whether a party says that it holds more, and may show it: its statements may tell of parties that are not known here yet. */
  #saysMore(state: AgreementState, handle: Handle): boolean {
    return placesOf(this.#said?.get(handle) ?? {}).some(
      ([of, { seq }]) => seq >= feedOf(state.feeds, of).size && !isShownNoMore(state, this.#self, of),
    )
  }
}

/**
 * Whether the feed has gone on under another key without the statement that the guard knows of, and that is signed with the
 * old one: nothing waits for it, and the guard is to be told.
 */
function isTakenOver(state: AgreementState, self: Handle, { line }: Guarded): boolean {
  const takeovers = (state.keys.later.get(self) ?? []).filter(({ isTakeover }) => isTakeover)
  const decoded = line === null ? undefined : decodedOf(line)
  if (takeovers.length === 0 || decoded === undefined) return false
  const inItsPlace = takeovers.find(({ by }) => by === decoded.statement.seq)
  return inItsPlace === undefined ? !isSignedBy(state, decoded) : !isSignedWith(inItsPlace.signing, decoded)
}

/** A line that is none any more, as of an older format, is as good as lost. */
function decodedOf(line: string): SignedStatement | undefined {
  try {
    return decodeSigned(line)
  } catch (error) {
    if (error instanceof StatementRefused) return undefined
    throw error
  }
}

/** Whether a party signs nothing here any more, so that nobody has to be asked first: its invitation came to nothing (decision 0149). */
function isSilentForGood({ ledger: { document } }: AgreementState, handle: Handle): boolean {
  return closedInvitationOf(document, handle) !== undefined
}

/**
 * Who may hold statements of ours that are not held here: members, who is invited or is about to be, and who left or was
 * turned away, as long as none of our statements that are held here signs for a ledger beyond that (decision 0041).
 */
function othersIn({ ledger, feeds }: AgreementState, self: Handle): Handle[] {
  const { members, invitations, former, closed } = ledger.document.parties
  const signed = newestOf(feeds, self)?.statement.head.size ?? 0
  const parties = [
    ...members.map(({ card }) => card),
    ...former.filter(({ resignedAt }) => resignedAt >= signed).map(({ card }) => card),
    ...invitations.map(({ party }) => party),
    ...closed.filter(({ closedAt }) => closedAt >= signed).map(({ party }) => party),
  ]
  const handles = new Set([...parties.map(({ handle }) => handle), ...ledger.open.flatMap(inviteesIn)])
  handles.delete(self)
  return [...handles]
}

/** An answer of ours may have been the last that an invitation needed; then the invitee alone may have got to see it. */
function inviteesIn({ statement }: VerifiedStatement): Handle[] {
  return statement.requests.flatMap(({ commands }) =>
    commands.filter((command) => inviteForm.Check(command)).map(({ party }) => party.handle),
  )
}

function placeOf(held: SignedStatement | undefined): Guarded {
  if (held === undefined) return { seq: -1, hash: null, line: null }
  const { statement, hash, text, signature, payloads } = held
  return { seq: statement.seq, hash, line: encodeSigned(text, signature, payloads) }
}
