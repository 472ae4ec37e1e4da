import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Handle } from '../../events/ids.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { createIdentity } from '../../node/identity/create-identity.ts'
import { readApiToken } from '../../node/identity/identity.ts'
import { systemClock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type ApiClient, apiClient } from '../api-client.ts'
import { freePort } from './free-port.ts'

/** The demo could not be carried through. */
export class DemoFailed extends ConcordataError {}

/** A party as the demo talks to it. */
export interface ReachableParty {
  readonly handle: Handle
  readonly name: string
  readonly client: ApiClient
}

/** One party of the demo: a process of its own with a data directory of its own. */
export interface DemoProcess extends ReachableParty {
  readonly dir: string
  readonly endpoint: string
  readonly api: string
  readonly token: string
  readonly pid: number
  /** Resolves when the process has ended, by itself or because it was told to. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('../../../bin/concordata.js', import.meta.url))
/** As the program says in its first line. MB. */
export const YOUNG_SPACE = '--max-semi-space-size=8'
/** A machine that is busy with other things starts a process late. */
const START_TIMEOUT_MS = 120_000

/** Makes the party if its directory is not there yet, and starts its node. */
export async function startParty(
  dir: string,
  { handle, name }: { handle: Handle; name: string },
): Promise<DemoProcess> {
  const environment = readEnvironment(process.env)
  if (!existsSync(join(dir, 'concordata.json'))) {
    const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    await createIdentity(dir, { handle, name, endpoint, api, passphrase: environment.passphrase }, systemClock)
  }
  const { endpoint, api } = await readConfiguration(dir, environment)
  const { pid, ended, stop } = await startProcess(dir, 'node')
  const token = await readApiToken(dir)
  return { handle, name, dir, endpoint, api, token, pid, client: apiClient(api, token), ended, stop }
}

/** One of our commands that runs until it is stopped. */
export interface Running {
  readonly pid: number
  /** Resolves when it has ended, by itself or because it was told to. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

/**
 * Starts `concordata <command> --data dir`, and waits until it says that it is up. Its log is `<command>.log` in there.
 * `variables`: of its environment, beside those of this process.
 */
export async function startProcess(
  dir: string,
  command: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawn(process.execPath, [YOUNG_SPACE, PROGRAM, command, '--data', dir], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...variables },
  })
  const log = join(dir, `${command}.log`)
  child.stderr?.pipe(createWriteStream(log, { flags: 'a' }))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await isUp(child, `concordata ${command} on ${dir}`, log)
  return {
    pid: child.pid as number,
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function isUp(child: ChildProcess, what: string, log: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      child.kill()
      reject(new DemoFailed('demo_failed', `${what} ${why}; its log is ${log}`, { log }))
    }
    const timer = setTimeout(() => fail('does not come up'), START_TIMEOUT_MS)
    child.once('message', () => {
      clearTimeout(timer)
      resolve()
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(`ended with status ${code}`)
    })
  })
}
