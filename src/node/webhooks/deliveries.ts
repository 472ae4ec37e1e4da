import type { ApiCaller } from '../../api/http/callers/authenticate.ts'
import { ANY, isOfAny, isState, type Subject, subjectIn } from '../../api/routes/live/subject.ts'
import { NoSuchContract } from '../../contracts/registry/contract-cache.ts'
import type { Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { CONTRACTS_STREAM, contractStream } from '../../store/streams.ts'
import { type Chunk, type Message, type MessagePorts, markOf, readHeld, readLedger } from './messages.ts'
import { NotedPlace } from './noted-place.ts'
import { ReadAhead } from './read-ahead.ts'
import { DOWN_AFTER, nextAttempt, pauseAfter, TRIED_AGAIN_MS } from './retry-times.ts'
import type { Sender, SentMessage, Target } from './sender.ts'
import { SettledNotes } from './settled-notes.ts'
import { signerWith, type WebhookSigner } from './signatures.ts'
import { type Ended, type Hook, type Lane, type LaneKey, uidOf, type WebhookFile } from './webhook-file.ts'

export interface DeliveryPorts extends MessagePorts {
  readonly file: WebhookFile
  readonly sender: Sender
  readonly clock: Clock
  readonly random: Random
  /** Whose key that is, by its hash; undefined: nobody's any more. */
  readonly standing: (holder: string) => Promise<ApiCaller | undefined>
  readonly report: {
    delivered(outcome: 'taken' | 'failed' | 'given_up'): void
    ended(hook: Hook, why: Ended): void
    failed(error: unknown): void
  }
}

interface Running {
  readonly hook: Hook
  readonly subject: Subject
  readonly signer: WebhookSigner
  readonly target: Target
  /** Lanes in which there may be something to send, by name, and those in which something is sent. */
  readonly ready: Map<string, LaneKey>
  readonly busy: Set<string>
  readonly ahead: ReadAhead
  failuresInARow: number
  pausedUntil: number
  /** When its key was looked up last. */
  checkedAt: number
}

/** How many messages are under way at once, in all and to one receiver; of each webhook and contract it is one. */
const UNDER_WAY_MAX = 32
const OF_HOOK_MAX = 4
/** How long nothing is tried after a failure of this node itself. Milliseconds. */
const OWN_FAILURE_PAUSE_MS = 5_000
/** How long what was found out of a key counts. Milliseconds. */
const KEY_GOOD_FOR_MS = 1_000

/**
 * Sends what webhooks are to be told. The streams of the store are the queue: a lane is a place in one, and goes on to the next message
 * when the one before was taken, or given up. So a receiver has what happens in a contract in ledger order, nothing waits in
 * memory, and whatever ends this process takes nothing away (decision 0133).
 */
export class Deliveries {
  readonly #ports: DeliveryPorts
  readonly #running = new Map<string, Running>()
  readonly #ofContract = new Map<Uid, Set<string>>()
  /** Of all contracts, those that have ended too: they may be begun again. */
  readonly #ofAny = new Set<string>()
  readonly #settled: SettledNotes
  /** Those that may have something to send, whose turn it is first. */
  readonly #queue = new Set<Running>()
  #underWay = 0
  #cancelDue = () => {}
  #isClosed = false
  #idle = () => {}
  readonly #stops: (() => void)[] = []

  constructor(ports: DeliveryPorts) {
    this.#ports = ports
    this.#settled = new SettledNotes(ports, this.#ofAny, (key) => this.wake(key))
  }

  /** Goes on where it was when the process before this one ended. */
  async start(): Promise<void> {
    const { contracts, file, store } = this.#ports
    this.#stops.push(
      contracts.listen({
        settled: ({ contract, state }) => this.#hasSettled(contract, state.settling.settled),
        activated: ({ contract, state }, hasNews) => {
          if (hasNews) this.#hasSettled(contract, state.settling.settled)
        },
      }),
    )
    const held = store.events.subscribe(
      { after: await store.events.lastPosition(), streamPrefix: CONTRACTS_STREAM },
      () => this.#wakeHeld(),
    )
    held.closed.catch((error: unknown) => this.#ports.report.failed(error))
    this.#stops.push(() => held.close())
    for (const hook of file.hooks()) this.begin(hook)
    if (this.#ofAny.size > 0) await this.noteAll()
  }

  /** Nothing more is sent when this resolves. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#settled.close()
    for (const stop of this.#stops) stop()
    this.#cancelDue()
    await this.#ports.sender.close()
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
  }

  /** How many webhooks are of all contracts. */
  get ofAny(): number {
    return this.#ofAny.size
  }

  /** From now on, with what it is now. */
  begin(hook: Hook): void {
    this.end(hook.id)
    const subject = subjectIn(hook.subject)
    if (isOfAny(subject)) this.#ofAny.add(hook.id)
    if (hook.ended !== null) return
    const signer = signerWith(hook.secrets)
    const running: Running = {
      hook,
      subject,
      signer,
      target: this.#ports.sender.targetAt(hook.url),
      ready: new Map(),
      busy: new Set(),
      ahead: new ReadAhead(() => this.#ports.clock.now()),
      failuresInARow: 0,
      pausedUntil: 0,
      checkedAt: Number.NEGATIVE_INFINITY,
    }
    this.#running.set(hook.id, running)
    if (!isState(subject) && subject.contract !== ANY) {
      const others = this.#ofContract.get(subject.contract) ?? new Set()
      this.#ofContract.set(subject.contract, others.add(hook.id))
    }
    for (const key of this.#ports.file.lanesOf(hook.id)) this.wake(key)
    this.#lookLater()
  }

  /** Nothing more is sent for it. What is under way is, and makes no difference. */
  end(id: string): void {
    const running = this.#running.get(id)
    this.#running.delete(id)
    if (running === undefined) return
    this.#queue.delete(running)
    const { subject } = running
    if (isState(subject) || subject.contract === ANY) return
    const others = this.#ofContract.get(subject.contract)
    others?.delete(id)
    if (others?.size === 0) this.#ofContract.delete(subject.contract)
  }

  /** It is not there any more. */
  forget(id: string): void {
    this.end(id)
    this.#ofAny.delete(id)
    if (this.#ofAny.size === 0) this.#ports.file.forgetSeen()
  }

  /** There may be something to send. */
  wake(key: LaneKey): void {
    const running = this.#running.get(key.hook)
    if (running === undefined) return
    running.ready.set(`${key.replay} ${key.stream}`, key)
    this.#queue.add(running)
    this.#sendWhatIsDue()
  }

  /** What waits for its time is tried now. */
  retry(id: string): void {
    const { clock, file } = this.#ports
    file.hasten(id, clock.now(), 0)
    const running = this.#running.get(id)
    if (running === undefined) return
    running.pausedUntil = 0
    for (const key of file.lanesOf(id)) this.wake(key)
  }

  /** For webhooks of all contracts: what has settled while none was there to hear of it. */
  noteAll(): Promise<void> {
    return this.#settled.noteAll()
  }

  #hasSettled(contract: Uid, size: number): void {
    for (const hook of this.#ofContract.get(contract) ?? []) {
      this.wake({ hook, stream: contractStream(contract), replay: 0 })
    }
    if (this.#ofAny.size === 0) return
    this.#settled.add(contract, size)
  }

  #wakeHeld(): void {
    for (const { hook, subject } of this.#running.values()) {
      if (isState(subject)) this.wake({ hook: hook.id, stream: CONTRACTS_STREAM, replay: 0 })
    }
  }

  #lookLater(): void {
    const { clock, file } = this.#ports
    this.#cancelDue()
    const now = clock.now()
    const due = file.nextDue(now)
    if (due === undefined || this.#isClosed) return
    this.#cancelDue = clock.after(due - now, () => {
      for (const key of file.due(clock.now())) this.wake(key)
      this.#lookLater()
    })
  }

  #sendWhatIsDue(): void {
    const now = this.#ports.clock.now()
    for (const running of this.#queue) {
      if (this.#underWay >= UNDER_WAY_MAX || this.#isClosed) return
      this.#queue.delete(running)
      const most = running.failuresInARow < DOWN_AFTER ? OF_HOOK_MAX : 1
      // It comes again when what is under way has ended, or the pause.
      if (running.pausedUntil > now || running.busy.size >= most) continue
      const found = [...running.ready].find(([name]) => !running.busy.has(name))
      if (found === undefined) continue
      const [name, key] = found
      running.ready.delete(name)
      running.busy.add(name)
      this.#underWay++
      void this.#visit(running, key, name)
      this.#queue.add(running)
    }
  }

  async #visit(running: Running, key: LaneKey, name: string): Promise<void> {
    // Whoever has woken it, such as a contract in which something settles, does not wait for this.
    await this.#ports.turns.next()
    try {
      if (await this.#tellSome(running, key)) running.ready.set(name, key)
      else running.ahead.drop(key)
    } catch (error) {
      if (!this.#isClosed) this.#ports.report.failed(error)
      running.ready.set(name, key)
      this.#pause(running, OWN_FAILURE_PAUSE_MS)
    }
    running.busy.delete(name)
    this.#underWay--
    if (this.#underWay === 0) this.#idle()
    if (this.#running.get(key.hook) === running) this.#queue.add(running)
    this.#sendWhatIsDue()
  }

  #pause(running: Running, pauseMs: number): void {
    const { clock } = this.#ports
    running.pausedUntil = clock.now() + pauseMs
    clock.after(pauseMs, () => {
      if (this.#running.get(running.hook.id) !== running) return
      this.#queue.add(running)
      this.#sendWhatIsDue()
    })
  }

  /** Whether there may be more at once. */
  async #tellSome(running: Running, key: LaneKey): Promise<boolean> {
    const { clock, file, sender } = this.#ports
    const { hook, signer, target } = running
    const isCurrent = () => !this.#isClosed && this.#running.get(hook.id) === running
    const found = file.lane(key)
    if (found === undefined || (found.due ?? 0) > clock.now()) return false
    const lane = await this.#checked(found)
    const chunk = (await running.ahead.take(lane)) ?? (await this.#read(running, lane))
    if (chunk === undefined) return false
    const behind = { ...lane, next: chunk.next, part: 0, mark: chunk.mark }
    if (chunk.more && chunk.messages.length > 0)
      running.ahead.begin(lane, chunk.next, () => this.#read(running, behind))
    let { attempts, first } = lane
    const place = new NotedPlace(clock, (revision, part, mark) => file.told(key, revision, part, mark))
    try {
      for (const [at, message] of chunk.messages.entries()) {
        if (!isCurrent() || !(await this.#mayBeTold(running))) return false
        const sent = await place.during(sender.send(target, message, signer))
        // Removed, ended or begun anew meanwhile: then this is nobody's any more.
        if (!isCurrent() || sent.kind === 'ended') return false
        if (sent.kind === 'gone') {
          this.#endFor(running, 'receiver_gone')
          return false
        }
        if (sent.kind === 'failed') {
          place.note()
          if (!this.#failed(running, { ...lane, attempts, first }, message, sent)) return false
        } else this.#taken(running, lane, message)
        place.told(message, chunk.messages[at + 1])
        attempts = 0
        first = null
      }
    } finally {
      // Begun anew, it goes on where the file says: what was not written down is sent again.
      if ((this.#running.get(hook.id) ?? running) === running) place.note()
    }
    return this.#goOn(running, lane, chunk)
  }

  /** What it has been told, or concerns it not, is behind it. Whether there may be more at once. */
  #goOn({ subject }: Running, lane: Lane, { mark, messages, more, next }: Chunk): boolean {
    const { file } = this.#ports
    const told = messages.at(-1)?.revision ?? lane.next - 1
    if (next > told + 1) file.told(lane, next, 0, mark)
    const isOver = lane.until !== null && next > lane.until
    const hasAll = lane.replay === 0 && isOfAny(subject) && next >= file.seen(uidOf(lane))
    if (isOver || hasAll) file.removeLane(lane)
    return more && !isOver
  }

  #taken(running: Running, { replay }: Lane, { id }: Message): void {
    const { clock, file, report } = this.#ports
    report.delivered('taken')
    // What was given up comes again only where it is asked for.
    if (replay === 1) file.forgetFailure(running.hook.id, id)
    if (running.failuresInARow === 0) return
    running.failuresInARow = 0
    file.hasten(running.hook.id, clock.now() + 1, TRIED_AGAIN_MS)
    this.#lookLater()
  }

  /** Whether it was given up, so that the next message is next. */
  #failed(running: Running, lane: Lane, { id }: Message, sent: Extract<SentMessage, { kind: 'failed' }>): boolean {
    const { clock, file, random, report } = this.#ports
    const now = clock.now()
    const { hook } = running
    // Left out by somebody while it was sent.
    if (file.lane(lane)?.attempts !== lane.attempts) return false
    const attempts = lane.attempts + 1
    const first = lane.first ?? now
    const due = nextAttempt({ attempts, first }, now, random.fraction(), sent.retryAfterMs)
    const pause = pauseAfter(++running.failuresInARow, random.fraction())
    if (pause > 0) this.#pause(running, pause)
    if (due === undefined) {
      report.delivered('given_up')
      file.giveUp(hook.id, { message: id, attempts, first, last: now, error: sent.error })
      return true
    }
    report.delivered('failed')
    file.failed(lane, { attempts, first, last: now, due, error: sent.error, message: id })
    this.#lookLater()
    return false
  }

  /** By the right of the key with which it was made. */
  async #mayBeTold(running: Running): Promise<boolean> {
    const now = this.#ports.clock.now()
    if (now - running.checkedAt < KEY_GOOD_FOR_MS && now >= running.checkedAt) return true
    const caller = await this.#ports.standing(running.hook.holder)
    if (caller?.roles.includes('reader') === true) {
      running.checkedAt = now
      return true
    }
    if (this.#running.get(running.hook.id) === running) this.#endFor(running, 'key_ended')
    return false
  }

  #endFor({ hook }: Running, ended: Ended): void {
    this.#ports.file.update({ ...hook, ended })
    this.end(hook.id)
    this.#ports.report.ended(hook, ended)
  }

  /** Undefined: there is no such contract any more, nor anything to tell of it. */
  async #read({ subject }: Running, lane: Lane): Promise<Chunk | undefined> {
    const { file, store } = this.#ports
    const until = lane.until === null ? Number.MAX_SAFE_INTEGER : lane.until + 1
    if (isState(subject)) return readHeld(store.events, file.epoch, { ...lane, end: until })
    const contract = uidOf(lane)
    const end = lane.replay === 0 && subject.contract === ANY ? Math.min(until, file.seen(contract)) : until
    try {
      return await readLedger(subject, contract, { ...lane, end }, this.#ports)
    } catch (error) {
      if (!(error instanceof NoSuchContract)) throw error
      file.removeLane(lane)
      return undefined
    }
  }

  /**
   * A stream of this node's own may have been set back, and gone on otherwise: what stands at a revision is then another message, under
   * another id. All that may not have been told is told.
   */
  async #checked(lane: Lane): Promise<Lane> {
    const { file, store } = this.#ports
    if (lane.stream !== CONTRACTS_STREAM || lane.next === 0) return lane
    for await (const event of store.events.read(lane.stream, { from: lane.next - 1, limit: 1 })) {
      if (markOf(event) === lane.mark) return lane
    }
    file.renewEpoch()
    file.told(lane, 0, 0, null)
    return { ...lane, next: 0, part: 0, mark: null, attempts: 0, first: null }
  }
}
