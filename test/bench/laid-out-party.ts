import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type ApiClient, apiClient } from '../../src/cli/api-client.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { LAYOUTS, PartyProcesses } from '../support/party-processes.ts'
import { Child } from './child.ts'
import { atRest, CHANGE_BYTES } from './measure.ts'

/** What each process of a party takes, by what it runs. */
export type ByProcess = readonly (readonly [process: string, amount: number])[]

/** A party as it is measured, whatever it consists of. */
export interface LaidOutParty {
  readonly handle: Handle
  readonly dir: string
  readonly endpoint: string
  readonly client: ApiClient
  /** Milliseconds of one change after another, each to the next of these contracts and settled at its end; in order of size. */
  changes(contracts: readonly Uid[], fields: readonly string[]): Promise<number[]>
  /** Stops it and starts it again: the seconds that its processes took to be up. */
  restart(): Promise<ByProcess>
  /** Resident, in MB. */
  memory(): Promise<ByProcess>
  end(): Promise<void>
}

/** All in one process, in which the changes are made too. */
export async function nodeParty(dir: string, handle: Handle): Promise<LaidOutParty> {
  const environment = readEnvironment({})
  if (!existsSync(dir)) {
    const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    await createIdentity(dir, { handle, name: handle, endpoint, api }, systemClock)
  }
  const { endpoint, api } = await readConfiguration(dir, environment)
  const start = async () => {
    const started = new Child('./concordata-party.ts')
    await started.ask({ kind: 'start', dir })
    return started
  }
  let child = await start()
  return {
    handle,
    dir,
    endpoint,
    client: apiClient(api, await readApiToken(dir)),
    changes: (contracts) => child.ask<number[]>({ kind: 'each', contracts }),
    async restart() {
      await child.end()
      const began = performance.now()
      child = await start()
      return [['node', secondsSince(began)]]
    },
    memory: async () => [['node', megabytes(await child.ask<number>({ kind: 'memory' }))]],
    end: () => child.end(),
  }
}

/** The roles apart, on SQLite; changes are made through the API of `serve`. */
export async function splitParty(dir: string, handle: Handle): Promise<LaidOutParty> {
  const party = await PartyProcesses.start(dir, handle, 'split')
  const { endpoint, client } = party
  return {
    handle,
    dir,
    endpoint,
    client,
    changes(contracts, fields) {
      const left = [...contracts]
      return atRest(left.length, async () => {
        const field = encodeURIComponent(fields[left.length % fields.length] as string)
        const value = randomBytes(CHANGE_BYTES / 2).toString('hex')
        await client.call('PUT', `/new-api/${left.pop()}/${field}`, value, { prefer: 'wait=30' })
      })
    },
    async restart() {
      await party.stop()
      const took: [string, number][] = []
      for (const [place, command] of LAYOUTS.split.entries()) {
        const began = performance.now()
        await party.startAgain(place)
        took.push([command, secondsSince(began)])
      }
      return took
    },
    memory: () =>
      Promise.all(
        party.processes.map(async ({ command, pid }) => {
          const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
          return [command, megabytes(Number(stdout) * 1024)] as const
        }),
      ),
    end: () => party.stop(),
  }
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}
