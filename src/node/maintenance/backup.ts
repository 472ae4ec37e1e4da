import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { HASH_PATTERN } from '../../crypto/hash.ts'
import { removeReadModel } from '../../projections/read-model.ts'
import { type Clock, timestamp } from '../../runtime/clock.ts'
import { createFile, syncDirectory } from '../../runtime/durable-file.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import { checkSqliteStore, copySqliteStore } from '../../store/sqlite/copy.ts'
import { type Configuration, configurationPath } from '../config/configuration.ts'
import { lockDataDirectory, lockReadModel } from '../files/file-lock.ts'
import { storePath } from '../files/open-store.ts'
import { readModelPath } from '../files/read-model.ts'
import { forgetPassive } from '../files/snapshot-files.ts'
import { identityPaths } from '../identity/identity-files.ts'
import { KEY_FILE } from '../identity/key-ring.ts'
import { copyWebhooks, renewEpochOf, webhooksPath } from '../webhooks/webhook-file.ts'

/** The events are in EventStoreDB: a copy of the data directory would be no backup of them. Evidence: `dir`. */
export class BackupRefused extends ConcordataError {}
/** There is something where the backup should go. Evidence: `path`. */
export class BackupExists extends ConcordataError {}
/** The backup is not whole, or was changed. Evidence: `path`. */
export class BackupDamaged extends ConcordataError {}
/** The data directory is not one that this backup can be restored into. Evidence: `path`. */
export class RestoreRefused extends ConcordataError {}

const MANIFEST = 'backup.json'
/** The keys that came by rotations (key-ring.ts): a folder with a file each. */
const SIGNING_KEYS = 'signing-keys'

/** What is in a backup; written last, so that a backup that has it is whole. */
const ManifestSchema = Type.Object(
  {
    v: Type.Literal(1),
    madeAt: Type.String(),
    /** By name: bytes, and SHA-256 in lower-case hex. */
    files: Type.Record(
      // Nothing that leads out of the directory.
      Type.String({ pattern: '^(?:signing-keys/[0-9]{6}(?:-[\\w-]{22})?\\.pem|[a-z][a-z.-]{0,40})$' }),
      Type.Object({ bytes: Type.Integer({ minimum: 0 }), sha256: Type.String({ pattern: HASH_PATTERN }) }),
    ),
  },
  { additionalProperties: false },
)
type Manifest = Static<typeof ManifestSchema>
const manifestForm = Compile(ManifestSchema)

export interface BackupOptions {
  /** Also the passphrase of the key files, where it stands in the data directory. Without it the keys in the backup are closed. */
  readonly withPassphrase: boolean
}

/**
 * Copies a data directory to a new one, whether a node runs on it or not: the store as it is at one moment, webhooks, keys,
 * configuration. Never the guard: what was signed last must not be forgotten together with what was stored last.
 * Where it throws there is nothing more in the new directory than before.
 * Throws BackupRefused, BackupExists, and the store's errors. The answer: the names of the files in it.
 */
export async function makeBackup(
  { dir, store }: Pick<Configuration, 'dir' | 'store'>,
  to: string,
  options: BackupOptions,
  clock: Clock,
): Promise<string[]> {
  if (store !== undefined) {
    const message =
      'the events are in EventStoreDB: back that up, and copy keys and configuration (docs/operations/backup-and-recovery.md)'
    throw new BackupRefused('backup_refused', message, { dir })
  }
  const isNew = await makeEmptyDirectory(to)
  try {
    return await fill(to, dir, options, clock)
  } catch (error) {
    // It was empty: what is in it is of this backup, which is none.
    for (const name of await readdir(to)) await rm(join(to, name), { recursive: true })
    if (isNew) await rmdir(to)
    throw error
  }
}

async function fill(to: string, dir: string, options: BackupOptions, clock: Clock): Promise<string[]> {
  await copySqliteStore(storePath(dir), join(to, basename(storePath(dir))))
  const webhooks = webhooksPath(dir)
  if (existsSync(webhooks)) await copyWebhooks(webhooks, join(to, basename(webhooks)))
  for (const path of identityFiles(dir, options)) {
    if (existsSync(path)) await copyDurably(path, join(to, basename(path)))
  }
  const rotated = (await readdir(identityPaths(dir).signingKeys).catch(() => [])).filter((name) => KEY_FILE.test(name))
  if (rotated.length > 0) await mkdir(join(to, SIGNING_KEYS), { mode: 0o700 })
  for (const name of rotated)
    await copyDurably(join(identityPaths(dir).signingKeys, name), join(to, SIGNING_KEYS, name))
  const names = (await readdir(to)).filter((name) => name !== SIGNING_KEYS)
  names.push(...rotated.map((name) => `${SIGNING_KEYS}/${name}`))
  names.sort()
  const files: Manifest['files'] = {}
  for (const name of names) files[name] = await measure(join(to, name))
  const manifest: Manifest = { v: 1, madeAt: timestamp(clock), files }
  await createFile(join(to, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, 0o600)
  return names
}

/**
 * Puts a backup into a data directory on which no node runs: a new one, or the one it was made of, after its store was
 * moved away. What is there stays: the guard, and keys that are newer. The node then signs nothing until it has back from
 * the others whatever it had signed since (docs/operations/backup-and-recovery.md).
 * Throws BackupDamaged, RestoreRefused, DataDirectoryInUse. The answer: the names of the files that were put there (decision 0048).
 */
export async function restoreBackup(from: string, dir: string): Promise<string[]> {
  const { files } = await readManifest(from)
  for (const [name, { bytes, sha256 }] of Object.entries(files)) {
    const found = await measure(join(from, name)).catch(() => undefined)
    if (found === undefined || found.bytes !== bytes || found.sha256 !== sha256)
      throw damaged(join(from, name), 'is not as it was written')
  }
  const store = basename(storePath(dir))
  const configuration = basename(configurationPath(dir))
  if (!(store in files) || !(configuration in files)) throw damaged(from, 'lacks the store or the configuration')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const unlock = lockDataDirectory(dir)
  try {
    await refuseOther(from, dir)
    const missing: string[] = []
    for (const name of Object.keys(files)) if (!existsSync(join(dir, name))) missing.push(name)
    // It is of the store that was moved away, and follows from the one that comes.
    forgetReadModel(dir)
    // A directory with a configuration is whole: so that comes last.
    missing.sort((one, other) => Number(one === configuration) - Number(other === configuration))
    if (missing.some((name) => name.startsWith(`${SIGNING_KEYS}/`))) {
      await mkdir(identityPaths(dir).signingKeys, { recursive: true, mode: 0o700 })
    }
    await forgetPassive(dir)
    for (const name of missing) await put(join(from, name), join(dir, name), name === store)
    renewEpochOf(webhooksPath(dir))
    return missing
  } finally {
    unlock()
  }
}

function forgetReadModel(dir: string): void {
  const unlock = lockReadModel(dir)
  removeReadModel(readModelPath(dir))
  unlock()
}

function identityFiles(dir: string, { withPassphrase }: BackupOptions): string[] {
  const { passphrase, signingKeys: _folder, ...others } = identityPaths(dir)
  return [...Object.values(others), ...(withPassphrase ? [passphrase] : []), configurationPath(dir)]
}

async function refuseOther(from: string, dir: string): Promise<void> {
  const store = storePath(dir)
  for (const path of [store, `${store}-wal`]) {
    if (existsSync(path)) {
      throw new RestoreRefused('restore_refused', `${path} is there: move it away first, and leave guard/ there`, {
        path,
      })
    }
  }
  const { party } = identityPaths(dir)
  const [ours, theirs] = await Promise.all([party, join(from, basename(party))].map(textOf))
  if (ours !== undefined && ours !== theirs) {
    throw new RestoreRefused('restore_refused', `${dir} belongs to another party than the backup`, { path: party })
  }
}

/** Under another name until it is whole, and, if it is the store, sound. */
async function put(from: string, to: string, isStore: boolean): Promise<void> {
  const draft = `${to}.restoring`
  await rm(draft, { force: true })
  await copyDurably(from, draft)
  if (isStore) checkSqliteStore(draft)
  await rename(draft, to)
  await syncDirectory(join(to, '..'))
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  await using file = await open(to, 'r+')
  await file.sync()
}

/** True: it was not there before. Throws BackupExists. */
async function makeEmptyDirectory(path: string): Promise<boolean> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 })
  if ((await readdir(path)).length === 0) return made !== undefined
  throw new BackupExists('backup_exists', `${path} is not empty`, { path })
}

async function readManifest(from: string): Promise<Manifest> {
  const path = join(from, MANIFEST)
  const text = await textOf(path)
  if (text === undefined) throw damaged(path, 'is not there: this is no backup, or it was not finished')
  const manifest = jsonOf(manifestForm, text)
  if (manifest !== undefined) return manifest
  throw damaged(path, 'is not what `concordata backup` writes')
}

async function measure(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function damaged(path: string, what: string): BackupDamaged {
  return new BackupDamaged('backup_damaged', `${path} ${what}`, { path })
}
