import { base64url } from '../../crypto/bytes.ts'
import type { About } from '../../events/about.ts'
import type { NamedContent } from '../../events/attachments/content.ts'
import type { Charter } from '../../events/charter.ts'
import type { RequestRef, Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EventStore } from '../../store/port.ts'
import { OUTBOX_STREAM } from '../../store/streams.ts'
import type { ContentQueue } from '../contents/contents-ports.ts'
import type { Intent } from '../requests/submission.ts'
import { TransmitterSilent } from '../requests/transmitter-silent.ts'
import type { KeyChanging, Revoked } from './key-changing.ts'
import { type AskedCommand, askIn, type CommandResult, errorOf, type PersonsRefusal, queued } from './queued-command.ts'

/** How long the process that has the key may take to carry something out that nobody else has to agree to. Milliseconds. */
const CARRIED_OUT_WITHIN_MS = 10_000

export interface CommandQueuePorts {
  readonly events: EventStore
  readonly clock: Clock
  newId(): string
  /** The trace that a request belongs to, so that whoever carries it out goes on with it. */
  traceOf?(id: string): string | undefined
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * Queues what users ask for in a process without keys: as events in the store, for the process that has the keys
 * (design §9). The fate of a request shows in the feed; `took` reports that of every other command (decision 0052).
 */
export class CommandQueue implements KeyChanging, ContentQueue {
  readonly #ports: CommandQueuePorts
  readonly #waiting = new Map<string, Waiting>()
  #isTakenUp = true

  constructor(ports: CommandQueuePorts) {
    this.#ports = ports
  }

  /** Leaves a request there. Durable on return. */
  async queue(contract: Uid, { request, payloads, retry }: Intent): Promise<void> {
    const traceparent = this.#ports.traceOf?.(request.id)
    const trace = traceparent === undefined ? {} : { traceparent }
    const ask: AskedCommand = { kind: 'request', request, payloads, ...(retry ? { retry } : {}), ...trace }
    await this.#append(request.id, contract, ask)
  }

  async withdraw(contract: Uid, request: RequestRef, about: About | undefined): Promise<void> {
    await this.#ask(contract, { kind: 'withdraw', request, ...(about === undefined ? {} : { about }) })
  }

  async answer(contract: Uid, request: RequestRef, refusal: PersonsRefusal | undefined): Promise<void> {
    await this.#ask(contract, { kind: 'answer', request, refusal: refusal ?? null })
  }

  /** Accepts or declines the invitation to the contract. */
  async reply(contract: Uid, kind: 'accept' | 'decline'): Promise<void> {
    await this.#ask(contract, { kind })
  }

  /** The UID of the new contract. `named`: the id of its first request, where its caller has named it. */
  async open(title: string, charter: Charter, named?: string): Promise<Uid> {
    return (await this.#ask(null, { kind: 'open', title, charter }, named)) as Uid
  }

  async keepPiece(contract: Uid, content: NamedContent, index: number, piece: Uint8Array): Promise<void> {
    await this.#ask(contract, { kind: 'piece', content, index, piece: base64url(piece) })
  }

  async keepContent(contract: Uid, content: NamedContent): Promise<void> {
    await this.#ask(contract, { kind: 'content', content })
  }

  async rotate(name?: string): Promise<string> {
    return (await this.#ask(null, { kind: 'rotate', ...(name !== undefined && { name }) })) as string
  }

  async prepareRevocation(): Promise<string> {
    return (await this.#ask(null, { kind: 'prepare-revocation' })) as string
  }

  async revoke({ revocation, signature }: Revoked): Promise<void> {
    await this.#ask(revocation.contract, { kind: 'revoke', revocation, signature })
  }

  /** A person vouches that nobody holds statements of this party that are missing here. */
  async goOn(contract: Uid): Promise<void> {
    await this.#ask(contract, { kind: 'go-on' })
  }

  async show(): ReturnType<KeyChanging['show']> {
    return (await this.#ask(null, { kind: 'keys' })) as Awaited<ReturnType<KeyChanging['show']>>
  }

  /** False: the last command was not taken in time, and none has been taken since. */
  get isTakenUp(): boolean {
    return this.#isTakenUp
  }

  /** Whether the process that signs has done anything in its time. */
  takenUp(isTakenUp: boolean): void {
    this.#isTakenUp = isTakenUp
  }

  /** A command was carried out, or refused. Returns whether a caller in this process waits for it. */
  took(done: CommandResult): boolean {
    this.takenUp(true)
    const waiting = this.#waiting.get(done.id)
    if (waiting === undefined) return false
    this.#waiting.delete(done.id)
    if ('problem' in done) waiting.reject(errorOf(done.problem))
    else waiting.resolve(done.result)
    return true
  }

  async #ask(contract: Uid | null, ask: AskedCommand, id = this.#ports.newId()): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>()
    // It may come before the store has said that the command stands there.
    answer.promise.catch(() => {})
    let stop = () => {}
    this.#waiting.set(id, answer)
    try {
      // Not before: how long the store takes says nothing of who signs.
      const from = await this.#append(id, contract, ask)
      stop = this.#ports.clock.after(CARRIED_OUT_WITHIN_MS, () => {
        this.#lookUp(id, from).catch((error: unknown) => answer.reject(error))
      })
      return await answer.promise
    } finally {
      stop()
      this.#waiting.delete(id)
    }
  }

  /** The store may have what this process has not heard of. `from`: where the command stands. Throws TransmitterSilent, and what the store throws. */
  async #lookUp(id: string, from: number): Promise<void> {
    for await (const event of this.#ports.events.read(OUTBOX_STREAM, { from })) {
      const what = askIn(event, () => {})
      if (what !== undefined && 'done' in what && what.done.id === id) this.took(what.done)
    }
    if (!this.#waiting.has(id)) return
    this.takenUp(false)
    throw new TransmitterSilent()
  }

  /** Where it stands in the queue. */
  async #append(id: string, contract: Uid | null, ask: AskedCommand): Promise<number> {
    const { revision } = await this.#ports.events.append(OUTBOX_STREAM, 'any', [queued({ id, contract, ask })])
    return revision
  }
}
