import { commandLine, number, text } from '../support/command-line.ts'
import { LAYOUTS, type Layout } from '../support/party-processes.ts'
import { crashRounds } from './crash-rounds.ts'
import { GivenServer } from './given-server.ts'
import { OwnServer } from './own-server.ts'

/**
 * `npm run crash -- --rounds K [--seed N] [--layout node|split|"two that sign"] [--store sqlite|eventstoredb]
 * [--acknowledged N]`: K rounds of killing the processes around a contract, each after N requests were acknowledged since the one
 * before and with others under way (0: whether or not); says what was found in the end. `eventstoredb`: the server of
 * ESDB_URL (ESDB_CA, ESDB_RESTART), or else our own server of the protocol, in a process that is killed as well.
 */
const usage = 'npm run crash -- [options]: kills real nodes under load, then audits them'
const { acknowledged, layout, rounds, seed, store } = commandLine(usage, {
  rounds: number(100, 'of killing processes', 1),
  seed: number(1, 'of what is killed when'),
  layout: text('which processes a party has', 'node', Object.keys(LAYOUTS)),
  store: text('where they store', 'sqlite', ['sqlite', 'eventstoredb']),
  acknowledged: number(3, 'requests that were acknowledged before each round; 0: whether or not'),
})
const isGiven = (process.env.ESDB_URL ?? '') !== ''
const start = () => (isGiven ? GivenServer.of(process.env) : OwnServer.start())
const server = store === 'eventstoredb' ? await start() : undefined
try {
  const report = await crashRounds({
    rounds,
    seed,
    layouts: [layout as Layout],
    acknowledgedEach: acknowledged,
    ...(server === undefined ? {} : { server }),
    progress: console.log,
  })
  console.log(JSON.stringify(report, undefined, 2))
} finally {
  await server?.stop()
}
console.log(
  'Nothing that was acknowledged is lost, all ledgers are equal, nothing was signed twice, and the audit finds nothing off.',
)
