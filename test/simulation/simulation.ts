import { memberOf } from '../../src/aggregates/contract/state.ts'
import type { LiveContract } from '../../src/contracts/live-contract.ts'
import type { Verdict } from '../../src/contracts/submission.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Request } from '../../src/events/statement.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { Machine, type World } from './machine.ts'
import { SimulatedNetwork } from './network.ts'
import { Oracle, Violation } from './oracle.ts'
import { SeededRandom } from './seeded-random.ts'
import { settleMicrotasks, VirtualClock } from './virtual-clock.ts'

export interface Report {
  readonly seed: number
  readonly parties: number
  readonly hostile: boolean
  readonly requests: number
  readonly entries: number
  readonly statements: number
  readonly crashes: number
  readonly calls: number
  readonly outcomes: Readonly<Record<string, number>>
}

const HANDLES = ['ana', 'ben', 'cleo', 'dov']
const FIELDS = 6
const ROUNDS = 60

/**
 * One run: parties open a contract, let each other in and write to it while the network loses, delays, doubles and
 * reorders, links are cut, machines crash at any step, and, in some runs, one member shows different statements to
 * different members. Then everything heals. Throws Violation as soon as something happens that never may.
 */
export async function simulate(seed: number): Promise<Report> {
  const simulation = new Simulation(seed)
  await simulation.begin()
  await simulation.disturb()
  await simulation.heal()
  return simulation.report()
}

class Simulation {
  readonly #seed: number
  readonly #random: SeededRandom
  readonly #clock = new VirtualClock()
  readonly #network: SimulatedNetwork
  readonly #oracle = new Oracle()
  readonly #machines: Machine[]
  /** A second machine with the key of one member: whatever the one signs, the other knows nothing of. */
  readonly #twin: Machine | undefined
  readonly #violations: unknown[] = []
  #contract!: Uid
  #crashes = 0
  #requests = 0
  readonly #outcomes: Record<string, number> = {}

  constructor(seed: number) {
    this.#seed = seed
    this.#random = new SeededRandom(seed)
    const faults = {
      loss: this.#random.fraction() * 0.2,
      duplication: this.#random.fraction() * 0.2,
      delayMs: 1 + this.#random.fraction() * 60,
    }
    this.#network = new SimulatedNetwork(this.#clock, this.#random, faults)
    const world: World = {
      clock: this.#clock,
      random: this.#random,
      network: this.#network,
      settled: (machine, contract, entries) => {
        if (this.#isHonest(machine)) this.#guard(() => this.#oracle.settled(machine, contract.state, entries))
      },
    }
    const parties = 2 + this.#random.below(3)
    const isHostile = parties > 2 && this.#random.chance(0.25)
    const keySeed = this.#random.bytes(32)
    this.#machines = HANDLES.slice(0, parties).map(
      (handle, index) => new Machine(world, handle, index === 1 ? { keySeed } : {}),
    )
    this.#twin = isHostile
      ? new Machine(world, 'ben', { keySeed, address: 'ben again', disk: openMemoryStore() })
      : undefined
    this.#introduce()
  }

  /** Who calls whom: of a hostile member some see the one machine and some the other. */
  #introduce(): void {
    const [founder, hostile] = this.#machines
    for (const machine of this.#machines) {
      const others = this.#machines.filter((other) => other !== machine)
      const misled = this.#twin !== undefined && machine !== founder && machine !== hostile
      machine.knows(
        others.map((other) => (misled && other === hostile && this.#twin !== undefined ? this.#twin : other)),
      )
    }
    this.#twin?.knows(this.#machines.filter((machine) => machine !== hostile))
  }

  async begin(): Promise<void> {
    const [founder, ...others] = this.#machines as [Machine, ...Machine[]]
    for (const machine of this.#everyone()) await machine.start()
    const opening = founder.contracts?.openContract('simulated')
    await this.#pass(2_000)
    const opened = await opening
    if (opened === undefined) throw new Violation('no contract was opened')
    this.#contract = opened.contract.contract
    await opened.submission.verdict
    for (const { card } of others) this.#submit(founder, { type: 'InviteParty', party: card })
    for (let n = 0; n < FIELDS; n++) {
      this.#submit(founder, { type: 'AddField', parent: '0', name: `field ${n}`, field: { type: 'text' } })
    }
  }

  async disturb(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      for (const machine of this.#everyone()) await this.#disturbOne(machine)
      if (this.#random.chance(0.1)) this.#cutSomething()
      if (this.#random.chance(0.1)) this.#network.heal()
      await this.#pass(this.#random.fraction() * 300)
      this.#check()
    }
  }

  async #disturbOne(machine: Machine): Promise<void> {
    const { contracts } = machine
    if (contracts === undefined) {
      if (this.#random.chance(0.3)) await this.#restart(machine)
      return
    }
    if (this.#random.chance(0.02)) {
      machine.crash()
      this.#crashes++
      return
    }
    const live = contracts.find(this.#contract)
    if (live === undefined) return
    if (memberOf(live.state.ledger.document, machine.handle) === undefined) {
      if (contracts.replyTo(this.#contract) === undefined) {
        contracts.accept(this.#contract).then(
          () => machine.gossip?.carry(this.#contract),
          () => {},
        )
      }
      return
    }
    if (this.#random.chance(0.35)) this.#write(machine, live)
    if (machine !== this.#machines[0] && this.#random.chance(0.003)) this.#submit(machine, { type: 'Resign' })
  }

  #write(machine: Machine, live: LiveContract): void {
    const { payload, seal: sealed } = seal(`${machine.handle} ${this.#requests}`, this.#random.bytes(16))
    const command = {
      type: 'ProposeValue',
      field: `0.${this.#random.below(FIELDS)}`,
      seal: sealed,
      basis: [],
      ...(this.#random.chance(0.5) ? { exclusive: true } : {}),
    }
    const isTentative = this.#random.chance(0.5)
    this.#submit(machine, command, {
      payloads: { [sealed]: payload },
      ...(isTentative ? { timeoutMs: 50 + this.#random.below(1_500) } : {}),
      live,
    })
  }

  #submit(
    machine: Machine,
    command: { type: string; [key: string]: unknown },
    options: { payloads?: object; timeoutMs?: number; live?: LiveContract } = {},
  ): void {
    const live = options.live ?? machine.contracts?.find(this.#contract)
    if (live === undefined || memberOf(live.state.ledger.document, machine.handle) === undefined) return
    this.#requests++
    const request: Request = {
      id: `${machine.handle} ${this.#requests}`,
      commands: [command],
      ...(options.timeoutMs === undefined ? {} : { tentative: true as const }),
    }
    const submission = live.submit({
      request,
      payloads: { ...options.payloads },
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })
    const told = (verdict: Verdict) => {
      this.#outcomes[verdict.kind] = (this.#outcomes[verdict.kind] ?? 0) + 1
      if (!this.#isHonest(machine)) return
      this.#oracle.promised('request' in verdict ? verdict.request : undefined, verdict)
    }
    submission.verdict.then(told, () => {})
  }

  #cutSomething(): void {
    const from = this.#random.pick(this.#machines)
    const to = this.#random.pick(this.#machines)
    this.#network.cut(from.address, to.address)
    if (this.#random.chance(0.5)) this.#network.cut(to.address, from.address)
  }

  /** Everything comes back: all that is under way settles, and then nobody says anything any more. */
  async heal(): Promise<void> {
    this.#network.heal()
    for (const machine of this.#everyone()) if (!machine.isUp) await this.#restart(machine)
    await this.#pass(60_000)
    this.#check()
    if (this.#twin !== undefined) return
    const statements = this.#statements()
    await this.#pass(30_000)
    if (this.#statements() !== statements) throw new Violation('an idle contract does not fall silent')
    this.#checkAllEqual()
    this.#oracle.checkPromises()
  }

  #checkAllEqual(): void {
    for (const machine of this.#machines) {
      const state = machine.contracts?.find(this.#contract)?.state
      if (state === undefined) continue
      const isMember = memberOf(state.settling.agreed, machine.handle) !== undefined
      if (!isMember) continue
      if (state.settling.settled !== this.#oracle.size || state.ledger.open.length > 0) {
        const { settled } = state.settling
        throw new Violation(`${machine.handle} settled ${settled} of ${this.#oracle.size} after everything had healed`)
      }
    }
  }

  #check(): void {
    if (this.#violations.length > 0) throw this.#violations[0]
    for (const machine of this.#machines) {
      const state = machine.contracts?.find(this.#contract)?.state
      if (state === undefined || !this.#isHonest(machine)) continue
      this.#oracle.checkMachine(machine, state, [])
    }
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (violation) {
      this.#violations.push(violation)
    }
  }

  async #restart(machine: Machine): Promise<void> {
    const started = machine.start()
    started.catch((error) => this.#violations.push(error))
    await settleMicrotasks()
    await this.#pass(10)
    await started
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.runUntil(this.#clock.now() + ms)
    await settleMicrotasks()
  }

  #everyone(): Machine[] {
    return this.#twin === undefined ? this.#machines : [...this.#machines, this.#twin]
  }

  /** The machines of a hostile member are not asked for anything: it may believe what it likes. */
  #isHonest(machine: Machine): boolean {
    return this.#twin === undefined || machine.handle !== ('ben' as Handle)
  }

  #statements(): number {
    const counts = this.#machines.map((machine) => {
      const feeds = machine.contracts?.find(this.#contract)?.state.feeds
      return feeds === undefined ? 0 : feeds.reduce((sum, feed) => sum + feed.size, 0)
    })
    return Math.max(...counts)
  }

  report(): Report {
    return {
      seed: this.#seed,
      parties: this.#machines.length,
      hostile: this.#twin !== undefined,
      requests: this.#requests,
      entries: this.#oracle.size,
      statements: this.#statements(),
      crashes: this.#crashes,
      calls: this.#network.calls,
      outcomes: this.#outcomes,
    }
  }
}
