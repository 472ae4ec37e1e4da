import type { Uid } from '../events/ids.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { afterLook, type CalledPeers, type LedgerProgress, type Watch } from './schedule.ts'

export interface LaterPorts {
  readonly clock: Clock
  readonly random: Random
  /** The shortest pause; jitter makes it up to twice as long. */
  readonly lazyMs: number
  /** How far a contract is; undefined: it is not held. */
  progressOf(contract: Uid): LedgerProgress | undefined
  /** Whoever of these lacks something of the contract is to be called. */
  carry(contract: Uid, to: CalledPeers): void
}

/** The timers of what is not urgent; when something is due, and who is called then, `schedule.ts` says. */
export class Later {
  readonly #ports: LaterPorts
  /** Whom a contract is carried to once its pause is over. */
  readonly #lazy = new Map<Uid, { to: CalledPeers; readonly cancel: () => void }>()
  /** Contracts of which others have something to carry: ends the looking whether they do. */
  readonly #watches = new Map<Uid, () => void>()
  #closed = false

  constructor(ports: LaterPorts) {
    this.#ports = ports
  }

  /** Has the contract carried to them after a pause: most of what they lack arrives by other traffic until then. */
  carry(contract: Uid, to: CalledPeers): void {
    if (this.#closed || (to !== 'all' && to.size === 0)) return
    const pending = this.#lazy.get(contract)
    if (pending !== undefined) {
      pending.to = joined(pending.to, to)
      return
    }
    const { clock, random, lazyMs } = this.#ports
    const due = {
      to,
      cancel: clock.after(lazyMs * (1 + random.fraction()), () => {
        this.#lazy.delete(contract)
        this.#ports.carry(contract, due.to)
      }),
    }
    this.#lazy.set(contract, due)
  }

  /** Looks now and then whether others bring the contract on; if they do not, all are called. */
  watch(contract: Uid, settled: number): void {
    if (!this.#watches.has(contract)) this.#lookLater(contract, { settled, inVain: 0 })
  }

  #lookLater(contract: Uid, watch: Watch): void {
    if (this.#closed) return
    const { clock, random, lazyMs } = this.#ports
    const look = () => {
      this.#watches.delete(contract)
      const next = afterLook(watch, this.#ports.progressOf(contract))
      if (next === 'carry') this.#ports.carry(contract, 'all')
      else if (next !== 'done') this.#lookLater(contract, next)
    }
    this.#watches.set(contract, clock.after(lazyMs * (2 + random.fraction()), look))
  }

  close(): void {
    this.#closed = true
    for (const { cancel } of this.#lazy.values()) cancel()
    for (const cancel of this.#watches.values()) cancel()
  }
}

function joined(one: CalledPeers, other: CalledPeers): CalledPeers {
  return one === 'all' || other === 'all' ? 'all' : one.union(other)
}
