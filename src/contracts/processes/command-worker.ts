import { saidToHold } from '../../agreement/feeds.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import { covers } from '../../agreement/version-vector.ts'
import { fromBase64url } from '../../crypto/bytes.ts'
import { sha256 } from '../../crypto/hash.ts'
import { type RequestRef, requestKey, type Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import { StoreClosed, StoreUnavailable, WrongExpectedRevision } from '../../store/errors.ts'
import { type EventStore, NO_EVENTS, type RecordedEvent } from '../../store/port.ts'
import { OUTBOX_DONE_STREAM, OUTBOX_STREAM } from '../../store/streams.ts'
import type { KeyChanging } from '../commands/key-changing.ts'
import {
  type AskedCommand,
  askIn,
  type CommandResult,
  decodeOutbox,
  done,
  doneThrough,
  type PersonsRefusal,
  problemOf,
  type QueuedCommand,
} from '../commands/queued-command.ts'
import type { Contracts } from '../registry/contracts.ts'
import { findSettled } from '../replica/find-settled.ts'
import { ContractClosed, type LiveContract } from '../replica/live-contract.ts'
import { standingOfRequest } from '../requests/progress.ts'
import { RequestsTooMany } from '../requests/request-budget.ts'
import { FORGOTTEN_AFTER_MS } from '../requests/request-queue.ts'
import type { Intent } from '../requests/submission.ts'
import { asksAgainAfter } from '../requests/submission.ts'

export interface CommandWorkerPorts {
  readonly contracts: Contracts
  readonly events: EventStore
  readonly clock: Clock
  /** Names this process among the workers of the queue. */
  readonly self: string
  readonly keys: KeyChanging
  failed(error: unknown): void
  /** The request of that id belongs to a trace that another process of this party has begun. */
  tracedAs?(id: string, traceparent: string): void
}

/** One that is not done with. */
interface Open {
  readonly revision: number
  readonly queued: QueuedCommand
}

/** How long something that the store could not take is left alone. Milliseconds. */
const RETRY_MS = 1_000
/** How long another process may take for what it has claimed. Milliseconds. */
const CLAIMED_MS = 60_000

/**
 * Carries out queued commands, in the process that has the keys and makes requests (design §9). It may die at any
 * moment, and several may run: a command stays queued until it is done, whoever does it. Before a request is signed,
 * its id is searched in the own feed (decision 0053); every other command can be carried out twice without harm, or
 * is claimed first.
 */
export class CommandWorker {
  readonly #ports: CommandWorkerPorts
  readonly #open = new Map<string, Open>()
  /** What is known of the queue, and up to where all commands are done. */
  #known = NO_EVENTS
  #through = NO_EVENTS
  #noting: Promise<void> | undefined
  #closed = false

  private constructor(ports: CommandWorkerPorts) {
    this.#ports = ports
  }

  /**
   * Takes up what others have left up to `after`, a position of the store from before `contracts` was opened. What comes later
   * is to be told by `took`, behind everything that stands before it in the store: the contract that it is about may be new.
   */
  static async open(ports: CommandWorkerPorts, after: number | undefined): Promise<CommandWorker> {
    const commandWorker = new CommandWorker(ports)
    const { events } = ports
    commandWorker.#through = await doneSoFar(events)
    commandWorker.#known = commandWorker.#through
    for await (const event of events.read(OUTBOX_STREAM, { from: commandWorker.#through + 1 })) {
      if (after === undefined || event.position > after) break
      commandWorker.took(event)
    }
    return commandWorker
  }

  /** A new event of the queue. */
  took(event: RecordedEvent): void {
    const { revision } = event
    if (revision <= this.#known || this.#closed) return
    this.#known = revision
    const what = askIn(event, this.#ports.failed)
    if (what === undefined) return
    if ('done' in what) this.#forget(what.done.id)
    if (!('queued' in what) || this.#open.has(what.queued.id)) return
    const open = { revision, queued: what.queued }
    this.#open.set(what.queued.id, open)
    void this.#carryOut(open)
  }

  close(): void {
    this.#closed = true
  }

  async #carryOut(open: Open): Promise<void> {
    const { id, contract, ask } = open.queued
    try {
      const outcome = await this.#do(open, ask)
      // The process that claimed it reports when it is done; if that process died, it is not done.
      if (outcome === 'left') this.#ports.clock.after(CLAIMED_MS, () => this.#forget(id))
      if (outcome === 'left') return
      if (outcome !== undefined) await this.#ports.events.append(OUTBOX_STREAM, 'any', [done(outcome)])
      this.#forget(id)
    } catch (error) {
      if (this.#closed || error instanceof StoreClosed || error instanceof ContractClosed) return
      const problem = isPassing(error) ? undefined : problemOf(error)
      if (problem === undefined) {
        this.#ports.failed(error)
        this.#ports.clock.after(RETRY_MS, () => void this.#carryOut(open))
        return
      }
      await this.#reject({ id, contract, problem }, open)
    }
  }

  async #reject(outcome: CommandResult, open: Open): Promise<void> {
    try {
      await this.#ports.events.append(OUTBOX_STREAM, 'any', [done(outcome)])
      this.#forget(outcome.id)
    } catch (error) {
      this.#ports.failed(error)
      if (!this.#closed) this.#ports.clock.after(RETRY_MS, () => void this.#carryOut(open))
    }
  }

  /** The result to report; undefined: none, the feed shows it. `left`: another worker carries it out. */
  async #do(
    { revision, queued: { id, contract: uid } }: Open,
    ask: AskedCommand,
  ): Promise<CommandResult | undefined | 'left'> {
    const { contracts, keys } = this.#ports
    const result = (value: unknown): CommandResult => ({ id, contract: uid, result: value })
    switch (ask.kind) {
      case 'request':
        if (ask.traceparent !== undefined) this.#ports.tracedAs?.(id, ask.traceparent)
        await contracts.useUpToDate(uid as Uid, (live) => this.#request(id, live, ask))
        return undefined
      case 'withdraw':
        await contracts.useUpToDate(uid as Uid, (live) => live.withdraw(ask.request, ask.about))
        return result(null)
      case 'answer':
        await contracts.useUpToDate(uid as Uid, (live) => this.#answer(live, ask.request, ask.refusal ?? undefined))
        return result(null)
      case 'accept':
      case 'decline': {
        const reply = ask.kind
        await contracts.useUpToDate(uid as Uid, async () => {
          if ([undefined, 'overtaken'].includes(contracts.replyTo(uid as Uid))) await contracts[reply](uid as Uid)
        })
        return result(null)
      }
      case 'open':
        return result(await contracts.openAsked(id, revision, ask.title, ask.charter))
      case 'keys':
        return result(await keys.show())
      case 'rotate':
        return (await this.#claim(id)) ? result(await keys.rotate(ask.name)) : 'left'
      case 'prepare-revocation':
        return (await this.#claim(id)) ? result(await keys.prepareRevocation()) : 'left'
      case 'revoke':
        await contracts.useUpToDate(uid as Uid, () => keys.revoke(ask))
        return result(null)
      case 'piece': {
        // What is no base64url has the length of no piece.
        const bytes = fromBase64url(ask.piece) ?? new Uint8Array()
        await contracts.use(uid as Uid, (live) => live.contents.keepPiece(ask.content, ask.index, bytes))
        return result(null)
      }
      case 'content':
        await contracts.use(uid as Uid, (live) => live.contents.complete(ask.content))
        return result(null)
      case 'go-on':
        await contracts.useUpToDate(uid as Uid, (live) => live.goOn())
        return result(null)
    }
  }

  async #request(id: string, live: LiveContract, ask: AskedCommand & { kind: 'request' }): Promise<void> {
    const intent = this.#intentOf(ask)
    const signed = live.requests.queue.placeOf(id)
    if (signed === undefined) {
      if (!this.#isForgotten(ask)) await live.submit(intent).verdict
      return
    }
    if ((await withHistory(live, (state) => standingOfRequest(state, signed, undefined))) !== undefined) {
      await live.requests.resume(intent, signed).verdict
      return
    }
    // It has its place in the ledger; made void by a lock it is requested once more.
    const outcome = (await findSettled(this.#ports.events, live.contract, requestKey(signed)))?.outcome
    const isToBeAskedAgain = outcome !== undefined && intent.timeoutMs !== 0 && asksAgainAfter(outcome, intent)
    const newest = live.requests.queue.placeOf(id)
    const isNewest = newest !== undefined && requestKey(newest) === requestKey(signed)
    if (isToBeAskedAgain && isNewest) await live.submit(intent).verdict
  }

  /** Nobody has waited for it for long: whoever asked was told that nobody has taken it up. */
  #isForgotten({ request: { deadline, tentative } }: AskedCommand & { kind: 'request' }): boolean {
    if (!tentative || deadline === undefined) return false
    return Date.parse(deadline) + FORGOTTEN_AFTER_MS < this.#ports.clock.now()
  }

  /** With what is left of its time, 0 for none. */
  #intentOf({ request, payloads, retry }: AskedCommand & { kind: 'request' }): Intent {
    const { deadline, tentative } = request
    const timeoutMs =
      tentative && deadline !== undefined ? Math.max(0, Date.parse(deadline) - this.#ports.clock.now()) : undefined
    return { request, payloads, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(retry ? { retry } : {}) }
  }

  /** Done only when this party's feed says it: until then a restart has to know of it. */
  #answer(live: LiveContract, request: RequestRef, refusal: PersonsRefusal | undefined): Promise<void> {
    const isSaid = () => covers(saidToHold(live.state.feeds, live.self), request.handle, request.seq)
    if (isSaid()) return Promise.resolve()
    const said = Promise.withResolvers<void>()
    const stop = live.listen({ news: () => isSaid() && said.resolve() })
    live.approvals.decide(request, refusal)
    return said.promise.finally(stop)
  }

  /** Of several processes that want to carry something out one does. */
  async #claim(id: string): Promise<boolean> {
    const stream = `${OUTBOX_STREAM}-${sha256(id).slice(0, 32)}`
    const claim = { type: 'IntentClaimed', data: JSON.stringify({ by: this.#ports.self }) }
    try {
      await this.#ports.events.append(stream, NO_EVENTS, [claim])
      return true
    } catch (error) {
      if (error instanceof WrongExpectedRevision) return false
      throw error
    }
  }

  #forget(id: string): void {
    if (!this.#open.delete(id)) return
    if (this.#noting === undefined) this.#noting = this.#note()
  }

  /** Notes how far everything is done, so that a start does not go back further. */
  async #note(): Promise<void> {
    // What is done in the same breath is noted at once.
    await new Promise<void>((resolve) => this.#ports.clock.after(RETRY_MS, resolve))
    this.#noting = undefined
    let first = this.#known + 1
    for (const { revision } of this.#open.values()) first = Math.min(first, revision)
    if (this.#closed || first - 1 <= this.#through) return
    this.#through = first - 1
    await this.#ports.events.append(OUTBOX_DONE_STREAM, 'any', [doneThrough(this.#through)]).catch(this.#ports.failed)
  }
}

/**
 * Whether a command is to be tried again after this error: the store or the signer does not answer, so its fate is
 * unknown; or earlier requests take all the room, while the user was told that this one is durable.
 */
function isPassing(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof RequestsTooMany) return true
  return problemOf(error)?.code === 'signer_unreachable'
}

/** The revision of the queue up to which all commands are done. */
export async function doneSoFar(events: EventStore): Promise<number> {
  const last = await events.lastRevision(OUTBOX_DONE_STREAM)
  if (last === NO_EVENTS) return NO_EVENTS
  for await (const event of events.read(OUTBOX_DONE_STREAM, { from: last })) {
    const noted = decodeOutbox(event)
    if ('through' in noted) return noted.through
  }
  return NO_EVENTS
}
