import { setTimeout as pause } from 'node:timers/promises'
import { BACKWARDS, END, type EventStoreDBClient, jsonEvent, StreamNotFoundError } from '@eventstore/db-client'
import { StoreSetupFailed } from '../errors.ts'
import { DIRECTORY_STREAM, INVITATIONS_STREAM, OUTBOX_STREAM } from '../streams.ts'
import { toStoreError, withLeader } from './client-errors.ts'
import { type Connection, type Credentials, connect, type EventStoreDbOptions } from './connection.ts'
import { isTaken, usersWithKnownPassword } from './exposure.ts'
import { passwordProblem } from './passwords.ts'
import { eventsOf, within } from './reading.ts'
import { makeUser, type UserState } from './users.ts'

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
export type SetupStep = { readonly what: string; readonly state: UserState | 'set' }

/** Where `serve` leaves what it has to say; all else only `transmit` and `receive` write. */
export const SERVED_STREAMS = [OUTBOX_STREAM, DIRECTORY_STREAM, INVITATIONS_STREAM] as const

/** How often a password that was set is tried. Milliseconds. */
const TAKEN_POLL_MS = 50
const DEFAULT_ACL_TYPE = 'update-default-acl'
const ADMINS = '$admins'

/**
 * Makes the users and says who may do what. Streams are made as contracts come, so the ACL that counts for them is the default
 * of the server, in `$settings` (EventStoreDB 23.10, "Access control lists"): the server is to be this party's own. May be run
 * again; a user whose password is another one then gets the one given. Throws StoreSetupFailed, StoreAccessDenied,
 * StoreUnavailable.
 */
export async function setUpStore(options: SetupOptions, users: RoleUsers): Promise<SetupStep[]> {
  const steps: SetupStep[] = []
  const connection = connect(options)
  try {
    if (connection.isPlain) {
      const message = 'a server without TLS (tls=false) asks nobody who he is: no right that is set up would hold there'
      throw new StoreSetupFailed(message, { setting: 'tls' })
    }
    assertDrawn(options.credentials)
    for (const user of Object.values(users) as Credentials[]) assertDrawn(user)
    const known = await usersWithKnownPassword(connection)
    if (known.length > 0) {
      const message = `${known.join(' and ')}: the server takes the password that it came with, and everybody knows; give each a drawn one first`
      throw new StoreSetupFailed(message, { setting: 'password' })
    }
    const writers = [users.transmit.username, users.receive.username, ADMINS]
    const readers = [users.serve.username, ...writers]
    // To truncate a stream is to write its metadata.
    const acl = { $r: readers, $w: writers, $d: writers, $mr: readers, $mw: writers }
    await assertOwn(connection, acl)
    for (const user of Object.values(users) as Credentials[]) {
      steps.push({ what: `user ${user.username}`, state: await makeUser(options, connection, user) })
      await untilTaken(connection, user)
    }
    steps.push({ what: 'default ACL', state: await setDefault(connection, acl) })
    for (const stream of SERVED_STREAMS) {
      const name = `${connection.namespace}${stream}`
      await setAcl(connection, name, { ...asRoles(acl), writeRoles: readers, metaWriteRoles: [ADMINS] })
      steps.push({ what: `ACL of ${name}`, state: 'set' })
    }
    await setAcl(connection, '$all', {
      ...asRoles(acl),
      writeRoles: [ADMINS],
      deleteRoles: [ADMINS],
      metaWriteRoles: [ADMINS],
    })
    steps.push({ what: 'ACL of $all', state: 'set' })
    return steps
  } finally {
    await connection.release()
  }
}

/** Whoever may read `$all`, as `serve` must, has the hashes of all passwords. */
function assertDrawn({ username, password }: Credentials): void {
  const problem = passwordProblem(password)
  if (problem === undefined) return
  const message = `the password of ${username} ${problem}: \`openssl rand -base64 24\` draws one`
  throw new StoreSetupFailed(message, { setting: 'password' })
}

/** Waits until the server takes the password: one that was set just now counts up to a second later. Throws StoreSetupFailed. */
async function untilTaken(connection: Connection, user: Credentials): Promise<void> {
  for (let waitedMs = 0; !(await isTaken(connection, user)); waitedMs += TAKEN_POLL_MS) {
    if (waitedMs < connection.timeoutMs) await pause(TAKEN_POLL_MS)
    else {
      const message = `the server has not taken the password of ${user.username} in ${connection.timeoutMs} ms`
      throw new StoreSetupFailed(message)
    }
  }
}

type Acl = Record<'$r' | '$w' | '$d' | '$mr' | '$mw', readonly string[]>

/** Another default is somebody's: the server is not ours alone. */
async function assertOwn(connection: Connection, acl: Acl): Promise<void> {
  const standing = await lastSettings(connection)
  if (standing === undefined || JSON.stringify(standing) === JSON.stringify(settingsFor(acl))) return
  const message = 'the server has another default ACL already ($settings): it is to be this party’s own server'
  throw new StoreSetupFailed(message, { setting: '$settings' })
}

async function setDefault(connection: Connection, acl: Acl): Promise<'set' | 'stood there'> {
  if ((await lastSettings(connection)) !== undefined) return 'stood there'
  const event = jsonEvent({ type: DEFAULT_ACL_TYPE, data: settingsFor(acl) })
  await calling(connection, 'append to $settings', (client, options) =>
    client.appendToStream('$settings', event, options),
  )
  return 'set'
}

function settingsFor(acl: Acl) {
  return { $userStreamAcl: acl, $systemStreamAcl: system() }
}

function system(): Acl {
  return { $r: [ADMINS], $w: [ADMINS], $d: [ADMINS], $mr: [ADMINS], $mw: [ADMINS] }
}

/** Undefined: none, or one that says nothing. */
async function lastSettings({ client, callOptions, timeoutMs }: Connection): Promise<object | undefined> {
  const doing = 'read of $settings'
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...callOptions } as const
  let last: unknown
  try {
    const reading = client.readStream('$settings', options)
    for await (const { event } of eventsOf(reading, timeoutMs, doing)) last = event?.data
  } catch (error) {
    if (!(error instanceof StreamNotFoundError)) throw toStoreError(error, doing)
  }
  return typeof last === 'object' && last !== null && Object.keys(last).length > 0 ? last : undefined
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

async function setAcl(connection: Connection, stream: string, acl: ReturnType<typeof asRoles>): Promise<void> {
  await calling(connection, `ACL of ${stream}`, (client, options) => client.setStreamMetadata(stream, { acl }, options))
}

async function calling(
  { client, callOptions, timeoutMs }: Connection,
  doing: string,
  call: (client: EventStoreDBClient, options: Connection['callOptions']) => Promise<unknown>,
): Promise<void> {
  try {
    await withLeader(() => within(timeoutMs, call(client, callOptions), doing))
  } catch (error) {
    throw toStoreError(error, doing)
  }
}
