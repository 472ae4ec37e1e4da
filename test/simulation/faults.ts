import { builtIn } from '../../src/aggregates/contract/engines.ts'
import { both } from '../support/engine-2.ts'
import type { Machine } from './machine.ts'
import type { Run } from './run.ts'
import { settleMicrotasks } from './virtual-clock.ts'

/** What happens to network and machines; and that they come back. */
export class Faults {
  readonly #run: Run
  readonly #backups = new Map<Machine, number>()

  constructor(run: Run) {
    this.#run = run
  }

  disturbNetwork(): void {
    const { options, sources, network, hostile } = this.#run
    const random = sources.of('network', 'links')
    const addresses = [...this.#run.everyone().map(({ address }) => address), ...(hostile ? ['ben'] : [])]
    const [from, to] = [random.pick(addresses), random.pick(addresses)]
    if (random.chance(options.cuts)) {
      network.cut(from, to)
      if (random.chance(0.5)) network.cut(to, from)
    }
    if (random.chance(options.clogs)) network.clog(from, to, random.fraction() * 5_000)
    if (random.chance(0.1)) network.heal()
  }

  /** Whether it is up after all that, and was before. */
  async disturb(machine: Machine): Promise<boolean> {
    const { options, clock } = this.#run
    const random = this.#run.sources.of('machines', machine.address)
    if (!machine.isUp) {
      if (clock.now() >= machine.asleepUntil && random.chance(0.3)) {
        this.drawVersion(machine, 0.5)
        await this.restart(machine)
      }
      return false
    }
    if (random.chance(options.crashes)) {
      const state = (await machine.live(this.#run.contract))?.state
      this.crash(machine)
      if (random.chance(0.15)) machine.asleepUntil = clock.now() + random.fraction() * 8_000
      // What one has agreed with nobody but itself is on that one's disk only.
      const others = state?.settling.signed.delete(machine.handle).valueSeq() ?? []
      const isAlone = state === undefined || Math.max(0, ...others) < state.settling.settled
      if (random.chance(options.setBacks) && !isAlone) await this.#setBack(machine)
      return false
    }
    if (options.split && random.chance(options.processCrashes) && machine.crashOne(random.fraction() * 2_000)) {
      this.#run.count('processes crashed')
      this.#run.trace(`${machine.address} loses a process`)
    }
    if (random.chance(options.skews)) machine.skew += (random.fraction() - 0.5) * 100_000
    if (random.chance(0.1)) this.#backups.set(machine, machine.disk.mark)
    return true
  }

  crash(machine: Machine): void {
    if (!machine.isUp) return
    this.#run.count('crashes')
    this.#run.trace(`${machine.address} crashes`)
    machine.crash()
  }

  /** The worst moment: its user may have been told, and nothing may be durable. */
  crashSoon(machine: Machine): void {
    const random = this.#run.sources.of('machines', machine.address)
    if (random.chance(0.5)) this.#run.clock.after(random.fraction() * 4, () => this.crash(machine))
  }

  async restart(machine: Machine): Promise<void> {
    const run = this.#run
    const isUpgraded = run.machines.some((one) => run.held(one)?.state.settling.agreed.engine === 2)
    if (isUpgraded && machine.engines !== both) run.count('started without the engine')
    run.trace(`${machine.address} starts`)
    const started = machine.start()
    started.catch((error) => run.violations.push(error))
    await settleMicrotasks()
    await run.pass(10)
    await run.comesOf(started).catch(() => {})
    const ledger = await machine.disk.ledgerOf(run.contract)
    if (run.isHonest(machine)) run.guard(() => run.oracle.loaded(machine, ledger))
  }

  /** With the software that it starts with next. */
  drawVersion(machine: Machine, share: number): void {
    const { options, sources } = this.#run
    if (options.upgrades) machine.engines = sources.of('versions', machine.address).chance(share) ? both : builtIn
  }

  /** Whoever lacks the engine gets software that has it. */
  installEverywhere(): void {
    for (const machine of this.#run.machines) {
      if (machine.engines === both) continue
      machine.engines = both
      this.crash(machine)
    }
  }

  /** The machine's disk dies, and an old backup takes its place; once a run, since two copies lost at once are one too many. */
  async #setBack(machine: Machine): Promise<void> {
    const run = this.#run
    const mark = this.#backups.get(machine)
    if (run.wasSetBack || mark === undefined || machine.handle === 'ben') return
    run.wasSetBack = true
    // Who has no guard depends on the others' word for what they hold; a hostile one may have the only copy, and keep it.
    const isSafe = run.hostile === undefined && run.twin === undefined
    const withoutGuard = isSafe && run.sources.of('machines', machine.address).chance(0.5)
    run.count(withoutGuard ? 'set back without a guard' : 'set back')
    run.trace(`${machine.address} is set back to ${mark} of ${machine.disk.mark}${withoutGuard ? ', no guard' : ''}`)
    await machine.disk.setBack(mark, withoutGuard)
    // Without a guard nothing but the others' word says what was signed: what they are still to get must have come, or be lost.
    if (withoutGuard) run.network.hangUp(machine.address)
    run.oracle.setBack(machine)
  }
}
