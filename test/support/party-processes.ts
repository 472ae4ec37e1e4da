import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiClient, apiClient } from '../../src/cli/api-client.ts'
import { type Running, startProcess } from '../../src/cli/demo/party-process.ts'
import type { Handle } from '../../src/events/ids.ts'
import {
  configurationPath,
  readConfiguration,
  readEnvironment,
  type StoreSettings,
} from '../../src/node/configuration.ts'
import { createIdentity } from '../../src/node/create-identity.ts'
import { readApiToken } from '../../src/node/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { freePort } from './node-party.ts'

/** Everything in one process, or the roles apart, the first of them the signer that the others need. */
export const LAYOUTS = {
  node: ['node'],
  split: ['signer', 'receive', 'transmit', 'serve'],
  'two that sign': ['signer', 'receive', 'transmit', 'transmit', 'serve'],
} as const
export type Layout = keyof typeof LAYOUTS

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

  private constructor(
    handle: Handle,
    dir: string,
    { endpoint, api }: { endpoint: string; api: string },
    token: string,
    commands: readonly string[],
  ) {
    this.handle = handle
    this.name = handle
    this.dir = dir
    this.endpoint = endpoint
    this.api = api
    this.token = token
    this.client = apiClient(api, token)
    this.#commands = commands
  }

  /** Makes the party, and starts its processes. `store`: left out, SQLite. */
  static async start(dir: string, handle: Handle, layout: Layout, store?: StoreSettings): Promise<PartyProcesses> {
    const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    await createIdentity(dir, { handle, name: handle, endpoint, api }, systemClock)
    const settings = JSON.parse(await readFile(configurationPath(dir), 'utf8'))
    const signer = layout === 'node' ? {} : { signer: { socket: 'signer.sock' } }
    await writeFile(configurationPath(dir), JSON.stringify({ ...settings, ...signer, ...(store && { store }) }))
    const configuration = await readConfiguration(dir, readEnvironment(process.env))
    const party = new PartyProcesses(handle, dir, configuration, await readApiToken(dir), LAYOUTS[layout])
    for (const command of party.#commands) party.#running.push(await startProcess(dir, command))
    return party
  }

  get size(): number {
    return this.#running.length
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

  async startAgain(place: number): Promise<void> {
    this.#running[place] = await startProcess(this.dir, this.#commands[place] as string)
  }

  async stop(): Promise<void> {
    for (const running of this.#running.toReversed()) await running.stop()
  }
}
