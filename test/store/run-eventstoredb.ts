import { spawnSync } from 'node:child_process'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import { serverOptions } from '../support/eventstoredb-given.ts'

/**
 * `npm run test:eventstoredb`: the suites of the store, users and rights, the roles under them, then rounds of killing nodes in
 * one process and in several, and the server itself, against the real server of ESDB_URL (ESDB_CA; ESDB_RESTART: the command that
 * kills it and starts it again). Without one of the two it fails. Rights need TLS and an administrator in ESDB_URL
 * (`esdb://admin:…@host:2113`); on a server without TLS nobody has any, and that part runs against our own server, and says so.
 */
const CRASH_ROUNDS = 20
const { ESDB_URL: url, ESDB_RESTART: restart } = process.env
if (restart === undefined || restart === '') {
  fail('ESDB_RESTART is not set: it is the command that kills the server of ESDB_URL, and starts it again')
}
if (url === undefined || url === '') fail('ESDB_URL is not set: it names the server to test against, esdb://…')
await openEventStoreDbStore(serverOptions(process.env)).then(
  (store) => store.close(),
  (error: Error) => fail(`the server of ESDB_URL cannot be used: ${error.message}`),
)
const files = [
  'test/store/eventstoredb/eventstoredb-store.test.ts',
  'test/store/eventstoredb/restarts.test.ts',
  'test/store/eventstoredb/load.test.ts',
  'test/store/eventstoredb/setup.test.ts',
  'test/node/roles-eventstoredb.test.ts',
]
/** Seconds that a file may take: a server that is full of other things is slow. */
const TIMEOUT = 1800
run(process.execPath, ['test/run/main.ts', '--jobs', '1', '--timeout', String(TIMEOUT), ...files])
for (const layout of ['node', 'split', 'two that sign']) {
  const options = ['--store', 'eventstoredb', '--rounds', String(CRASH_ROUNDS), '--layout', layout]
  run(process.execPath, ['test/crash/main.ts', ...options])
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
