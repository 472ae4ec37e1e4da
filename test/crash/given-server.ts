import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/store/eventstoredb/connection.ts'
import { restartGiven, serverOptions } from '../support/eventstoredb-given.ts'
import type { CrashServer } from './crash-rounds.ts'

/** The server of ESDB_URL, which the command in ESDB_RESTART kills and starts again. */
export class GivenServer implements CrashServer {
  readonly settings: CrashServer['settings']
  readonly #variables: NodeJS.ProcessEnv
  readonly #dir: string

  private constructor(settings: CrashServer['settings'], variables: NodeJS.ProcessEnv, dir: string) {
    this.settings = settings
    this.#variables = variables
    this.#dir = dir
  }

  static async of(variables: NodeJS.ProcessEnv): Promise<GivenServer> {
    if (!variables.ESDB_RESTART) {
      throw new Error(
        'ESDB_RESTART is not set: it is the command that kills the server of ESDB_URL, and starts it again',
      )
    }
    const options = serverOptions(variables)
    const { callOptions, caFile: ca, isPlain, release } = connect(options)
    await release()
    const dir = await mkdtemp(join(tmpdir(), 'crash-given-'))
    const url = options.url.replace(/\/\/[^@/]*@/, '//')
    // A node takes no password in the address.
    const { username: user, password } = callOptions.credentials as { username: string; password: string }
    const passwordFile = join(dir, 'password')
    await writeFile(passwordFile, password, { mode: 0o600 })
    const access = isPlain ? {} : { user, passwordFile }
    return new GivenServer({ url, ...(ca === undefined ? {} : { ca }), ...access }, variables, dir)
  }

  restart(): Promise<void> {
    return restartGiven(this.#variables)
  }

  stop(): Promise<void> {
    return rm(this.#dir, { recursive: true, force: true })
  }
}
