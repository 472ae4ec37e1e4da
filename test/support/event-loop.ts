import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What some work cost the whole process, in generous terms. */
export interface Strain {
  /** The longest time in which nothing else had its turn. On a machine that has others to serve that says as much of them: of what computes, ask for `busyMs`. */
  readonly stallMs: number
  /** The same without the time in which the process had no processor, or waited for a file. */
  readonly busyMs: number
  /** By how much the heap was larger at most, garbage included. */
  readonly grownBytes: number
}

const RESOLUTION_MS = 10

/** Does something, and watches over event loop and heap meanwhile. */
export async function strainOf(work: () => Promise<unknown>): Promise<Strain> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const before = process.memoryUsage().heapUsed
  let most = before
  let busyMs = 0
  let turn = busyTime()
  const look = () => {
    most = Math.max(most, process.memoryUsage().heapUsed)
    busyMs = Math.max(busyMs, turn())
    turn = busyTime()
  }
  const watch = setInterval(look, RESOLUTION_MS)
  delay.enable()
  try {
    await work()
    // What has held everything up last is seen when it is over.
    await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS))
  } finally {
    delay.disable()
    clearInterval(watch)
    look()
  }
  return { stallMs: delay.max / 1e6, busyMs, grownBytes: most - before }
}

/** From now on: how much of the time this process has worked, in milliseconds. What others take of the machine does not count. */
export function busyTime(): () => number {
  const [began, before] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(before)
    // Threads that collect garbage work beside this one.
    return Math.min(performance.now() - began, (user + system) / 1_000)
  }
}
