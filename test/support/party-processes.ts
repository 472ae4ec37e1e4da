import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiClient, apiClient } from '../../src/cli/api-client.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'
import { type Running, startProcess } from '../../src/cli/demo/party-process.ts'
import type { Handle } from '../../src/events/ids.ts'
import {
  configurationPath,
  readConfiguration,
  readEnvironment,
  type StoreSettings,
} from '../../src/node/config/configuration.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** Everything in one process, or the roles apart, the first of them the signer that the others need. */
export const LAYOUTS = {
  node: ['node'],
  split: ['signer', 'receive', 'transmit', 'serve'],
  'two that sign': ['signer', 'receive', 'transmit', 'transmit', 'serve'],
} as const
export type Layout = keyof typeof LAYOUTS

/** Variables of the environment of a process, by what it runs. */
type Variables = (command: string) => Readonly<Record<string, string>>

/** A party's data directory and the processes that run on it. */
export class PartyProcesses {
  readonly handle: Handle
  readonly name: string
  readonly dir: string
  readonly endpoint: string
  readonly api: string
  readonly token: string
  readonly client: ApiClient
  readonly #commands: readonly string[]
  readonly #running: Running[] = []
  readonly #variables: Variables

  private constructor(
    handle: Handle,
    dir: string,
    { endpoint, api }: { endpoint: string; api: string },
    token: string,
    commands: readonly string[],
    variables: Variables,
  ) {
    this.handle = handle
    this.name = handle
    this.dir = dir
    this.endpoint = endpoint
    this.api = api
    this.token = token
    this.client = apiClient(api, token)
    this.#commands = commands
    this.#variables = variables
  }

  /**
   * Makes the party, unless its directory is there, and starts its processes. `store`: left out, SQLite. `prepare` comes before the start; its answer says
   * what stands in the environment of each process.
   */
  static async start(
    dir: string,
    handle: Handle,
    layout: Layout,
    store?: StoreSettings,
    prepare: () => Promise<Variables> = async () => () => ({}),
  ): Promise<PartyProcesses> {
    if (!existsSync(dir)) {
      const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
      await createIdentity(dir, { handle, name: handle, endpoint, api }, systemClock)
    }
    const settings = JSON.parse(await readFile(configurationPath(dir), 'utf8'))
    const signer = layout === 'node' ? {} : { signer: { socket: 'signer.sock' } }
    await writeFile(configurationPath(dir), JSON.stringify({ ...settings, ...signer, ...(store && { store }) }))
    const configuration = await readConfiguration(dir, readEnvironment(process.env))
    const variables = await prepare()
    const party = new PartyProcesses(handle, dir, configuration, await readApiToken(dir), LAYOUTS[layout], variables)
    try {
      for (const command of party.#commands) {
        party.#running.push(await startProcess(dir, command, variables(command)))
      }
    } catch (error) {
      await party.stop()
      throw error
    }
    return party
  }

  get size(): number {
    return this.#running.length
  }

  /** Those that run, in the order of the layout. */
  get processes(): { readonly command: string; readonly pid: number }[] {
    return this.#running.map(({ pid }, place) => ({ command: this.#commands[place] as string, pid }))
  }

  logOf(command: string): Promise<string> {
    return readFile(join(this.dir, `${command}.log`), 'utf8')
  }

  /** SIGKILL: that very process, by its place in the layout, ends in the middle of whatever it does. */
  async kill(place: number): Promise<void> {
    const { pid, ended } = this.#running[place] as Running
    try {
      process.kill(pid, 'SIGKILL')
    } catch (cause) {
      const command = this.#commands[place] as string
      const log = (await this.logOf(command)).slice(-2_000)
      throw new Error(`${command} of ${this.handle} had ended by itself:\n${log}`, { cause })
    }
    await ended
  }

  /** `variables`: in place of those that it had. */
  async startAgain(place: number, variables?: Readonly<Record<string, string>>): Promise<void> {
    const command = this.#commands[place] as string
    this.#running[place] = await startProcess(this.dir, command, variables ?? this.#variables(command))
  }

  async stop(): Promise<void> {
    for (const running of this.#running.toReversed()) await running.stop()
  }
}
