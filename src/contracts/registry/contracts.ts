import { Compile } from 'typebox/compile'
import { EngineUnknown } from '../../aggregates/contract/engines.ts'
import { type ContractState, type Invitation, invitationOf } from '../../aggregates/contract/state.ts'
import { fitText } from '../../aggregates/names/fit-text.ts'
import { emptyAgreement } from '../../agreement/state.ts'
import { verifiedFounder } from '../../agreement/verify-statement.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { sha256 } from '../../crypto/hash.ts'
import {
  type Acceptance,
  acceptanceBytes,
  type SignedAcceptance,
  SignedAcceptanceSchema,
} from '../../events/acceptance.ts'
import { type Charter, defaultCharter } from '../../events/charter.ts'
import { commandSchemas } from '../../events/commands.ts'
import { type Decline, declineBytes, type SignedDecline, SignedDeclineSchema } from '../../events/decline.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import type { SignedRevocation } from '../../events/key-change.ts'
import { defaultLimits, type Limits } from '../../events/limits.ts'
import type { PartyCard } from '../../events/party-card.ts'
import { placesOf, type Request } from '../../events/statement.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import type { Founder } from '../../events/uid.ts'
import { contractOf, type Word } from '../../gossip/message.ts'
import { assert } from '../../runtime/assert.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { retryWithFullHistory } from '../../runtime/history-pruned.ts'
import { StoreUnavailable, WrongExpectedRevision } from '../../store/errors.ts'
import { NO_EVENTS, type RecordedEvent } from '../../store/port.ts'
import { CONTRACTS_STREAM, feedStream, INVITATIONS_STREAM } from '../../store/streams.ts'
import type { CommandQueue } from '../commands/command-queue.ts'
import { askMalformed } from '../commands/queued-command.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'
import type { Waiting } from '../passive/backlog.ts'
import type { PassiveContract } from '../passive/passive-contract.ts'
import { type ContractSummary, standingIn, summaryOf } from '../passive/summary.ts'
import { ContractDamaged } from '../replica/journal.ts'
import type { ContractListener, LiveContract } from '../replica/live-contract.ts'
import type { ContractPorts } from '../replica/ports.ts'
import { ReorderBuffer } from '../replica/reorder-buffer.ts'
import { RoomAsked } from '../requests/request-budget.ts'
import { assertForm, fitRequest } from '../requests/validate-request.ts'
import { settledHead } from '../signing/cosigned-notes.ts'
import { Revocations } from '../signing/own-revocations.ts'
import { jsonIn } from '../signing/untrusted-json.ts'
import { ContractCache, NoSuchContract } from './contract-cache.ts'
import { type ContractHeld, contractHeldIn, isHeldBy, isTrue } from './held-contracts.ts'
import { Sponsorship } from './sponsorship.ts'
import { Unasked, type UnaskedBounds } from './unasked-contracts.ts'

/** This node's party has no open invitation to the contract, or is a member already. */
export class NotInvited extends ConcordataError {}

/** Values are missing here, so not all that the party would join has been verified. Evidence: `statements`. */
export class ValuesMissing extends ConcordataError {}

export interface ContractsPorts extends ContractPorts {
  /** Who this node is, in every contract. */
  readonly card: PartyCard
  /** The UID of the n-th contract that this node comes to hold (design §9). */
  uidOf(number: number): Uid
  /** A name for a new request. */
  newRequestId(): string
  /** How many contracts are in memory, as far as nothing keeps more of them there. Left out: all. */
  readonly awakeMax?: number
  /** For contracts that others bring and nobody here has asked for. Left out: the default. */
  readonly unaskedBounds?: UnaskedBounds
  /** A contract could not be loaded; all else goes on. */
  failed?(error: unknown): void
}

const acceptedForm = Compile(SignedAcceptanceSchema)
const declinedForm = Compile(SignedDeclineSchema)
const openingForm = Compile(commandSchemas.OpenContract)

/** Beside its number, one of so many is drawn for the UID of a contract. */
const UID_DRAWN = 2 ** 20

/** How often something is appended behind what others have appended meanwhile, and by how much the pauses grow. Milliseconds. */
const RACES_MAX = 20
const RACE_PAUSE_MS = 5

/** For how many ledger entries after the head that it verified an acceptance is good. */
const ACCEPTANCE_GOOD_FOR = 100_000

/** All contracts that this node holds. */
export class Contracts {
  readonly card: PartyCard
  readonly #ports: ContractsPorts
  readonly #cache: ContractCache
  /** What this party said to its invitations, newest last, by contract. */
  readonly #replies = new Map<Uid, SignedAcceptance | SignedDecline>()
  /** For what runs ahead, of all contracts. */
  readonly reorderBuffer: ReorderBuffer
  /** Of this party's own keys. */
  readonly revocations = new Revocations()
  readonly #sponsorship: Sponsorship
  #holding: Promise<unknown> = Promise.resolve()
  readonly unasked: Unasked
  /** How much of the `contracts` stream is known. */
  #learned = 0
  /** Where this process has appended to it, until it hears of that like of what others append. */
  readonly #ownHeld = new Set<number>()

  private constructor(ports: ContractsPorts) {
    this.#ports = ports
    this.card = ports.card
    this.reorderBuffer = ports.reorderBuffer ?? new ReorderBuffer()
    this.#sponsorship = new Sponsorship(ports.card.handle, ports)
    this.unasked = new Unasked(ports.clock, ports.unaskedBounds)
    this.#cache = new ContractCache({
      ...ports,
      reorderBuffer: this.reorderBuffer,
      roomAsked: ports.roomAsked ?? new RoomAsked(),
      self: ports.card.handle,
      hasWords: (contract) => this.wordsOn(contract).length > 0,
      foundAtRest: (contract, { summary }) => this.#noteStanding(contract, summary?.standing),
      failed: (_, error) => ports.failed?.(error),
    })
    const noteStanding = ({ contract, state }: LiveContract) => {
      if (this.unasked.has(contract)) this.#noteStanding(contract, standingIn(state.settling.agreed, this.self))
    }
    this.#cache.listen({ woke: noteStanding, settled: noteStanding })
  }

  /** Takes up what was kept of contracts at rest, and loads all others that the store has. One that is damaged is reported. */
  static async open(ports: ContractsPorts): Promise<Contracts> {
    const contracts = new Contracts(ports)
    const { events } = ports.store
    for await (const event of events.read(INVITATIONS_STREAM)) contracts.learnReply(event)
    const founders = new Map<Uid, Handle>()
    const gone = new Set<Uid>()
    for await (const event of events.read(CONTRACTS_STREAM)) {
      const held = contracts.#heldIn(event)
      if (held === undefined) continue
      const { contract, founder, insteadOf } = held
      if (insteadOf !== undefined) {
        founders.delete(insteadOf)
        gone.add(insteadOf)
      }
      founders.set(contract, founder.handle)
      gone.delete(contract)
      contracts.#noteHeld(held)
    }
    await contracts.#cache.open(founders, gone)
    await contracts.#cache.load()
    return contracts
  }

  /** An event of the `invitations` stream: what this party has said, maybe by another of its processes. */
  learnReply(event: RecordedEvent): Uid | undefined {
    const revoked = this.revocations.learn(event)
    if (revoked !== undefined) return revoked ?? undefined
    const reply = jsonIn(event.data)
    const contract = acceptedForm.Check(reply)
      ? reply.acceptance.contract
      : declinedForm.Check(reply)
        ? reply.decline.contract
        : undefined
    if (contract === undefined) this.#ports.failed?.(askMalformed(event))
    else this.#replied(contract, reply as SignedAcceptance | SignedDecline)
    return contract
  }

  #replied(contract: Uid, reply: SignedAcceptance | SignedDecline): void {
    this.#replies.set(contract, reply)
    if ('acceptance' in reply) this.unasked.remove(contract)
  }

  #hasAccepted(contract: Uid): boolean {
    const reply = this.#replies.get(contract)
    return reply !== undefined && 'acceptance' in reply
  }

  /** Who has been a member has asked for it. */
  #noteStanding(contract: Uid, standing: ContractSummary['standing'] | undefined): void {
    if (standing === 'member' || standing === 'resigned') this.unasked.remove(contract)
  }

  /** From the store, as it stands. */
  #noteHeld({ contract, from, insteadOf }: ContractHeld): void {
    if (insteadOf !== undefined) this.unasked.wentBefore(insteadOf)
    this.#noteBrought(contract, from)
  }

  #noteBrought(contract: Uid, from: Handle | undefined): void {
    if (from !== undefined && !this.#hasAccepted(contract)) this.unasked.add(contract, from)
  }

  /** An event of the `contracts` stream: what this node has come to hold, maybe by another of its processes. */
  async learnContract(event: RecordedEvent): Promise<void> {
    const isKnown = event.revision < this.#learned
    const held = this.#heldIn(event)
    if (held === undefined || isKnown || this.#ownHeld.delete(event.revision)) return
    const { contract, founder, from, insteadOf } = held
    if (insteadOf !== undefined) await this.#giveUp(insteadOf, from)
    this.#noteBrought(contract, from)
    if (this.#cache.has(contract)) return
    this.#cache.add(contract, founder.handle)
    await this.use(contract, () => {})
  }

  /** Undefined: it says nothing, or names a founder whose UID it is not, which is reported. Throws StoreCorrupt. */
  #heldIn(event: RecordedEvent): ContractHeld | undefined {
    const held = contractHeldIn(event)
    this.#learned = Math.max(this.#learned, event.revision + 1)
    if (held === undefined || isTrue(held)) return held
    const { contract, founder } = held
    const message = `event ${event.revision} of ${event.stream} names ${founder.handle} as the founder of ${contract}, whose UID belongs to another`
    this.#ports.failed?.(new ContractDamaged('contract_damaged', message, { contract, founder }))
    return undefined
  }

  /** Works with a contract, with all that the store is known to have of it. Throws as `use`. */
  async useUpToDate<Result>(contract: Uid, work: (live: LiveContract) => Result | Promise<Result>): Promise<Result> {
    await this.#holding
    return this.use(contract, async (live) => {
      await live.deliver([])
      return work(live)
    })
  }

  async #learnContracts(): Promise<void> {
    const { events } = this.#ports.store
    for await (const event of events.read(CONTRACTS_STREAM, { from: this.#learned })) await this.learnContract(event)
    await this.#holding
  }

  get #founder(): Founder {
    return { handle: this.self, signing: this.card.keys.signing }
  }

  get self(): Handle {
    return this.card.handle
  }

  /** How many are held, in memory or at rest. */
  get size(): number {
    return this.#cache.size
  }

  /** Of all that are held, in the order in which they came. */
  uids(): IterableIterator<Uid> {
    return this.#cache.uids()
  }

  has(contract: Uid): boolean {
    return this.#cache.has(contract)
  }

  /** Those that are in memory. */
  awake(): IterableIterator<LiveContract> {
    return this.#cache.awake()
  }

  /** If it is in memory. */
  find(contract: Uid): LiveContract | undefined {
    return this.#cache.find(contract)
  }

  /** If it is at rest. */
  resting(contract: Uid): PassiveContract | undefined {
    return this.#cache.resting(contract)
  }

  /** What is under way in contracts at rest of which this party is a member. */
  restingUnderWay(): IterableIterator<[Uid, Waiting]> {
    return this.#cache.underWay()
  }

  /** Why contracts that are not in memory stand still, as far as that has nothing to do with others. */
  standingStill(): IterableIterator<[Uid, ObstacleCode]> {
    return this.#cache.standingStill()
  }

  restingWith(party: Handle, after: Uid | '', limit: number): Uid[] {
    return this.#cache.restingWith(party, after, limit)
  }

  /**
   * Works with a contract, which is taken into memory for it, and stays there until the work is done. Throws NoSuchContract,
   * ContractDamaged, and what the store throws.
   */
  use<Result>(contract: Uid, work: (live: LiveContract) => Result | Promise<Result>): Promise<Result> {
    return this.#cache.use(contract, work)
  }

  /**
   * Looks at all contracts, one after another: at those at rest as `atRest` does, or, where it answers undefined, by taking them
   * into memory. One that cannot be loaded is passed over: that has been reported.
   */
  async *visit<Result>(
    atRest: (resting: PassiveContract, contract: Uid) => Result | undefined,
    awake: (live: LiveContract) => Result,
  ): AsyncGenerator<Result> {
    for (const contract of this.uids()) {
      const resting = this.resting(contract)
      const result = resting === undefined ? undefined : atRest(resting, contract)
      if (result !== undefined) yield result
      else {
        try {
          yield await this.use(contract, (live) => retryWithFullHistory(live, () => awake(live)))
        } catch (error) {
          if (!(error instanceof ContractDamaged || error instanceof EngineUnknown)) throw error
        }
      }
    }
  }

  /** Of all contracts that have begun. */
  async summaries(): Promise<ContractSummary[]> {
    const summaries: ContractSummary[] = []
    const all = this.visit<ContractSummary | null>(
      ({ summary }) => summary,
      ({ state, self }) => summaryOf(state, self) ?? null,
    )
    for await (const summary of all) if (summary !== null) summaries.push(summary)
    return summaries
  }

  /** Hears of every contract, also of those that come later. */
  listen(listener: ContractListener): () => void {
    return this.#cache.listen(listener)
  }

  /** Of what other processes have stored, all up to that position has been told. */
  heardUpTo(position: number): void {
    this.#cache.heardUpTo(position)
  }

  /** Opens a contract; its founder is its only member until others are admitted. */
  async openContract(
    title: string,
    charter: Charter = defaultCharter,
    limits: Limits = defaultLimits,
  ): Promise<{ contract: LiveContract; opened: Promise<unknown> }> {
    if (this.#commandQueue !== undefined) {
      const uid = await this.#commandQueue.open(fitText('the title', title), charter)
      await this.#learnContracts()
      // The process that signs has settled it; here it stands in the store, and may not have been taken in.
      const contract = await this.useUpToDate(uid, async (live) => {
        await untilOpen(live)
        return live
      })
      return { contract, opened: Promise.resolve() }
    }
    const request = this.#founding(this.#ports.newRequestId(), { title, charter, limits })
    const revision = (await this.#ports.store.events.lastRevision(CONTRACTS_STREAM)) + 1
    // Should the store have been set back, the number comes again; with what is drawn beside it, the UID does not.
    const drawn = Math.floor(this.#ports.random.fraction() * UID_DRAWN)
    const uid = this.#ports.uidOf(revision * UID_DRAWN + drawn)
    await this.#holdOwn(uid)
    return this.use(uid, async (contract) => {
      const submission = contract.submit({ request, payloads: {} })
      await submission.signed
      return { contract, opened: submission.verdict }
    })
  }

  /**
   * The same for an intent from the outbox: `place` is its own there, so two processes that take it up come to the same
   * contract, and the second finds it opened.
   */
  async openAsked(id: string, place: number, title: string, charter: Charter): Promise<Uid> {
    const request = this.#founding(id, { title, charter, limits: defaultLimits })
    const drawn = Number.parseInt(sha256(id).slice(0, 8), 16) % UID_DRAWN
    const uid = this.#ports.uidOf(place * UID_DRAWN + drawn)
    await this.#holdOwn(uid)
    await this.use(uid, async (live) => {
      // Signed by another process, it is on its way.
      if (live.requests.queue.placeOf(id) === undefined) await live.submit({ request, payloads: {} }).verdict
      return untilOpen(live)
    })
    return uid
  }

  /** Before anything is kept of the contract: one that cannot be founded is none. Throws TextUnfit, RequestUnfit. */
  #founding(id: string, terms: { title: string; charter: Charter; limits: Limits }): Request {
    const title = fitText('the title', terms.title)
    const command = { type: 'OpenContract', ...terms, title, engine: 1, founder: this.card }
    const request = { id, commands: [command] }
    assertForm(openingForm, command)
    return fitRequest(request, {}, terms.limits)
  }

  /**
   * Somebody approved sends a contract that is not known here: it is held from its first statement on, as far as there is room
   * for what nobody has asked for. The invitation may come with a later message.
   * Whether it is held. Throws StatementRefused for a first statement that is none: nothing is kept of it.
   */
  async begin(contract: Uid, statements: readonly SignedStatement[], from: Handle): Promise<boolean> {
    if (this.#cache.has(contract)) return true
    const first = statements.find(({ statement: { seq, seen } }) => seq === 0 && placesOf(seen).length === 0)
    if (first === undefined) return false
    return this.#inTurn(async () => {
      if (this.#cache.has(contract)) return true
      const isWanted = this.#hasAccepted(contract) || this.unasked.hasRoomFor(from)
      if (!isWanted && !this.unasked.mayReplace(contract, from)) return false
      const founder = verifiedFounder(emptyAgreement(contract, this.#ports.engines), first)
      const insteadOf = isWanted ? undefined : await this.#oldestUnasked(from)
      // Those that had been counted may have been asked for all the same.
      if (!isWanted && insteadOf === undefined && !this.unasked.hasRoomFor(from)) return false
      await this.#hold({ contract, founder, from, ...(insteadOf === undefined ? {} : { insteadOf }) })
      return true
    })
  }

  /** What goes to make room for a contract that this party brings: nothing in which anybody here works, or has signed. */
  async #oldestUnasked(from: Handle): Promise<Uid | undefined> {
    const { events } = this.#ports.store
    for (;;) {
      const oldest = this.unasked.oldestFor(from, (contract) => !this.#cache.isInUse(contract))
      if (oldest === undefined) return undefined
      const hasSigned = (await events.lastRevision(feedStream(oldest, this.self))) !== NO_EVENTS
      // Somebody may have begun to work in it meanwhile.
      if (!hasSigned && !this.#cache.isInUse(oldest)) return oldest
      if (hasSigned) this.unasked.remove(oldest)
      if (this.unasked.hasRoomFor(from)) return undefined
    }
  }

  /** What this node has to say in a contract that it cannot say in its feed, until it has taken effect. */
  wordsOn(contract: Uid): Word[] {
    const state = this.find(contract)?.state
    if (state === undefined) return []
    const words: Word[] = []
    const reply = this.#replies.get(contract)
    if (reply !== undefined && invitationOf(state.ledger.document, this.self) !== undefined) words.push(reply)
    const revocation = this.revocations.pendingIn(state)
    if (revocation !== undefined) words.push(revocation)
    return words
  }

  /** What this node's party has said to its invitation, should it still wait for the members. */
  replyTo(contract: Uid): 'accepted' | 'declined' | undefined {
    const reply = this.wordsOn(contract).find((word) => !('revocation' in word))
    if (reply === undefined) return undefined
    return 'acceptance' in reply ? 'accepted' : 'declined'
  }

  /** Says that this node's party does not join. Throws NotInvited. */
  decline(contract: Uid): Promise<void> {
    return this.use(contract, async ({ state }) => {
      const invitation = this.#invitationTo(contract, state.settling.agreed)
      if (this.#commandQueue !== undefined) return this.#commandQueue.reply(contract, 'decline')
      const decline: Decline = { contract, invitation: invitation.index, handle: this.self }
      const declined = { decline, signature: await this.#sign(declineBytes(decline)) }
      await this.#append(INVITATIONS_STREAM, 'InvitationDeclined', declined)
      this.#replied(contract, declined)
    })
  }

  /**
   * The signing key of this party is lost: the others are to stop trusting it, and to say what they hold (design §4).
   * For as long as this process lives; `KeyRotation.revoke` makes it durable.
   */
  async revoke(signed: SignedRevocation): Promise<void> {
    await this.use(signed.revocation.contract, () => this.revocations.add(signed))
  }

  /** A word of another party has come. Attacker-controlled: all of it. Only a sound answer to an invitation leads to anything. */
  async took(word: Word): Promise<void> {
    const contract = contractOf(word)
    if (!this.#cache.has(contract)) return
    await this.use(contract, (live) =>
      retryWithFullHistory(live, () => {
        if ('acceptance' in word) this.#sponsorship.accepted(live, word)
        else if ('decline' in word) this.#sponsorship.declined(live, word)
        else live.revoked(word)
      }),
    )
  }

  /** Says that this node's party joins, signed over all that it has verified. Throws NotInvited, ValuesMissing, NoSuchContract. */
  accept(contract: Uid): Promise<void> {
    return this.use(contract, (live) => this.#accept(live))
  }

  async #accept({ contract, state, wants }: LiveContract): Promise<void> {
    const { agreed } = state.settling
    const invitation = this.#invitationTo(contract, agreed)
    if (this.#commandQueue !== undefined) return this.#commandQueue.reply(contract, 'accept')
    if (wants.length > 0) {
      const message = `values of ${wants.length} statements are missing here; the other parties are asked for them`
      const statements = wants.map(({ statement: { party, seq } }) => `${party}.${seq}`)
      throw new ValuesMissing('payload_missing', message, { contract, statements })
    }
    const head = settledHead(state)
    const acceptance: Acceptance = {
      contract,
      invitation: invitation.index,
      handle: this.self,
      keys: this.card.keys,
      charter: agreed.charter,
      head,
      lastIndex: head.size + ACCEPTANCE_GOOD_FOR,
    }
    const accepted = { acceptance, signature: await this.#sign(acceptanceBytes(acceptance)) }
    // Not while another takes the contract's place: what is accepted is not given up, and what was given up is not accepted.
    await this.#inTurn(async () => {
      this.#assertHeld(contract)
      await this.#append(INVITATIONS_STREAM, 'InvitationAccepted', accepted)
      this.#replied(contract, accepted)
    })
  }

  #assertHeld(contract: Uid): void {
    if (this.#cache.has(contract)) return
    throw new NoSuchContract('no_such_contract', `${contract} was given up to make room for another`, { contract })
  }

  #sign(bytes: Uint8Array): Promise<string> {
    const { signer } = this.#ports
    assert(signer !== undefined, 'a process without a key leaves it to the one that has it')
    return signer.sign(bytes)
  }

  /** Where a process without a key leaves what its users ask for. */
  get #commandQueue(): CommandQueue | undefined {
    return this.#ports.role === 'serve' ? this.#ports.commandQueue : undefined
  }

  #invitationTo(contract: Uid, agreed: ContractState): Invitation {
    const invitation = invitationOf(agreed, this.self)
    if (invitation !== undefined) return invitation
    throw new NotInvited('not_invited', `${this.self} has no open invitation to ${contract}`, { contract })
  }

  async close(): Promise<void> {
    await this.#cache.close()
  }

  /** A contract of this party's own. */
  #holdOwn(contract: Uid): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#cache.has(contract)) await this.#hold({ contract, founder: this.#founder })
    })
  }

  /** One after another, so that two who send the same new contract at once begin it once. */
  async #hold(held: ContractHeld): Promise<void> {
    const { contract, founder, from, insteadOf } = held
    const place = await this.#append(CONTRACTS_STREAM, 'ContractHeld', held, (event) => isHeldBy(event, contract))
    // Another process has it already, and may have made room for it in another way: that is heard of.
    if (place !== undefined) {
      if ((this.#ports.role ?? 'node') !== 'node') this.#ownHeld.add(place)
      if (insteadOf !== undefined) await this.#giveUp(insteadOf, from)
      this.#noteBrought(contract, from)
    }
    this.#cache.add(contract, founder.handle)
  }

  /** For one that `by` has brought. */
  async #giveUp(contract: Uid, by: Handle | undefined): Promise<void> {
    this.unasked.giveUp(contract, by ?? this.self)
    await this.#cache.drop(contract)
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#holding.then(work)
    this.#holding = done.catch(() => {})
    return done
  }

  /**
   * Another process of this party may append the same meanwhile: `isIt` tells what need not be there twice. Where the stream
   * is now the refusal says: not all that others append need be readable. The place that it has; undefined: it was there.
   */
  async #append(
    stream: string,
    type: string,
    data: unknown,
    isIt?: (event: RecordedEvent) => boolean,
  ): Promise<number | undefined> {
    const { clock, store } = this.#ports
    const { events } = store
    let expected = await events.lastRevision(stream)
    for (let race = 0; race < RACES_MAX; race++) {
      if (race > 0) await new Promise<void>((resolve) => clock.after(RACE_PAUSE_MS * (race - 1), resolve))
      try {
        return (await events.append(stream, expected, [{ type, data: canonicalJson(data) }])).revision
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error
        for await (const event of events.read(stream, { from: expected + 1 })) if (isIt?.(event)) return undefined
        expected = error.actual
      }
    }
    const message = `append to ${stream}: others were faster ${RACES_MAX} times`
    throw new StoreUnavailable('store_unavailable', message, { stream })
  }
}

/** Until the first request has settled, whichever process of this party has signed it. */
function untilOpen(live: LiveContract): Promise<void> {
  const isOpen = () => live.state.settling.agreed.isOpen
  if (isOpen()) return Promise.resolve()
  const opened = Promise.withResolvers<void>()
  const stop = live.listen({ settled: () => isOpen() && opened.resolve() })
  return opened.promise.finally(stop)
}
