import { BACKWARDS, END, START, StreamNotFoundError } from '@eventstore/db-client'
import { StoreAccessDenied } from '../errors.ts'
import { isUnauthenticated, toStoreError, withLeader } from './client-errors.ts'
import { type Connection, type Credentials, connect, type EventStoreDbOptions } from './connection.ts'
import { KNOWN_USERS } from './passwords.ts'
import { eventsOf } from './reading.ts'

/** Streams in which the server keeps a user each, with salt and hash of the password. */
const USER_PREFIX = '$user-'
/** A server makes its first users before anything else is stored. */
const LOOKED_THROUGH = 2_000

/** What a user of the server can find out about the others. */
export interface Exposure {
  /** Whom the server still knows by the password that it came with. */
  readonly withKnownPassword: readonly string[]
  /** Of whom this user is shown the password's hash in `$all`: the first that there are. */
  readonly hashesOf: readonly string[]
  /** May do everything, by its group. */
  readonly isAdministrator: boolean
}

/** Undefined: a server without TLS authenticates nobody. Throws as the store does. */
export async function exposureTo(options: EventStoreDbOptions): Promise<Exposure | undefined> {
  const connection = connect(options)
  try {
    if (connection.isPlain) return undefined
    return {
      withKnownPassword: await usersWithKnownPassword(connection),
      hashesOf: await hashesShownTo(connection),
      isAdministrator: await mayRead(connection, '$settings'),
    }
  } finally {
    await connection.release()
  }
}

export async function usersWithKnownPassword(connection: Connection): Promise<string[]> {
  const known: string[] = []
  for (const user of KNOWN_USERS) if (await isTaken(connection, user)) known.push(user.username)
  return known
}

/** Whether the server takes the password for the user's. */
export async function isTaken(connection: Connection, user: Credentials): Promise<boolean> {
  const as = { ...connection, callOptions: { ...connection.callOptions, credentials: user } }
  try {
    await mayRead(as, '$settings')
    return true
  } catch (error) {
    if (error instanceof StoreAccessDenied && isUnauthenticated(error.cause)) return false
    throw error
  }
}

async function mayRead({ client, callOptions, timeoutMs }: Connection, stream: string): Promise<boolean> {
  const doing = `read of ${stream}`
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...callOptions } as const
  try {
    await withLeader(async () => {
      for await (const _ of eventsOf(client.readStream(stream, options), timeoutMs, doing));
    })
    return true
  } catch (error) {
    if (error instanceof StreamNotFoundError) return true
    const failure = toStoreError(error, doing)
    if (failure instanceof StoreAccessDenied && !isUnauthenticated(error)) return false
    throw failure
  }
}

async function hashesShownTo({ client, callOptions, timeoutMs }: Connection): Promise<string[]> {
  const doing = 'read of all streams'
  const options = { fromPosition: START, maxCount: LOOKED_THROUGH, ...callOptions } as const
  const users = new Set<string>()
  try {
    await withLeader(async () => {
      for await (const { event } of eventsOf(client.readAll(options), timeoutMs, doing)) {
        if (event?.streamId.startsWith(USER_PREFIX)) users.add(event.streamId.slice(USER_PREFIX.length))
      }
    })
  } catch (error) {
    const failure = toStoreError(error, doing)
    if (!(failure instanceof StoreAccessDenied) || isUnauthenticated(error)) throw failure
  }
  return [...users]
}
