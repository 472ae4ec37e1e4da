import { pbkdf2Sync, randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Database } from './database.ts'

/** What an ACL speaks of: reading, writing, deleting, and reading and writing the metadata. */
export type Right = '$r' | '$w' | '$d' | '$mr' | '$mw'
type Acl = Partial<Record<Right, string | readonly string[]>>

/** A password that was set again counts after so long. Up to 750 ms were seen. */
const RESET_MS = 750

interface User {
  password: string
  readonly groups: readonly string[]
}

/** RFC 7617. */
export function credentialsIn(authorization: string): { user: string; password: string | undefined } {
  const encoded = authorization.replace(/^Basic /, '')
  const [user = '', password] = Buffer.from(encoded, 'base64').toString().split(':')
  return { user, password }
}

const ADMINS = '$admins'
const EVERYBODY = '$all'

/**
 * Users, and who may do what (EventStoreDB 23.10, "Access control lists"): the ACL of a stream stands in the metadata of the
 * stream, the one of streams that have none in the last event of `$settings`; without that, administrators alone may touch
 * streams that begin with `$`, and everybody all others. Administrators may do everything.
 */
export class Access {
  readonly #users: Map<string, User>
  readonly #server: Server
  readonly #scheme: string
  #database: Database | undefined

  /** `tls`: of the HTTP API, PEM; left out, it is plain. `passwords`: of the users that a server comes with; left out, those that everybody knows. */
  constructor(
    tls?: { readonly key: string; readonly certificate: string },
    { admin = 'changeit', ops = 'changeit' }: { readonly admin?: string; readonly ops?: string } = {},
  ) {
    this.#users = new Map<string, User>([
      ['admin', { password: admin, groups: [ADMINS] }],
      ['ops', { password: ops, groups: ['$ops'] }],
    ])
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const { status, body } = await this.#answer(request)
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    }
    this.#server = tls ? createTlsServer({ key: tls.key, cert: tls.certificate }, answer) : createServer(answer)
    this.#scheme = tls ? 'https' : 'http'
  }

  /** `/users/` of the HTTP API: to make one, to look, to set a password. The answer is where it listens. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  close(): void {
    this.#server.close()
  }

  /** Users stand in streams of the server: so `$all` shows them. */
  async keepIn(database: Database): Promise<void> {
    this.#database = database
    for (const name of this.#users.keys()) await this.#keep(name, '$UserCreated')
  }

  /** With a salt and the hash of the password, as whoever may read `$all` sees them. */
  async #keep(name: string, type: string): Promise<void> {
    const { password, groups } = this.#users.get(name) as User
    const salt = randomBytes(16)
    const hash = pbkdf2Sync(password, salt, 1000, 20, 'sha1').toString('base64')
    const data = { loginName: name, groups, salt: salt.toString('base64'), hash, disabled: false }
    const event = { id: randomUUID(), type, contentType: 'application/json', metadata: Buffer.alloc(0) }
    await this.#database?.append(`$user-${name}`, 'any', [{ ...event, data: Buffer.from(JSON.stringify(data)) }])
  }

  /** Undefined: nobody, or the wrong password. */
  userOf(authorization: string): string | undefined {
    const { user, password } = credentialsIn(authorization)
    return this.#users.get(user)?.password === password ? user : undefined
  }

  allows(database: Database, user: string, right: Right, stream: string): boolean {
    const roles = new Set([user, EVERYBODY, ...(this.#users.get(user)?.groups ?? [])])
    if (roles.has(ADMINS)) return true
    // What is written to `$$stream` is the metadata of the stream.
    if (stream.startsWith('$$')) return this.#allowed(database, roles, right === '$w' ? '$mw' : '$mr', stream.slice(2))
    return this.#allowed(database, roles, right, stream)
  }

  #allowed(database: Database, roles: ReadonlySet<string>, right: Right, stream: string): boolean {
    const granted = aclOf(database, stream)?.[right] ?? this.#default(database, stream)[right] ?? []
    return [granted].flat().some((role) => roles.has(role))
  }

  #default(database: Database, stream: string): Acl {
    const settings = lastOf(database, '$settings') as { $userStreamAcl?: Acl; $systemStreamAcl?: Acl } | undefined
    const isSystem = stream.startsWith('$')
    const own = isSystem ? settings?.$systemStreamAcl : settings?.$userStreamAcl
    const role = isSystem ? ADMINS : EVERYBODY
    return own ?? { $r: role, $w: role, $d: role, $mr: role, $mw: role }
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: string }> {
    const user = this.userOf(request.headers.authorization ?? '')
    if (user === undefined) return { status: 401, body: '' }
    if (request.method === 'GET' && request.url === '/users/$current') return { status: 200, body: '{}' }
    if (!this.#users.get(user)?.groups.includes(ADMINS)) return { status: 403, body: '' }
    const name = /^\/users\/([^/]+)$/.exec(request.url ?? '')?.[1]
    if (request.method === 'GET' && name !== undefined) {
      return this.#users.has(name) ? { status: 200, body: '{}' } : { status: 404, body: '' }
    }
    if (request.method !== 'POST') return { status: 404, body: '' }
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const { LoginName, Groups, Password, NewPassword } = JSON.parse(Buffer.concat(pieces).toString())
    const changed = /^\/users\/([^/]+)\/command\/reset-password$/.exec(request.url ?? '')?.[1]
    if (changed !== undefined) return this.#setPassword(changed, NewPassword)
    if (!/^\/users\/?$/.test(request.url ?? '')) return { status: 404, body: '' }
    if (this.#users.has(LoginName)) return { status: 409, body: '' }
    this.#users.set(LoginName, { password: Password, groups: Groups })
    await this.#keep(LoginName, '$UserCreated')
    return { status: 201, body: '{}' }
  }

  #setPassword(name: string, password: string): { status: number; body: string } {
    const user = this.#users.get(name)
    if (user === undefined) return { status: 404, body: '' }
    setTimeout(() => {
      user.password = password
      void this.#keep(name, '$UserUpdated')
    }, RESET_MS).unref()
    return { status: 200, body: '{}' }
  }
}

function aclOf(database: Database, stream: string): Acl | undefined {
  return (lastOf(database, `$$${stream}`) as { $acl?: Acl } | undefined)?.$acl
}

function lastOf(database: Database, stream: string): unknown {
  const events = database.visible(stream)
  if (events === undefined || events === 'tombstoned') return undefined
  const last = events.at(-1)
  return last && JSON.parse(last.data.toString())
}
