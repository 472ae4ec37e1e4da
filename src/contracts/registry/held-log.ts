import type { Handle, Uid } from '../../events/ids.ts'
import type { RecordedEvent } from '../../store/port.ts'
import { ContractDamaged } from '../replica/journal.ts'
import { keyIn } from '../requests/keyed-id.ts'
import { type ContractHeld, contractHeldIn, isTrue } from './held-contracts.ts'
import type { ContractsPorts } from './ports.ts'

/** How far the `contracts` stream is known here, and what it says of contracts of this party's own. */
export class HeldLog {
  readonly #self: Handle
  readonly #ports: Pick<ContractsPorts, 'role' | 'failed'>
  /** Contracts of this party, by the keys under which callers have asked for them. */
  readonly #underKeys = new Map<string, Uid>()
  /** Where this process has appended, until it hears of that like of what others append. */
  readonly #own = new Set<number>()
  #next = 0

  constructor(self: Handle, ports: Pick<ContractsPorts, 'role' | 'failed'>) {
    this.#self = self
    this.#ports = ports
  }

  /** The revision of the first event that is not known. */
  get next(): number {
    return this.#next
  }

  /**
   * `isNews`: it is neither known already nor appended by this process. Undefined: it says nothing, or names a founder whose UID it
   * is not, which is reported. Throws StoreCorrupt.
   */
  learn(event: RecordedEvent): { readonly held: ContractHeld; readonly isNews: boolean } | undefined {
    const isKnown = event.revision < this.#next
    const held = contractHeldIn(event)
    this.#next = Math.max(this.#next, event.revision + 1)
    if (held === undefined) return undefined
    if (isTrue(held)) {
      this.note(held)
      return { held, isNews: !isKnown && !this.#own.delete(event.revision) }
    }
    const { contract, founder } = held
    const message = `event ${event.revision} of ${event.stream} names ${founder.handle} as the founder of ${contract}, whose UID belongs to another`
    this.#ports.failed?.(new ContractDamaged('contract_damaged', message, { contract, founder }))
    return undefined
  }

  /** This process has appended there; where others append as well, it will hear of it. */
  appended(revision: number): void {
    if ((this.#ports.role ?? 'node') !== 'node') this.#own.add(revision)
  }

  /** A contract of this party's own may be asked for again under its key. */
  note({ contract, founder, named = '' }: ContractHeld): void {
    const key = keyIn(named)
    if (key !== undefined && founder.handle === this.#self) this.#underKeys.set(key, contract)
  }

  /** The contract of this party that was asked for under a key. */
  under(key: string | undefined): Uid | undefined {
    return key === undefined ? undefined : this.#underKeys.get(key)
  }
}
