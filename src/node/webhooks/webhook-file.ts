import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Uid } from '../../events/ids.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import { parseStream } from '../../store/streams.ts'
import { damaged } from '../identity/identity-files.ts'
import { type SigningSecret, SigningSecretSchema, type WebhookSigning } from './signatures.ts'

export const webhooksPath = (dir: string) => join(dir, 'webhooks.sqlite')

/** `Cnwh`, in the header of the file. */
const APPLICATION_ID = 0x436e7768
const VERSION = 1
/** Nobody but a backup, which only reads, has it open beside the node. */
const BUSY_TIMEOUT_MS = 0
/** Of a backup, which has nothing else to do meanwhile. */
const COPY_TIMEOUT_MS = 5_000

const SCHEMA = `
  CREATE TABLE epoch (name TEXT NOT NULL) STRICT;
  CREATE TABLE hooks (
    id TEXT PRIMARY KEY, url TEXT NOT NULL, subject TEXT NOT NULL, signing TEXT NOT NULL, holder TEXT NOT NULL,
    key_name TEXT NOT NULL, made INTEGER NOT NULL, ended TEXT, secrets TEXT NOT NULL
  ) STRICT;
  CREATE TABLE lanes (
    hook TEXT NOT NULL REFERENCES hooks ON DELETE CASCADE, stream TEXT NOT NULL, replay INTEGER NOT NULL,
    next INTEGER NOT NULL, part INTEGER NOT NULL, until INTEGER, mark TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, first_at INTEGER, last_at INTEGER, next_at INTEGER, error TEXT,
    message TEXT,
    PRIMARY KEY (hook, stream, replay)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lanes_due ON lanes (next_at) WHERE next_at IS NOT NULL;
  CREATE INDEX lanes_failing ON lanes (hook, first_at) WHERE first_at IS NOT NULL;
  CREATE TABLE failures (
    number INTEGER PRIMARY KEY, hook TEXT NOT NULL REFERENCES hooks ON DELETE CASCADE, message TEXT NOT NULL,
    attempts INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, error TEXT NOT NULL,
    UNIQUE (hook, message)
  ) STRICT;
  CREATE TABLE seen (contract TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** Why a webhook has ended: its receiver has said that it is gone, or its key is not good any more. */
export type Ended = 'receiver_gone' | 'key_ended'

export interface Hook {
  readonly id: string
  readonly url: string
  readonly subject: string
  readonly signing: WebhookSigning
  /** SHA-256 of the key by which it was made. */
  readonly holder: string
  readonly keyName: string
  /** Milliseconds since the epoch, like all times here. */
  readonly made: number
  readonly ended: Ended | null
  /** The newest first. */
  readonly secrets: readonly SigningSecret[]
}

/** Which lane: of a hook, what it is told of a stream, as that grows or once more. */
export interface LaneKey {
  readonly hook: string
  readonly stream: string
  readonly replay: 0 | 1
}

/** How far a webhook has been told of a stream: the stream is the queue, this the place in it. */
export interface Lane extends LaneKey {
  /** The revision of the next message, and its number in it. */
  readonly next: number
  readonly part: number
  /** The last revision that it is told of; null: there is none. */
  readonly until: number | null
  /** What the event before `next` is known by, where the stream is this node's own. */
  readonly mark: string | null
  /** How often the next message was tried in vain, and when. */
  readonly attempts: number
  readonly first: number | null
  readonly last: number | null
  readonly due: number | null
  readonly error: string | null
  /** The id of the message that was not taken. */
  readonly message: string | null
}

/** A message that was given up. */
export interface GivenUpMessage {
  readonly message: string
  readonly attempts: number
  readonly first: number
  readonly last: number
  readonly error: string
}

/** How many are kept of each webhook: the newest. */
const FAILURES_MAX = 1_000

const LANE =
  'hook, stream, replay, next, part, until, mark, attempts, first_at AS first, last_at AS last, next_at AS due, error, message'
const OF_LANE = 'hook = @hook AND stream = @stream AND replay = @replay'
const secretsForm = Compile(Type.Array(SigningSecretSchema))

/**
 * The webhooks of a node, and how far each has been told, in a file of the data directory: with secrets, so for nobody else's eyes, and
 * never in the store, which forgets nothing. Every call is one transaction.
 */
export class WebhookFile {
  readonly #path: string
  #opened: Database.Database | undefined
  readonly #statements = new Map<string, Database.Statement<unknown[]>>()
  /** Those of which a message was given up; and maybe taken since. Nobody else writes the file. */
  #failing: Set<unknown> | undefined

  /** Made when the first webhook is. */
  constructor(path: string) {
    this.#path = path
  }

  /** Throws IdentityDamaged for another file. */
  get #database(): Database.Database {
    this.#opened ??= open(this.#path)
    return this.#opened
  }

  close(): void {
    this.#opened?.close()
  }

  /** Of the streams that are this node's own: under another, a revision is another message. */
  get epoch(): string {
    return (this.#one('SELECT name FROM epoch') as { name: string }).name
  }

  renewEpoch(): void {
    this.#run('UPDATE epoch SET name = ?', newEpoch())
  }

  hooks(): Hook[] {
    if (this.#opened === undefined && !existsSync(this.#path)) return []
    const rows = this.#all('SELECT *, key_name AS keyName FROM hooks ORDER BY made, id') as (Omit<Hook, 'secrets'> & {
      secrets: string
    })[]
    return rows.map(({ ended, holder, id, keyName, made, secrets, signing, subject, url }) => {
      const read = jsonOf(secretsForm, secrets)
      if (read === undefined) throw damaged(this.#path, `has secrets of ${id} that cannot be read`)
      return { id, url, subject, signing, holder, keyName, made, ended, secrets: read }
    })
  }

  add(hook: Hook, lanes: readonly Pick<Lane, 'stream' | 'next' | 'mark'>[]): void {
    const { ended, holder, id, keyName, made, secrets, signing, subject, url } = hook
    this.#inTransaction(() => {
      this.#run(
        'INSERT INTO hooks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[id, url, subject, signing, holder, keyName, made, ended, JSON.stringify(secrets)],
      )
      for (const lane of lanes) this.addLane({ hook: id, replay: 0, until: null, ...lane })
    })
  }

  /** What of it may change. */
  update({ ended, holder, id, keyName, secrets }: Hook): void {
    const changed = [ended, holder, keyName, JSON.stringify(secrets)]
    this.#run('UPDATE hooks SET ended = ?, holder = ?, key_name = ?, secrets = ? WHERE id = ?', ...changed, id)
  }

  remove(id: string): void {
    this.#run('DELETE FROM hooks WHERE id = ?', id)
    this.#failing?.delete(id)
  }

  /** Nothing, if there is such a lane. */
  addLane({ hook, mark, next, replay, stream, until }: LaneKey & Pick<Lane, 'next' | 'mark' | 'until'>): boolean {
    const added = this.#run(
      'INSERT OR IGNORE INTO lanes (hook, stream, replay, next, part, until, mark) VALUES (?, ?, ?, ?, 0, ?, ?)',
      ...[hook, stream, replay, next, until, mark],
    )
    return added.changes > 0
  }

  lane(key: LaneKey): Lane | undefined {
    return this.#one(`SELECT ${LANE} FROM lanes WHERE ${OF_LANE}`, place(key)) as Lane | undefined
  }

  lanesOf(hook: string): LaneKey[] {
    return this.#all('SELECT hook, stream, replay FROM lanes WHERE hook = ?', hook) as LaneKey[]
  }

  removeLane(key: LaneKey): void {
    this.#run(`DELETE FROM lanes WHERE ${OF_LANE}`, place(key))
  }

  /** All before that place has been told. */
  told(key: LaneKey, next: number, part: number, mark: string | null): void {
    this.#run(
      `UPDATE lanes SET next = @next, part = @part, mark = @mark, attempts = 0, first_at = NULL, last_at = NULL, next_at = NULL,
       error = NULL, message = NULL WHERE ${OF_LANE}`,
      { ...place(key), next, part, mark },
    )
  }

  /** The next message was not taken. */
  failed(key: LaneKey, failing: Pick<Lane, 'attempts' | 'first' | 'last' | 'due' | 'error' | 'message'>): void {
    this.#run(
      `UPDATE lanes SET attempts = @attempts, first_at = @first, last_at = @last, next_at = @due, error = @error,
       message = @message WHERE ${OF_LANE}`,
      { ...place(key), ...failing },
    )
  }

  /** When the first of what waits is due after that. */
  nextDue(after: number): number | undefined {
    const { due } = this.#one('SELECT min(next_at) AS due FROM lanes WHERE next_at > ?', after) as {
      due: number | null
    }
    return due ?? undefined
  }

  /** What has waited until now. */
  due(now: number): LaneKey[] {
    return this.#all('SELECT hook, stream, replay FROM lanes WHERE next_at <= ?', now) as LaneKey[]
  }

  /** Lanes that wait, of one hook: those that have waited the longest first. */
  waiting(hook: string, limit: number): Lane[] {
    const sql = `SELECT ${LANE} FROM lanes WHERE hook = ? AND first_at IS NOT NULL ORDER BY first_at LIMIT ?`
    return this.#all(sql, hook, limit) as Lane[]
  }

  /** Has all that waits tried, at `at` or so long after the last attempt, unless it would be tried before. */
  hasten(hook: string, at: number, pause: number): void {
    this.#run(
      'UPDATE lanes SET next_at = min(next_at, max(?, last_at + ?)) WHERE hook = ? AND next_at IS NOT NULL',
      ...[at, pause, hook],
    )
  }

  /** Since when the oldest of what waits has waited, by hook. */
  failingSince(): Map<string, number> {
    const sql = 'SELECT hook, min(first_at) AS since FROM lanes WHERE first_at IS NOT NULL GROUP BY hook'
    return new Map((this.#all(sql) as { hook: string; since: number }[]).map(({ hook, since }) => [hook, since]))
  }

  giveUp(hook: string, { attempts, error, first, last, message }: GivenUpMessage): void {
    this.#ofFailures.add(hook)
    this.#inTransaction(() => {
      this.#run(
        'INSERT OR REPLACE INTO failures (hook, message, attempts, first_at, last_at, error) VALUES (?, ?, ?, ?, ?, ?)',
        ...[hook, message, attempts, first, last, error],
      )
      const oldest = 'SELECT number FROM failures WHERE hook = ? ORDER BY number DESC LIMIT -1 OFFSET ?'
      this.#run(`DELETE FROM failures WHERE number IN (${oldest})`, hook, FAILURES_MAX)
    })
  }

  /** The newest first. */
  failures(hook: string, limit: number): GivenUpMessage[] {
    const sql = `SELECT message, attempts, first_at AS first, last_at AS last, error FROM failures WHERE hook = ?
      ORDER BY number DESC LIMIT ?`
    return this.#all(sql, hook, limit) as GivenUpMessage[]
  }

  /** A message that was given up has been taken after all. */
  forgetFailure(hook: string, message: string): void {
    if (!this.#ofFailures.has(hook)) return
    this.#run('DELETE FROM failures WHERE hook = ? AND message = ?', hook, message)
  }

  /** Up to where webhooks of all contracts have lanes for what has settled in one. */
  seen(contract: Uid): number {
    const row = this.#one('SELECT size FROM seen WHERE contract = ?', contract) as { size: number } | undefined
    return row?.size ?? 0
  }

  /** Each of these webhooks has a lane for what has settled since, unless it is behind already. Whether anything has. */
  see(contract: Uid, size: number, stream: string, hooks: readonly string[]): boolean {
    const next = this.seen(contract)
    if (size <= next) return false
    this.#inTransaction(() => {
      for (const hook of hooks) this.addLane({ hook, stream, replay: 0, next, until: null, mark: null })
      this.#run('INSERT OR REPLACE INTO seen VALUES (?, ?)', contract, size)
    })
    return true
  }

  /** Whatever has settled until now is told to nobody. */
  seeAll(sizes: Iterable<readonly [contract: Uid, size: number]>): void {
    this.#inTransaction(() => {
      for (const [contract, size] of sizes) this.#run('INSERT OR REPLACE INTO seen VALUES (?, ?)', contract, size)
    })
  }

  forgetSeen(): void {
    this.#run('DELETE FROM seen')
  }

  get #ofFailures(): Set<unknown> {
    this.#failing ??= new Set(this.#statement('SELECT DISTINCT hook FROM failures').pluck().all())
    return this.#failing
  }

  #inTransaction(work: () => void): void {
    this.#database.transaction(work)()
  }

  #run(sql: string, ...values: unknown[]): Database.RunResult {
    return this.#statement(sql).run(...values)
  }

  #one(sql: string, ...values: unknown[]): unknown {
    return this.#statement(sql).get(...values)
  }

  #all(sql: string, ...values: unknown[]): unknown[] {
    return this.#statement(sql).all(...values)
  }

  #statement(sql: string): Database.Statement<unknown[]> {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }
}

/** Puts a copy of it as it is at one moment, whether a node has it open or not; `to` must not exist. */
export async function copyWebhooks(from: string, to: string): Promise<void> {
  const database = new Database(from, { readonly: true, fileMustExist: true, timeout: COPY_TIMEOUT_MS })
  try {
    // SQLite writes into a file of no bytes, and keeps its mode.
    await (await openFile(to, 'wx', 0o600)).close()
    database.prepare('VACUUM INTO ?').run(to)
  } finally {
    database.close()
  }
  await using file = await openFile(to, 'r+')
  await file.sync()
}

/** After a restore: what a revision of this node's own streams stood for is not what it stands for now. */
export function renewEpochOf(path: string): void {
  if (!existsSync(path)) return
  const file = new WebhookFile(path)
  file.renewEpoch()
  file.close()
}

function open(path: string): Database.Database {
  // SQLite itself would make it readable for all.
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    const isEmpty = database.pragma('application_id', { simple: true }) === 0
    if (isEmpty) {
      database.transaction(() => {
        database.exec(SCHEMA)
        database.prepare('INSERT INTO epoch VALUES (?)').run(newEpoch())
        database.pragma(`application_id = ${APPLICATION_ID}`)
        database.pragma(`user_version = ${VERSION}`)
      })()
    }
    const isOurs =
      database.pragma('application_id', { simple: true }) === APPLICATION_ID &&
      database.pragma('user_version', { simple: true }) === VERSION
    if (!isOurs) throw damaged(path, 'is not of this version')
    database.pragma('journal_mode = WAL')
    // What a power failure takes away is sent once more, under the same ids.
    database.pragma('synchronous = NORMAL')
    database.pragma('foreign_keys = ON')
    return database
  } catch (error) {
    database.close()
    throw error instanceof Database.SqliteError ? damaged(path, `cannot be read: ${error.message}`) : error
  }
}

/** Of a lane in a ledger. */
export function uidOf({ stream }: LaneKey): Uid {
  const named = parseStream(stream)
  if (named?.kind !== 'contract') throw new Error(`${stream} is no ledger`)
  return named.contract
}

function place({ hook, replay, stream }: LaneKey) {
  return { hook, replay, stream }
}

function newEpoch(): string {
  return randomBytes(6).toString('hex')
}
