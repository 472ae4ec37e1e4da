import type { Hash } from '../../crypto/hash.ts'
import type { Handle } from '../../events/ids.ts'
import { partyFingerprint } from '../../events/parties/party-card.ts'
import { type Clock, timestamp } from '../../runtime/clock.ts'
import { RateLimit } from '../../runtime/rate-limit.ts'
import { StoreClosed, WrongExpectedRevision } from '../../store/errors.ts'
import { type EventStore, NO_EVENTS, type RecordedEvent, type Subscription } from '../../store/port.ts'
import { DIRECTORY_STREAM } from '../../store/streams.ts'
import { isAllowed, type Partners, requireAllowed } from './allow-list.ts'
import { type DirectoryEvent, decodeDirectoryEvent, encodeDirectoryEvent } from './directory-events.ts'
import {
  approve,
  block,
  type DirectoryParty,
  type DirectoryState,
  emptyDirectory,
  evolve,
  givesWayTo,
  introduce,
  isSameParty,
  partyNamed,
} from './directory-state.ts'
import type { Introduction, SignedIntroduction } from './introduction.ts'

/**
 * Each introduction that replaces another, and each newer one of an approved party, makes the directory's stream
 * longer for ever: how many are taken at once, and an hour from then on, of all for the first kind, of each party for
 * the second.
 */
const REPLACED = { perSecond: 60 / 3_600, burst: 64 }
const RENEWED = { perSecond: 12 / 3_600, burst: 16 }

interface ApprovedParties {
  readonly byHandle: ReadonlyMap<Handle, Introduction>
  readonly certificates: ReadonlySet<Hash>
}

/**
 * Whom this node knows and trusts, kept current by a subscription, so that several processes on one store agree. The
 * lookups `by…` find approved parties alone; `parties` and `party` show everybody, for people to decide on.
 */
export class Directory {
  readonly #events: EventStore
  readonly #clock: Clock
  readonly #partners: Partners
  readonly #subscription: Subscription
  readonly #listeners = new Set<() => void>()
  readonly #waiting = new Set<() => void>()
  #state: DirectoryState = emptyDirectory
  #revision = NO_EVENTS
  readonly #replacing: RateLimit<'all'>
  readonly #renewing: RateLimit<Handle>
  #givenUp = 0
  #isClosed = false
  #approved: ApprovedParties | undefined

  /**
   * Resolves after `close`. Rejects with the store's errors or DirectoryDamaged when the directory can no longer be kept
   * current: then the node must not go on. A rejection that nobody awaits ends the process.
   */
  readonly closed: Promise<void>

  /** `partners`: who may be among the approved parties at all. Throws DirectoryDamaged, and the store's errors; so does every command. */
  static async open(events: EventStore, clock: Clock, partners?: Partners): Promise<Directory> {
    // The subscription begins here: to look for the directory among all that the store has ever taken would be long.
    const after = await events.lastPosition()
    const standing: RecordedEvent[] = []
    for await (const event of events.read(DIRECTORY_STREAM)) standing.push(event)
    return new Directory(events, clock, partners, standing, after)
  }

  private constructor(
    events: EventStore,
    clock: Clock,
    partners: Partners,
    standing: readonly RecordedEvent[],
    after: number | undefined,
  ) {
    this.#events = events
    this.#clock = clock
    this.#partners = partners
    this.#replacing = new RateLimit(REPLACED, () => clock.now())
    this.#renewing = new RateLimit(RENEWED, () => clock.now())
    for (const event of standing) this.#take(event)
    this.#subscription = events.subscribe({ after, streamPrefix: DIRECTORY_STREAM }, (event) => this.#take(event))
    this.closed = this.#subscription.closed.then()
  }

  close(): void {
    this.#isClosed = true
    this.#subscription.close()
  }

  /** Resolves when the lookups know all that the store has taken: another process may have written it, as the command line does. Rejects with the store's errors. */
  async current(): Promise<void> {
    await this.#reached(await this.#events.lastRevision(DIRECTORY_STREAM))
  }

  byHandle(handle: Handle): Introduction | undefined {
    return this.#index().byHandle.get(handle)
  }

  /** Fingerprints of those of approved parties; several may share one. */
  certificates(): ReadonlySet<Hash> {
    return this.#index().certificates
  }

  /** The party of this handle, if it is approved and has this certificate. */
  caller(certificate: Hash, handle: string): Introduction | undefined {
    const party = this.byHandle(handle as Handle)
    return party?.certificate === certificate ? party : undefined
  }

  approved(): Introduction[] {
    return [...this.#index().byHandle.values()]
  }

  /** The approved one, else the newest that is introduced, else the newest that is blocked. */
  party(handle: Handle): DirectoryParty | undefined {
    return partyNamed(this.#state, handle)
  }

  parties(): DirectoryParty[] {
    return [...this.#state.values()]
  }

  /** How many introductions have given way to newer ones in this life of the process. */
  get givenUp(): number {
    return this.#givenUp
  }

  /** Of everybody that was ever introduced. */
  handles(): Set<Handle> {
    return new Set(this.parties().map(({ signed }) => signed.introduction.card.handle))
  }

  /** Calls back after every change. Returns a function that stops it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** `signed` has been verified (`fetchIntroduction`). Throws PartyConflict, IntroductionOutdated. */
  async introduce(signed: SignedIntroduction): Promise<void> {
    await this.#execute((state) => introduce(state, signed, timestamp(this.#clock)))
  }

  /**
   * A party says of itself, verified, what has changed: where it is, which certificate it has. Of one that is approved, under
   * the keys that were approved, that is taken without asking people. A new one is kept for a person to decide on, if the
   * configuration names its domain. Anything else is passed over. Throws PartyConflict.
   */
  async announced(signed: SignedIntroduction): Promise<void> {
    const { introduction } = signed
    const known = this.parties().find(({ signed: { introduction: other } }) => isSameParty(other, introduction))
    if (known === undefined) {
      if (this.#mayIntroduceItself(introduction)) await this.#introducesItself(signed)
      return
    }
    const before = known.signed.introduction
    if (known.standing !== 'approved' || before.serial >= introduction.serial) return
    const { handle } = introduction.card
    if (this.#renewing.waitMs(handle) > 0) return
    this.#renewing.take(handle, 1)
    await this.introduce(signed)
  }

  /** Who was blocked does not come again under another handle. */
  #mayIntroduceItself({ card }: Introduction): boolean {
    if (this.#partners === undefined || !isAllowed(this.#partners, card.did)) return false
    return !this.parties().some(
      ({ standing, signed: { introduction } }) =>
        standing === 'blocked' && introduction.card.keys.signing === card.keys.signing,
    )
  }

  /** Anybody can make up an introduction: few are kept, and none counts for more by having come first. */
  async #introducesItself(signed: SignedIntroduction): Promise<void> {
    const isFull = givesWayTo(this.#state, signed.introduction) !== undefined
    if (isFull && this.#replacing.waitMs('all') > 0) return
    if (isFull) {
      this.#replacing.take('all', 1)
      this.#givenUp++
    }
    await this.#execute((state) =>
      introduce(state, signed, timestamp(this.#clock), { insteadOf: givesWayTo(state, signed.introduction) }),
    )
  }

  /** `fingerprint`: the one that a person compared. Throws PartyUnknown, PartyWrongFingerprint, PartyConflict, PartyNotAllowed. */
  async approve(handle: Handle, fingerprint: Hash): Promise<void> {
    for (const { signed } of this.parties()) {
      const { card } = signed.introduction
      if (card.handle === handle && partyFingerprint(card) === fingerprint) requireAllowed(this.#partners, card.did)
    }
    await this.#execute((state) => approve(state, handle, fingerprint, timestamp(this.#clock)))
  }

  /** Throws PartyUnknown. */
  async block(handle: Handle, reason?: string): Promise<void> {
    await this.#execute((state) => block(state, handle, reason, timestamp(this.#clock)))
  }

  /** Resolves when the change is durable and the lookups know of it. */
  async #execute(decide: (state: DirectoryState) => DirectoryEvent[]): Promise<void> {
    for (;;) {
      if (this.#isClosed) throw new StoreClosed()
      const events = decide(this.#state).map(encodeDirectoryEvent)
      if (events.length === 0) return
      try {
        const { revision } = await this.#events.append(DIRECTORY_STREAM, this.#revision, events)
        return await this.#reached(revision)
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error
        // Somebody else was first: what they wrote may change the decision.
        await this.current()
      }
    }
  }

  #take(event: RecordedEvent): void {
    if (event.stream !== DIRECTORY_STREAM || event.revision <= this.#revision) return
    this.#state = evolve(this.#state, decodeDirectoryEvent(event))
    this.#revision = event.revision
    this.#approved = undefined
    for (const wake of this.#waiting) wake()
    for (const listener of this.#listeners) listener()
  }

  /** Resolves when the events up to this revision are taken in. */
  async #reached(revision: number): Promise<void> {
    if (this.#revision >= revision) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const wake = () => {
      if (this.#revision >= revision) resolve()
    }
    this.#waiting.add(wake)
    this.#subscription.closed.then(() => reject(new StoreClosed()), reject)
    await promise.finally(() => this.#waiting.delete(wake))
  }

  #index(): ApprovedParties {
    this.#approved ??= indexApproved(this.#state, this.#partners)
    return this.#approved
  }
}

function indexApproved(state: DirectoryState, partners: Partners): ApprovedParties {
  const approved = [...state.values()]
    .filter(({ standing }) => standing === 'approved')
    .map(({ signed }) => signed.introduction)
    .filter(({ card }) => isAllowed(partners, card.did))
  return {
    byHandle: new Map(approved.map((party) => [party.card.handle, party])),
    certificates: new Set(approved.map((party) => party.certificate)),
  }
}
