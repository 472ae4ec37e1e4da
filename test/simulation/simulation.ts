import { drawCast } from './cast.ts'
import { check, checkEnd, checkPeace, describe } from './checks.ts'
import { Faults } from './faults.ts'
import { type SimulationOptions, withDefaults } from './options.ts'
import { Run } from './run.ts'
import { Workload } from './workload.ts'

/** Seconds for everything to settle after it has healed. */
const HEALING_SECONDS = 60

export interface Report {
  readonly seed: number
  readonly parties: number
  /** What the hostile member does; empty: there is none. */
  readonly sins: readonly string[]
  readonly entries: number
  readonly statements: number
  readonly calls: number
  /** What happened, and what users were told, by name. */
  readonly counts: Readonly<Record<string, number>>
}

/**
 * One run: parties open a contract, let each other in and write to it, lock it, change their keys and leave, while the
 * network loses, delays, doubles, reorders and withholds, links are cut, machines crash at any step and are set back, clocks
 * jump, and, in some runs, one member does what it likes. Then everything heals. Throws Violation as soon as something
 * happens that never may. `trace` hears of what is done to whom.
 */
export async function simulate(
  seed: number,
  trace: (line: string) => void = () => {},
  options: Partial<SimulationOptions> = {},
): Promise<Report> {
  const run = new Run(seed, withDefaults(options), trace)
  drawCast(run)
  const faults = new Faults(run)
  const workload = new Workload(run, faults)
  try {
    await begin(run, faults, workload)
    await disturb(run, faults, workload)
    await heal(run, faults, workload)
    await checkEnd(run)
  } catch (violation) {
    await describe(run)
    throw violation
  }
  return reportOf(seed, run)
}

async function begin(run: Run, faults: Faults, workload: Workload): Promise<void> {
  for (const machine of run.everyone()) {
    faults.drawVersion(machine, 0.95)
    await machine.start()
  }
  await workload.begin()
}

async function disturb(run: Run, faults: Faults, workload: Workload): Promise<void> {
  const random = run.sources.of('cast', 'rounds')
  const drawn = 10 + random.below(25)
  const rounds = run.options.rounds === 0 ? drawn : run.options.rounds
  for (let round = 0; round < rounds; round++) {
    for (const machine of run.everyone()) {
      if (await faults.disturb(machine)) await workload.use(machine)
    }
    run.hostile?.act()
    faults.disturbNetwork()
    await run.pass(random.fraction() * 300)
    check(run)
  }
}

/** Everything comes back: all that is under way settles, and then nobody says anything any more. */
async function heal(run: Run, faults: Faults, workload: Workload): Promise<void> {
  run.trace('everything heals')
  run.network.heal(true)
  run.network.mangle = (text) => text
  run.hostile?.comesToItsSenses()
  if (run.options.upgrades) faults.installEverywhere()
  let calls = 0
  for (let step = 0; step < HEALING_SECONDS; step++) {
    if (step === HEALING_SECONDS / 2) calls = run.network.calls
    // A crash may have been on its way still.
    for (const machine of run.everyone()) if (!machine.isUp) await faults.restart(machine)
    for (const machine of run.everyone()) await workload.tidyUp(machine, step)
    run.hostile?.act()
    await run.pass(1_000)
    check(run)
  }
  checkPeace(run, (run.network.calls - calls) / (HEALING_SECONDS / 2))
}

function reportOf(seed: number, run: Run): Report {
  const engines = run.machines.map((machine) => run.held(machine)?.state.settling.agreed.engine)
  if (engines.includes(2)) run.count('upgraded')
  const falseEntries = run.hostile?.entries.given ?? 0
  return {
    seed,
    parties: run.machines.length + (run.hostile === undefined ? 0 : 1),
    sins: run.twin === undefined ? [...(run.hostile?.sins ?? [])] : ['twin'],
    entries: run.oracle.size,
    statements: run.statements(),
    calls: run.network.calls,
    counts: {
      ...run.counts,
      ...(falseEntries > 0 && { 'false entries given': falseEntries }),
      requests: run.requests,
      passivated: run.machines.reduce((sum, { passivated }) => sum + passivated, 0),
    },
  }
}
