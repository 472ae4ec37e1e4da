import { createHash } from 'node:crypto'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import type { Store } from '../../src/store/port.ts'

/**
 * The EventStoreDB store of a directory: its streams on the server of ESDB_URL, under names that begin with a hash of the
 * directory and of ESDB_RUN, so that runs on one server do not meet. Both stand in the environment, for other processes too.
 */
export function open(directory: string): Promise<Store> {
  const { ESDB_URL: url = '', ESDB_RUN: run = '', ESDB_CA: caFile } = process.env
  const hash = createHash('sha256').update(`${run} ${directory}`).digest('hex').slice(0, 20)
  return openEventStoreDbStore({ url, namespace: `test${hash}-`, ...(caFile !== undefined && { caFile }) })
}
