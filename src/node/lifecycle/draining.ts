import { systemClock } from '../../runtime/clock.ts'

/** How long what is under way may take when a node stops; well below what systemd allows (TimeoutStopSec). Milliseconds. */
const DRAIN_MS = 10_000
/** How long what is being sent may still take when nothing else is under way: after it, whoever reads too slowly is cut off. Milliseconds. */
const SEND_MS = 2_000
const IDLE_POLL_MS = 100

/** Of fastify, as much as is needed here. */
export interface Drained {
  close(): Promise<unknown>
  readonly server: { closeIdleConnections(): void; closeAllConnections(): void }
}

/**
 * Stops a server: it takes no new calls, and those under way are answered. They get their usual answer if that does
 * not take too long; otherwise they fail when the contracts close.
 */
export class Draining {
  readonly #times: { readonly drainMs: number; readonly sendMs: number }
  /** Of all that are being closed. */
  #cut = () => {}
  #closed: Promise<unknown> = Promise.resolve()

  constructor(times = { drainMs: DRAIN_MS, sendMs: SEND_MS }) {
    this.#times = times
  }

  /** Returns when all are answered, or when it has waited long enough. */
  async begin(app: Drained): Promise<void> {
    let stop = () => {}
    const late = new Promise<void>((resolve) => {
      stop = systemClock.after(this.#times.drainMs, resolve)
    })
    const others = this.#cut
    this.#cut = () => {
      others()
      app.server.closeAllConnections()
    }
    const own = closed(app)
    this.#closed = Promise.all([this.#closed, own])
    await Promise.race([own, late])
    stop()
  }

  /** To be awaited when there is nothing more that a call could wait for. */
  async end(): Promise<void> {
    const stop = systemClock.after(this.#times.sendMs, () => this.#cut())
    try {
      await this.#closed
    } finally {
      stop()
    }
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
