import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { restartGiven } from './eventstoredb-given.ts'
import { type StoreProcess, startProcess } from './store-process.ts'

export interface ServerUnderTest {
  /** Ends it in the middle of whatever it does, and starts it on the same data at the same address. */
  restart(): Promise<void>
}

/**
 * The server of ESDB_URL if there is one (ESDB_RESTART is the command that kills and restarts it), else our own. Says in the
 * environment where it is, for `open-eventstoredb.ts` in this process and in others. `restart` is left out if there is no way.
 */
export async function serverUnderTest(t: Test): Promise<Partial<ServerUnderTest>> {
  process.env.ESDB_RUN = randomUUID()
  const { ESDB_URL: given, ESDB_RESTART: command } = process.env
  if (given !== undefined && given !== '') return command ? { restart: () => restartGiven(process.env) } : {}
  const directory = t.testdir()
  let server: StoreProcess = startProcess(t, 'eventstoredb-server/main.ts', [directory])
  const url = await server.nextLine()
  process.env.ESDB_URL = url ?? ''
  const port = new URL((url ?? '').replace('esdb:', 'http:')).port
  return {
    restart: async () => {
      server.kill()
      await server.ended
      server = startProcess(t, 'eventstoredb-server/main.ts', [directory, port])
      await server.nextLine()
    },
  }
}
