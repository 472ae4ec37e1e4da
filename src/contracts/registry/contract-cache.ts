import { memberOf } from '../../aggregates/contract/state.ts'
import { needsHistory } from '../../agreement/history/looking-back.ts'
import { nextKeyOf } from '../../agreement/keys/key-rules.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { eachAtOnce } from '../../runtime/at-once.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type Kept, memorySnapshots, type Snapshots } from '../../store/snapshot-port.ts'
import { parseStream } from '../../store/streams.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'
import { type Backlog, waitingIn } from '../passive/backlog.ts'
import type { Keeping } from '../passive/keeping.ts'
import { isWhatIsHeld, type PassiveContract, passiveContractOf } from '../passive/passive-contract.ts'
import type { ContractNews } from '../replica/contract-listener.ts'
import { ContractDamaged } from '../replica/journal.ts'
import type { ContractListener } from '../replica/live-contract.ts'
import { ContractClosed, LiveContract } from '../replica/live-contract.ts'
import type { ContractPorts } from '../replica/ports.ts'
import { KeepSchedule } from './keep-schedule.ts'

/** The node holds no contract of that UID. */
export class NoSuchContract extends ConcordataError {}

export interface ContractCachePorts extends ContractPorts {
  readonly self: Handle
  /** How many contracts are in memory, as far as nothing keeps more of them there. Left out: all. */
  readonly activeMax?: number
  /** Whether something is still to be said of it, beside its feed. */
  hasWords(contract: Uid): boolean
  /** It was at rest when the process began. */
  foundAtRest(contract: Uid, passive: PassiveContract): void
  /** A contract could not be loaded; the others go on. */
  failed(contract: Uid, error: unknown): void
}

/** How often it is looked whether contracts can be put down, while there are too many in memory. Milliseconds. */
const TIDY_MS = 250
/** How many are loaded at once when a process starts. */
const LOADED_AT_ONCE = 8

/**
 * The contracts of a node: some in memory, the others at rest, from where they are taken when anybody asks for them. How many
 * are in memory is bounded but for those in which somebody here waits for something.
 */
export class ContractCache {
  readonly #ports: ContractCachePorts
  readonly #snapshots: Snapshots
  readonly #activeMax: number
  readonly #founders = new Map<Uid, Handle>()
  /** The least recently used first. */
  readonly #active = new Map<Uid, LiveContract>()
  /** Stands last in there, as long as it is there. */
  #usedLast: LiveContract | undefined
  readonly #waking = new Map<Uid, Promise<LiveContract>>()
  /** How many use a contract at the moment: it stays. */
  readonly #pins = new Map<Uid, number>()
  readonly #keepSchedule = new KeepSchedule<LiveContract>()
  readonly #listeners = new Set<ContractListener>()
  /** Of contracts at rest in which something is, and of which this party is a member. */
  readonly #underWay = new Map<Uid, Backlog>()
  /** Of contracts at rest the key of this party's next statement, where it was not here. */
  readonly #keyMissing = new Map<Uid, string>()
  /** Those that could not be loaded, and why. */
  readonly #notLoaded = new Map<Uid, ObstacleCode>()
  /** Up to which position of the store everything has been heard, where other processes write to it (decision 0073). */
  #heard: number | undefined
  readonly #isShared: boolean
  #cancelTidying: (() => void) | undefined
  #closed = false

  constructor(ports: ContractCachePorts) {
    // Where everything stays in memory nothing is ever kept.
    this.#snapshots = ports.snapshots ?? memorySnapshots()
    this.#ports = { ...ports, snapshots: this.#snapshots }
    this.#isShared = (ports.role ?? 'node') !== 'node'
    this.#activeMax = ports.activeMax ?? Number.POSITIVE_INFINITY
  }

  /**
   * Takes up what is kept, and loads, in the background, all that has changed since it was. `founders`: of all contracts.
   * Should the store have been set back, what is kept is worth nothing. `gone`: those that are held no more.
   */
  async open(founders: ReadonlyMap<Uid, Handle>, gone: Iterable<Uid>): Promise<void> {
    for (const [contract, founder] of founders) this.#founders.set(contract, founder)
    for (const contract of gone) this.#snapshots.drop(contract)
    const { position } = this.#snapshots
    const { events } = this.#ports.store
    const last = await events.lastPosition()
    if (position !== undefined && position > (last ?? -1)) this.#snapshots.clear()
    else if (position !== undefined) {
      for await (const { stream } of events.readAll({ after: position })) {
        const named = parseStream(stream)
        if (named !== undefined && 'contract' in named) this.#snapshots.wake(named.contract)
      }
    }
    if (this.#isShared) this.#heard = last
  }

  /** Loads those that are not at rest; resolves when all are there. What cannot be loaded is reported. */
  async load(): Promise<void> {
    const { self, role, foundAtRest } = this.#ports
    const left = [...this.#founders.keys()].filter((contract) => {
      const passive = this.passive(contract)
      // It could not speak when it was put down, for want of its key, and may be able to by now.
      if (role !== 'serve' && passive?.waiting.waitsFor.includes(self)) return true
      if (passive === undefined) return true
      const { summary, waiting, signing } = passive
      this.#noteAtRest(contract, waiting, summary?.standing === 'member', signs(passive) ? signing : null)
      foundAtRest(contract, passive)
      return false
    })
    await eachAtOnce(left, LOADED_AT_ONCE, async (contract) => {
      if (!this.#closed) await this.use(contract, () => {}).catch(() => {})
    })
  }

  get size(): number {
    return this.#founders.size
  }

  /** Of all contracts, in memory or not, in the order in which they came to be held. */
  uids(): IterableIterator<Uid> {
    return this.#founders.keys()
  }

  has(contract: Uid): boolean {
    return this.#founders.has(contract)
  }

  /** Those that are in memory. */
  active(): IterableIterator<LiveContract> {
    return this.#active.values()
  }

  /** If it is in memory. */
  find(contract: Uid): LiveContract | undefined {
    return this.#active.get(contract)
  }

  /** The same, and it counts as used now: it rests later. */
  glance(contract: Uid): LiveContract | undefined {
    const active = this.#active.get(contract)
    if (active === undefined || active === this.#usedLast) return active
    this.#active.delete(contract)
    this.#active.set(contract, active)
    this.#usedLast = active
    return active
  }

  /** If it is at rest. */
  passive(contract: Uid): PassiveContract | undefined {
    if (this.#active.has(contract) || this.#waking.has(contract)) return undefined
    const text = this.#snapshots.passive(contract)
    return text === undefined ? undefined : passiveContractOf(text)
  }

  /** The next contracts at rest, in the order of their UIDs, of which a party may see something. */
  passiveWith(party: Handle, after: Uid | '', limit: number): Uid[] {
    return this.#snapshots.passiveWith(party, after, limit)
  }

  /** What is under way in contracts of this party at rest: for others to bring on. */
  underWay(): IterableIterator<[Uid, Backlog]> {
    return this.#underWay.entries()
  }

  /** Why contracts that are not in memory stand still, as far as that has nothing to do with others. */
  *standingStill(): Generator<[Uid, ObstacleCode]> {
    yield* this.#notLoaded
    for (const [contract, key] of this.#keyMissing) if (!this.#hasKey(key)) yield [contract, 'key_missing']
  }

  #hasKey(publicKey: string): boolean {
    const { signer, signerOf } = this.#ports
    return signer?.publicKey === publicKey || signerOf?.(publicKey) !== undefined
  }

  /** A contract that came to be held. */
  add(contract: Uid, founder: Handle): void {
    if (!this.#founders.has(contract)) this.#founders.set(contract, founder)
  }

  /** Whether somebody works with it, or begins to. */
  isInUse(contract: Uid): boolean {
    return this.#pins.has(contract) || this.#waking.has(contract)
  }

  /** A contract is not held any more, in memory or at rest. */
  async drop(contract: Uid): Promise<void> {
    this.#founders.delete(contract)
    await this.#waking.get(contract)?.catch(() => {})
    const live = this.#active.get(contract)
    this.#active.delete(contract)
    if (live === this.#usedLast) this.#usedLast = undefined
    for (const known of [this.#underWay, this.#keyMissing, this.#notLoaded]) known.delete(contract)
    this.#snapshots.drop(contract)
    for (const { passivated } of this.#listeners) passivated?.(contract)
    await live?.close('the contract was given up to make room for another')
  }

  /**
   * Works with a contract, which stays in memory until that is done. Throws NoSuchContract, ContractDamaged, and what the
   * store throws.
   */
  async use<Result>(contract: Uid, work: (live: LiveContract) => Result | Promise<Result>): Promise<Result> {
    this.#pins.set(contract, (this.#pins.get(contract) ?? 0) + 1)
    try {
      return await work(await this.#wake(contract))
    } finally {
      const pins = (this.#pins.get(contract) ?? 1) - 1
      if (pins > 0) this.#pins.set(contract, pins)
      else this.#pins.delete(contract)
      this.#tidyLater()
    }
  }

  listen(listener: ContractListener): () => void {
    this.#listeners.add(listener)
    for (const live of this.#active.values()) live.listen(listener)
    return () => {
      this.#listeners.delete(listener)
      // Also those that have been loaded since.
      for (const live of this.#active.values()) live.unlisten(listener)
    }
  }

  /** Everything that the store has up to that position has been heard of: all that it concerns is in memory, or was. */
  heardUpTo(position: number): void {
    if (position > (this.#heard ?? -1)) this.#heard = position
  }

  /** Whatever can rest is put down, so that the next start finds it there. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTidying?.()
    await Promise.allSettled(this.#waking.values())
    const active = [...this.#active]
    await Promise.all(active.map(([, live]) => live.settleDown()))
    if (this.#ports.activeMax !== undefined) {
      const position = await this.#position().catch(() => undefined)
      if (position !== undefined) for (const [contract, live] of active) await this.#putDown(contract, live, position)
    }
    await Promise.all([...this.#active.values()].map((live) => live.close()))
  }

  #wake(contract: Uid): Promise<LiveContract> {
    const active = this.glance(contract)
    if (active !== undefined) return Promise.resolve(active)
    const known = this.#waking.get(contract)
    if (known !== undefined) return known
    const waking = this.#load(contract).finally(() => this.#waking.delete(contract))
    this.#waking.set(contract, waking)
    return waking
  }

  async #load(contract: Uid): Promise<LiveContract> {
    const { self, failed } = this.#ports
    if (this.#closed) throw new ContractClosed('contract_closed', 'the node is stopping')
    const founder = this.#founders.get(contract)
    if (founder === undefined)
      throw new NoSuchContract('no_such_contract', `there is no contract ${contract} here`, { contract })
    const passivated = this.passive(contract)
    this.#snapshots.wake(contract)
    this.#underWay.delete(contract)
    this.#keyMissing.delete(contract)
    try {
      const live = await LiveContract.open(contract, self, founder, this.#ports, passivated?.settled)
      this.#active.set(contract, live)
      this.#usedLast = live
      this.#notLoaded.delete(contract)
      this.#keepSchedule.kept(live)
      live.listen({ news: (_, change) => this.#keepLong(contract, live, change) })
      for (const listener of this.#listeners) live.listen(listener)
      const hasNews = passivated !== undefined && !isWhatIsHeld(passivated, live.state.feeds)
      for (const { activated } of this.#listeners) activated?.(live, hasNews)
      live.tellWhatStands()
      // It may have something to do without anybody asking for it, and does not rest before that is done. Who has to find
      // out first what it has signed does not rest anyway; where others sign too, the guard may be about to be told, and
      // what they store wakes it.
      const { role = 'node' } = this.#ports
      const { obstacle } = live
      const isOthersToEnd = obstacle === undefined || obstacle === 'key_missing' || obstacle === 'values_missing'
      if (isOthersToEnd || role === 'node') live.wake()
      return live
    } catch (error) {
      this.#notLoaded.set(contract, error instanceof ContractDamaged ? 'contract_damaged' : 'store_failing')
      failed(contract, error)
      throw error
    }
  }

  #tidyLater(): void {
    if (this.#closed || this.#cancelTidying !== undefined || this.#active.size <= this.#activeMax) return
    this.#cancelTidying = this.#ports.clock.after(TIDY_MS, () => {
      void this.#tidy().finally(() => {
        this.#cancelTidying = undefined
        this.#tidyLater()
      })
    })
  }

  async #tidy(): Promise<void> {
    const position = await this.#position().catch(() => undefined)
    if (position === undefined || this.#closed) return
    for (const [contract, live] of [...this.#active]) {
      if (this.#active.size <= this.#activeMax) return
      if (this.#pins.has(contract)) continue
      try {
        await this.#putDown(contract, live, position)
      } catch (error) {
        // It stays in memory.
        this.#ports.failed(contract, error)
      }
    }
  }

  /** A position that nothing which is stored by now, and not heard of here, is before. Undefined: nothing can be kept yet. */
  async #position(): Promise<number | undefined> {
    return this.#isShared ? this.#heard : await this.#ports.store.events.lastPosition()
  }

  /** One that would have to look back to say whether it may rest stays until it can. */
  async #putDown(contract: Uid, live: LiveContract, position: number): Promise<void> {
    const { state, evidence, mayRest } = live
    if (mayRest === needsHistory) recall(live)
    if (mayRest !== true || this.#ports.hasWords(contract)) return
    const kept = await this.#keep(live)
    // What has gone on meanwhile stays.
    if (kept === undefined || this.isInUse(contract) || this.#active.get(contract) !== live) return
    if (live.state !== state || live.evidence !== evidence || live.mayRest !== true) return
    if (this.#ports.hasWords(contract)) return
    this.#put(contract, live, kept.kept, position, false)
    this.#passivate(contract, live)
  }

  #passivate(contract: Uid, live: LiveContract): void {
    live.leave()
    this.#active.delete(contract)
    if (live === this.#usedLast) this.#usedLast = undefined
    const signing = live.obstacle === 'key_missing' ? nextKeyOf(live.state, live.self) : undefined
    const isMember = memberOf(live.state.settling.agreed, live.self) !== undefined
    this.#noteAtRest(contract, waitingIn(live.state, live.self), isMember, signing ?? null)
    for (const { passivated } of this.#listeners) passivated?.(contract)
  }

  /** `signing`: the key of this party's next statement, should there be one. */
  #noteAtRest(contract: Uid, waiting: Backlog, isMember: boolean, signing: string | null): void {
    if (this.#ports.role !== 'serve' && signing !== null && !this.#hasKey(signing))
      this.#keyMissing.set(contract, signing)
    if (!isMember) return
    const { unsettled, waitsFor, lags } = waiting
    if (unsettled + waitsFor.length > 0 || lags.some(([, entries]) => entries > 0))
      this.#underWay.set(contract, waiting)
  }

  /** Undefined: it has to look back for that, and can the next time. */
  async #keep(live: LiveContract): Promise<Keeping | undefined> {
    const kept = await live.keep()
    if (kept !== needsHistory) return kept
    recall(live)
    return undefined
  }

  #put(contract: Uid, live: LiveContract, kept: Kept, position: number, isActive: boolean): void {
    this.#snapshots.put(contract, kept, position, isActive)
    this.#keepSchedule.kept(live)
  }

  /** One that never rests is kept now and then all the same: it must not grow in memory, nor take long to load. */
  #keepLong(contract: Uid, live: LiveContract, change: ContractNews['news'][0]): void {
    if (this.#ports.activeMax === undefined || !this.#keepSchedule.isDue(live, change)) return
    this.#keepSchedule.kept(live)
    void this.#position()
      .then(async (position) => {
        const kept = position === undefined ? undefined : await this.#keep(live)
        // It may have been put down meanwhile.
        if (position === undefined || kept === undefined || this.#closed || this.#active.get(contract) !== live) return
        this.#put(contract, live, kept.kept, position, true)
        live.forget(kept.before)
      })
      .catch((error: unknown) => this.#ports.failed(contract, error))
  }
}

/** Takes back what is left out of memory, for the next time. */
function recall(live: LiveContract): void {
  live.recall().catch(() => {})
}

function signs({ summary }: PassiveContract): boolean {
  return summary?.standing === 'member' || summary?.standing === 'invited'
}

/** Throws NoSuchContract where a contract was given up to make room for another. */
export async function assertHeld(cache: ContractCache, contract: Uid): Promise<void> {
  if (cache.has(contract)) return
  throw new NoSuchContract('no_such_contract', `${contract} was given up to make room for another`, { contract })
}
