import fc from 'fast-check'
import { ConcordataError, errorCodes } from '../../src/runtime/errors.ts'
import { inputsFrom } from './inputs.ts'
import type { Taken, Target } from './target.ts'

/** One input may take so long before it counts as a hang. Milliseconds. */
const INPUT_MS_MAX = 5_000

/** Whether it is one of ours, with a code of the registry. */
export function isTyped(error: unknown): boolean {
  return error instanceof ConcordataError && Object.hasOwn(errorCodes, error.code)
}

/**
 * What every decoder promises: it answers a value whose one encoding are the bytes that came, or throws one of our errors
 * with a code of the registry. Throws what says how that is broken. Only the decoder may refuse: what it has taken is encoded.
 */
export async function hold(target: Target, text: string): Promise<'taken' | 'refused'> {
  const start = process.cpuUsage()
  const encode = await taken(target, text)
  if (encode) {
    const again = encode()
    if (again !== text) throw new Error(`is read, but encodes as ${JSON.stringify(again)}`)
  }
  // Of the processor, whatever else the machine does: what takes seconds for a few kilobytes is not linear.
  const { system, user } = process.cpuUsage(start)
  const took = (system + user) / 1000
  if (took > INPUT_MS_MAX) throw new Error(`took ${Math.round(took)} ms`)
  return encode === null ? 'refused' : 'taken'
}

async function taken(target: Target, text: string): Promise<Taken> {
  try {
    return await target.decode(text)
  } catch (error) {
    if (!isTyped(error)) throw error
    return null
  }
}

/** fast-check's report, without the whole of an input that may have megabytes. */
export function reporter(out: fc.RunDetails<[string]>): void {
  if (!out.failed) return
  const { seed, counterexamplePath, counterexample, errorInstance } = out
  const text = JSON.stringify(counterexample?.[0] ?? '').slice(0, 1000)
  throw new Error(`seed ${seed}, path ${counterexamplePath}: ${text}: ${String(errorInstance).slice(0, 1000)}`, {
    cause: errorInstance,
  })
}

/** Rejects with fast-check's report, with the seed and the smallest input found, if the target breaks its promise. */
export async function fuzz(target: Target, runs: number, seed: number): Promise<void> {
  try {
    const valid: string[] = []
    for (const text of target.valid) valid.push(await hold(target, text))
    if (!valid.includes('taken')) throw new Error('nothing is taken that it should take')
    await fc.assert(
      fc.asyncProperty(inputsFrom(target.valid), async (text) => void (await hold(target, text))),
      { numRuns: Math.ceil(runs * (target.share ?? 1)), seed, reporter },
    )
  } finally {
    await target.close?.()
  }
}
