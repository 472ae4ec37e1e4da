import { join } from 'node:path'
import type { Uid } from '../../src/events/ids.ts'
import { rebuildReadModel } from '../../src/projections/rebuild.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { Store, Write } from '../../src/store/port.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { busyUid, recordBusyContract } from '../support/busy-contract.ts'

const ROUNDS = 40
/** Requests that ride in one statement under load. */
const REQUESTS_PER_STATEMENT = 10
const FIELDS = 40
const WRITES_AT_ONCE = 4096

export interface RebuildExtent {
  /** Contracts of three members that the real code has written: proposals, conflicts, votes, refusals, notes. */
  readonly made: number
  /** So often they are put into the store, each time under other UIDs: making them takes longer than folding them. */
  readonly copies: number
  readonly runs: number
}

export interface RebuildFigures {
  readonly entries: number
  readonly events: number
  /** The best of some runs, on one core: by the clock, and by the processor time that it got. */
  readonly entriesPerSecond: number
  readonly entriesPerCpuSecond: number
  /** Entries a second of processor time when the same events are only read and parsed. */
  readonly floorPerCpuSecond: number
}

/** How fast a read model is made anew from SQLite. */
export async function measureRebuild(dir: string, { runs, ...extent }: RebuildExtent): Promise<RebuildFigures> {
  const path = join(dir, 'store.sqlite')
  await fill(path, extent)
  const store = await openSqliteStore(path, { readonly: true, snapshot: true })
  let best: RebuildFigures | undefined
  for (let run = 0; run < runs; run++) {
    const floor = await timed(() => readAndParse(store))
    const { seconds, cpuSeconds, result } = await timed(() =>
      rebuildReadModel(join(dir, 'read-model.sqlite'), store.events),
    )
    if (result.failures.length > 0) throw new Error(JSON.stringify(result.failures))
    const { entries, events } = result
    const figures = {
      entries,
      events,
      entriesPerSecond: Math.max(entries / seconds, best?.entriesPerSecond ?? 0),
      entriesPerCpuSecond: Math.max(entries / cpuSeconds, best?.entriesPerCpuSecond ?? 0),
      floorPerCpuSecond: Math.max(entries / floor.cpuSeconds, best?.floorPerCpuSecond ?? 0),
    }
    best = figures
  }
  await store.close()
  return best as RebuildFigures
}

async function fill(path: string, { made, copies }: Omit<RebuildExtent, 'runs'>): Promise<void> {
  const original = openMemoryStore()
  const uids: Uid[] = []
  for (let n = 0; n < made; n++) {
    const contract = busyUid(n)
    uids.push(contract)
    const busy = { contract, members: 3, rounds: ROUNDS, requestsPerStatement: REQUESTS_PER_STATEMENT, fields: FIELDS }
    await recordBusyContract(original, busy, new SeededRandom(n))
  }
  const events = await Array.fromAsync(original.events.readAll())
  const store = await openSqliteStore(path)
  for (let copy = 1; copy <= copies; copy++) {
    // To derive a UID takes two hundred times as long as to put it in the place of another.
    const names = uids.map((uid, n) => [uid, busyUid(copy * made + n)] as const)
    const renamed = (text: string) => names.reduce((done, [uid, name]) => done.replaceAll(uid, name), text)
    const writes = events.map(({ stream, type, data }): Write => {
      return {
        kind: 'append',
        stream: renamed(stream),
        expectedRevision: 'any',
        events: [{ type, data: renamed(data) }],
      }
    })
    for (let at = 0; at < writes.length; at += WRITES_AT_ONCE) await store.write(writes.slice(at, at + WRITES_AT_ONCE))
  }
  await store.close()
}

async function readAndParse({ events }: Store): Promise<number> {
  let count = 0
  for await (const { data } of events.readAll()) if (JSON.parse(data) !== null) count++
  return count
}

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; cpuSeconds: number; result: T }> {
  const [began, before] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6, result }
}
