import { parseArgs } from 'node:util'
import { simulate } from './simulation.ts'

/** `npm run simulate -- --seed N --runs K`: K runs from seed N on; stops at the first violation and says its seed. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '100' },
    verbose: { type: 'boolean' },
  },
})
const first = Number(values.seed)
const runs = Number(values.runs)
const began = performance.now()
const totals = { requests: 0, entries: 0, statements: 0, crashes: 0, calls: 0, hostile: 0 }
for (let seed = first; seed < first + runs; seed++) {
  try {
    const report = await simulate(seed)
    totals.requests += report.requests
    totals.entries += report.entries
    totals.statements += report.statements
    totals.crashes += report.crashes
    totals.calls += report.calls
    totals.hostile += report.hostile ? 1 : 0
    if (values.verbose) console.log(JSON.stringify(report))
  } catch (error) {
    console.error(`seed ${seed} failed; again with: npm run simulate -- --seed ${seed} --runs 1`)
    console.error(error)
    process.exit(1)
  }
}
console.log(`${runs} seeds from ${first} without a violation in ${((performance.now() - began) / 1000).toFixed(1)} s`)
console.log(JSON.stringify(totals))
