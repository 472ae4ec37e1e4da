import t from 'tap'
import { memberOf, membersOf } from '../../src/aggregates/contract/state.ts'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import { notedSize, tierReached } from '../../src/contracts/signing/cosigned-notes.ts'
import type { Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { defaultTiming } from '../../src/gossip/gossip.ts'
import { Machine, type World } from '../simulation/machine.ts'
import { SimulatedNetwork } from '../simulation/network.ts'
import { RandomSources } from '../simulation/random-sources.ts'
import { settleMicrotasks, VirtualClock } from '../simulation/virtual-clock.ts'
import { fullState } from '../support/full-state.ts'

/** Shorter than the pause before a contract is cosigned, longer than any before news are carried lazily. */
const BEFORE_NOTES_MS = 900
const NEVER_MS = 1e12

/** Members of one contract with one field, in virtual time, on a network that only delays; nothing is under way. */
class Market {
  readonly clock = new VirtualClock()
  readonly network: SimulatedNetwork
  readonly machines: readonly Machine[]
  readonly author: Machine
  /** Hears that something has settled at a machine, before anybody is told. */
  settles: (at: Machine) => void = () => {}
  #contract: Uid | undefined
  #requests = 0

  /** `antiEntropyMs`: how often what got lost is looked for. */
  constructor(size: number, seed: number, antiEntropyMs: number) {
    const sources = new RandomSources(seed)
    this.network = new SimulatedNetwork(this.clock, sources.of('network'), { loss: 0, duplication: 0, delayMs: 4 })
    const world: World = {
      clock: this.clock,
      sources,
      network: this.network,
      settled: (at) => this.settles(at),
      comesOf: (under) => under,
      wanting() {},
      accused: () => t.fail('nobody has done anything'),
      failed: (_, error) => t.fail('nothing fails', { error }),
    }
    const timing = { ...defaultTiming, antiEntropyMs }
    this.machines = Array.from({ length: size }, (_, place) => new Machine(world, `p${place}`, { timing }))
    for (const one of this.machines) one.knows(this.machines.filter((other) => other !== one))
    this.author = this.machines[0] as Machine
  }

  async open(): Promise<this> {
    await Promise.all(this.machines.map((machine) => this.done(machine.start())))
    const { contract } = await this.done((this.author.contracts as NonNullable<Machine['contracts']>).openContract('x'))
    this.#contract = contract.contract
    for (const other of this.machines.slice(1)) {
      await this.submits({ type: 'InviteParty', party: other.card })
      await this.until(() => this.live(other)?.state.settling.agreed.parties.invitations.length === 1)
      await this.done(other.contracts?.accept(contract.contract))
      other.gossip?.carry(contract.contract)
      await this.until(() => memberOf(contract.state.settling.agreed, other.handle) !== undefined)
    }
    await this.submits({ type: 'AddField', parent: '0', name: 'a', field: { type: 'text' } })
    await this.until(() => this.machines.every((machine) => this.isCosignedAt(machine)))
    await this.pass(5_000)
    return this
  }

  live(machine: Machine): LiveContract | undefined {
    return this.#contract && machine.contracts?.find(this.#contract)
  }

  /** Resolves when the author is told that it has settled. */
  async changes(value: string): Promise<void> {
    const { seal: sealed, payload } = seal(value, new Uint8Array(16))
    await this.submits({ type: 'ProposeValue', field: '0.0', basis: [], seal: sealed }, { [sealed]: payload })
  }

  async submits(command: object, payloads = {}): Promise<void> {
    const request = { id: `${this.#requests++}`, commands: [command] as never, tentative: true as const }
    const live = this.live(this.author) as LiveContract
    const { kind } = await this.done(live.submit({ request, payloads, timeoutMs: 60_000 }).verdict)
    if (kind !== 'settled') throw new Error(`the change is ${kind}`)
  }

  hasSettled(machine: Machine, size: number): boolean {
    return this.live(machine)?.state.settling.settled === size
  }

  get settled(): number {
    return this.live(this.author)?.state.settling.settled as number
  }

  isCosignedAt(machine: Machine): boolean {
    const state = this.live(machine)?.state
    return state !== undefined && membersOf(state.settling.agreed).length > 1 && tierReached(fullState(state)) === 4
  }

  /** How many have cosigned all that has settled, as far as a machine knows. */
  cosigners(machine: Machine): number {
    const { state } = this.live(machine) as LiveContract
    const noted = membersOf(state.settling.agreed).map(({ card }) => notedSize(fullState(state), card.handle))
    return noted.filter((size) => size === state.settling.settled).length
  }

  async pass(ms: number): Promise<void> {
    await this.clock.runUntil(this.clock.now() + ms)
    await settleMicrotasks()
  }

  /** The answer: after how many milliseconds. */
  async until(holds: () => boolean, limitMs = 60_000): Promise<number> {
    const start = this.clock.now()
    while (!holds()) {
      if (this.clock.now() - start > limitMs) throw new Error(`not within ${limitMs} ms`)
      await this.pass(5)
    }
    return this.clock.now() - start
  }

  async done<Result>(promise: Promise<Result> | undefined): Promise<Result> {
    let isDone = false
    const done = Promise.resolve(promise as Promise<Result>).finally(() => {
      isDone = true
    })
    done.catch(() => {})
    await this.until(() => isDone)
    return done
  }
}

for (const size of [2, 3, 5, 10]) {
  t.test(`one change of ${size} members at rest`, { timeout: 120_000 }, async (t) => {
    const market = await new Market(size, size, NEVER_MS).open()
    for (let change = 0; change < 3; change++) {
      const before = market.network.calls
      await market.changes(`${change}`)
      await market.until(() => market.machines.every((machine) => market.hasSettled(machine, market.settled)))
      await market.pass(BEFORE_NOTES_MS)
      const calls = market.network.calls - before
      t.ok(calls <= 3 * size - 3, `${calls} calls until all hold everything`)
      await market.until(() => market.machines.every((machine) => market.isCosignedAt(machine)))
      await market.pass(10_000)
      const cosigned = market.network.calls - before - calls
      t.ok(cosigned <= 2 * size - 2, `${cosigned} more until all have cosigned, and fall silent`)
    }
  })
}

/** So long at most a node looks on, twice, as others bring nothing on. */
const PATIENCE_MS = 6 * defaultTiming.lazyMs

t.test('what its author does not carry the others do', { timeout: 120_000 }, async (t) => {
  await t.test('to a member that the author does not reach', async (t) => {
    const market = await new Market(5, 1, NEVER_MS).open()
    const { author, machines } = market
    const last = machines.at(-1) as Machine
    market.network.cut(author.address, last.address)
    market.network.cut(last.address, author.address)
    const size = market.settled + 1
    const start = market.clock.now()
    await market.changes('around')
    const told = market.clock.now() - start
    t.ok(told < 2 * PATIENCE_MS, `both rounds take ${told} ms`)
    await market.until(() => market.hasSettled(last, size), PATIENCE_MS)
  })

  await t.test('where the author is cut off the moment it is told', async (t) => {
    const market = await new Market(5, 2, NEVER_MS).open()
    const [author, ...others] = market.machines as [Machine, ...Machine[]]
    const size = market.settled + 1
    market.settles = (at) => {
      if (at === author) for (const other of others) market.network.cut(author.address, other.address)
    }
    await market.changes('last words')
    await market.pass(100)
    t.ok(others.every((machine) => !market.hasSettled(machine, size)))
    await market.until(() => others.every((machine) => market.hasSettled(machine, size)), PATIENCE_MS)
  })

  await t.test('and what nobody knows to be lacking is found around the ring', async (t) => {
    const market = await new Market(5, 3, 10_000).open()
    const others = market.machines.slice(0, -1)
    const apart = market.machines.at(-1) as Machine
    await market.changes('known')
    const size = market.settled
    await market.until(() => market.hasSettled(apart, size))
    for (const other of others) {
      market.network.cut(other.address, apart.address)
      market.network.cut(apart.address, other.address)
    }
    await market.until(() => others.every((machine) => market.cosigners(machine) === others.length))
    await market.pass(10_000)
    market.network.heal()
    t.equal(market.cosigners(apart), 1)
    await market.until(() => market.machines.every((machine) => market.isCosignedAt(machine)), 30_000)
  })
})
