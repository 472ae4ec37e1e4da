import { spawnSync } from 'node:child_process'
import type { CrashServer } from './crash-rounds.ts'

/** The server of ESDB_URL, which the command in ESDB_RESTART kills and starts again. */
export function givenServer(variables: NodeJS.ProcessEnv): CrashServer {
  const { ESDB_URL: url = '', ESDB_CA: ca, ESDB_RESTART: command } = variables
  if (command === undefined || command === '') {
    throw new Error('ESDB_RESTART is not set: it is the command that kills the server of ESDB_URL, and starts it again')
  }
  return {
    url,
    ...(ca === undefined ? {} : { ca }),
    async restart() {
      const { status } = spawnSync('sh', ['-c', command], { stdio: 'inherit' })
      if (status !== 0) throw new Error(`ESDB_RESTART ended with ${status}: ${command}`)
    },
  }
}
