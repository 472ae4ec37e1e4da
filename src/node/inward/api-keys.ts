import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type ApiCaller, type ApiRole, apiRoles } from '../../api/http/callers/authenticate.ts'
import { HASH_PATTERN, sha256 } from '../../crypto/hash.ts'
import type { Clock } from '../../runtime/clock.ts'
import { replaceFile } from '../../runtime/durable-file.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { damaged, identityPaths, parseFile, readSecret } from '../identity/identity-files.ts'

/** A key of that name is there already, or there is none. Evidence: `name`. */
export class ApiKeyUnfit extends ConcordataError {}

const closed = { additionalProperties: false }
const Role = Type.Enum([...apiRoles])
const KeySchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$' }),
    roles: Type.Array(Role, { minItems: 1, uniqueItems: true }),
    /** SHA-256 of the key. It is drawn from 2²⁵⁶, so that a slow hash, which protects words that people choose, would add nothing (decision 0087). */
    hash: Type.String({ pattern: HASH_PATTERN }),
    /** RFC 3339, UTC. */
    made: Type.String(),
    expires: Type.Optional(Type.String()),
  },
  closed,
)
export type ApiKey = Static<typeof KeySchema>
const fileForm = Compile(Type.Object({ keys: Type.Array(KeySchema) }, closed))

/** So that scanners for secrets know one when they see it. */
const PREFIX = 'concordata_'
const KEY_BYTES = 32
/** Whoever has the `api-token` of the data directory, as the command line, may do everything. */
const OWNER: ApiCaller = { name: 'api-token', roles: apiRoles }

export const apiKeysPath = (dir: string) => join(dir, 'api-keys.json')

/** The keys of a data directory; none where there is no file. Throws IdentityDamaged. */
export async function readApiKeys(dir: string): Promise<readonly ApiKey[]> {
  const path = apiKeysPath(dir)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"keys":[]}'
    throw damaged(path, `cannot be read: ${error.code}`, { cause: error })
  })
  const parsed = parseFile(path, text)
  if (!fileForm.Check(parsed)) throw damaged(path, 'is not what `concordata api-key` writes')
  return parsed.keys
}

/** Returns the key itself, which is shown once and stored nowhere. Throws ApiKeyUnfit, IdentityDamaged. */
export async function addApiKey(
  dir: string,
  { name, roles, expires }: { readonly name: string; readonly roles: readonly ApiRole[]; readonly expires?: string },
  clock: Clock,
): Promise<string> {
  const keys = await readApiKeys(dir)
  if (keys.some((key) => key.name === name)) {
    throw new ApiKeyUnfit('api_key_unfit', `there is a key of the name ${name} already`, { name })
  }
  if (expires !== undefined && Date.parse(expires) <= clock.now()) {
    throw new ApiKeyUnfit('api_key_unfit', `the key ${name} would have ended already, at ${expires}`, { name })
  }
  const key = `${PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`
  const made = new Date(clock.now()).toISOString()
  const added = { name, roles: [...roles], hash: sha256(key), made, ...(expires === undefined ? {} : { expires }) }
  await writeKeys(dir, [...keys, added])
  return key
}

/** Throws ApiKeyUnfit, IdentityDamaged. */
export async function revokeApiKey(dir: string, name: string): Promise<void> {
  const keys = await readApiKeys(dir)
  if (!keys.some((key) => key.name === name)) {
    throw new ApiKeyUnfit('api_key_unfit', `there is no key of the name ${name}`, { name })
  }
  await writeKeys(
    dir,
    keys.filter((key) => key.name !== name),
  )
}

async function writeKeys(dir: string, keys: readonly ApiKey[]): Promise<void> {
  const file = { keys }
  if (!fileForm.Check(file)) {
    const name = keys.at(-1)?.name ?? ''
    const message = 'a name has letters, digits, dots, lines and 63 characters at most, and a key has a role'
    throw new ApiKeyUnfit('api_key_unfit', message, { name })
  }
  await replaceFile(apiKeysPath(dir), `${JSON.stringify(file, null, 2)}\n`, 0o600)
}

const NO_FILE = 'none'

/** The API keys of a running node: one that is added or revoked counts from the next call on. */
export class ApiKeys {
  readonly #dir: string
  readonly #clock: Clock
  readonly #owner: string
  #keys: ReadonlyMap<string, ApiKey> = new Map()
  /** What each connection has shown last. */
  readonly #shown = new WeakMap<object, { readonly key: string; readonly hash: string }>()
  #version = ''

  private constructor(dir: string, clock: Clock, owner: string) {
    this.#dir = dir
    this.#clock = clock
    this.#owner = owner
  }

  /** Throws IdentityDamaged. */
  static async open(dir: string, clock: Clock): Promise<ApiKeys> {
    const keys = new ApiKeys(dir, clock, sha256(await readSecret(identityPaths(dir).apiToken)))
    await keys.#read(keys.#versionNow())
    return keys
  }

  /** Looked up by the hash: how long that takes says nothing about a key. `connection`: on which it is shown. Throws IdentityDamaged. */
  whoIs(key: string, connection?: object): ApiCaller | undefined | Promise<ApiCaller | undefined> {
    const hash = connection === undefined ? sha256(key) : this.#hashOf(key, connection)
    return hash === this.#owner || key.startsWith(PREFIX) ? this.standing(hash) : undefined
  }

  /** The same of a key whose SHA-256 that is. */
  standing(hash: string): ApiCaller | undefined | Promise<ApiCaller | undefined> {
    if (hash === this.#owner) return OWNER
    const version = this.#versionNow()
    return version === this.#version ? this.#named(hash) : this.#read(version).then(() => this.#named(hash))
  }

  /** What a connection has shown before is not hashed again: compared is what the same caller has sent, and no key. */
  #hashOf(key: string, connection: object): string {
    const before = this.#shown.get(connection)
    if (before?.key === key) return before.hash
    const hash = sha256(key)
    this.#shown.set(connection, { key, hash })
    return hash
  }

  #named(hash: string): ApiCaller | undefined {
    const found = this.#keys.get(hash)
    if (found === undefined) return undefined
    const { name, roles, expires } = found
    if (expires === undefined) return { name, roles }
    const until = Date.parse(expires)
    return until <= this.#clock.now() ? undefined : { name, roles, until }
  }

  /** A file that takes the place of another is another file. Looked at for each call: at once, which takes less than to wait for it. */
  #versionNow(): string {
    try {
      const found = statSync(apiKeysPath(this.#dir), { bigint: true, throwIfNoEntry: false })
      return found === undefined ? NO_FILE : `${found.ino} ${found.mtimeNs} ${found.size}`
    } catch {
      return NO_FILE
    }
  }

  async #read(version: string): Promise<void> {
    this.#keys = new Map((await readApiKeys(this.#dir)).map((key) => [key.hash, key]))
    this.#version = version
  }
}
