import { ruleHash } from '../../../src/aggregates/contract/rules/rule-book.ts'
import { schemaOf } from '../../../src/aggregates/contract/rules/rule-schema.ts'
import { memberOf } from '../../../src/aggregates/contract/state.ts'
import { compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import type { Contracts } from '../../../src/contracts/registry/contracts.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { type ElementId, type Handle, ROOT } from '../../../src/events/ids.ts'
import type { LedgerEntry } from '../../../src/events/ledger-entry.ts'
import type { Expression, RuleBody } from '../../../src/events/rule.ts'
import type { Payloads, Statement } from '../../../src/events/statement.ts'
import { worldOf } from '../cast.ts'
import { check, checkEnd } from '../checks.ts'
import { Faults } from '../faults.ts'
import { Machine, type MachineOptions } from '../machine.ts'
import { SimulatedNetwork } from '../network.ts'
import { type SimulationOptions, withDefaults } from '../options.ts'
import { Run } from '../run.ts'
import type { Command } from '../submissions.ts'
import { settleMicrotasks } from '../virtual-clock.ts'
import { Workload } from '../workload.ts'

const STEP_MS = 1
const PATIENCE_MS = 30_000

/**
 * The simulator without chance: the same machines, network and checks, on which a script brings about one situation. A case
 * asserts that it was reached before it lets everything heal: otherwise it would go on to pass when nothing comes to it any more.
 */
export class Stage {
  readonly run: Run
  readonly faults: Faults
  readonly workload: Workload

  /** What has happened to whom, in words. */
  readonly told: readonly string[]

  private constructor(run: Run, told: readonly string[]) {
    this.run = run
    this.told = told
    this.faults = new Faults(run)
    this.workload = new Workload(run, this.faults)
  }

  /** All are members of one contract with two fields, and nothing is under way. The first has founded it. Nobody has invited the strangers. */
  static async with(
    parties: { readonly [handle: string]: Omit<MachineOptions, 'rests'> },
    options: Partial<SimulationOptions> = {},
    strangers: readonly string[] = [],
  ): Promise<Stage> {
    const told: string[] = []
    const run = new Run(1, withDefaults({ fields: 2, ...options }), (line) => told.push(line))
    run.network = new SimulatedNetwork(run.clock, run.sources.of('network'), { loss: 0, duplication: 0, delayMs: 5 })
    const world = worldOf(run)
    run.machines = Object.entries(parties).map(
      ([handle, machine]) => new Machine(world, handle, { ...machine, rests: run.options.passive }),
    )
    const outside = strangers.map((handle) => new Machine(world, handle, { rests: run.options.passive }))
    const all = [...run.machines, ...outside]
    for (const machine of all) machine.knows(all.filter((other) => other !== machine))
    const stage = new Stage(run, told)
    for (const machine of all) await machine.start()
    await stage.workload.begin()
    await stage.letIn()
    run.machines.push(...outside)
    return stage
  }

  /** Whoever is invited accepts, and becomes a member; who is not yet is invited. */
  async letIn(): Promise<void> {
    const [founder, ...others] = this.run.machines as [Machine, ...Machine[]]
    for (const machine of others) {
      const { handle } = machine
      if (memberOf((await this.live(founder)).state.settling.agreed, handle) !== undefined) continue
      const isKnown = () => this.live(founder).then(({ state }) => state.ledger.cards.has(handle))
      if (!(await isKnown())) await this.workload.submit(founder, { type: 'InviteParty', party: machine.card })
      await this.until(`${handle} has the contract`, () => machine.contracts?.has(this.run.contract) ?? false)
      await this.until(`${handle} accepts`, async () =>
        (machine.contracts as Contracts).accept(this.run.contract).then(
          () => true,
          () => false,
        ),
      )
      machine.gossip?.carry(this.run.contract)
    }
    for (const one of this.run.machines) {
      await this.until(`${one.handle} has all members`, async () => {
        const { document } = (await this.live(one)).state.ledger
        return this.run.machines.every(({ handle }) => memberOf(document, handle) !== undefined)
      })
    }
    await this.run.pass(5_000)
  }

  machine(handle: string): Machine {
    const found = this.run.machines.find((machine) => machine.handle === handle)
    if (found === undefined) throw new Error(`nobody is ${handle}`)
    return found
  }

  machines<Handles extends string[]>(...handles: Handles): { [Place in keyof Handles]: Machine } {
    return handles.map((handle) => this.machine(handle)) as { [Place in keyof Handles]: Machine }
  }

  async live(machine: Machine): Promise<LiveContract> {
    const live = await machine.live(this.run.contract)
    if (live === undefined) throw new Error(`${machine.handle} has no contract`)
    return live
  }

  /** The statements of a party, as some machine has them now. */
  async feedOf(handle: string, at = this.machine(handle)): Promise<Statement[]> {
    const { state } = await this.comesOf(this.live(at))
    return [...(state.feeds.get(handle as Handle)?.kept ?? [])].map(({ statement }) => statement)
  }

  /** Lets time pass, little by little, until that holds: a situation that is not reached is a case that shows nothing. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = this.run.clock.now() + PATIENCE_MS
    while (!(await this.comesOf(holds()))) {
      if (this.run.clock.now() > end) throw new Error(`the situation is not reached: ${what}`)
      await this.run.pass(STEP_MS)
    }
  }

  /** What comes of something that may take its time. */
  async comesOf<Result>(under: Result | Promise<Result>): Promise<Result> {
    const end = this.run.clock.now() + PATIENCE_MS
    let isOver = false
    const over = Promise.resolve(under).finally(() => {
      isOver = true
    })
    over.catch(() => {})
    await settleMicrotasks()
    while (!isOver) {
      if (this.run.clock.now() > end) throw new Error('nothing comes of it')
      await this.run.pass(STEP_MS)
    }
    return over
  }

  /** A value of its own for the first field, and that everybody has agreed to it. */
  async agrees(machine: Machine): Promise<void> {
    const accepted = this.run.counts.accepted ?? 0
    await this.workload.write(machine, '0.0')
    await this.until(`${machine.handle} writes`, () => (this.run.counts.accepted ?? 0) > accepted)
  }

  /** It asks for that, and everybody agrees. */
  async does(machine: Machine, command: Command, payloads?: Payloads): Promise<void> {
    const accepted = this.run.counts.accepted ?? 0
    await this.workload.submit(machine, command, payloads === undefined ? {} : { payloads })
    await this.until(`${machine.handle}: ${command.type}`, () => (this.run.counts.accepted ?? 0) > accepted)
  }

  /** The settled entries, as they stand on its disk. */
  async entriesAt({ disk }: Machine): Promise<LedgerEntry[]> {
    return (await disk.ledgerOf(this.run.contract)).map((text) => JSON.parse(text) as LedgerEntry)
  }

  /** As people write it, read at the root. */
  async expression(text: string): Promise<Expression> {
    const { document } = (await this.live(this.run.machines[0] as Machine)).state.ledger
    const compiled = compile(text, schemaOf(document), { block: ROOT })
    if (!isCompiled(compiled)) throw new Error(`${text}: ${compiled[0]?.message}`)
    return compiled.ast as unknown as Expression
  }

  /** All others vote for what the first member drafts, and it is in force. */
  async publishes(rules: readonly { readonly at: ElementId; readonly body: RuleBody }[]): Promise<void> {
    const [founder, ...others] = this.run.machines as [Machine, ...Machine[]]
    await this.does(founder, { type: 'AddRuleSet', name: 'terms' })
    for (const rule of rules) await this.does(founder, { type: 'DraftRule', ruleSet: 1, ...rule })
    const drafted = rules.map((rule, place) => ({
      rule: place + 1,
      hash: ruleHash({ ...rule, id: place + 1, ruleSet: 1 }),
    }))
    for (const voter of others)
      for (const rule of drafted) await this.does(voter, { type: 'CastVote', ...rule, vote: 'yes' })
    await this.does(founder, { type: 'PublishRules', ruleSets: [1], rules: drafted })
  }

  /** From now on no message comes to it, or from it. */
  cutOff(machine: Machine): void {
    for (const { address } of this.run.machines) {
      this.run.network.cut(address, machine.address)
      this.run.network.cut(machine.address, address)
    }
  }

  /** It dies, and starts again on its disk as that was then. */
  async setBack(machine: Machine, mark: number, withoutGuard = false): Promise<void> {
    this.faults.crash(machine)
    await machine.disk.setBack(mark, withoutGuard)
    if (withoutGuard) this.run.network.hangUp(machine.address)
    this.run.oracle.setBack(machine)
    this.run.wasSetBack = true
    await this.faults.restart(machine)
  }

  /** Everybody is up and reaches everybody: whatever is under way comes to its end, and then all that must hold does. */
  async ends(): Promise<void> {
    const { run } = this
    run.network.heal(true)
    for (let second = 0; second < 60; second++) {
      for (const machine of run.machines) if (!machine.isUp) await this.faults.restart(machine)
      for (const machine of run.machines) await this.workload.tidyUp(machine, second)
      await run.pass(1_000)
      check(run)
    }
    await checkEnd(run)
  }
}
