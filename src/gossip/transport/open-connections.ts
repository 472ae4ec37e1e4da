import type { ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'

/**
 * What a server has open. Node's own `close` waits for connections that never said a word, in the TLS handshake or
 * after it, so that anybody could keep a node from stopping.
 */
export class OpenConnections {
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()
  readonly #answers = new Set<ServerResponse>()
  #drained: (() => void) | undefined

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.prependListener('request', (_request, response) => {
      this.#answers.add(response)
      if (this.#drained !== undefined) response.setHeader('connection', 'close')
      response.once('close', () => {
        this.#answers.delete(response)
        if (this.#answers.size === 0) this.#drained?.()
      })
    })
  }

  /** Resolves when nothing is open any more: when all that was asked is answered, or after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    // So that a caller does not take the connection for one that it can keep.
    for (const answer of this.#answers) if (!answer.headersSent) answer.setHeader('connection', 'close')
    await this.#answered(graceMs)
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #answered(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs)
      this.#drained = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#answers.size === 0) this.#drained()
    })
  }
}
