import Database from 'better-sqlite3'

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

export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((one, other) => one - other),
    50,
  )
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Pages in use, those in the write-ahead log among them: what a file may hold in reserve does not count. */
export function databaseBytes(path: string): number {
  const database = new Database(path, { readonly: true })
  try {
    const read = (name: string) => database.pragma(name, { simple: true }) as number
    return (read('page_count') - read('freelist_count')) * read('page_size')
  } finally {
    database.close()
  }
}
