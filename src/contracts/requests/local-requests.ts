import { EngineUnknown } from '../../aggregates/contract/engines.ts'
import { memberOf } from '../../aggregates/contract/state.ts'
import { statementAt } from '../../agreement/feeds.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import { orderedObject } from '../../crypto/canonical-json.ts'
import type { About } from '../../events/about.ts'
import { type RequestRef, requestKey, requestOf, type Uid } from '../../events/ids.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../../events/limits.ts'
import type { Request } from '../../events/statement.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Random } from '../../runtime/random.ts'
import { StoreUnavailable } from '../../store/errors.ts'
import type { ContractView } from '../contract-view.ts'
import { RoomAsked } from './request-budget.ts'
import { FORGOTTEN_AFTER_MS, type RequestQueue } from './request-queue.ts'
import { requestBytesMax } from './statement-budget.ts'
import { asksForLock, type Intent, Submission } from './submission.ts'
import { fitRequest } from './validate-request.ts'

/** First pause before a record lock is asked for again; it doubles each time, up to `LOCK_RETRY_MAX_MS`. Milliseconds. */
const LOCK_RETRY_MS = 50
const LOCK_RETRY_MAX_MS = 5_000

/** How much longer than its time-out a request waits for the process that signs, to say what has become of it. Milliseconds. */
const TRANSMIT_GRACE_MS = 2_000
/** How long the store may then take to say whether it has been signed. Milliseconds. */
const LOOK_UP_MS = 5_000

/** The request, or its values, is larger than a statement of this contract can be. */
export class RequestTooLarge extends ConcordataError {}

/** Only members make requests; this node's party is invited, has resigned, or is a stranger. */
export class NotMember extends ConcordataError {}

/** Where a process without a key leaves what its users ask for; `CommandQueue` is one. */
export interface RequestCommands {
  /** Durable on return. */
  queue(contract: Uid, intent: Intent): Promise<void>
  withdraw(contract: Uid, request: RequestRef, about: About | undefined): Promise<void>
  answer(contract: Uid, request: RequestRef, refusal: { readonly about?: About } | undefined): Promise<void>
  /** A person vouches that this party may sign (decision 0044). */
  goOn(contract: Uid): Promise<void>
  /** Whether the process that signs was seen to take requests up. */
  takenUp(isTakenUp: boolean): void
}

interface LocalRequestsPorts {
  readonly clock: Clock
  readonly random: Random
  readonly commandQueue?: RequestCommands
  /** Left out: each contract has its own. */
  readonly roomAsked?: RoomAsked
}

/** What local users ask for in one contract: on its way from their word to the queue, with its time-outs and locks. */
export class LocalRequests {
  readonly queue: RequestQueue
  readonly #view: ContractView
  readonly #ports: LocalRequestsPorts
  readonly #roomAsked: RoomAsked

  constructor(view: ContractView, ports: LocalRequestsPorts, queue: RequestQueue) {
    this.queue = queue
    this.#view = view
    this.#ports = ports
    this.#roomAsked = ports.roomAsked ?? new RoomAsked()
  }

  /** Where a process without a key leaves what its users ask for. */
  get commandQueue(): RequestCommands | undefined {
    return this.#view.duties.signs ? undefined : this.#ports.commandQueue
  }

  /**
   * Takes an intent on its way. Throws NotMember, EngineUnknown, RequestsTooMany, and RequestUnfit and RequestTooLarge when no
   * statement could carry it.
   */
  submit(asked: Intent): Submission {
    const { contract } = this.#view
    const submission = this.#fitted(asked)
    const { intent } = submission
    this.#roomAsked.take(contract, submission)
    this.queue.add(submission)
    this.#expireInTime(submission)
    const { commandQueue } = this
    if (commandQueue === undefined) this.#view.wake()
    else commandQueue.queue(contract, intent).catch((error: unknown) => this.queue.fail(submission, error))
    return submission
  }

  /** Throws as `submit`, but for RequestsTooMany. */
  assertFit(asked: Intent): void {
    this.#fitted(asked)
  }

  /** An intent from the command queue that was signed before, by this process or another one, goes on. Requires that it is open. */
  resume(intent: Intent, request: RequestRef): Submission {
    const submission = new Submission(intent)
    this.queue.resume(submission, request, !this.#view.state.undecided.has(requestKey(request)))
    this.#expireInTime(submission)
    this.#view.wake()
    return submission
  }

  /** Takes a request back. Throws NotWithdrawable; what becomes of it its verdict says, and the ledger. */
  async withdraw(request: RequestRef, about?: About): Promise<void> {
    const { contract, state } = this.#view
    this.queue.assertWithdrawable(request, state)
    const { commandQueue } = this
    if (commandQueue !== undefined) return commandQueue.withdraw(contract, request, about)
    this.queue.withdraw(request, about)
    this.#view.wake()
  }

  /** Requests once more what a lock has made void, when that has ended. */
  retryAfterLock(): void {
    const { duties, self, state } = this.#view
    if (!duties.signs) return
    const { lock } = state.settling.agreed
    if (lock !== null && lock.holder !== self) return
    for (const submission of this.queue.takeLockedOut()) {
      if (!asksForLock(submission.intent.request)) {
        this.#addAgain(submission)
        continue
      }
      const { clock, random } = this.#ports
      const pause = Math.min(LOCK_RETRY_MAX_MS, LOCK_RETRY_MS * 2 ** submission.attempts)
      clock.after(pause * random.fraction(), () => {
        if (!this.#view.isClosed) this.#addAgain(submission)
      })
    }
  }

  /** Tentative requests whose intent does not come back are withdrawn some time after their deadline (decision 0055). */
  wakeAtDeadlines(): void {
    const { clock } = this.#ports
    const { self, state } = this.#view
    for (const [key, handle] of state.undecided) {
      if (handle !== self) continue
      const { seq, index } = requestOf(key)
      const deadline = statementAt(state.feeds, handle, seq)?.statement.requests[index]?.deadline
      if (deadline === undefined) continue
      const waitMs = Math.max(0, Date.parse(deadline) + FORGOTTEN_AFTER_MS - clock.now()) + 1
      clock.after(waitMs, () => this.#view.wake())
    }
  }

  #fitted(asked: Intent): Submission {
    const { contract, self, state } = this.#view
    const { document } = state.ledger
    if (document.isOpen && memberOf(document, self) === undefined)
      throw new NotMember('not_a_member', `${self} is no member of ${contract}`, { contract })
    const request = fitRequest(asked.request, asked.payloads, document.limits)
    this.#assertEngineOf(request)
    const bytesMax = requestBytesMax(state)
    const submission = new Submission(this.#withDeadline({ ...asked, request }))
    const { requestBytes: bytes, valueBytes } = submission
    if (bytes > bytesMax || valueBytes > MESSAGE_VALUES_CHARACTERS_MAX) {
      const message = `the request has ${bytes} bytes and ${valueBytes} of values; ${bytesMax} and ${MESSAGE_VALUES_CHARACTERS_MAX} fit`
      throw new RequestTooLarge('request_too_large', message, { bytes, bytesMax, valueBytes })
    }
    return submission
  }

  #assertEngineOf({ commands }: Request): void {
    const { engineUnknown, state } = this.#view
    const { engines } = state.ledger
    const missing = engineUnknown ?? engines.missingFor(commands)
    if (missing !== undefined) throw new EngineUnknown(missing, engines.versions)
  }

  /** A tentative request with a time-out says so: nobody waits for it after a restart. */
  #withDeadline(intent: Intent): Intent {
    const { request, timeoutMs } = intent
    if (!request.tentative || timeoutMs === undefined || request.deadline !== undefined) return intent
    const deadline = new Date(this.#ports.clock.now() + timeoutMs).toISOString()
    return { ...intent, request: orderedObject(Object.entries({ ...request, deadline })) as Request }
  }

  #expireInTime(submission: Submission): void {
    const { timeoutMs, signedWithinMs } = submission.intent
    if (timeoutMs === undefined) {
      if (signedWithinMs !== undefined) this.#dropUnsigned(submission, signedWithinMs)
      return
    }
    const { clock } = this.#ports
    let stop = clock.after(timeoutMs, () => {
      this.queue.expire(submission, this.#view.state)
      this.#view.wake()
      // Another process was to sign, or to decide: it may be down.
      if (this.#view.duties.signs) return
      stop = clock.after(TRANSMIT_GRACE_MS, () => void this.#giveUpUnheard(submission))
    })
    const settle = () => stop()
    submission.verdict.then(settle, settle)
  }

  /** The store may have what this process has not heard of: a subscription that is interrupted says nothing (decision 0143). Whether it was read. */
  async #lookUp(submission: Submission): Promise<boolean> {
    const late = Promise.withResolvers<never>()
    const stop = this.#ports.clock.after(LOOK_UP_MS, () => late.reject(notRead()))
    try {
      await Promise.race([this.#view.readStore(), late.promise])
      return true
    } catch (error) {
      if (submission.phase.kind === 'queued') this.queue.fail(submission, error)
      return false
    } finally {
      stop()
    }
  }

  /** Nothing was heard of it any more. A store that does not answer says nothing of who signs. */
  async #giveUpUnheard(submission: Submission): Promise<void> {
    const isRead = await this.#lookUp(submission)
    if (submission.phase.kind === 'done') return
    if (isRead) this.commandQueue?.takenUp(false)
    this.queue.giveUp(submission)
  }

  /** What stands in the command queue of the store is carried out all the same when somebody signs again. */
  #dropUnsigned(submission: Submission, afterMs: number): void {
    const stop = this.#ports.clock.after(afterMs, () => {
      if (submission.phase.kind !== 'queued') return
      if (this.#view.duties.signs) {
        submission.isOverdue = true
        this.#view.wake()
        return
      }
      this.#lookUp(submission).then((isRead) => {
        if (submission.phase.kind !== 'queued') return
        if (isRead) this.commandQueue?.takenUp(false)
        this.queue.giveUp(submission)
      })
    })
    submission.signed.then(stop, stop)
    submission.verdict.then(stop, stop)
  }

  #addAgain(submission: Submission): void {
    withHistory(this.#view, (state) => this.queue.addAgain(submission, state)).then(
      () => this.#view.wake(),
      (error: unknown) => this.queue.fail(submission, error),
    )
  }
}

function notRead(): StoreUnavailable {
  return new StoreUnavailable('store_unavailable', `the store was not read within ${LOOK_UP_MS} ms`)
}
