import { getCACertificates } from 'node:tls'
import { Agent, errors, request } from 'undici'
import type { Clock } from '../../runtime/clock.ts'
import type { Message } from './messages.ts'
import { ReceiverRefused, type Receivers, WebhookUnfit } from './receivers.ts'
import { retryAfterIn } from './retry-times.ts'
import { secondsOf, type WebhookSigner } from './signatures.ts'

const TIMEOUT_MS = 15_000
/** Nothing in an answer counts but its status. */
const ANSWER_BYTES_MAX = 16 * 1024
const CONNECTIONS_MAX = 8

/** What came of sending a message. */
export type SentMessage =
  | { readonly kind: 'taken' }
  /** The receiver has said that it is gone for good (410). */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly error: string; readonly retryAfterMs?: number | undefined }
  /** This process ends. */
  | { readonly kind: 'ended' }

/** Where a webhook's messages go. */
export type Target = { readonly url: URL } | { readonly refused: string }

/** Posts messages: to where they may go, without following anybody anywhere else (Standard Webhooks 1.0). */
export class Sender {
  readonly #receivers: Receivers
  readonly #clock: Clock
  readonly #agent: Agent
  /** Those that have cut off nothing: as many as there were messages under way at once. */
  readonly #cuts: Cut[] = []
  readonly #timeoutMs: number
  #isClosed = false

  /** `timeoutMs`: from the call to the last byte of the answer. `ca`: PEM of an authority that is trusted beside those that Node.js trusts. */
  constructor(receivers: Receivers, clock: Clock, timeoutMs = TIMEOUT_MS, ca?: string) {
    this.#receivers = receivers
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#agent = new Agent({
      connect: {
        lookup: receivers.lookup,
        timeout: timeoutMs,
        ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
      },
      connections: CONNECTIONS_MAX,
      // Each message has a time for all of it.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** Where the operator lets it go, or why not. */
  targetAt(url: string): Target {
    try {
      return { url: this.#receivers.urlIn(url) }
    } catch (error) {
      if (!(error instanceof ReceiverRefused || error instanceof WebhookUnfit)) throw error
      return { refused: error.message }
    }
  }

  async send(target: Target, { body, id }: Message, signer: WebhookSigner): Promise<SentMessage> {
    if ('refused' in target) return { kind: 'failed', error: target.refused }
    const at = this.#clock.now()
    const cut = this.#cuts.pop() ?? new Cut(this.#timeoutMs)
    cut.begin()
    try {
      const {
        body: answer,
        headers,
        statusCode,
      } = await request(target.url, {
        method: 'POST',
        body,
        dispatcher: this.#agent,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'concordata',
          'webhook-id': id,
          'webhook-timestamp': String(secondsOf(at)),
          'webhook-signature': signer.sign(id, at, body),
        },
        signal: cut.signal,
      })
      // What is left of an answer is nobody's concern: its status has come.
      await answer.dump({ limit: ANSWER_BYTES_MAX }).catch(() => {})
      if (statusCode >= 200 && statusCode < 300) return { kind: 'taken' }
      if (statusCode === 410) return { kind: 'gone' }
      const retryAfterMs = retryAfterIn(headers['retry-after'], this.#clock.now())
      return { kind: 'failed', error: `status ${statusCode}`, retryAfterMs }
    } catch (error) {
      if (this.#isClosed) return { kind: 'ended' }
      return { kind: 'failed', error: said(error, this.#timeoutMs) }
    } finally {
      if (cut.end() && !this.#isClosed) this.#cuts.push(cut)
      else cut.close()
    }
  }

  /** Cuts off what is under way: it is sent again. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const cut of this.#cuts.splice(0)) cut.close()
    await this.#agent.destroy()
  }
}

/** Cuts off what takes too long. For one message after another: to make a controller, a timer, or a signal with a timeout takes as long as to sign one. */
class Cut {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  #isUnderWay = false

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => {
      if (this.#isUnderWay) this.#controller.abort(new DOMException('no answer in time', 'TimeoutError'))
    }, timeoutMs)
    // What is under way keeps the process; nothing else is to.
    this.#timer.unref()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  begin(): void {
    this.#isUnderWay = true
    this.#timer.refresh()
  }

  /** Whether it may be begun again. */
  end(): boolean {
    this.#isUnderWay = false
    return !this.signal.aborted
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}

/** Nothing that a receiver has written: its name and why it was not reached. */
function said(error: unknown, timeoutMs: number): string {
  if (error instanceof ReceiverRefused) return error.message
  const { cause, code, name } = error as { cause?: unknown; code?: unknown; name?: unknown }
  if (cause instanceof ReceiverRefused) return cause.message
  if (name === 'TimeoutError' || error instanceof errors.ConnectTimeoutError)
    return `no answer in ${timeoutMs / 1000} s`
  return typeof code === 'string' ? code : 'the connection failed'
}
