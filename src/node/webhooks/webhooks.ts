import type { ApiCaller } from '../../api/http/callers/authenticate.ts'
import { ANY, isOfAny, isState, type Subject, subjectIn } from '../../api/routes/live/subject.ts'
import type { Webhook, WebhookMade, WebhookOwner, Webhooks } from '../../api/routes/webhooks.ts'
import { NoSuchEntry } from '../../documents/past/past-documents.ts'
import { requireReached } from '../../documents/past/reached.ts'
import type { Uid } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { CONTRACTS_STREAM, contractStream } from '../../store/streams.ts'
import { Deliveries, type DeliveryPorts } from './deliveries.ts'
import { markOf } from './messages.ts'
import { type Receivers, WebhookUnfit } from './receivers.ts'
import { newSecret, type SigningSecret, type WebhookSigning } from './signatures.ts'
import type { GivenUpMessage, Hook, Lane, LaneKey } from './webhook-file.ts'

/** There is no webhook of that id, or it is another caller's. */
export class NoSuchWebhook extends ConcordataError {}
/** Whoever calls has no key of this node: a token is good for too short a while. */
export class WebhookKeyUnfit extends ConcordataError {}
/** Evidence: `max`. */
export class TooManyWebhooks extends ConcordataError {}
/** No message of that id waits. */
export class NoSuchMessage extends ConcordataError {}
/** The webhook is being told of the stream once more already. */
export class ReplayUnderWay extends ConcordataError {}

export interface WebhooksPorts extends DeliveryPorts {
  readonly receivers: Receivers
}

/** Of a node; of those of all contracts, each of which has to be looked at for all that settles; of one key. */
const WEBHOOKS_MAX = 10_000
const OF_ALL_CONTRACTS_MAX = 64
const OF_KEY_MAX = 1_000
/** How long messages are signed with the secret before, too, unless the caller says otherwise. Milliseconds. */
const OVERLAP_MS = 24 * 3600_000
const SECRETS_MAX = 4
const UNDELIVERED_MAX = 1_000
/** So long a message may wait until somebody is to look at it. Milliseconds. */
const FAILING_AFTER_MS = 10 * 60_000

const SUBJECTS = ['/new-api/<uid>/<path>', '/api/Contract/<uid>/Requests', '/api/Contract']

/** Who is told of what by calls, as the API and the command line see it. */
export class NodeWebhooks implements Webhooks {
  readonly #ports: WebhooksPorts
  readonly #deliveries: Deliveries
  readonly #hooks = new Map<string, Hook>()

  constructor(ports: WebhooksPorts) {
    this.#ports = ports
    const ended: DeliveryPorts['report']['ended'] = (hook, why) => {
      this.#hooks.set(hook.id, { ...hook, ended: why })
      ports.report.ended(hook, why)
    }
    this.#deliveries = new Deliveries({ ...ports, report: { ...ports.report, ended } })
  }

  get epoch(): string {
    return this.#ports.file.epoch
  }

  async start(): Promise<void> {
    for (const hook of this.#ports.file.hooks()) this.#hooks.set(hook.id, hook)
    await this.#deliveries.start()
  }

  async close(): Promise<void> {
    await this.#deliveries.close()
    this.#ports.file.close()
  }

  /** How many there are by state; `failing`: the oldest message has waited for long. */
  counts(): Readonly<Record<Webhook['state'], number>> {
    const counts = { active: 0, failing: 0, ended: 0 }
    if (this.#hooks.size === 0) return counts
    const since = this.#ports.file.failingSince()
    for (const hook of this.#hooks.values()) counts[this.#stateOf(hook, since.get(hook.id))]++
    return counts
  }

  list(owner: WebhookOwner): Webhook[] {
    return [...this.#hooks.values()].filter((hook) => isOf(hook, owner)).map((hook) => this.#shown(hook))
  }

  find(id: string, owner: WebhookOwner): Webhook {
    return this.#shown(this.#hook(id, owner))
  }

  async make(
    { from, signing = 'v1', subject: spelling, url }: Parameters<Webhooks['make']>[0],
    owner: WebhookOwner,
  ): Promise<WebhookMade> {
    const { clock, file, random, receivers } = this.#ports
    const { href } = receivers.urlIn(url)
    const subject = subjectIn(spelling, SUBJECTS)
    if (isState(subject) && subject.kind !== 'contracts') throw unfit('a webhook is not told of it', SUBJECTS)
    const isOfOne = !isState(subject) && subject.contract !== ANY
    if (from !== undefined && !isOfOne) throw unfit('from is of one contract', [SUBJECTS[0] as string])
    await this.#requireKey(owner)
    this.#requireRoom(subject, owner)
    const lanes = await this.#lanesFor(subject, from)
    const secret = newSecret(signing, (length) => random.bytes(length))
    const hook: Hook = {
      id: `wh_${Buffer.from(random.bytes(12)).toString('base64url')}`,
      url: href,
      subject: spelling,
      signing,
      holder: owner.holder,
      keyName: owner.keyName,
      made: clock.now(),
      ended: null,
      secrets: [secret],
    }
    // Others may have come while this one looked.
    this.#requireRoom(subject, owner)
    const isFirstOfAny = isOfAny(subject) && this.#deliveries.ofAny === 0
    if (isFirstOfAny) file.seeAll(lanes.sizes)
    file.add(hook, lanes.own)
    this.#hooks.set(hook.id, hook)
    this.#deliveries.begin(hook)
    if (isFirstOfAny) await this.#deliveries.noteAll()
    return { ...this.#shown(hook), secret: secret.shown }
  }

  remove(id: string, owner: WebhookOwner): void {
    this.#hook(id, owner)
    this.#ports.file.remove(id)
    this.#hooks.delete(id)
    this.#deliveries.forget(id)
  }

  newSecret(
    id: string,
    { overlapSeconds, signing }: Parameters<Webhooks['newSecret']>[1],
    owner: WebhookOwner,
  ): WebhookMade {
    const hook = this.#hook(id, owner)
    const { clock, random } = this.#ports
    const now = clock.now()
    const until = now + (overlapSeconds === undefined ? OVERLAP_MS : overlapSeconds * 1000)
    const secret = newSecret(signing ?? hook.signing, (length) => random.bytes(length))
    const before = hook.secrets
      .filter((old) => (old.until ?? until) > now)
      .map((old) => ({ ...old, until: Math.min(old.until ?? until, until) }))
    const secrets = [secret, ...before].slice(0, SECRETS_MAX)
    const changed = { ...hook, signing: secret.signing, secrets }
    this.#change(changed)
    return { ...this.#shown(changed), secret: secret.shown }
  }

  async activate(id: string, owner: WebhookOwner): Promise<Webhook> {
    this.#hook(id, owner)
    await this.#requireKey(owner)
    const hook = this.#hook(id, owner)
    const changed: Hook = { ...hook, ended: null, holder: owner.holder, keyName: owner.keyName }
    this.#change(changed)
    return this.#shown(changed)
  }

  undelivered(id: string, owner: WebhookOwner): ReturnType<Webhooks['undelivered']> {
    this.#hook(id, owner)
    const { file } = this.#ports
    return {
      waiting: file.waiting(id, UNDELIVERED_MAX).flatMap((lane) => waitingIn(lane) ?? []),
      givenUp: file.failures(id, UNDELIVERED_MAX).map(shownFailure),
    }
  }

  retry(id: string, owner: WebhookOwner): void {
    requireActive(this.#hook(id, owner))
    this.#deliveries.retry(id)
  }

  async omit(id: string, message: string, owner: WebhookOwner): Promise<void> {
    const { clock, file } = this.#ports
    const [, revision, part] = /@(\d{1,15})#(\d{1,15})$/.exec(message) ?? []
    const isLocal = message.startsWith(`${CONTRACTS_STREAM}.`)
    const mark = isLocal ? await this.#markAt(Number(revision)) : null
    this.#hook(id, owner)
    const lane = file.waiting(id, UNDELIVERED_MAX).find((one) => one.message === message)
    if (lane === undefined) throw new NoSuchMessage('no_such_message', 'no message of that id waits')
    const now = clock.now()
    const { attempts, error, first } = lane
    file.giveUp(id, { message, attempts, first: first ?? now, last: lane.last ?? now, error: error ?? '' })
    if (isLocal) file.told(lane, Number(revision) + 1, 0, mark)
    else file.told(lane, Number(revision), Number(part) + 1, null)
    this.#deliveries.wake({ hook: id, replay: lane.replay, stream: lane.stream })
  }

  async replay(
    id: string,
    { contract, from, to }: Parameters<Webhooks['replay']>[1],
    owner: WebhookOwner,
  ): ReturnType<Webhooks['replay']> {
    const hook = this.#hook(id, owner)
    requireActive(hook)
    const subject = subjectIn(hook.subject)
    const { stream, size } = await this.#toReplay(subject, contract)
    const last = to ?? Math.max(from, size - 1)
    if (from > last) throw unfit('from is behind to', ['from <= to'])
    if (last >= size) {
      throw new NoSuchEntry('no_such_entry', `${stream} has ${size} entries`, { index: last, size })
    }
    const mark = stream === CONTRACTS_STREAM ? await this.#markAt(from - 1) : null
    const lane: LaneKey & Pick<Lane, 'next' | 'mark' | 'until'> = {
      ...{ hook: this.#hook(id, owner).id, replay: 1, stream, next: from, until: last, mark },
    }
    if (!this.#ports.file.addLane(lane)) {
      throw new ReplayUnderWay('replay_under_way', `${stream} is being sent once more already: wait until that is done`)
    }
    this.#deliveries.wake(lane)
    return { stream, from, to: last }
  }

  #hook(id: string, owner: WebhookOwner): Hook {
    const hook = this.#hooks.get(id)
    if (hook !== undefined && isOf(hook, owner)) return hook
    throw new NoSuchWebhook('no_such_webhook', 'there is no webhook of that id, or another key has made it')
  }

  #change(hook: Hook): void {
    this.#ports.file.update(hook)
    this.#hooks.set(hook.id, hook)
    this.#deliveries.begin(hook)
  }

  async #requireKey({ holder }: WebhookOwner): Promise<void> {
    const caller: ApiCaller | undefined = await this.#ports.standing(holder)
    if (caller !== undefined) return
    const message =
      'a webhook has the rights of the key by which it is made, and a token ends too soon: use a key of `concordata api-key add`'
    throw new WebhookKeyUnfit('webhook_key_unfit', message)
  }

  #requireRoom(subject: Subject, { holder }: WebhookOwner): void {
    const own = [...this.#hooks.values()].filter((hook) => hook.holder === holder).length
    const counts = [
      [this.#hooks.size, WEBHOOKS_MAX, 'of this node'],
      [own, OF_KEY_MAX, 'of this key'],
      [isOfAny(subject) ? this.#deliveries.ofAny : 0, OF_ALL_CONTRACTS_MAX, 'of all contracts'],
    ] as const
    for (const [count, max, what] of counts) {
      if (count >= max)
        throw new TooManyWebhooks('webhooks_too_many', `there are ${max} webhooks ${what}: remove one first`, { max })
    }
  }

  /** From where on it is told; of all contracts, where these are. */
  async #lanesFor(
    subject: Subject,
    from: number | undefined,
  ): Promise<{ own: Pick<Lane, 'stream' | 'next' | 'mark'>[]; sizes: [Uid, number][] }> {
    const { contracts, store } = this.#ports
    if (isState(subject)) {
      const next = (await store.events.lastRevision(CONTRACTS_STREAM)) + 1
      return { own: [{ stream: CONTRACTS_STREAM, next, mark: await this.#markAt(next - 1) }], sizes: [] }
    }
    const { contract } = subject
    if (contract === ANY) {
      const isFirst = this.#deliveries.ofAny === 0
      return { own: [], sizes: isFirst ? (await contracts.summaries()).map((one) => [one.contract, one.size]) : [] }
    }
    const size = await contracts.use(contract, ({ state }) => state.settling.settled)
    await requireReached(from ?? size, size, contract, store.events)
    return { own: [{ stream: contractStream(contract), next: from ?? size, mark: null }], sizes: [] }
  }

  async #toReplay(subject: Subject, asked: Uid | undefined): Promise<{ stream: string; size: number }> {
    const { contracts, store } = this.#ports
    if (isState(subject)) {
      if (asked !== undefined) throw unfit('this webhook is of no contract', ['from'])
      return { stream: CONTRACTS_STREAM, size: (await store.events.lastRevision(CONTRACTS_STREAM)) + 1 }
    }
    const contract = subject.contract === ANY ? asked : subject.contract
    if (contract === undefined) throw unfit('this webhook is of all contracts: say of which', ['contract'])
    if (asked !== undefined && asked !== contract) throw unfit('this webhook is of another contract', [contract])
    const size = await contracts.use(contract, ({ state }) => state.settling.settled)
    return { stream: contractStream(contract), size }
  }

  /** What an event of this node's own stream is known by; null: there is none. */
  async #markAt(revision: number): Promise<string | null> {
    if (revision < 0) return null
    for await (const event of this.#ports.store.events.read(CONTRACTS_STREAM, { from: revision, limit: 1 })) {
      return markOf(event)
    }
    return null
  }

  #stateOf({ ended }: Hook, failingSince: number | undefined): Webhook['state'] {
    if (ended !== null) return 'ended'
    const since = failingSince ?? Number.POSITIVE_INFINITY
    return this.#ports.clock.now() - since >= FAILING_AFTER_MS ? 'failing' : 'active'
  }

  #shown(hook: Hook): Webhook {
    const { clock, file } = this.#ports
    const now = clock.now()
    const good = hook.secrets.filter(({ until }) => (until ?? Number.POSITIVE_INFINITY) > now)
    const overlap = Math.max(...good.map(({ until }) => until ?? 0))
    const publicKeys = good.filter(({ signing }) => signing === 'v1a').map(({ shown }: SigningSecret) => shown)
    const [oldest] = file.waiting(hook.id, 1)
    const waiting = oldest && waitingIn(oldest)
    const signing: WebhookSigning = hook.signing
    return {
      id: hook.id,
      url: hook.url,
      subject: hook.subject,
      signing,
      ...(publicKeys.length > 0 && { publicKeys }),
      ...(overlap > 0 && { overlapUntil: rfc3339(overlap) }),
      key: hook.keyName,
      made: rfc3339(hook.made),
      state: this.#stateOf(hook, oldest?.first ?? undefined),
      ...(hook.ended !== null && { why: hook.ended }),
      ...(waiting && { waiting }),
    }
  }
}

function isOf({ holder }: Hook, owner: WebhookOwner): boolean {
  return owner.hasAll || holder === owner.holder
}

function waitingIn({ attempts, due, error, first, last, message }: Lane): ReturnType<typeof shownFailure> | undefined {
  if (first === null || last === null || message === null || error === null) return undefined
  const next = due === null ? {} : { next: rfc3339(due) }
  return { ...shownFailure({ attempts, error, first, last, message }), ...next }
}

function shownFailure({ attempts, error, first, last, message }: GivenUpMessage): Webhook['waiting'] & object {
  return { message, attempts, first: rfc3339(first), last: rfc3339(last), error }
}

function rfc3339(time: number): string {
  return new Date(time).toISOString()
}

/** Nothing is sent of one that has ended, whoever asks for it. */
function requireActive({ ended }: Hook): void {
  if (ended !== null) throw unfit(`it has ended (${ended}), and is told nothing`, ['POST …/Activation'])
}

function unfit(what: string, expected: readonly string[]): WebhookUnfit {
  return new WebhookUnfit('webhook_unfit', what, { expected: expected.join(', ') })
}
