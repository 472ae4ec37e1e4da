import { systemClock } from '../../runtime/clock.ts'

/** How long what is under way may take when a node stops; well below what systemd allows (TimeoutStopSec). Milliseconds. */
const DRAIN_MS = 10_000
const IDLE_POLL_MS = 100

/** Of fastify, as much as is needed here. */
export interface Drained {
  close(): Promise<unknown>
  readonly server: { closeIdleConnections(): void }
}

/**
 * A server that stops takes no more calls, and those under way are answered: as they would be, if that does not take too long,
 * else because the contracts close under them.
 */
export class Draining {
  #closed: Promise<unknown> = Promise.resolve()

  /** Returns when all are answered, or when it has waited long enough. */
  async begin(app: Drained): Promise<void> {
    let stop = () => {}
    const late = new Promise<void>((resolve) => {
      stop = systemClock.after(DRAIN_MS, resolve)
    })
    this.#closed = closed(app)
    await Promise.race([this.#closed, late])
    stop()
  }

  /** To be awaited when there is nothing more that a call could wait for. */
  get end(): Promise<unknown> {
    return this.#closed
  }
}

/** A client that was answered late would keep its connection, and the server with it, for a minute. */
async function closed(app: Drained): Promise<void> {
  let cancel = () => {}
  const look = () => {
    app.server.closeIdleConnections()
    cancel = systemClock.after(IDLE_POLL_MS, look)
  }
  look()
  try {
    await app.close()
  } finally {
    cancel()
  }
}
