import { parseArgs } from 'node:util'
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
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    layout: { type: 'string', default: 'node' },
    store: { type: 'string', default: 'sqlite' },
    acknowledged: { type: 'string', default: '3' },
  },
})
if (!Object.hasOwn(LAYOUTS, values.layout)) throw new Error(`--layout is one of ${Object.keys(LAYOUTS).join(', ')}`)
const isGiven = (process.env.ESDB_URL ?? '') !== ''
const start = () => (isGiven ? GivenServer.of(process.env) : OwnServer.start())
const server = values.store === 'eventstoredb' ? await start() : undefined
try {
  const report = await crashRounds({
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    layouts: [values.layout as Layout],
    acknowledgedEach: Number(values.acknowledged),
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
