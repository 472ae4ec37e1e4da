import { ApiTooManyCalls, defaultInwardLimits, type InwardLimits } from '../../http/callers/call-limits.ts'
import { Telling, type TellingPorts } from './telling.ts'

/** What each caller has open, and what tells it. */
export class LiveCallers {
  readonly #max: number
  readonly #ports: TellingPorts
  readonly #byName = new Map<string, { connections: number; readonly telling: Telling }>()

  constructor({ callerConnectionsMax }: InwardLimits = {}, ports: TellingPorts) {
    this.#max = callerConnectionsMax ?? defaultInwardLimits.callerConnectionsMax
    this.#ports = ports
  }

  /** One connection more, or one call that waits. Undefined: there is no room for it. */
  open(name: string): Telling | undefined {
    const caller = this.#byName.get(name) ?? { connections: 0, telling: new Telling(this.#ports) }
    if (caller.connections >= this.#max) return undefined
    caller.connections++
    this.#byName.set(name, caller)
    return caller.telling
  }

  /** The same. Throws ApiTooManyCalls. */
  enter(name: string): Telling {
    const telling = this.open(name)
    if (telling !== undefined) return telling
    const max = this.#max
    throw new ApiTooManyCalls('api_too_many_calls', `${max} connections with this key wait; another has to end first`, {
      max,
    })
  }

  close(name: string): void {
    const caller = this.#byName.get(name)
    if (caller !== undefined && --caller.connections === 0) this.#byName.delete(name)
  }
}
