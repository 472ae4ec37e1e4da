import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { simulate } from './simulation.ts'

/**
 * `npm run simulate -- --seed N --runs K [--jobs J] [--split] [--resting] [--losing-values] [--upgrades] [--verbose]`: K runs from seed N on, with `--split` on machines with several
 * processes, with `--losing-values` where values get lost on the way, with `--upgrades` where the members go on in another engine, with `--resting` where contracts are put down as soon as they can be. At a violation it says the seed,
 * runs it once more, prints what happened to whom, and ends with 1.
 */
interface Share {
  readonly split: boolean
  readonly resting: boolean
  readonly losesValues: boolean
  readonly upgrades: boolean
  readonly seeds: number[]
}

if (isMainThread) await main()
else await work(workerData as Share)

async function work({ seeds, ...options }: Share): Promise<void> {
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
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '100' },
      jobs: { type: 'string', default: '1' },
      verbose: { type: 'boolean' },
      split: { type: 'boolean', default: false },
      resting: { type: 'boolean', default: false },
      'losing-values': { type: 'boolean', default: false },
      upgrades: { type: 'boolean', default: false },
    },
  })
  const first = Number(values.seed)
  const runs = Number(values.runs)
  const jobs = Number(values.jobs)
  const options = {
    split: values.split,
    resting: values.resting,
    losesValues: values['losing-values'],
    upgrades: values.upgrades,
  }
  const began = performance.now()
  const totals: Record<string, number> = {}
  const add = (name: string, count: number) => {
    totals[name] = (totals[name] ?? 0) + count
  }
  const failed = await new Promise<{ seed: number; error: unknown } | undefined>((resolve, reject) => {
    let running = jobs
    for (let job = 0; job < jobs; job++) {
      const seeds = Array.from({ length: runs }, (_, n) => first + n).filter((seed) => seed % jobs === job)
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { seeds, ...options },
      })
      worker.on('message', (message) => {
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
        if (values.verbose) console.log(JSON.stringify(message.report))
        else if ((totals.runs ?? 0) % 500 === 0) console.log(`${totals.runs} runs`)
      })
      worker.on('error', reject)
      worker.on('exit', () => {
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
    console.error(
      `seed ${failed.seed} failed; again with: npm run simulate -- --seed ${failed.seed} --runs 1${values.split ? ' --split' : ''}${values.resting ? ' --resting' : ''}${values['losing-values'] ? ' --losing-values' : ''}${values.upgrades ? ' --upgrades' : ''}`,
    )
    process.exit(1)
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`${totals.runs} seeds from ${first} without a violation in ${seconds.toFixed(1)} s`)
  console.log(JSON.stringify(totals, null, 2))
}
