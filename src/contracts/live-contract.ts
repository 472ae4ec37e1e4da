import { formerOf, memberOf, partyOf } from '../aggregates/contract/state.ts'
import { draft, statementDue } from '../agreement/draft.ts'
import { newestOf } from '../agreement/feeds.ts'
import type { Held } from '../agreement/held.ts'
import type { Acknowledged } from '../agreement/ledger.ts'
import { type Equivocation, type OtherBranch, type Reception, receive } from '../agreement/receive.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Signer } from '../crypto/signer.ts'
import type { Handle, Uid } from '../events/ids.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../events/limits.ts'
import type { Note } from '../events/statement.ts'
import type { Decoded, StatementRefused } from '../events/statement-codec.ts'
import { type Clock, timestamp } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Store } from '../store/port.ts'
import { noteDue } from './cosigning.ts'
import { Outbox, requestBytesMax } from './outbox.ts'
import { loadContract, writesFor } from './persistence.ts'
import { type Intent, Submission } from './submission.ts'

/** What one contract's life in a node needs from outside. */
export interface ContractPorts {
  readonly store: Store
  readonly signer: Signer
  readonly clock: Clock
  /**
   * Whether a new statement could leave at once. Where it could not, requests wait for others to ride along with them,
   * but no longer than HOLD_MS. Left out: always.
   */
  canSend?(contract: Uid): boolean
}

/** How long requests are held back at most while every peer is being talked to already. Milliseconds. */
const HOLD_MS = 100

/** What others in the node want to hear of. All of it is durable when it is told. */
export interface ContractListener {
  /** Statements were taken in or made: there may be something to carry to others. */
  news?(contract: LiveContract, change: { readonly made: Held | undefined; readonly taken: readonly Held[] }): void
  settled?(contract: LiveContract, entries: readonly Acknowledged[]): void
  refused?(contract: LiveContract, refused: Reception['refused']): void
  equivocated?(contract: LiveContract, equivocations: readonly Equivocation[]): void
  otherBranch?(contract: LiveContract, branches: readonly OtherBranch[]): void
  /** The store failed; the contract goes on from what it holds. */
  failed?(contract: LiveContract, error: unknown): void
}

/** The request, or its values, is larger than a statement of this contract can be. */
export class RequestTooLarge extends ConcordataError {}

interface Delivery {
  readonly statements: readonly Decoded[]
  readonly done: PromiseWithResolvers<DeliveryResult>
}
/** What became of statements handed to a contract. */
export type DeliveryResult = { readonly refused: readonly StatementRefused[] }

/** Statements that run ahead of what is held are kept up to so many; whoever sent them has them still. */
const WAITING_MAX = 4096

/**
 * One contract as a node lives it: takes in statements, makes its own when one is due, and keeps everything durable
 * before anybody hears of it. What it says is decided by pure code (`agreement`); this is the loop around it. One turn
 * of the loop takes all that has come meanwhile: one statement, one write, whatever the number of requests.
 */
export class LiveContract {
  readonly contract: Uid
  readonly self: Handle
  readonly outbox: Outbox
  readonly #ports: ContractPorts
  readonly #listeners = new Set<ContractListener>()
  #state: AgreementState
  #deliveries: Delivery[] = []
  #waiting: readonly Decoded[] = []
  #running: Promise<void> | undefined
  #mayNote = false
  #closed = false
  /** Requests are held back: until a peer is free, or this is called off. */
  #cancelHold: (() => void) | undefined
  #holdIsOver = false

  private constructor(contract: Uid, self: Handle, ports: ContractPorts, state: AgreementState) {
    this.contract = contract
    this.self = self
    this.outbox = new Outbox(self)
    this.#ports = ports
    this.#state = state
  }

  /** Loads what the store has of it: nothing at all is a contract that is about to begin. */
  static async open(contract: Uid, self: Handle, founder: Handle, ports: ContractPorts): Promise<LiveContract> {
    return new LiveContract(contract, self, ports, await loadContract(ports.store, contract, founder))
  }

  /** What is held, all of it durable. */
  get state(): AgreementState {
    return this.#state
  }

  listen(listener: ContractListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes an intent on its way. Throws NotMember, and RequestTooLarge when no statement could carry it. */
  submit(intent: Intent): Submission {
    this.#assertOpen()
    const { document } = this.#state.ledger
    if (document.isOpen && memberOf(document, this.self) === undefined) {
      throw new NotMember('not_a_member', `${this.self} is no member of ${this.contract}`, { contract: this.contract })
    }
    const bytesMax = requestBytesMax(this.#state)
    const submission = new Submission(intent)
    const { requestBytes: bytes, valueBytes } = submission
    if (bytes > bytesMax || valueBytes > MESSAGE_VALUES_CHARACTERS_MAX) {
      const message = `the request has ${bytes} bytes and ${valueBytes} of values; ${bytesMax} and ${MESSAGE_VALUES_CHARACTERS_MAX} fit`
      throw new RequestTooLarge('request_too_large', message, { bytes, bytesMax, valueBytes })
    }
    this.outbox.add(submission)
    if (intent.timeoutMs !== undefined) {
      const stop = this.#ports.clock.after(intent.timeoutMs, () => {
        this.outbox.expire(submission, this.#state)
        this.wake()
      })
      const settle = () => stop()
      submission.verdict.then(settle, settle)
    }
    this.wake()
    return submission
  }

  /** Hands over statements from elsewhere. Resolves when all that came of them, an own statement too, is durable. */
  deliver(statements: readonly Decoded[]): Promise<DeliveryResult> {
    this.#assertOpen()
    const done = Promise.withResolvers<DeliveryResult>()
    this.#deliveries.push({ statements, done })
    this.wake()
    return done.promise
  }

  /** The contract has been idle for a while: a good time to cosign what has settled (design §3, iv). */
  idle(): void {
    this.#mayNote = true
    this.wake()
  }

  /** Looks whether there is something to do. */
  wake(): void {
    if (this.#running !== undefined || this.#closed) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#hasWork()) this.wake()
    })
  }

  /** Resolves when nothing is under way. Later statements are not taken in any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    this.outbox.failAll(new ContractClosed('contract_closed', 'the node is stopping'))
  }

  #assertOpen(): void {
    if (this.#closed) throw new ContractClosed('contract_closed', 'the node is stopping')
  }

  #hasWork(): boolean {
    if (this.#deliveries.length > 0 || this.#mayNote) return true
    return this.#maySpeak(this.#state) && this.outbox.hasTurn(this.#state, this.#holdsBack())
  }

  async #run(): Promise<void> {
    // Whatever else arrives in this turn of the event loop rides along.
    await Promise.resolve()
    const deliveries = this.#deliveries
    this.#deliveries = []
    try {
      const refused = await this.#turn(deliveries.flatMap(({ statements }) => statements))
      for (const { done } of deliveries) done.resolve({ refused })
    } catch (error) {
      for (const { done } of deliveries) done.reject(error)
      await this.#recover(error)
    }
  }

  async #turn(arrived: readonly Decoded[]): Promise<readonly StatementRefused[]> {
    const before = this.#state
    const reception = receive(before, [...this.#waiting, ...arrived])
    this.#waiting = reception.waiting.slice(0, WAITING_MAX)
    this.outbox.dropExpired(reception.state)
    const made = await this.#makeStatement(reception.state)
    const state = made?.state ?? reception.state
    const settled = [...reception.settled, ...(made?.settled ?? [])]
    const writes = writesFor({
      before,
      held: made === undefined ? reception.taken : [...reception.taken, made.held],
      settled,
      equivocations: reception.equivocations,
    })
    if (writes.length > 0) await this.#ports.store.write(writes)
    this.#state = state
    made?.durable()
    this.#tell(reception, made?.held, settled)
    return reception.refused.map(({ error }) => error)
  }

  async #makeStatement(state: AgreementState) {
    const mayNote = this.#mayNote
    this.#mayNote = false
    if (!this.#maySpeak(state)) return undefined
    const due = statementDue(state, this.self)
    // A statement that is due anyway takes along what waits.
    const turn = this.outbox.turn(state, due === undefined && this.#holdsBack())
    this.#holdIsOver = false
    const note = mayNote && turn.isEmpty && due === undefined ? await this.#note(state) : undefined
    if (turn.isEmpty && due === undefined && note === undefined) return undefined
    const wishes = note === undefined ? turn.wishes : { ...turn.wishes, note }
    const drafted = draft(state, this.self, wishes, timestamp(this.#ports.clock))
    const signed = drafted.sign(await this.#ports.signer.sign(drafted.bytesToSign))
    return { ...signed, durable: () => turn.durable(signed.held.statement.seq) }
  }

  #holdsBack(): boolean {
    if (this.outbox.length === 0 || this.#holdIsOver || (this.#ports.canSend?.(this.contract) ?? true)) {
      this.#cancelHold?.()
      this.#cancelHold = undefined
      return false
    }
    this.#cancelHold ??= this.#ports.clock.after(HOLD_MS, () => {
      this.#cancelHold = undefined
      this.#holdIsOver = true
      this.wake()
    })
    return true
  }

  /** The founder from the start, others from their invitation on, nobody after everyone holds its resignation. */
  #maySpeak(state: AgreementState): boolean {
    const { document } = state.ledger
    if (!document.isOpen) return true
    const party = partyOf(document, this.self)
    if (party === undefined || party.card.keys.signing !== this.#ports.signer.publicKey) return false
    const former = formerOf(document, this.self)
    return former === undefined || (newestOf(state.feeds, this.self)?.statement.head.size ?? 0) <= former.resignedAt
  }

  async #note(state: AgreementState): Promise<Note | undefined> {
    const due = noteDue(state, this.self, Math.floor(this.#ports.clock.now() / 1000))
    if (due === undefined) return undefined
    return { ...due.head, time: due.time, signature: await this.#ports.signer.sign(due.bytes) }
  }

  #tell(reception: Reception, made: Held | undefined, settled: readonly Acknowledged[]): void {
    this.outbox.settled(settled)
    if (formerOf(this.#state.settling.agreed, this.self) !== undefined) this.outbox.dropAll()
    for (const listener of this.#listeners) {
      if (settled.length > 0) listener.settled?.(this, settled)
      if (made !== undefined || reception.taken.length > 0) listener.news?.(this, { made, taken: reception.taken })
      if (reception.refused.length > 0) listener.refused?.(this, reception.refused)
      if (reception.equivocations.length > 0) listener.equivocated?.(this, reception.equivocations)
      if (reception.otherBranches.length > 0) listener.otherBranch?.(this, reception.otherBranches)
    }
  }

  /** After a write of unknown outcome only the store knows what stands: nothing was emitted, so that is what counts. */
  async #recover(error: unknown): Promise<void> {
    for (const listener of this.#listeners) listener.failed?.(this, error)
    this.outbox.failAll(error)
    const founder = [...this.#state.ledger.admitted.keys()][0] ?? this.self
    this.#state = await loadContract(this.#ports.store, this.contract, founder)
  }
}

/** The node is stopping, or the contract was closed under the caller. */
export class ContractClosed extends ConcordataError {}

/** Only members make requests; this node's party is invited, has resigned, or is a stranger. */
export class NotMember extends ConcordataError {}
