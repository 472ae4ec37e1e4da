import fc from 'fast-check'
import { ConcordataError, errorCodes } from '../../src/runtime/errors.ts'
import { inputsFrom } from './inputs.ts'
import type { Target } from './targets.ts'

/** One input may take so long before it counts as a hang. Milliseconds. */
const INPUT_MS_MAX = 5_000

/**
 * What every decoder promises: it answers a value whose one encoding are the bytes that came, or throws one of our errors
 * with a code of the registry. Throws what says how that is broken.
 */
export function hold(target: Target, text: string): void {
  const start = performance.now()
  try {
    const again = target.decode(text)
    if (again !== undefined && again !== text) throw new Error(`is read, but encodes as ${JSON.stringify(again)}`)
  } catch (error) {
    if (!(error instanceof ConcordataError && Object.hasOwn(errorCodes, error.code))) throw error
  }
  // Not for the machine's sake: what takes seconds for a few kilobytes is not linear.
  const took = performance.now() - start
  if (took > INPUT_MS_MAX) throw new Error(`took ${Math.round(took)} ms`)
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

/** Throws fast-check's report, with the seed and the smallest input found, if the target breaks its promise. */
export function fuzz(target: Target, runs: number, seed: number): void {
  for (const text of target.valid) hold(target, text)
  fc.assert(
    fc.property(inputsFrom(target.valid), (text) => hold(target, text)),
    { numRuns: runs, seed, reporter },
  )
}
