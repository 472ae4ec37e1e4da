import { restartGiven, serverOptions } from '../support/eventstoredb-given.ts'
import type { CrashServer } from './crash-rounds.ts'

/** The server of ESDB_URL, which the command in ESDB_RESTART kills and starts again. */
export function givenServer(variables: NodeJS.ProcessEnv): CrashServer {
  if (!variables.ESDB_RESTART) {
    throw new Error('ESDB_RESTART is not set: it is the command that kills the server of ESDB_URL, and starts it again')
  }
  const { url, caFile } = serverOptions(variables)
  return {
    url,
    ...(caFile === undefined ? {} : { ca: caFile }),
    restart: () => restartGiven(variables),
  }
}
