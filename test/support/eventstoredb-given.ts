import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { EventStoreDbOptions } from '../../src/store/eventstoredb/connection.ts'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'

/** How long a server may take to be ready. Milliseconds. */
const START_TIMEOUT_MS = 120_000

/** The server that ESDB_URL and ESDB_CA name. Variables that are empty count as not set. */
export function serverOptions({ ESDB_URL: url = '', ESDB_CA: ca = '' }: NodeJS.ProcessEnv): EventStoreDbOptions {
  return { url, ...(ca === '' ? {} : { caFile: resolve(ca) }) }
}

/**
 * Runs the command of ESDB_RESTART, which kills the server and starts it again on the same data at the same address, and
 * waits until it answers: a server that has much to read is not ready for long.
 */
export async function restartGiven(variables: NodeJS.ProcessEnv): Promise<void> {
  const { ESDB_RESTART: command = '' } = variables
  const { status } = spawnSync('sh', ['-c', command], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`ESDB_RESTART ended with ${status}: ${command}`)
  const store = await openEventStoreDbStore({ ...serverOptions(variables), timeoutMs: START_TIMEOUT_MS })
  await store.close()
}
