import type { ServerResponse } from 'node:http'
import type { WebSocket } from '@fastify/websocket'
import type { LedgerIndex } from '../../../events/ids.ts'
import { NODE_HEADER } from '../../http/node-header.ts'

/** A client that is further behind than this many bytes is cut off; it may resume from the last index it has. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024

/** Where messages go. */
export interface Sink {
  readonly isOpen: boolean
  /** Unless the client has too much to read already, which cuts it off. `next`: from which entry on, or by what, whoever has this goes on. */
  send(message: object, next?: LedgerIndex | string): void
  /** `code`: of RFC 6455 §7.4, or from 3000 on. */
  end(code: number, why: string): void
}

export class WebSocketSink implements Sink {
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** Cuts off a client that is not. */
  get isKeepingUp(): boolean {
    if (this.#socket.bufferedAmount <= BUFFERED_BYTES_MAX) return this.isOpen
    this.end(1013, 'too slow: resume from the last index')
    return false
  }

  send(message: object): void {
    if (this.isKeepingUp) this.#socket.send(JSON.stringify(message))
  }

  end(code: number, why: string): void {
    this.#socket.close(code, why)
  }
}

/** Server-sent events (WHATWG HTML §9.2), on a response of which nothing has been sent. */
export class EventStreamSink implements Sink {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Headers, so that the client knows it is there. */
  begin(): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      [NODE_HEADER]: 'inward',
    })
    this.#response.flushHeaders()
  }

  send(message: object, next?: LedgerIndex | string): void {
    const id = next === undefined ? '' : `id: ${next}\n`
    this.#write(`${id}data: ${JSON.stringify(message)}\n\n`)
  }

  /**
   * Sends a comment, which clients ignore: proxies see that the connection lives, and a client that is gone is
   * noticed.
   */
  beat(): void {
    this.#write(':\n\n')
  }

  end(_code: number, why: string): void {
    if (!this.isOpen) return
    this.#write(`event: end\ndata: ${JSON.stringify({ why })}\n\n`)
    this.#response.end()
  }

  #write(text: string): void {
    if (!this.isOpen) return
    if (this.#response.writableLength > BUFFERED_BYTES_MAX) this.#response.destroy()
    else this.#response.write(text)
  }
}
