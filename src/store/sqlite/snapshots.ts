import { closeSync, openSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Compile } from 'typebox/compile'
import { type Handle, type RequestRef, RequestRefSchema, type Uid } from '../../events/ids.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import { StoreCorrupt, StoreUnavailable } from '../errors.ts'
import type { Kept, Snapshots } from '../snapshot-port.ts'
import { translating } from './errors.ts'

/** `Cnsn`, in the header of the file. */
const APPLICATION_ID = 0x436e736e
const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE contracts (
    contract TEXT PRIMARY KEY,
    active    INTEGER NOT NULL,
    passive  TEXT NOT NULL,
    snapshot TEXT NOT NULL
  ) STRICT;

  CREATE TABLE parties (
    party    TEXT NOT NULL,
    contract TEXT NOT NULL,
    PRIMARY KEY (party, contract)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX parties_by_contract ON parties (contract);

  CREATE TABLE requests (
    contract TEXT NOT NULL,
    id       TEXT NOT NULL,
    place    TEXT NOT NULL,
    PRIMARY KEY (contract, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE reached (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL
  ) STRICT;
`

const placeForm = Compile(RequestRefSchema)

/** Another process has the file. */
export class SnapshotsInUse extends Error {}

/**
 * In a file of its own, of this process alone. A damaged file, or one of another version, is deleted: it is a cache.
 * Throws SnapshotsInUse, StoreUnavailable. Damage that is found later is StoreCorrupt: the file can be deleted.
 */
export function openSqliteSnapshots(path: string): Snapshots {
  try {
    return open(path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') throw new SnapshotsInUse(path, { cause: error })
    if (!isUseless(error)) {
      const message = `${path} cannot be opened (${(error as Error).message})`
      throw new StoreUnavailable('store_unavailable', message, { path }, { cause: error })
    }
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true })
    return open(path)
  }
}

/** Another program's file is not thrown away. */
class Useless extends Error {}

function isUseless(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return error instanceof Useless || code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB'
}

function open(path: string): Snapshots {
  // For its owner's eyes: SQLite itself would make it readable for all.
  closeSync(openSync(path, 'a', 0o600))
  const database = new Database(path, { timeout: 0 })
  try {
    prepare(database)
    return new SqliteSnapshots(path, database)
  } catch (error) {
    database.close()
    throw error
  }
}

function prepare(database: Database.Database): void {
  database.pragma('locking_mode = EXCLUSIVE')
  const version = database.pragma('user_version', { simple: true })
  const isNew = version === 0 && database.pragma('schema_version', { simple: true }) === 0
  if (
    !isNew &&
    (version !== SCHEMA_VERSION || database.pragma('application_id', { simple: true }) !== APPLICATION_ID)
  ) {
    throw new Useless('snapshots of another version')
  }
  database.pragma('journal_mode = WAL')
  // What was written last may be lost with the power; what is kept then is older, and never mixed.
  database.pragma('synchronous = NORMAL')
  // Takes the lock, which this process then keeps.
  database.exec('BEGIN IMMEDIATE')
  if (isNew) {
    database.exec(SCHEMA)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${SCHEMA_VERSION}`)
  }
  database.exec('COMMIT')
}

class SqliteSnapshots implements Snapshots {
  readonly #path: string
  readonly #database: Database.Database
  readonly #put: Database.Transaction<(contract: Uid, kept: Kept, position: number, isActive: boolean) => void>
  readonly #drop: Database.Transaction<(contract: Uid) => void>
  readonly #sql: ReturnType<typeof statements>

  constructor(path: string, database: Database.Database) {
    this.#path = path
    this.#database = database
    const sql = statements(database)
    this.#sql = sql
    this.#put = database.transaction((contract, { passive, snapshot, parties, requests }, position, isActive) => {
      sql.put.run(contract, isActive ? 1 : 0, passive, snapshot)
      sql.forgetParties.run(contract)
      for (const party of parties) sql.putParty.run(party, contract)
      for (const [id, place] of requests) sql.putRequest.run(contract, id, JSON.stringify(place))
      sql.reach.run(position)
    })
    this.#drop = database.transaction((contract) => {
      for (const forget of [sql.forget, sql.forgetParties, sql.forgetRequests]) forget.run(contract)
    })
  }

  get position(): number | undefined {
    return translating(this.#path, () => this.#sql.position.get())
  }

  put(contract: Uid, kept: Kept, position: number, isActive = false): void {
    translating(this.#path, () => this.#put(contract, kept, position, isActive))
  }

  wake(contract: Uid): void {
    translating(this.#path, () => this.#sql.wake.run(contract))
  }

  passive(contract: Uid): string | undefined {
    return translating(this.#path, () => this.#sql.passive.get(contract))
  }

  snapshot(contract: Uid): string | undefined {
    return translating(this.#path, () => this.#sql.snapshot.get(contract))
  }

  placeOf(contract: Uid, request: string): RequestRef | undefined {
    const place = translating(this.#path, () => this.#sql.place.get(contract, request))
    return place === undefined ? undefined : placeIn(place, contract)
  }

  passiveWith(party: Handle, after: Uid | '', limit: number): Uid[] {
    return translating(this.#path, () => this.#sql.passiveWith.all(party, after, limit))
  }

  drop(contract: Uid): void {
    translating(this.#path, () => this.#drop(contract))
  }

  clear(): void {
    const all = 'DELETE FROM contracts; DELETE FROM parties; DELETE FROM requests; DELETE FROM reached'
    translating(this.#path, () => this.#database.exec(all))
  }

  close(): void {
    this.#database.close()
  }
}

/** Of none it must not be said that it is nowhere: then it would be made a second time. */
function placeIn(text: string, contract: Uid): RequestRef {
  const place = jsonOf(placeForm, text)
  if (place !== undefined) return place
  throw new StoreCorrupt('store_corrupt', 'what is kept of a request is not what was kept', { contract })
}

function statements(database: Database.Database) {
  return {
    put: database.prepare<[Uid, number, string, string]>('INSERT OR REPLACE INTO contracts VALUES (?, ?, ?, ?)'),
    forget: database.prepare<[Uid]>('DELETE FROM contracts WHERE contract = ?'),
    forgetRequests: database.prepare<[Uid]>('DELETE FROM requests WHERE contract = ?'),
    forgetParties: database.prepare<[Uid]>('DELETE FROM parties WHERE contract = ?'),
    putParty: database.prepare<[Handle, Uid]>('INSERT OR IGNORE INTO parties VALUES (?, ?)'),
    putRequest: database.prepare<[Uid, string, string]>('INSERT OR REPLACE INTO requests VALUES (?, ?, ?)'),
    reach: database.prepare<[number]>('INSERT OR REPLACE INTO reached VALUES (1, ?)'),
    wake: database.prepare<[Uid]>('UPDATE contracts SET active = 1 WHERE contract = ? AND active = 0'),
    position: database.prepare<[], number>('SELECT position FROM reached').pluck(),
    passive: database.prepare<[Uid], string>('SELECT passive FROM contracts WHERE contract = ? AND active = 0').pluck(),
    snapshot: database.prepare<[Uid], string>('SELECT snapshot FROM contracts WHERE contract = ?').pluck(),
    place: database.prepare<[Uid, string], string>('SELECT place FROM requests WHERE contract = ? AND id = ?').pluck(),
    passiveWith: database
      .prepare<[Handle, string, number], Uid>(
        `SELECT contract FROM parties JOIN contracts USING (contract)
         WHERE party = ? AND contract > ? AND active = 0 ORDER BY contract LIMIT ?`,
      )
      .pluck(),
  }
}
