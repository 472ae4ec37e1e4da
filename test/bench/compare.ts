import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Machine } from './machine.ts'
import { median, percentile } from './measure.ts'
import type { Plan, Round, Side } from './side.ts'
import { startFloor, startOurs } from './start-sides.ts'

/** One figure of both sides; the ratio is the median of those of the rounds, `from` and `to` their extremes. */
export interface Compared {
  readonly ours: number
  readonly floor: number
  readonly ratio: number
  readonly from: number
  readonly to: number
}

export interface Comparison {
  readonly size: number
  readonly changesPerSecond: Compared
  readonly restP50Ms: Compared
  readonly restP95Ms: Compared
  readonly cpuPerChange: Compared
  readonly bytesPerChange: Compared
  readonly restCpuPerChange: Compared
  readonly restBytesPerChange: Compared
  readonly machine: string
}

/**
 * Both sides are up all the time and take turns, so that they see the same weather: floor and ours saturated, floor and ours at rest,
 * round after round. With `profiles`, our parties are profiled once more in the end, and the files left there.
 */
export async function compare(
  base: string,
  size: number,
  plan: Plan,
  profiles: string | undefined,
): Promise<Comparison> {
  const floor = await startFloor(join(base, 'floor'), size)
  const ours = await startOurs(join(base, 'ours'), size)
  try {
    await floor.warmUp(plan.warmUpSeconds / 2, plan.samples)
    await ours.warmUp(plan.warmUpSeconds, plan.samples)
    const machine = new Machine()
    const before = await ownMs(floor, ours)
    const rounds: [ours: Round, floor: Round][] = []
    for (let round = 0; round < plan.rounds; round++) rounds.push(await measureRound(floor, ours, plan))
    const described = machine.report((await ownMs(floor, ours)) - before)
    if (profiles !== undefined) await profile(ours, profiles, size, plan)
    return { size, ...compared(rounds), machine: described }
  } finally {
    await Promise.all([floor.end(), ours.end()])
  }
}

async function measureRound(floor: Side, ours: Side, plan: Plan): Promise<[ours: Round, floor: Round]> {
  const floorSaturated = await floor.saturated(plan.floorSeconds)
  const saturated = await ours.saturated(plan.ourSeconds)
  const floorAtRest = await floor.atRest(plan.samples)
  const atRest = await ours.atRest(plan.samples)
  return [
    { ...saturated, ...atRest },
    { ...floorSaturated, ...floorAtRest },
  ]
}

async function ownMs(...sides: readonly Side[]): Promise<number> {
  const { user, system } = process.cpuUsage()
  const of = await Promise.all(sides.map((side) => side.cpu()))
  return of.reduce((total, micros) => total + micros, user + system) / 1000
}

async function profile(ours: Side, dir: string, size: number, plan: Plan): Promise<void> {
  await mkdir(dir, { recursive: true })
  await ours.profiled(dir, `saturated-${size}`, () => ours.saturated(plan.ourSeconds))
  await ours.profiled(dir, `rest-${size}`, () => ours.atRest(plan.samples))
}

function compared(rounds: readonly [ours: Round, floor: Round][]): Omit<Comparison, 'size' | 'machine'> {
  const of = (figure: (round: Round) => number): Compared => {
    const ratios = rounds.map(([ours, floor]) => figure(ours) / figure(floor))
    return {
      ours: median(rounds.map(([ours]) => figure(ours))),
      floor: median(rounds.map(([, floor]) => figure(floor))),
      ratio: median(ratios),
      from: Math.min(...ratios),
      to: Math.max(...ratios),
    }
  }
  return {
    changesPerSecond: of((round) => round.changesPerSecond),
    restP50Ms: of(({ restMs }) => percentile(restMs, 50)),
    restP95Ms: of(({ restMs }) => percentile(restMs, 95)),
    cpuPerChange: of((round) => round.cpuPerChange),
    bytesPerChange: of((round) => round.bytesPerChange),
    restCpuPerChange: of((round) => round.restCpuPerChange),
    restBytesPerChange: of((round) => round.restBytesPerChange),
  }
}
