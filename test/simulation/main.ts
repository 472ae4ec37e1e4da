import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { commandLine, flag, number } from '../support/command-line.ts'
import { commandLineOf, type SimulationOptions, simulationOptions } from './options.ts'
import { simulate } from './simulation.ts'

/**
 * `npm run simulate -- [--seed N] [--runs K] [--jobs J] [--verbose] [--help] [options of the simulator]`: K runs from seed N on.
 * At a violation it says the seed, with the options in a form that can be pasted, runs it once more, prints what happened to whom,
 * and ends with 1. `--help` lists the options.
 */
interface Share {
  readonly seeds: readonly number[]
  readonly options: SimulationOptions
}

if (isMainThread) await main()
else await work(workerData as Share)

async function work({ seeds, options }: Share): Promise<void> {
  for (const seed of seeds) {
    try {
      parentPort?.postMessage({ report: await simulate(seed, undefined, options) })
    } catch (error) {
      parentPort?.postMessage({ failed: seed, error })
      return
    }
  }
}

async function main(): Promise<void> {
  const usage = 'npm run simulate -- [options]: runs contracts under faults, and says what each has come to'
  const { seed, runs, jobs, verbose, ...options } = commandLine(usage, {
    seed: number(1, 'of the first run'),
    runs: number(100, 'how many, each from the seed after the one before', 1),
    jobs: number(1, 'runs at once', 1),
    verbose: flag('a line for each run'),
    ...simulationOptions,
  })
  console.log(`npm run simulate -- --seed=${seed} --runs=${runs} ${commandLineOf(options)}`)
  const began = performance.now()
  const totals: Record<string, number> = {}
  const add = (name: string, count: number) => {
    totals[name] = (totals[name] ?? 0) + count
  }
  const failed = await new Promise<{ seed: number; error: unknown } | undefined>((resolve, reject) => {
    let running = jobs
    for (let job = 0; job < jobs; job++) {
      const seeds = Array.from({ length: runs }, (_, n) => seed + n).filter((seed) => seed % jobs === job)
      const share: Share = { seeds, options }
      const worker = new Worker(new URL(import.meta.url), { workerData: share })
      const left = [...seeds]
      worker.on('message', (message) => {
        left.shift()
        if ('failed' in message) {
          resolve({ seed: message.failed, error: message.error })
          return
        }
        const { entries, statements, calls, counts, sins } = message.report
        for (const [name, count] of Object.entries(counts as Record<string, number>)) add(name, count)
        for (const sin of sins as string[]) add(`runs with: ${sin}`, 1)
        add('runs', 1)
        add('entries', entries)
        add('statements', statements)
        add('calls', calls)
        if (verbose) console.log(JSON.stringify(message.report))
        else if ((totals.runs ?? 0) % 500 === 0) console.log(`${totals.runs} runs`)
      })
      worker.on('error', reject)
      worker.on('exit', () => {
        const [stuck] = left
        // Nothing is left that could go on, and whoever waits for it waits for ever.
        if (stuck !== undefined) reject(new Error(`seed ${stuck} came to no end`))
        running--
        if (running === 0) resolve(undefined)
      })
    }
  })
  if (failed !== undefined) {
    const lines: string[] = []
    await simulate(failed.seed, (line) => lines.push(line), options).catch(() => {})
    console.error(lines.slice(-200).join('\n'))
    console.error(failed.error)
    console.error(`seed ${failed.seed} failed; again with:`)
    console.error(`npm run simulate -- --seed=${failed.seed} --runs=1 ${commandLineOf(options, 'set')}`)
    process.exit(1)
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`${totals.runs} seeds from ${seed} without a violation in ${seconds.toFixed(1)} s`)
  console.log(JSON.stringify(totals, null, 2))
}
