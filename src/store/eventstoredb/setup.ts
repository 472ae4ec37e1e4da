import { readFile } from 'node:fs/promises'
import { type EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { Agent, request } from 'undici'
import { ConcordataError } from '../../runtime/errors.ts'
import { DIRECTORY_STREAM, INVITATIONS_STREAM, OUTBOX_STREAM } from '../streams.ts'
import { toStoreError } from './client-errors.ts'
import { type Credentials, connect, type EventStoreDbOptions } from './connection.ts'

/** The server could not be set up. Evidence: `status`, where it answered, or `setting`. */
export class StoreSetupFailed extends ConcordataError {}

/** Users of the server, one for each process. */
export interface RoleUsers {
  readonly serve: Credentials
  readonly transmit: Credentials
  readonly receive: Credentials
}

export interface SetupOptions extends EventStoreDbOptions {
  /** Of an administrator. */
  readonly credentials: Credentials
  /** Origin of the HTTP API. */
  readonly httpUrl: string
}

/** A line for each thing, and whether it was done now or stood there. */
export type SetupStep = { readonly what: string; readonly isNew: boolean }

/** Where `serve` leaves what it has to say; all else only `transmit` and `receive` write. */
export const SERVED_STREAMS = [OUTBOX_STREAM, DIRECTORY_STREAM, INVITATIONS_STREAM] as const

const DEFAULT_ACL_TYPE = 'update-default-acl'
const ADMINS = '$admins'

/**
 * Makes the users and says who may do what. Streams are made as contracts come, so the ACL that counts for them is the default
 * of the server, in `$settings` (EventStoreDB 23.10, "Access control lists"): the server is to be this party's own. May be run again.
 * Throws StoreSetupFailed, StoreAccessDenied, StoreUnavailable.
 */
export async function setUpStore(options: SetupOptions, users: RoleUsers): Promise<SetupStep[]> {
  const steps: SetupStep[] = []
  for (const user of Object.values(users) as Credentials[]) {
    steps.push({ what: `user ${user.username}`, isNew: await makeUser(options, user) })
  }
  const { client, credentials, namespace, release } = connect(options)
  try {
    const writers = [users.transmit.username, users.receive.username, ADMINS]
    const readers = [users.serve.username, ...writers]
    const acl = { $r: readers, $w: writers, $d: writers, $mr: readers, $mw: [ADMINS] }
    steps.push({ what: 'default ACL', isNew: await setDefault(client, credentials, acl) })
    for (const stream of SERVED_STREAMS) {
      const ofStream = { ...asRoles(acl), writeRoles: readers }
      await setAcl(client, credentials, `${namespace}${stream}`, ofStream)
      steps.push({ what: `ACL of ${namespace}${stream}`, isNew: true })
    }
    await setAcl(client, credentials, '$all', { ...asRoles(acl), writeRoles: [ADMINS], deleteRoles: [ADMINS] })
    steps.push({ what: 'ACL of $all', isNew: true })
    return steps
  } finally {
    await release()
  }
}

/** Whether it was not there yet. One that was keeps its password. */
async function makeUser(options: SetupOptions, user: Credentials): Promise<boolean> {
  const known = await callHttp(options, 'GET', `/users/${encodeURIComponent(user.username)}`)
  if (known === 200) return false
  const made = await callHttp(options, 'POST', '/users/', {
    LoginName: user.username,
    FullName: `Concordata: ${user.username}`,
    Groups: [],
    Password: user.password,
  })
  if (made === 201) return true
  const message = `the user ${user.username} cannot be made: ${options.httpUrl} answers ${made}`
  throw new StoreSetupFailed('store_setup_failed', message, { status: made })
}

async function callHttp(
  { httpUrl: origin, caFile, credentials: { username, password } }: SetupOptions,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const dispatcher = new Agent(caFile === undefined ? {} : { connect: { ca: await readFile(caFile, 'utf8') } })
  try {
    const { statusCode: status, body: answer } = await request(new URL(path, origin), {
      dispatcher,
      method,
      headers: { authorization, accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    await answer.dump()
    if (status !== 401 && status !== 403) return status
    const message = `${origin} does not take ${username} for an administrator`
    throw new StoreSetupFailed('store_setup_failed', message, { status })
  } catch (cause) {
    if (cause instanceof StoreSetupFailed) throw cause
    const message = `the HTTP API of the server cannot be reached at ${origin}: ${(cause as Error).message}`
    throw new StoreSetupFailed('store_setup_failed', message, {}, { cause })
  } finally {
    await dispatcher.close()
  }
}

type Acl = Record<'$r' | '$w' | '$d' | '$mr' | '$mw', readonly string[]>

/** Whether it was not so already. Another default is somebody's: the server is not ours alone. */
async function setDefault(client: EventStoreDBClient, credentials: Credentials, acl: Acl): Promise<boolean> {
  const standing = await lastSettings(client, credentials)
  const wanted = { $userStreamAcl: acl, $systemStreamAcl: system() }
  if (standing !== undefined && JSON.stringify(standing) === JSON.stringify(wanted)) return false
  if (standing !== undefined) {
    const message = 'the server has another default ACL already ($settings): it is to be this party’s own server'
    throw new StoreSetupFailed('store_setup_failed', message, { setting: '$settings' })
  }
  try {
    await client.appendToStream('$settings', jsonEvent({ type: DEFAULT_ACL_TYPE, data: wanted }), { credentials })
    return true
  } catch (error) {
    throw toStoreError(error, 'append to $settings')
  }
}

function system(): Acl {
  return { $r: [ADMINS], $w: [ADMINS], $d: [ADMINS], $mr: [ADMINS], $mw: [ADMINS] }
}

async function lastSettings(client: EventStoreDBClient, credentials: Credentials): Promise<unknown> {
  let last: unknown
  try {
    const reading = client.readStream('$settings', {
      direction: 'backwards',
      fromRevision: 'end',
      maxCount: 1,
      credentials,
    })
    for await (const { event } of reading) last = event?.data
  } catch (error) {
    if ((error as { type?: string }).type !== 'stream-not-found') throw toStoreError(error, 'read of $settings')
  }
  return last
}

function asRoles({ $r, $w, $d, $mr, $mw }: Acl) {
  return {
    readRoles: [...$r],
    writeRoles: [...$w],
    deleteRoles: [...$d],
    metaReadRoles: [...$mr],
    metaWriteRoles: [...$mw],
  }
}

async function setAcl(
  client: EventStoreDBClient,
  credentials: Credentials,
  stream: string,
  acl: ReturnType<typeof asRoles>,
): Promise<void> {
  try {
    await client.setStreamMetadata(stream, { acl }, { credentials })
  } catch (error) {
    throw toStoreError(error, `ACL of ${stream}`)
  }
}
