import { fitText } from '../../aggregates/names/fit-text.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { emptyAgreement } from '../../agreement/state.ts'
import { verifiedFounder } from '../../agreement/verify-statement.ts'
import { type Charter, defaultCharter } from '../../events/charter.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { defaultLimits, type Limits } from '../../events/limits.ts'
import type { SignedRevocation } from '../../events/parties/key-change.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import { placesOf, type Request } from '../../events/statement.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import { type Announcement, contractOf } from '../../gossip/message.ts'
import { NO_EVENTS, type RecordedEvent } from '../../store/port.ts'
import { CONTRACTS_STREAM, feedStream, INVITATIONS_STREAM } from '../../store/streams.ts'
import type { CommandQueue } from '../commands/command-queue.ts'
import { askMalformed } from '../commands/queued-command.ts'
import { ContentRoom } from '../contents/content-room.ts'
import type { PassiveContract } from '../passive/passive-contract.ts'
import { type ContractSummary, standingIn } from '../passive/summary.ts'
import { ReorderBuffer } from '../replica/inbound/reorder-buffer.ts'
import type { ContractListener, LiveContract } from '../replica/live-contract.ts'
import { keyIn } from '../requests/keyed-id.ts'
import { RoomAsked } from '../requests/request-budget.ts'
import { Revocations } from '../signing/own-revocations.ts'
import { appendBehind } from './append-behind.ts'
import { assertHeld, ContractCache } from './contract-cache.ts'
import { drawnNumber, foundingRequest, numberOf, type Terms, untilOpen } from './founding.ts'
import { type ContractHeld, founderOf, isHeldBy } from './held-contracts.ts'
import { HeldLog } from './held-log.ts'
import { InvitationReplies, type Said } from './invitation-replies.ts'
import type { ContractsPorts } from './ports.ts'
import { Sponsorship } from './sponsorship.ts'
import { Unasked } from './unasked-contracts.ts'
import { summariesOf, visit } from './visit.ts'

/** All contracts that this node holds. */
export class Contracts {
  readonly card: PartyCard
  readonly self: Handle
  readonly #ports: ContractsPorts
  /** Which of them are in memory. */
  readonly cache: ContractCache
  readonly #replies: InvitationReplies
  /** For what runs ahead, of all contracts. */
  readonly reorderBuffer: ReorderBuffer
  /** Of this party's own keys. */
  readonly revocations = new Revocations()
  readonly #sponsorship: Sponsorship
  #holding: Promise<unknown> = Promise.resolve()
  readonly unasked: Unasked
  readonly #log: HeldLog

  private constructor(ports: ContractsPorts) {
    this.#ports = ports
    this.card = ports.card
    this.self = ports.card.handle
    this.reorderBuffer = ports.reorderBuffer ?? new ReorderBuffer()
    this.#log = new HeldLog(this.self, ports)
    this.#sponsorship = new Sponsorship(this.self, ports)
    this.unasked = new Unasked(ports.clock, ports.unaskedBounds)
    this.#replies = new InvitationReplies(ports, {
      accepted: (contract) => {
        this.unasked.remove(contract)
        this.#takeBack(contract).catch((error: unknown) => ports.failed?.(error))
      },
      whileHeld: (contract, work) => this.#inTurn(() => assertHeld(this.cache, contract).then(work)),
    })
    this.cache = new ContractCache({
      ...ports,
      reorderBuffer: this.reorderBuffer,
      roomAsked: ports.roomAsked ?? new RoomAsked(),
      contentRoom: ports.contentRoom ?? new ContentRoom(),
      self: this.self,
      hasWords: (contract) => this.wordsOn(contract).length > 0,
      foundAtRest: (contract, { summary }) => this.#noteStanding(contract, summary?.standing),
      failed: (_, error) => ports.failed?.(error),
    })
    const noteStanding = ({ contract, state }: LiveContract) => {
      if (this.unasked.has(contract)) this.#noteStanding(contract, standingIn(state.settling.agreed, this.self))
    }
    this.cache.listen({ activated: noteStanding, settled: noteStanding })
  }

  /** Takes up what was kept of contracts at rest, and loads all others that the store has. One that is damaged is reported. */
  static async open(ports: ContractsPorts): Promise<Contracts> {
    const contracts = new Contracts(ports)
    const { events } = ports.store
    for await (const event of events.read(INVITATIONS_STREAM)) contracts.learnReply(event)
    const founders = new Map<Uid, Handle>()
    const gone = new Set<Uid>()
    for await (const event of events.read(CONTRACTS_STREAM)) {
      const held = contracts.#log.learn(event)?.held
      if (held === undefined) continue
      const { contract, founder, insteadOf } = held
      if (insteadOf !== undefined && !contracts.#replies.hasAccepted(insteadOf)) {
        founders.delete(insteadOf)
        gone.add(insteadOf)
      }
      founders.set(contract, founder.handle)
      gone.delete(contract)
      contracts.#noteHeld(held)
    }
    await contracts.cache.open(founders, gone)
    await contracts.cache.load()
    return contracts
  }

  /** An event of the `invitations` stream: what this party has said, maybe by another of its processes. */
  learnReply(event: RecordedEvent): Uid | undefined {
    const revoked = this.revocations.learn(event)
    if (revoked !== undefined) return revoked ?? undefined
    const contract = this.#replies.learn(event)
    if (contract === undefined) this.#ports.failed?.(askMalformed(event))
    return contract
  }

  /** Who has been a member has asked for it. */
  #noteStanding(contract: Uid, standing: ContractSummary['standing'] | undefined): void {
    if (standing === 'member' || standing === 'resigned') this.unasked.remove(contract)
  }

  /** From the store, as it stands. */
  #noteHeld({ contract, from, insteadOf }: ContractHeld): void {
    if (insteadOf !== undefined && !this.#replies.hasAccepted(insteadOf)) this.unasked.wentBefore(insteadOf)
    this.#noteBrought(contract, from)
  }

  #noteBrought(contract: Uid, from: Handle | undefined): void {
    if (from !== undefined && !this.#replies.hasAccepted(contract)) this.unasked.add(contract, from)
  }

  /** An event of the `contracts` stream: what this node has come to hold, maybe by another of its processes. */
  async learnContract(event: RecordedEvent): Promise<void> {
    const learnt = this.#log.learn(event)
    if (learnt === undefined || !learnt.isNews) return
    const { contract, founder, from, insteadOf } = learnt.held
    if (insteadOf !== undefined) await this.#giveUp(insteadOf, from)
    this.#noteBrought(contract, from)
    if (this.cache.has(contract)) return
    this.cache.add(contract, founder.handle)
    await this.use(contract, () => {})
  }

  /** Works with a contract, with all that the store is known to have of it. Throws as `use`. */
  async useUpToDate<Result>(contract: Uid, work: (live: LiveContract) => Result | Promise<Result>): Promise<Result> {
    await this.#holding
    return this.use(contract, (live) => live.deliver([]).then(() => work(live)))
  }

  async #learnContracts(): Promise<void> {
    const { events } = this.#ports.store
    for await (const event of events.read(CONTRACTS_STREAM, { from: this.#log.next })) await this.learnContract(event)
    await this.#holding
  }

  /** How many are held, in memory or at rest. */
  get size(): number {
    return this.cache.size
  }

  has(contract: Uid): boolean {
    return this.cache.has(contract)
  }

  /** If it is in memory. */
  find(contract: Uid): LiveContract | undefined {
    return this.cache.find(contract)
  }

  /**
   * Works with a contract, which is taken into memory for it, and stays there until the work is done. Throws NoSuchContract,
   * ContractDamaged, and what the store throws.
   */
  use<Result>(contract: Uid, work: (live: LiveContract) => Result | Promise<Result>): Promise<Result> {
    return this.cache.use(contract, work)
  }

  /** Looks at all contracts: those at rest as `atRest` does, or, where it answers undefined, in memory. */
  visit<Result>(
    atRest: (passive: PassiveContract, contract: Uid) => Result | undefined,
    active: (live: LiveContract, state: AgreementState) => Result,
  ): AsyncGenerator<Result> {
    return visit(this.cache, atRest, active)
  }

  /** Of all contracts that have begun. */
  summaries(): Promise<ContractSummary[]> {
    return summariesOf(this.cache)
  }

  /** Hears of every contract, also of those that come later. */
  listen(listener: ContractListener): () => void {
    return this.cache.listen(listener)
  }

  /**
   * Opens a contract; its founder is its only member until others are admitted. `named`: the id of its first request, where the
   * caller has named it (requests/keyed-id.ts): under the same key it is the same contract, opened once. Throws TextUnfit, RequestUnfit.
   */
  async openContract(
    title: string,
    charter: Charter = defaultCharter,
    limits: Limits = defaultLimits,
    named?: string,
  ): Promise<{ contract: LiveContract; opened: Promise<unknown> }> {
    const key = named === undefined ? undefined : keyIn(named)
    const before = this.#log.under(key)
    if (this.#commandQueue !== undefined) {
      const uid = before ?? (await this.#commandQueue.open(fitText('the title', title), charter, named))
      await this.#learnContracts()
      // The process that signs has settled it; here it stands in the store, and may not have been taken in.
      const contract = await this.useUpToDate(uid, async (live) => {
        await untilOpen(live)
        return live
      })
      return { contract, opened: Promise.resolve() }
    }
    const id = named ?? this.#ports.newRequestId()
    const place = (await this.#ports.store.events.lastRevision(CONTRACTS_STREAM)) + 1
    return this.#found(
      id,
      drawnNumber(place, this.#ports.random),
      { title, charter, limits },
      async (contract, request) => {
        if (contract.state.feeds.has(this.self)) return { contract, opened: untilOpen(contract) }
        const submission = contract.submit({ request, payloads: {} })
        await submission.signed
        return { contract, opened: submission.verdict }
      },
    )
  }

  /**
   * The same for an intent from the command queue: `place` is its own there, so two processes that take it up come to the same
   * contract, and the second finds it opened.
   */
  async openAsked(id: string, place: number, title: string, charter: Charter): Promise<Uid> {
    const terms = { title, charter, limits: defaultLimits }
    return this.#found(id, numberOf(place, id), terms, async (live, request) => {
      // Signed by another process, or under the same key before, it is on its way.
      if (!live.state.feeds.has(this.self) && live.requests.queue.placeOf(id) === undefined)
        await live.submit({ request, payloads: {} }).verdict
      await untilOpen(live)
      return live.contract
    })
  }

  async #found<Result>(
    id: string,
    number: number,
    terms: Terms,
    open: (live: LiveContract, request: Request) => Promise<Result>,
  ): Promise<Result> {
    const request = foundingRequest(id, terms, this.card)
    const uid = await this.#holdOwn(this.#ports.uidOf(number), id)
    return this.use(uid, (live) => open(live, request))
  }

  /**
   * Somebody approved sends a contract that is not known here: it is held from its first statement on, as far as there is room
   * for what nobody has asked for. The invitation may come with a later message.
   * Whether it is held. Throws StatementRefused for a first statement that is none: nothing is kept of it.
   */
  async begin(contract: Uid, statements: readonly SignedStatement[], from: Handle): Promise<boolean> {
    if (this.cache.has(contract)) return true
    const first = statements.find(({ statement: { seq, seen } }) => seq === 0 && placesOf(seen).length === 0)
    if (first === undefined) return false
    return this.#inTurn(async () => {
      if (this.cache.has(contract)) return true
      const isWanted = this.#replies.hasAccepted(contract) || this.unasked.hasRoomFor(from)
      if (!isWanted && !this.unasked.mayReplace(contract, from)) return false
      const founder = verifiedFounder(emptyAgreement(contract, this.#ports.engines), first)
      const insteadOf = isWanted ? undefined : await this.unasked.oldestToGo(from, this.cache, this.#hasSigned)
      // Those that had been counted may have been asked for all the same.
      if (!isWanted && insteadOf === undefined && !this.unasked.hasRoomFor(from)) return false
      const named = founder.handle === this.self ? first.statement.requests[0]?.id : undefined
      await this.#hold({
        contract,
        founder,
        from,
        ...(insteadOf === undefined ? {} : { insteadOf }),
        ...(named !== undefined && { named }),
      })
      return true
    })
  }

  /** Whether this party has said anything in it. */
  readonly #hasSigned = async (contract: Uid): Promise<boolean> =>
    (await this.#ports.store.events.lastRevision(feedStream(contract, this.self))) !== NO_EVENTS

  /** What this node has to say in a contract that it cannot say in its feed, until it has taken effect. */
  wordsOn(contract: Uid): Announcement[] {
    const state = this.find(contract)?.state
    if (state === undefined) return []
    const words = [this.#replies.pendingIn(state), this.revocations.pendingIn(state)]
    return words.filter((word) => word !== undefined)
  }

  /** What this node's party has said to its invitation, should it still wait for the members. */
  replyTo(contract: Uid): Said | undefined {
    const state = this.find(contract)?.state
    return state && this.#replies.saidIn(state)
  }

  /** Says that this node's party does not join. Throws NotInvited. */
  decline(contract: Uid): Promise<void> {
    return this.use(contract, (live) => this.#replies.decline(live))
  }

  /**
   * The signing key of this party is lost: the others are to stop trusting it, and to say what they hold (design §4).
   * For as long as this process lives; `KeyRotation.revoke` makes it durable.
   */
  async revoke(signed: SignedRevocation): Promise<void> {
    await this.use(signed.revocation.contract, () => this.revocations.add(signed))
  }

  /** A word of another party has come. Attacker-controlled: all of it. Only a sound answer to an invitation leads to anything. */
  async took(word: Announcement): Promise<void> {
    const contract = contractOf(word)
    if (!this.cache.has(contract)) return
    await this.use(contract, (live) =>
      withHistory(live, (state) => {
        if ('acceptance' in word) this.#sponsorship.accepted(live, state, word)
        else if ('decline' in word) this.#sponsorship.declined(live, state, word)
        else live.revoked(word)
      }),
    )
  }

  /** Says that this node's party joins, signed over all that it has verified. Throws NotInvited, ValuesMissing, NoSuchContract. */
  accept(contract: Uid): Promise<void> {
    return this.use(contract, (live) => this.#replies.accept(live))
  }

  /** Where a process without a key leaves what its users ask for. */
  get #commandQueue(): CommandQueue | undefined {
    return this.#ports.role === 'serve' ? this.#ports.commandQueue : undefined
  }

  async close(): Promise<void> {
    await this.cache.close()
  }

  /** A contract of this party's own. `id`: of its first request. Resolves to the contract that is held, which is another one where that was asked for under the same key before. */
  #holdOwn(contract: Uid, id: string): Promise<Uid> {
    return this.#inTurn(async () => {
      const key = keyIn(id)
      const before = this.#log.under(key)
      if (before !== undefined) return before
      const founder = { handle: this.self, signing: this.card.keys.signing }
      if (!this.cache.has(contract)) await this.#hold({ contract, founder, ...(key !== undefined && { named: id }) })
      return contract
    })
  }

  /** One after another, so that two who send the same new contract at once begin it once. */
  async #hold(held: ContractHeld): Promise<void> {
    const { contract, founder, from, insteadOf } = held
    const { clock, store } = this.#ports
    const event = { type: 'ContractHeld', data: held }
    const isIt = (other: RecordedEvent) => isHeldBy(other, contract)
    const place = await appendBehind(store.events, clock, CONTRACTS_STREAM, event, isIt)
    // Another process has it already, and may have made room for it in another way: that is heard of.
    if (place !== undefined) {
      this.#log.appended(place)
      if (insteadOf !== undefined) await this.#giveUp(insteadOf, from)
      this.#noteBrought(contract, from)
    }
    this.cache.add(contract, founder.handle)
    this.#log.note(held)
  }

  /** What was given up, and is accepted by another process, is held again. */
  async #takeBack(contract: Uid): Promise<void> {
    // Not while this is opened: then what is held is still to be read.
    if (!this.unasked.isGone(contract) || this.cache.has(contract)) return
    await this.#inTurn(async () => {
      const founder = await founderOf(this.#ports.store.events, contract)
      if (founder !== undefined) this.cache.add(contract, founder)
    })
    if (this.cache.has(contract)) await this.use(contract, () => {})
  }

  /** For one that `by` has brought. Where another process accepts it, that counts, whichever comes first (decision 0115). */
  async #giveUp(contract: Uid, by: Handle | undefined): Promise<void> {
    if (this.#replies.hasAccepted(contract)) return
    this.unasked.giveUp(contract, by ?? this.self)
    await this.cache.drop(contract)
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#holding.then(work)
    this.#holding = done.catch(() => {})
    return done
  }
}
