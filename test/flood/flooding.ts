import type { Flood } from './floods.ts'
import type { Changes, Ground } from './ground.ts'
import type { Strained } from './node-process.ts'

const MEGA = 1024 * 1024
/** Longer than this nothing else waits for its turn. Milliseconds. */
const STALL_MAX_MS = 1_000
/** A node writes no more than this in its log, whatever comes. Characters a second. */
const LOGGED_MAX = 50_000

export interface Outcome {
  readonly flood: Flood
  readonly seconds: number
  readonly did: ReadonlyMap<string, number>
  readonly before: Strained
  readonly during: Strained
  readonly changes: Changes
  readonly logged: number
}

/** One flood, while an honest member goes on. */
export async function flooded(ground: Ground, flood: Flood, seconds: number): Promise<Outcome> {
  await ground.changes(() => true)
  const before = await ground.strain()
  const logged = ground.logged
  const end = performance.now() + seconds * 1_000
  const isOver = () => performance.now() > end
  const [did, changes] = await Promise.all([flood.run(ground, isOver), ground.changes(isOver)])
  const during = await ground.strain()
  return { flood, seconds, did, before, during, changes, logged: ground.logged - logged }
}

/** What did not hold; nothing, if all did. */
export function brokenIn(
  { flood, seconds, before, during, changes, logged }: Outcome,
  stallMaxMs = STALL_MAX_MS,
): string[] {
  const broken: string[] = []
  const grown = during.heldMax - before.held
  if (during.delayMax > stallMaxMs) broken.push(`the event loop stood still for ${Math.round(during.delayMax)} ms`)
  if (grown > flood.grownMax)
    broken.push(`what the heap holds grew by ${inMega(grown)}, more than ${inMega(flood.grownMax)}`)
  if (logged > LOGGED_MAX * Math.max(1, seconds)) broken.push(`${logged} characters of log`)
  if (changes.settled === 0 || changes.failed > 0)
    broken.push(`of the honest changes ${changes.settled} settled and ${changes.failed} did not`)
  return broken
}

export function lineOf(outcome: Outcome): string {
  const { flood, did, before, during, changes, logged } = outcome
  const done = [...did].map(([what, count]) => `${count} × ${what}`).join(', ')
  return [
    `${flood.name} (bound: ${flood.bound})`,
    `  did                ${done}`,
    `  heap               holds ${inMega(before.held)} before, at most ${inMega(during.heldMax)}, then ${inMega(during.held)}; may grow by ${inMega(flood.grownMax)}; with garbage at most ${inMega(during.heapMax)}`,
    `  event-loop delay   at most ${Math.round(during.delayMax)} ms (may: ${STALL_MAX_MS}), p99 ${Math.round(during.delayP99)} ms`,
    `  honest changes     ${changes.settled} settled, ${changes.failed} not, the slowest in ${Math.round(changes.slowestMs)} ms`,
    `  log                ${logged} characters`,
    ...brokenIn(outcome).map((what) => `  BROKEN             ${what}`),
  ].join('\n')
}

function inMega(bytes: number): string {
  return `${Math.round(bytes / MEGA)} MiB`
}
