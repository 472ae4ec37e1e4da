import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What some work cost the whole process, in generous terms. */
export interface Strain {
  /** The longest time in which nothing else had its turn. */
  readonly stallMs: number
  /** By how much the heap was larger at most, garbage included. */
  readonly grownBytes: number
}

const RESOLUTION_MS = 10

/** Does something, and watches over event loop and heap meanwhile. */
export async function strainOf(work: () => Promise<unknown>): Promise<Strain> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const before = process.memoryUsage().heapUsed
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().heapUsed)
  }, RESOLUTION_MS)
  delay.enable()
  try {
    await work()
    // What has held everything up last is seen when it is over.
    await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS))
  } finally {
    delay.disable()
    clearInterval(watch)
  }
  return { stallMs: delay.max / 1e6, grownBytes: most - before }
}
