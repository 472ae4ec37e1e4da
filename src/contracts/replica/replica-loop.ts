import { formerOf } from '../../aggregates/contract/state.ts'
import { feedOf } from '../../agreement/feeds.ts'
import { lookBack, lookingBack, needsHistory } from '../../agreement/history/looking-back.ts'
import { pruned } from '../../agreement/history/pruning.ts'
import type { Equivocation, Reception } from '../../agreement/reception.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { lackedFor } from '../../agreement/values/lacked-values.ts'
import type { EngineVersion, Handle, Seq, Uid } from '../../events/ids.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import type { HoldUp } from '../../gossip/message.ts'
import type { ContractView } from '../contract-view.ts'
import { type Duties, dutiesOf } from '../duties.ts'
import { assertOutcome, outcomeOf } from './commit.ts'
import type { Teller, TurnNews } from './contract-listener.ts'
import { EntriesContradicted } from './inbound/intake.ts'
import type { Followed, OtherProcesses } from './inbound/other-processes.ts'
import { contentsIn } from './journal.ts'
import { type Delivery, type Refused, valuesOf } from './mailbox.ts'
import type { Opened } from './opening/open-replica.ts'
import { partsOf, type ReplicaParts, type Replicated } from './opening/replica-parts.ts'
import type { ContractPorts } from './ports.ts'
import { untilFirst } from './races.ts'
import { Reloading } from './reloading.ts'
import type { Authored } from './statement-author.ts'

/**
 * The loop of one contract, and its parts. A turn takes all that has come meanwhile: receive, make a statement
 * where one is due, commit, tell. One statement and one write, whatever the number of requests; what was not committed
 * never was (decision 0049).
 */
export class ReplicaLoop implements ContractView {
  readonly contract: Uid
  readonly self: Handle
  readonly duties: Duties
  readonly parts: ReplicaParts
  readonly #ports: ContractPorts
  readonly #news: Teller
  readonly #reloading: Reloading
  /** All of it is durable: it changes when a write has, and the guard where there was a statement of its own. */
  #state: AgreementState
  #isCutShort: boolean
  #evidence: readonly Equivocation[]
  /** The turn under way. */
  #running: Promise<void> | undefined
  /** Something has come up while a turn was under way. */
  #isAwaited = false
  #prunesBefore: Seq | undefined
  #closed = false

  /** `holdUpOf`: why a party leaves uncovered what it holds, as far as is known. */
  constructor(replicated: Replicated, opened: Opened, news: Teller, holdUpOf: (handle: Handle) => HoldUp | undefined) {
    const { contract, self, ports } = replicated
    this.contract = contract
    this.self = self
    this.duties = dutiesOf[ports.role ?? 'node']
    this.#ports = ports
    this.#news = news
    this.#state = opened.loaded.state
    this.#isCutShort = opened.loaded.isCutShort && !this.duties.sharesStore
    this.#evidence = opened.evidence
    this.parts = partsOf(
      this,
      ports,
      opened,
      news,
      holdUpOf,
      () => this.#lookAgain(),
      () => this.#forget(),
    )
    this.#reloading = new Reloading(this, replicated, this.parts, ({ state, isCutShort }) => {
      this.#state = state
      this.#isCutShort = isCutShort && !this.duties.sharesStore
    })
  }

  /** To be called once, before the first turn. `ahead`: what the store has, and cannot be taken in yet. */
  begin({ loaded: { ahead } }: Opened): void {
    this.parts.intake.keepStored(ahead)
    // What was stored while this was loaded may be in no event that is still to come.
    this.parts.others?.doubts(this.#state)
    this.#reloading.restoreLost()
    this.parts.late.look()
    this.parts.contents.look()
    this.parts.erasing?.look()
    if (this.duties.authors && this.duties.sharesStore) this.parts.requests.wakeAtDeadlines()
  }

  get state(): AgreementState {
    return this.#state
  }

  get evidence(): readonly Equivocation[] {
    return this.#evidence
  }

  get waiting(): readonly SignedStatement[] {
    return this.parts.intake.waiting
  }

  get isCutShort(): boolean {
    return this.#isCutShort
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  get engineUnknown(): EngineVersion | undefined {
    return this.parts.author.engineUnknown?.engine
  }

  recall(): Promise<void> {
    const done = this.parts.mailbox.recall()
    this.wake()
    return done
  }

  async readStore(): Promise<void> {
    this.parts.others?.doubts(this.#state)
    const read = this.parts.mailbox.deliver({ statements: [], payloads: [], entries: [], credit: undefined })
    this.wake()
    await read
  }

  /**
   * Lets go of the history that is not likely to be asked for, with the end of the turn under way. `before`: whatever own requests
   * stand before that is kept elsewhere.
   */
  prune(before: Seq): void {
    this.#prunesBefore = before
    if (!this.isRunning) this.#prune()
  }

  #prune(): void {
    const before = this.#prunesBefore
    if (before === undefined) return
    this.#prunesBefore = undefined
    this.#state = pruned(this.#state)
    this.parts.approvals.forgetView()
    this.parts.requests.queue.forgetBefore(Math.min(before, feedOf(this.#state.feeds, this.self).base))
  }

  /** Of what has settled, that which the ledger in the store has. */
  tellWhatStands(): void {
    const standing = this.parts.untold.take()
    if (standing.length === 0) return
    this.parts.requests.queue.settled(standing)
    this.#news.tell('settled', standing)
  }

  /** Resolves when no turn is under way, for the moment. */
  async settleDown(): Promise<void> {
    this.parts.recovery.interrupt()
    this.parts.mailbox.interrupt()
    await this.#running
    await this.parts.erasing?.close()
    await this.parts.contents.settleDown()
  }

  /** No turn begins any more. */
  close(): void {
    this.#closed = true
    this.parts.values.cancel()
    this.parts.approvals.close()
    this.parts.contents.close()
  }

  /** Looks whether there is something to do; if a turn is under way, once more after it: it may have looked too early. */
  wake(): void {
    if (this.#closed) return
    if (this.#running !== undefined) {
      this.#isAwaited = true
      this.parts.mailbox.interrupt()
      if (this.#isToldAtOnce) this.parts.recovery.interrupt()
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      this.#prune()
      if (this.#isAwaited || this.#hasWork) this.wake()
    })
  }

  /** Where intents are in memory only, whoever asks for something does not wait for the end of a pause. */
  get #isToldAtOnce(): boolean {
    const { others, recovery } = this.parts
    return others === undefined && (recovery.isInDoubt || recovery.isFailing)
  }

  get #hasWork(): boolean {
    const { author, mailbox, others, recovery } = this.parts
    if (!mailbox.isEmpty || others?.hasNews || recovery.isInDoubt) return true
    const hasTurn = lookBack(this.#state, () => author.hasTurn)
    return hasTurn === needsHistory || hasTurn
  }

  async #run(): Promise<void> {
    // Whatever else arrives in this turn of the event loop rides along.
    await Promise.resolve()
    const { turns } = this.#ports
    if (turns?.isOver === true) await turns.next()
    this.#isAwaited = false
    const { deliveries, recalls } = this.parts.mailbox.take()
    try {
      if (this.parts.recovery.isInDoubt) await this.#reloading.readAgain()
      this.tellWhatStands()
      if (recalls.length > 0) await this.#reloading.recallHistory()
      for (const done of recalls) done.resolve()
      const refused = await this.#turnWithHistory(deliveries)
      for (const delivery of deliveries) delivery.done.resolve({ refused: refused.get(delivery) ?? [] })
    } catch (error) {
      for (const { done } of deliveries) done.reject(error)
      for (const done of recalls) done.reject(error)
      await this.#recover(error)
    }
  }

  /** A turn; should it ask for what is left out of memory, once more with that. */
  async #turnWithHistory(arrived: Delivery[]): Promise<Refused> {
    const refused = await lookingBack(this.#state, () => this.#turnAmongOthers(arrived))
    if (refused !== needsHistory) return refused
    await this.#reloading.recallHistory()
    // What had been read of the store was not taken in.
    this.parts.others?.doubts(this.#state)
    return this.#turnAmongOthers(arrived)
  }

  /** A turn, once more for each time that another process of this party was faster. */
  async #turnAmongOthers(arrived: Delivery[]): Promise<Refused> {
    const others = this.parts.others
    if (others === undefined) return this.#turn(arrived)
    // What comes from elsewhere and is our own, another process has made: it stands in the store already.
    if (arrived.some(({ statements }) => statements.some(isOf(this.self)))) others.hearsOfOwn()
    return untilFirst(
      this.contract,
      () => others.doubts(this.#state),
      async () => {
        await this.#catchUp(others)
        const refused = await this.#turn(arrived)
        this.parts.recovery.succeeded()
        return refused
      },
    )
  }

  /** What was read counts although the others have gone on meanwhile: else a process that is slower than they are never gets anywhere. */
  async #catchUp(others: OtherProcesses): Promise<void> {
    for (let isMet = false; !isMet; ) {
      const proven = await others.newEvidence(this.#evidence)
      this.#evidence = [...this.#evidence, ...proven]
      if (proven.length > 0) this.#news.tell('equivocated', proven)
      const before = this.#state
      const read = await others.read(before)
      isMet = read.isMet
      if (read.followed !== undefined) this.#follow(before, read.followed)
      if (!isMet) others.hearsOfOwn()
    }
  }

  /** Other processes of this party have stored it. */
  #follow(before: AgreementState, { reception, own, settled }: Followed): void {
    const { state } = reception
    const { queue, commandQueue } = this.parts.requests
    if (own.length > 0) commandQueue?.takenUp(true)
    this.#state = state
    queue.noticed(own, before)
    this.parts.approvals.forget(state)
    const divergences = state.settling.divergences.slice(before.settling.divergences.length)
    if (!this.duties.signs) this.parts.untold.add(settled)
    this.#tell({ ...reception, made: own.at(-1), settled: this.duties.signs ? settled : [], divergences })
    this.tellWhatStands()
    this.parts.late.look(true)
  }

  /** Receives, makes a statement where one is due, commits, and tells: what was not committed never was. What comes meanwhile joins `arrived`. */
  async #turn(arrived: Delivery[]): Promise<Refused> {
    const { intake, mailbox } = this.parts
    const waited = this.waiting
    let { reception, refused } = await intake.take(this.#state, this.#isCutShort ? valuesOf(arrived) : arrived)
    intake.keepAhead(reception.waiting, arrived)
    try {
      let authored = await this.#authorOn(reception)
      if (authored === undefined && this.#expectsMore(reception)) {
        const more = this.#isAwaited && mailbox.isEmpty ? [] : await mailbox.more(this.#ports.clock)
        this.#isAwaited = false
        arrived.push(...more)
        const taken = await intake.takeMore(reception, more)
        reception = taken.reception
        refused = new Map([...refused, ...taken.refused])
        intake.keepAhead(reception.waiting, arrived)
        authored = await this.#authorOn(reception)
      }
      await this.#goOnFrom(reception, authored)
      return refused
    } catch (error) {
      // What was taken in from among them is not, after all.
      intake.keepAhead(waited, arrived)
      throw error
    }
  }

  /** What this party says now that this was received. */
  #authorOn(reception: Reception): Promise<Authored | undefined> {
    const { intake, author, protection, requests } = this.parts
    intake.assertVouchedFor(this.#state, reception.state)
    protection.notice(this.contract, reception)
    if (reception.unjudged[0] !== undefined) author.goesOnIn(reception.unjudged[0].error)
    // After a restore they come back from others, or from the guard, with what must not be signed again.
    if (this.duties.sharesStore) requests.queue.noticed(reception.taken.filter(isOf(this.self)), this.#state)
    else requests.queue.dropExpired()
    return author.next(reception.state)
  }

  /**
   * Some have answered what users here wait for, and others are about to: to store that by itself is a wait for the disk which nobody
   * needs, and in which the others would come. Nothing is told of it, so it comes again should it be lost.
   */
  #expectsMore({ taken, completions, settled, equivocations, otherBranches, unjudged }: Reception): boolean {
    const { requests, recovery } = this.parts
    if (this.duties.sharesStore || this.#closed || !requests.queue.hasUnsettled) return false
    if (taken.length === 0 || taken.some(isOf(this.self)) || this.#isCutShort || recovery.isInDoubt) return false
    return completions.length + settled.length + equivocations.length + otherBranches.length + unjudged.length === 0
  }

  async #goOnFrom(reception: Reception, authored: Authored | undefined): Promise<void> {
    const before = this.#state
    const { taken } = reception
    const own = taken.filter(isOf(this.self))
    const outcome = outcomeOf(before, reception, authored, this.#evidence)
    assertOutcome(this, outcome)
    const { state, made, change } = outcome
    const { acknowledged = [], settled, equivocations, divergences } = change
    this.#reloading.commits(taken, made)
    if (await this.parts.writer.commit(outcome)) this.parts.recovery.wrote()
    this.#reloading.committed()
    this.#state = state
    this.#evidence = [...this.#evidence, ...equivocations]
    authored?.durable()
    if (!this.duties.sharesStore) this.parts.requests.queue.noticed(own, before)
    if (made !== undefined || own.length > 0) this.parts.approvals.forget(state)
    // What the store has behind the values that have come is read before anything is said.
    const brings = reception.completions.length > 0 || reception.state.ledger.known !== before.ledger.known
    if (this.#isCutShort && brings) this.parts.recovery.isInDoubt = true
    this.parts.contents.took(contentsIn(change))
    this.parts.computed.took(acknowledged)
    const otherBranches = this.parts.unprovenForks.notice(state, reception.otherBranches, this.#evidence)
    this.#tell({ taken, refused: reception.refused, equivocations, otherBranches, made, settled, divergences })
    this.parts.late.look(reception.completions.length > 0)
  }

  #tell(news: TurnNews): void {
    this.parts.requests.queue.settled(news.settled)
    if (news.settled.length > 0) this.parts.erasing?.look()
    this.parts.contents.settled(news.settled)
    this.parts.values.seek(news.taken.some((held) => lackedFor(held, this.self).length > 0))
    this.parts.requests.retryAfterLock()
    if (formerOf(this.#state.settling.agreed, this.self) !== undefined) this.parts.requests.queue.dropAll()
    this.#news.tellTurn(news)
  }

  /** What was erased is not in memory any more, once the store has been read again. */
  #forget(): void {
    this.parts.contents.dropErased()
    this.parts.approvals.forgetView()
    if (this.parts.others === undefined) this.parts.recovery.isInDoubt = true
    this.wake()
  }

  /** What is held may be behind the store. */
  #lookAgain(): void {
    if (this.parts.others === undefined) return
    this.parts.others.doubts(this.#state)
    this.wake()
  }

  /** What is held is held still; the store is left alone for a while, and then asked again, as long as it takes. */
  async #recover(error: unknown): Promise<void> {
    this.parts.recovery.failed(error)
    this.#news.tell('failed', error)
    // Intents are durable, and go on when the store answers again.
    if (this.parts.others !== undefined) {
      this.parts.others.doubts(this.#state)
      if (error instanceof EntriesContradicted) await this.#reloading.forgetGiven()
    } else {
      const isSure = await this.#reloading.isSureAfter(error)
      this.tellWhatStands()
      if (isSure && this.parts.protection.lost === undefined) return
    }
    if (this.#closed || (this.#isToldAtOnce && this.#isAwaited)) return
    await this.parts.recovery.pause()
  }
}

function isOf(self: Handle) {
  return ({ statement }: SignedStatement): boolean => statement.party === self
}
