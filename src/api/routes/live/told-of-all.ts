import type { Contracts } from '../../../contracts/registry/contracts.ts'
import { HistoryTooLong } from '../../../documents/past/past-documents.ts'
import { requireReached } from '../../../documents/past/reached.ts'
import { type LedgerIndex, UID_PATTERN, type Uid } from '../../../events/ids.ts'
import { ConcordataError } from '../../../runtime/errors.ts'
import type { EventStore } from '../../../store/port.ts'
import { contractStream } from '../../../store/streams.ts'
import { RequestMalformed } from '../../http/validation.ts'

/** How many contracts an id may name before the node looks whether the id can begin at a later position. */
const NAMED_MAX = 16
/** Entries that are looked through for a client that comes again. */
const ENTRIES_MAX = 250_000
const LEDGERS = contractStream('' as Uid)
const COUNT = '(0|[1-9]\\d{0,14})'
const ID = new RegExp(`^([0-9A-Za-z_-]{1,64})\\.(?:${COUNT})?((?:~${UID_PATTERN.slice(1, -1)}:${COUNT})*)$`)

export interface ToldOfAllPorts {
  readonly contracts: Pick<Contracts, 'use'>
  readonly events: Pick<EventStore, 'lastPosition' | 'lastRevision' | 'readAll'>
  /** Of the positions in the store: a restore renews it. */
  readonly epoch: string
}

/**
 * How far a client has been told of all contracts, as the id of an event says it, so that it can come again: up to which position of the
 * store each ledger was told, and of those that were told beyond it, which entry is next. Where that becomes long the position goes on.
 */
export class ToldOfAll {
  readonly #ports: ToldOfAllPorts
  readonly #next: Map<Uid, LedgerIndex>
  /** Undefined: before the first event of the store. */
  #position: number | undefined
  #advancesAt = NAMED_MAX + 1

  private constructor(ports: ToldOfAllPorts, position: number | undefined, next: Map<Uid, LedgerIndex>) {
    this.#ports = ports
    this.#position = position
    this.#next = next
  }

  /** From now on. */
  static async fromNow(ports: ToldOfAllPorts): Promise<ToldOfAll> {
    return new ToldOfAll(ports, await ports.events.lastPosition(), new Map())
  }

  /** From behind an event. Attacker-controlled: `id`. Throws RequestMalformed. */
  static after(id: string, ports: ToldOfAllPorts): ToldOfAll {
    const [, epoch, position, named = ''] = ID.exec(id) ?? []
    if (epoch === undefined) throw malformed('Last-Event-ID is what the last event had as its id')
    if (epoch !== ports.epoch)
      throw malformed('Last-Event-ID is of before a restore: begin with an entry of each contract')
    const next = named.split('~').flatMap((one): [Uid, LedgerIndex][] => {
      const [uid, index] = one.split(':')
      return index === undefined ? [] : [[uid as Uid, Number(index)]]
    })
    return new ToldOfAll(ports, position === undefined ? undefined : Number(position), new Map(next))
  }

  /** What an event has as its id when of this contract the next to be told is that entry; left out: of what was told so far. */
  idAt(contract?: Uid, next?: LedgerIndex): string {
    const all = contract === undefined || next === undefined ? this.#next : new Map(this.#next).set(contract, next)
    const named = [...all].map(([uid, index]) => `~${uid}:${index}`)
    return `${this.#ports.epoch}.${this.#position ?? ''}${named.join('')}`
  }

  /** Of that contract all before `next` has been told. */
  async note(contract: Uid, next: LedgerIndex): Promise<void> {
    this.#next.set(contract, next)
    if (this.#next.size < this.#advancesAt) return
    this.#advancesAt = Number.POSITIVE_INFINITY
    try {
      await this.#advance()
    } finally {
      this.#advancesAt = this.#next.size + NAMED_MAX
    }
  }

  /** With which entry of each contract that has more it goes on. Throws HistoryTooLong, NoSuchEntry. */
  async starts(): Promise<Record<Uid, LedgerIndex>> {
    const next = new Map(this.#next)
    let entries = 0
    for await (const { stream, revision } of this.#behind()) {
      if (++entries > ENTRIES_MAX)
        throw new HistoryTooLong('history_too_long', `more than ${ENTRIES_MAX} entries have settled since`, {
          limit: { name: 'entries', max: ENTRIES_MAX },
        })
      const contract = stream.slice(LEDGERS.length) as Uid
      if (!next.has(contract)) next.set(contract, revision)
    }
    const held: [Uid, LedgerIndex][] = []
    for (const [contract, index] of next) if (await this.#isHeld(contract, index)) held.push([contract, index])
    return Object.fromEntries(held)
  }

  /** To where all has been told. */
  async #advance(): Promise<void> {
    const passed = new Map<Uid, LedgerIndex>()
    let position: number | undefined
    for await (const event of this.#behind()) {
      const contract = event.stream.slice(LEDGERS.length) as Uid
      // Of one that was given up nobody is told any more.
      if ((this.#next.get(contract) ?? 0) <= event.revision && (await this.#isHeld(contract))) break
      passed.set(contract, event.revision + 1)
      position = event.position
    }
    if (position === undefined) return
    this.#position = position
    for (const [contract, next] of passed) if (this.#next.get(contract) === next) this.#next.delete(contract)
  }

  #behind() {
    return this.#ports.events.readAll({ after: this.#position, streamPrefix: LEDGERS })
  }

  /** One that was given up meanwhile is told of no more. Throws NoSuchEntry: it is, and not as far as `next`. */
  async #isHeld(contract: Uid, next: LedgerIndex = 0): Promise<boolean> {
    try {
      const { contracts, events } = this.#ports
      await contracts.use(contract, ({ state }) => requireReached(next, state.settling.settled, contract, events))
      return true
    } catch (error) {
      if (error instanceof ConcordataError && error.code === 'no_such_contract') return false
      throw error
    }
  }
}

function malformed(message: string): RequestMalformed {
  return new RequestMalformed('request_malformed', message)
}
