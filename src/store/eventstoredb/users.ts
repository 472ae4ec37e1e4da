import { readFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { StoreSetupFailed } from '../errors.ts'
import type { Connection, Credentials } from './connection.ts'

export interface UsersOptions {
  /** Of an administrator. */
  readonly credentials: Credentials
  /** Origin of the HTTP API. */
  readonly httpUrl: string
}

/** `given a new password`: the user was there, with another one. */
export type UserState = 'set' | 'stood there' | 'given a new password'

/** Creates the user if it is missing, and gives it that password (EventStoreDB 23.10, HTTP API, `/users/`). Throws StoreSetupFailed. */
export async function makeUser(
  options: UsersOptions,
  connection: Pick<Connection, 'caFile' | 'timeoutMs'>,
  { username, password }: Credentials,
): Promise<UserState> {
  const call = (method: 'GET' | 'POST', path: string, body?: object) =>
    callHttp(options, connection, options.credentials, method, path, body)
  const path = `/users/${encodeURIComponent(username)}`
  const fail = (status: number) => {
    const message = `the user ${username} cannot be made: ${options.httpUrl} answers ${status}`
    return new StoreSetupFailed(message, { status })
  }
  const known = await asAdministrator(options, call('GET', path))
  if (known === 404) {
    const user = { LoginName: username, FullName: `Concordata: ${username}`, Groups: [], Password: password }
    const made = await asAdministrator(options, call('POST', '/users/', user))
    if (made === 201) return 'set'
    throw fail(made)
  }
  if (known !== 200) throw fail(known)
  // A data directory that was made anew, or a copy, has other password files than the server knows.
  const own = await callHttp(options, connection, { username, password }, 'GET', '/users/$current')
  if (own !== 401) return 'stood there'
  const changed = await asAdministrator(
    options,
    call('POST', `${path}/command/reset-password`, { NewPassword: password }),
  )
  if (changed === 200) return 'given a new password'
  throw fail(changed)
}

async function asAdministrator({ httpUrl, credentials }: UsersOptions, answered: Promise<number>): Promise<number> {
  const status = await answered
  if (status !== 401 && status !== 403) return status
  const message = `${httpUrl} does not take ${credentials.username} for an administrator`
  throw new StoreSetupFailed(message, { status })
}

async function callHttp(
  { httpUrl: origin }: UsersOptions,
  { caFile, timeoutMs }: Pick<Connection, 'caFile' | 'timeoutMs'>,
  { username, password }: Credentials,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const connect = { timeout: timeoutMs, ...(caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') }) }
  const dispatcher = new Agent({ connect, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  try {
    const { statusCode, body: answer } = await request(new URL(path, origin), {
      dispatcher,
      method,
      headers: { authorization, accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    await answer.dump()
    return statusCode
  } catch (cause) {
    const message = `the HTTP API of the server cannot be reached at ${origin}: ${(cause as Error).message}`
    throw new StoreSetupFailed(message, {}, { cause })
  } finally {
    await dispatcher.close()
  }
}
