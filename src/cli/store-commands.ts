import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfiguration, readEnvironment } from '../node/config/configuration.ts'
import { createFile } from '../runtime/durable-file.ts'
import { StoreSetupFailed } from '../store/errors.ts'
import { type RoleUsers, setUpStore } from '../store/eventstoredb/setup.ts'
import { textIn } from './file-unavailable.ts'
import { dataOption, jsonOption, type NodeOptions } from './options.ts'
import { printResult, table } from './output.ts'

const ROLES = ['serve', 'transmit', 'receive'] as const
const PASSWORD_BYTES = 24
/** Of EventStoreDB. */
const DEFAULT_PORT = 2113

interface Options extends NodeOptions {
  readonly adminUser: string
  readonly adminPasswordFile: string
  readonly httpUrl?: string
}

/** `concordata store setup`: users and ACLs on the EventStoreDB of a node. */
export function storeCommands(program: Command): void {
  program
    .command('store')
    .description('the store of a node')
    .command('setup')
    .description('make a user for each role on EventStoreDB, and say what each may do; may be run again')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--admin-user <name>', 'of an administrator of the server', 'admin')
    .requiredOption('--admin-password-file <path>', 'its password, on one line')
    .option('--http-url <origin>', 'of the server’s HTTP API, if it is not at the address of the store')
    .action(setUp)
}

async function setUp({ data, adminUser, adminPasswordFile, httpUrl, json }: Options): Promise<void> {
  const { store, handle } = await readConfiguration(data, readEnvironment(process.env))
  if (store === undefined) {
    throw new StoreSetupFailed('concordata.json names no `store`: there is nothing to set up')
  }
  const password = (await textIn(adminPasswordFile)).trim()
  const users = {} as Record<(typeof ROLES)[number], { username: string; password: string }>
  for (const role of ROLES) {
    const path = resolve(data, `esdb-password-${role}`)
    users[role] = { username: `concordata-${handle}-${role}`, password: await passwordIn(path) }
  }
  const steps = await setUpStore(
    {
      url: store.url,
      credentials: { username: adminUser, password },
      httpUrl: httpUrl ?? httpUrlOf(store.url),
      ...(store.ca !== undefined && { caFile: resolve(data, store.ca) }),
      ...(store.namespace !== undefined && { namespace: `${store.namespace}-` }),
    },
    users as RoleUsers,
  )
  const given = ROLES.map((role) => ({ role, user: users[role].username, passwordFile: `esdb-password-${role}` }))
  const rows = steps.map(({ what, state }) => [what, state])
  printResult(json, { steps, users: given }, [
    ...table(['', ''], rows),
    '',
    'Give each process its own user in its environment:',
    ...given.map(({ passwordFile, role, user }) => {
      return `  ${role}: CONCORDATA_STORE_USER=${user} CONCORDATA_STORE_PASSWORD_FILE=${passwordFile}`
    }),
  ])
}

/** The one that is there, or a new one: durable before a user has it. */
async function passwordIn(path: string): Promise<string> {
  const standing = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (standing !== undefined) return standing.trim()
  const password = randomBytes(PASSWORD_BYTES).toString('base64url')
  await createFile(path, `${password}\n`, 0o600)
  return password
}

/** The HTTP API is at the same port. Of several servers the first: it hands on to the leader what is the leader's. */
function httpUrlOf(url: string): string {
  const host = /^[^:]+:\/\/(?:[^@/]*@)?(?<host>[^,/?]+)/.exec(url)?.groups?.host ?? ''
  return `https://${/:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`}`
}
