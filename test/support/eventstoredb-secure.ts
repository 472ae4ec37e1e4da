import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BACKWARDS, END, type JSONType, jsonEvent, StreamNotFoundError } from '@eventstore/db-client'
import type { Test } from 'tap'
import { type Credentials, connect } from '../../src/store/eventstoredb/connection.ts'
import { serverOptions } from './eventstoredb-given.ts'
import { Access } from './eventstoredb-server/access.ts'
import { startServer } from './eventstoredb-server/server.ts'
import { tlsIdentity } from './tls.ts'

/** A server with TLS, users and rights. */
export interface SecureServer {
  /** Without user and password. */
  readonly url: string
  readonly caFile: string | undefined
  readonly admin: Credentials
  /** Of the HTTP API; undefined: at the same address. */
  readonly httpUrl: string | undefined
}

/**
 * The server of ESDB_URL (ESDB_HTTP_URL, if its HTTP API is elsewhere), if that has TLS and an administrator's name and password; else our own. On one that is given the
 * default ACL is put aside, and back when the test is over: an earlier run, or somebody else, may have left one there. `ops`: its
 * password on our own server; left out, a drawn one.
 */
export async function secureServer(
  t: Test,
  directory: string,
  { ops = drawn() }: { readonly ops?: string } = {},
): Promise<SecureServer> {
  const options = serverOptions(process.env)
  if (options.url !== '') {
    const connection = connect(options)
    t.teardown(() => connection.release())
    if (!connection.isPlain) {
      const { credentials } = connection.callOptions
      await putAside(t, connection)
      const url = options.url.replace(/\/\/[^@/]*@/, '//')
      return {
        url,
        caFile: connection.caFile,
        admin: credentials as Credentials,
        httpUrl: process.env.ESDB_HTTP_URL || undefined,
      }
    }
    t.comment('the server of ESDB_URL has no TLS, so nobody has rights there: rights are tested on our own server')
  }
  await mkdir(directory, { recursive: true })
  const tls = { ...tlsIdentity('server'), passwords: {} }
  const admin = { username: 'admin', password: drawn() }
  const access = new Access(undefined, { admin: admin.password, ops })
  const httpUrl = await access.listen()
  const server = await startServer(join(directory, 'data'), { tls, access })
  t.teardown(() => {
    server.close()
    access.close()
  })
  const caFile = join(directory, 'authority.pem')
  await writeFile(caFile, tls.certificate)
  return { url: server.url, caFile, admin, httpUrl }
}

function drawn(): string {
  return randomBytes(24).toString('base64url')
}

async function putAside(t: Test, { client, callOptions }: ReturnType<typeof connect>): Promise<void> {
  let standing: JSONType = {}
  try {
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...callOptions } as const
    for await (const { event } of client.readStream('$settings', options)) standing = (event?.data ?? {}) as JSONType
  } catch (error) {
    if (!(error instanceof StreamNotFoundError)) throw error
  }
  const set = (data: JSONType) =>
    client.appendToStream('$settings', jsonEvent({ type: 'update-default-acl', data }), callOptions)
  await set({})
  t.teardown(() => set(standing))
}
