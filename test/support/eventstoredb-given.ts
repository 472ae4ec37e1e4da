import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { EventStoreDbOptions } from '../../src/store/eventstoredb/connection.ts'

/** The server that ESDB_URL and ESDB_CA name. Variables that are empty count as not set. */
export function serverOptions({ ESDB_URL: url = '', ESDB_CA: ca = '' }: NodeJS.ProcessEnv): EventStoreDbOptions {
  return { url, ...(ca === '' ? {} : { caFile: resolve(ca) }) }
}

/** Runs the command of ESDB_RESTART, which kills the server and starts it again on the same data at the same address. */
export function restartGiven({ ESDB_RESTART: command = '' }: NodeJS.ProcessEnv): void {
  const { status } = spawnSync('sh', ['-c', command], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`ESDB_RESTART ended with ${status}: ${command}`)
}
