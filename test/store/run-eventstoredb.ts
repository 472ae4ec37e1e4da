import { spawnSync } from 'node:child_process'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'

/** `npm run test:eventstoredb`: the suites of the store against the real server of ESDB_URL (ESDB_CA, ESDB_RESTART). */
const { ESDB_URL: url, ESDB_CA: caFile } = process.env
if (url === undefined || url === '') fail('ESDB_URL is not set: it names the server to test against, esdb://…')
await openEventStoreDbStore({ url, ...(caFile !== undefined && { caFile }) }).then(
  (store) => store.close(),
  (error: Error) => fail(`the server of ESDB_URL cannot be used: ${error.message}`),
)
const files = ['test/store/eventstoredb-store.test.ts', 'test/store/eventstoredb-restarts.test.ts']
const args = ['run', '--disable-coverage', '--allow-empty-coverage', '--jobs=1', ...files]
process.exit(spawnSync('tap', args, { stdio: 'inherit' }).status ?? 1)

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
