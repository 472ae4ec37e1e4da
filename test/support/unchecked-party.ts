import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../src/cli/demo/free-port.ts'
import type { Handle } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import {
  type ConfigurationFile,
  configurationPath,
  readConfiguration,
  readEnvironment,
} from '../../src/node/config/configuration.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { formatFingerprint } from '../../src/node/identity/fingerprint.ts'
import { openIdentity, readApiToken } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { partyStores } from './party-store.ts'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever comes, and compares.
  readonly body: any
}

export interface NodeParty {
  readonly handle: string
  readonly endpoint: string
  readonly data: string
  readonly fingerprint: string
  /** Of the inward API, and what it asks for. */
  readonly api: string
  readonly token: string
  call(method: string, path: string, body?: unknown, prefer?: string, more?: Record<string, string>): Promise<Answer>
}

/** A party with its data directory and two free ports; its node is started by `openNode`. */
export async function newParty(
  root: string,
  handle: string,
  acknowledgement: unknown = [],
  more: { readonly did?: string; readonly lei?: string } = {},
): Promise<NodeParty> {
  const data = join(root, handle)
  const api = `http://127.0.0.1:${await freePort()}`
  const endpoint = `https://127.0.0.1:${await freePort()}`
  await createIdentity(data, { handle: handle as Handle, name: handle, endpoint, api, ...more }, systemClock)
  const settings = JSON.parse(await readFile(configurationPath(data), 'utf8'))
  const store = partyStores.settingsOf(handle)
  await writeFile(configurationPath(data), JSON.stringify({ ...settings, acknowledgement, ...(store && { store }) }))
  const environment = readEnvironment(process.env)
  const { card } = await openIdentity(await readConfiguration(data, environment), environment)
  const token = await readApiToken(data)
  return {
    handle,
    endpoint,
    data,
    api,
    token,
    fingerprint: formatFingerprint(partyFingerprint(card)),
    async call(method, path, body, prefer = 'wait=60', more = {}) {
      const answer = await fetch(new URL(path, api), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          prefer,
          ...more,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
    },
  }
}

/** Further settings of its concordata.json, before its node is started. */
export async function configure({ data }: Pick<NodeParty, 'data'>, more: Partial<ConfigurationFile>): Promise<void> {
  const settings = JSON.parse(await readFile(configurationPath(data), 'utf8'))
  await writeFile(configurationPath(data), JSON.stringify({ ...settings, ...more }))
}

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`waited in vain for ${what}`)
}
