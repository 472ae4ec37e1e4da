import { parseArgs } from 'node:util'
import { crashRounds } from './crash-rounds.ts'

/** `npm run crash -- --rounds K [--seed N]`: K rounds of killing the nodes of a contract; says what was found in the end. */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
})
const report = await crashRounds(Number(values.rounds), Number(values.seed), console.log)
console.log(JSON.stringify(report, undefined, 2))
console.log('Nothing that was acknowledged is lost, all ledgers are equal, and the audit finds nothing off.')
