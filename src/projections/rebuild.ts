import { existsSync, renameSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type Database from 'better-sqlite3'
import { NoSuchContract } from '../contracts/registry/contract-cache.ts'
import type { Uid } from '../events/ids.ts'
import { syncDirectory } from '../runtime/durable-file.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { completed } from '../runtime/turns.ts'
import type { EventStore, RecordedEvent } from '../store/port.ts'
import { CONTRACTS_STREAM, contractStream, evidenceStream } from '../store/streams.ts'
import { type Failure, isOf } from './checkpoint.ts'
import { type Cut, Fold } from './fold.ts'
import { byPosition } from './merge-by-position.ts'
import { draftReadModel, openReadModel, removeReadModel } from './read-model.ts'
import { forgetContract } from './tables.ts'

/** There is no read model in which a contract could be folded anew. Evidence: `path`. */
export class ReadModelMissing extends ConcordataError {}

/** Events and characters of one transaction: enough that its own cost does not show. */
const BATCH_EVENTS = 2048
const BATCH_CHARACTERS = 8 * 1024 * 1024

/** What was folded. `through`: the position of the last event that was read. */
export interface Replayed {
  readonly events: number
  readonly entries: number
  readonly failures: readonly Failure[]
}

export interface ReplayOptions {
  /** Only this contract. */
  readonly contract?: Uid
  readonly cut?: Cut
  /** How far it is: the position of the last event that was folded. Called now and then. */
  progress?(position: number): void
}

/**
 * Makes the read model anew from the store, beside the one that is there, and puts it in its place when it is whole and
 * durable. Requires that no process has the read model open. A crash leaves the old one, or none, or the new one.
 */
export async function rebuildReadModel(
  path: string,
  events: EventStore,
  options: ReplayOptions = {},
): Promise<Replayed> {
  const draft = `${path}.rebuilding`
  const database = draftReadModel(draft)
  let replayed: Replayed
  try {
    replayed = await replay(database, events, options)
  } catch (error) {
    database.close()
    removeReadModel(draft)
    throw error
  }
  database.close()
  await using file = await open(draft, 'r+')
  await file.sync()
  // First, so that a log which is not the new one's is never found beside it.
  removeReadModel(path)
  renameSync(draft, path)
  await syncDirectory(dirname(path))
  return replayed
}

/**
 * Folds one contract anew, in one transaction, up to the checkpoint where the others are. Requires that no other process
 * writes to the read model. Throws ReadModelMissing, NoSuchContract.
 */
export async function rebuildContract(path: string, events: EventStore, contract: Uid, options: ReplayOptions = {}) {
  if (!existsSync(path)) throw missing(path)
  const database = openReadModel(path)
  try {
    const checkpoint = new Fold(database).checkpoint
    if (checkpoint === undefined || !(await isOf(events, checkpoint))) throw missing(path)
    database.exec('BEGIN IMMEDIATE')
    forgetContract(database, contract)
    const replayed = await replay(database, events, { ...options, contract, through: checkpoint.position })
    if (!isHeld(database, contract)) {
      throw new NoSuchContract('no_such_contract', `the read model does not have ${contract}`, { contract })
    }
    database.exec('COMMIT')
    return replayed
  } finally {
    // What was not committed is rolled back.
    database.close()
  }
}

/** Folds the events of the store, or of one contract, into a read model. */
export async function replay(
  database: Database.Database,
  events: EventStore,
  options: ReplayOptions & { readonly through?: number } = {},
): Promise<Replayed> {
  const { contract, cut, progress, through = Number.MAX_SAFE_INTEGER } = options
  const fold = new Fold(database, cut)
  const failures: Failure[] = []
  let [count, entries, characters] = [0, 0, 0]
  let batch: RecordedEvent[] = []
  const apply = () => {
    // Of a contract by itself the others' checkpoint holds.
    failures.push(...completed(fold.folding(batch, contract === undefined)))
    count += batch.length
    const last = batch.at(-1)
    if (last !== undefined) progress?.(last.position)
    batch = []
    characters = 0
  }
  for await (const event of contract === undefined ? events.readAll() : eventsOf(events, contract)) {
    if (event.position > through) break
    batch.push(event)
    characters += event.data.length
    if (event.type === 'RequestSettled') entries++
    if (batch.length >= BATCH_EVENTS || characters >= BATCH_CHARACTERS) apply()
  }
  apply()
  return { events: count, entries, failures }
}

/** All that is folded of a contract, in the order in which it was stored, as the live fold saw it. */
function eventsOf(events: EventStore, contract: Uid): AsyncIterable<RecordedEvent> {
  const held = filtered(events.read(CONTRACTS_STREAM), ({ data }) => data.includes(contract))
  const feeds = events.readAll({ streamPrefix: `feed-${contract}-` })
  return byPosition([held, feeds, events.read(contractStream(contract)), events.read(evidenceStream(contract))])
}

async function* filtered<T>(source: AsyncIterable<T>, isWanted: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of source) if (isWanted(item)) yield item
}

/** Be it without any entry. */
function isHeld(database: Database.Database, contract: Uid): boolean {
  return database.prepare('SELECT 1 FROM Contract WHERE uid = ?').get(contract) !== undefined
}

function missing(path: string): ReadModelMissing {
  const message = `${path} is not there, or is of another store: rebuild all of it`
  return new ReadModelMissing('read_model_missing', message, { path })
}
