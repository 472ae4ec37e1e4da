import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import type { AllRange, EventHandler, Store, Subscription } from '../../src/store/port.ts'
import { serverOptions } from './eventstoredb-given.ts'

/**
 * The EventStoreDB store of a directory: its streams on the server of ESDB_URL, under names that begin with a hash of the
 * directory and of ESDB_RUN, so that runs on one server do not meet. Both stand in the environment, for other processes too.
 * All that is read of all streams begins where the server stood when the store was opened first: it may be full of other things.
 */
export async function open(directory: string): Promise<Store> {
  const { ESDB_RUN: run = '' } = process.env
  const hash = createHash('sha256').update(`${run} ${directory}`).digest('hex').slice(0, 20)
  const store = await openEventStoreDbStore({ ...serverOptions(process.env), namespace: `test${hash}-` })
  const { events } = store
  const begin = await beginOf(directory, await events.lastPosition())
  const from = ({ after = begin, ...range }: AllRange) => ({ ...range, after })
  const subscribe = (range: AllRange, handler: EventHandler) => {
    const subscription = events.subscribe(from(range), handler)
    return range.after === undefined ? beginningAt(subscription, begin) : subscription
  }
  return {
    events: { ...events, readAll: (range = {}) => events.readAll(from(range)), subscribe },
    payloads: store.payloads,
    isAtomic: store.isAtomic,
    write: (batch) => store.write(batch),
    close: () => store.close(),
  }
}

/** `now`, unless a process has opened the store of the directory before: then where the server stood at that time. */
async function beginOf(directory: string, now: number | undefined): Promise<number | undefined> {
  await mkdir(directory, { recursive: true })
  const path = join(directory, 'begin')
  const text = JSON.stringify(now ?? null)
  await writeFile(path, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  return (JSON.parse((await readFile(path, 'utf8')) || 'null') as number | null) ?? undefined
}

function beginningAt(subscription: Subscription, begin: number | undefined): Subscription {
  return {
    get position() {
      return subscription.position === begin ? undefined : subscription.position
    },
    closed: subscription.closed,
    close: () => subscription.close(),
  }
}
