import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { FaultReport } from '../../store/eventstoredb/client-faults.ts'
import type { Credentials, EventStoreDbOptions } from '../../store/eventstoredb/connection.ts'
import type { Store } from '../../store/port.ts'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import {
  type Configuration,
  ConfigurationInvalid,
  configurationPath,
  type StoreSettings,
} from '../config/configuration.ts'

/** Where a node keeps its events and values, unless they are in EventStoreDB. */
export const storePath = (dir: string) => join(dir, 'store.sqlite')

type Place = Pick<Configuration, 'dir' | 'store'>

/**
 * The store that the configuration names. `reportFault` receives what a server's client throws outside of any call. Throws
 * ConfigurationInvalid, and what the store throws when it is opened.
 */
export async function openStore({ dir, store }: Place, reportFault?: FaultReport): Promise<Store> {
  return store === undefined ? openSqliteStore(storePath(dir)) : openServer(dir, store, reportFault)
}

/** To look only. SQLite stands still meanwhile; EventStoreDB goes on, and what is read ends where it ended at first. */
export async function openStoreToRead({ dir, store }: Place): Promise<Store> {
  if (store !== undefined) return openServer(dir, store)
  return openSqliteStore(storePath(dir), { readonly: true, snapshot: true })
}

/** The server's client is loaded where there is a server: it costs more than the rest of a command. */
async function openServer(dir: string, settings: StoreSettings, reportFault?: FaultReport): Promise<Store> {
  const { openEventStoreDbStore } = await import('../../store/eventstoredb/eventstoredb-store.ts')
  return openEventStoreDbStore({
    ...(await serverOptions(dir, settings)),
    ...(reportFault !== undefined && { reportFault }),
  })
}

/** Of the server that the configuration names, as the user that it names. Throws ConfigurationInvalid. */
export async function serverOptions(dir: string, settings: StoreSettings): Promise<EventStoreDbOptions> {
  const { url, ca, namespace } = settings
  const credentials = await credentialsOf(dir, settings)
  return {
    url,
    ...(ca !== undefined && { caFile: resolve(dir, ca) }),
    ...(credentials !== undefined && { credentials }),
    ...(namespace !== undefined && { namespace: `${namespace}-` }),
  }
}

async function credentialsOf(dir: string, { user, passwordFile }: StoreSettings): Promise<Credentials | undefined> {
  if (user === undefined || passwordFile === undefined) return undefined
  const path = resolve(dir, passwordFile)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const message = `${configurationPath(dir)}: store.passwordFile cannot be read (${cause.code}: ${path})`
    const evidence = { source: configurationPath(dir), setting: 'store/passwordFile' }
    throw new ConfigurationInvalid('configuration_invalid', message, evidence, { cause })
  })
  return { username: user, password: text.replace(/\r?\n$/, '') }
}
