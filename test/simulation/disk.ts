import type { Engines } from '../../src/aggregates/contract/engines.ts'
import type { AuditSource } from '../../src/audit/source.ts'
import { auditSourceOf } from '../../src/cli/audit/audit-source.ts'
import { type Loaded, loadContract } from '../../src/contracts/replica/opening/load.ts'
import { type Guarded, memoryGuard, type SigningGuard } from '../../src/contracts/signing/signing-guard.ts'
import type { Handle, Seq, Uid } from '../../src/events/ids.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { StoreUnavailable } from '../../src/store/errors.ts'
import type { PayloadRef } from '../../src/store/payload-group.ts'
import type { PayloadStore, Store, Write } from '../../src/store/port.ts'
import { memorySnapshots, type Snapshots } from '../../src/store/snapshot-port.ts'
import { contractStream, feedStream, OUTBOX_DONE_STREAM, OUTBOX_STREAM } from '../../src/store/streams.ts'
import type { SeededRandom } from './seeded-random.ts'

interface Erasure {
  readonly kind: 'erase'
  readonly contract: Uid
  readonly refs: readonly PayloadRef[]
}

/**
 * A machine's disk: writes take time, become durable somewhere in it, and are never heard of again after a crash. One that
 * is `piecewise` has no transactions: a crash in the middle leaves the first few parts of a write, as EventStoreDB does, and of those
 * that are done at once any.
 */
export class Disk {
  readonly #random: SeededRandom
  readonly #piecewise: boolean
  #durable: Store = openMemoryStore()
  /** What has become durable, in order: a backup has what was erased before it no more. */
  #journal: (Write | Erasure)[] = []
  #underWay = 0
  #guard: SigningGuard = memoryGuard()
  /** What it names. */
  readonly #guarded = new Map<Uid, Guarded>()
  readonly #aheadOfStore = new Set<string>()
  readonly #snapshots = new Map<number, Snapshots>()
  /** What a write loses of its parts: its process is not heard of again, and has to be taken down. For a script. */
  loses: ((part: Write) => boolean) | undefined
  /** Nothing that the guard is told from now on becomes durable. For a script. */
  losesGuard = false
  /** After how many milliseconds a part of a write is done that its process is told has failed. For a script. */
  lateMs: ((part: Write) => number | undefined) | undefined

  constructor(random: SeededRandom, piecewise: boolean) {
    this.#random = random
    this.#piecewise = piecewise
  }

  /** What a process keeps of contracts at rest, for the next one in its place. After a crash nothing is written any more. */
  snapshotsOf(place: number, isUp: () => boolean): Snapshots {
    const kept = this.#snapshots.get(place) ?? memorySnapshots()
    this.#snapshots.set(place, kept)
    return {
      get position() {
        return kept.position
      },
      put: (...what) => isUp() && kept.put(...what),
      wake: (contract) => isUp() && kept.wake(contract),
      passive: (contract) => kept.passive(contract),
      snapshot: (contract) => kept.snapshot(contract),
      placeOf: (contract, request) => kept.placeOf(contract, request),
      passiveWith: (party, after, limit) => kept.passiveWith(party, after, limit),
      drop: (contract) => isUp() && kept.drop(contract),
      clear: () => kept.clear(),
      close: () => {},
    }
  }

  /** How much has been written: to set the disk back to. */
  get mark(): number {
    return this.#journal.length
  }

  /** Something is being written at this moment. */
  get isWriting(): boolean {
    return this.#underWay > 0
  }

  /** For an auditor, as it stands at the moment. */
  auditSource(contract: Uid, founder: Handle): AuditSource {
    return { ...auditSourceOf(this.#durable, contract, founder), isAtomic: !this.#piecewise }
  }

  /** The contract as a process has it that starts from what is durable, and nothing is written. Throws as `loadContract`. */
  load(contract: Uid, founder: Handle, engines: Engines): Promise<Loaded> {
    return loadContract(this.#durable, contract, founder, 'watching', undefined, engines)
  }

  /** What has become durable. */
  get payloads(): PayloadStore {
    return this.#durable.payloads
  }

  /** What is under a seal, as it is stored. */
  async payload(contract: Uid, ref: PayloadRef): Promise<string | undefined> {
    return (await this.#durable.payloads.get(contract, [ref])).get(ref.seal)
  }

  /** The settled entries of a contract, as they are stored. */
  ledgerOf(contract: Uid): Promise<string[]> {
    return this.textsOf(contractStream(contract))
  }

  /** The events of a stream, as they are stored. */
  async textsOf(stream: string): Promise<string[]> {
    const texts: string[] = []
    for await (const { data } of this.#durable.events.read(stream)) texts.push(data)
    return texts
  }

  /** Everything that stands on it, but what users have left for the process with the key, and what can be erased. */
  async *kept(contract: Uid): AsyncGenerator<string> {
    for await (const { stream, data } of this.#durable.events.readAll()) {
      if (stream !== OUTBOX_STREAM && stream !== OUTBOX_DONE_STREAM) yield data
    }
    for (const snapshots of this.#snapshots.values()) yield snapshots.snapshot(contract) ?? ''
  }

  /** Its machine has crashed. */
  crashed(handle: Handle): void {
    for (const [contract, { seq }] of this.#guarded) {
      const stream = feedStream(contract, handle)
      const stored = this.#journal.flatMap((one) => (one.kind === 'append' && one.stream === stream ? one.events : []))
      if (seq >= stored.length) this.#aheadOfStore.add(`${contract}.${seq}`)
    }
  }

  /** A crash had left the guard ahead of the store: the statement has come back, and of what it answers the values may still be on their way (decision 0108). */
  cameBack(contract: Uid, seq: Seq): boolean {
    return this.#aheadOfStore.has(`${contract}.${seq}`)
  }

  /** An old backup takes the place of what there was. The guard stands outside of backups, but may be lost as well. */
  async setBack(mark: number, withoutGuard: boolean): Promise<void> {
    this.#journal = this.#journal.slice(0, mark)
    this.#underWay = 0
    this.#durable = openMemoryStore()
    for (const one of this.#journal) {
      if (one.kind === 'erase') await this.#durable.payloads.erase(one.contract, one.refs)
      else await this.#durable.write([one])
    }
    if (withoutGuard) {
      this.#guard = memoryGuard()
      this.#guarded.clear()
    }
  }

  /** What is done at once becomes durable in whatever order. */
  #inSomeOrder(writes: readonly Write[]): Write[] {
    const ordered: Write[] = []
    let together: Write[] = []
    const flush = () => {
      while (together.length > 1) ordered.push(...together.splice(this.#random.below(together.length), 1))
      ordered.push(...together)
      together = []
    }
    for (const write of writes) {
      if (write.kind !== 'append' || write.withPrevious !== true) flush()
      together.push(write)
    }
    flush()
    return ordered
  }

  /** As a process sees it that lives as long as `isUp` says. */
  mount(clock: Clock, isUp: () => boolean): { store: Store; guard: SigningGuard } {
    const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))
    const never = new Promise<never>(() => {})
    const { events, payloads } = this.#durable
    const apply = async (writes: readonly Write[]) => {
      await this.#durable.write(writes)
      this.#journal.push(...writes)
    }
    const write = async (writes: readonly Write[]): Promise<void> => {
      this.#underWay++
      await writeAll(writes)
      this.#underWay--
    }
    const writeAll = async (writes: readonly Write[]): Promise<void> => {
      await pause(this.#random.fraction() * 3)
      if (!isUp()) return never
      const parts = this.#piecewise ? this.#inSomeOrder(writes).map((part) => [part]) : [writes]
      for (const [index, part] of parts.entries()) {
        if (index > 0) await pause(this.#random.fraction())
        if (!isUp()) return never
        const lateMs = part[0] && this.lateMs?.(part[0])
        if (lateMs !== undefined) {
          // It is too late where something else has taken its place.
          clock.after(lateMs, () => void apply(part).catch(() => {}))
          throw new StoreUnavailable('store_unavailable', 'no answer in time')
        }
        if (!isLost(part)) await apply(part)
      }
      if (parts.some((part) => isLost(part))) return never
      await pause(this.#random.fraction())
      return isUp() ? undefined : never
    }
    const isLost = ([part]: readonly Write[]) => this.#piecewise && part !== undefined && this.loses?.(part) === true
    const store: Store = {
      events: {
        async append(stream, expectedRevision, news) {
          await write([{ kind: 'append', stream, expectedRevision, events: news }])
          return { revision: await events.lastRevision(stream), position: 0 }
        },
        read: (...request) => events.read(...request),
        readAll: (...request) => events.readAll(...request),
        lastRevision: (stream) => events.lastRevision(stream),
        lastPosition: () => events.lastPosition(),
        // Others hear of it somewhat later.
        subscribe: (range, handler) =>
          events.subscribe(range, async (event) => {
            await pause(this.#random.fraction() * 3)
            await handler(event)
          }),
      },
      payloads: {
        put: async (contract, group, entries) => {
          await payloads.put(contract, group, entries)
          this.#journal.push({ kind: 'payloads', contract, group, entries })
        },
        get: (...asked) => payloads.get(...asked),
        groups: (...asked) => payloads.groups(...asked),
        erase: async (contract, refs) => {
          await payloads.erase(contract, refs)
          this.#journal.push({ kind: 'erase', contract, refs })
        },
      },
      isAtomic: !this.#piecewise,
      write,
      close: async () => {},
    }
    const guard: SigningGuard = {
      read: (contract) => this.#guard.read(contract),
      advance: async (contract, from, to) => {
        await pause(this.#random.fraction())
        if (!isUp() || this.losesGuard) return never
        await this.#guard.advance(contract, from, to)
        this.#guarded.set(contract, to)
        await pause(this.#random.fraction())
        return isUp() ? undefined : never
      },
    }
    return { store, guard }
  }
}
