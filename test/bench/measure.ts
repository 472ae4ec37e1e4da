/** What one side of the comparison measured. */
export interface Figures {
  /** At saturation. */
  readonly changesPerSecond: number
  /** One change at a time, milliseconds. */
  readonly restP50Ms: number
  readonly restP95Ms: number
  /** Over all three parties, at saturation. */
  readonly cpuMicrosPerChange: number
  /** What the store of one party grows by, at saturation. */
  readonly bytesPerChange: number
}

export interface LoadResult {
  readonly changes: number
  readonly seconds: number
}

export interface Load {
  readonly seconds: number
  /** Changes under way at once. */
  readonly outstanding: number
}

export const CHANGE_BYTES = 200
export const FIELDS = 100
export const SATURATION: Load = { seconds: 8, outstanding: 2048 }
export const WARM_UP: Load = { seconds: 4, outstanding: 2048 }
export const REST_SAMPLES = 300

/** Keeps so many changes under way for so long; `change` resolves when one is done. */
export async function underLoad(load: Load, change: () => Promise<unknown>): Promise<LoadResult> {
  const began = performance.now()
  const until = began + load.seconds * 1000
  let changes = 0
  const one = async () => {
    while (performance.now() < until) {
      await change()
      changes++
    }
  }
  await Promise.all(Array.from({ length: load.outstanding }, one))
  return { changes, seconds: (performance.now() - began) / 1000 }
}

/** Milliseconds of each of so many changes, one after another, with a pause between: nothing else is under way. */
export async function atRest(samples: number, change: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < samples; n++) {
    const began = performance.now()
    await change()
    times.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return times.sort((one, other) => one - other)
}

export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}
