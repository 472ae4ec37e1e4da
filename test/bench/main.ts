import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiClient } from '../../src/cli/api-client.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'
import { addParty } from '../../src/cli/party-commands.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/party-card.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { Child } from './child.ts'
import { FIELDS, type Figures, type LoadResult, percentile, REST_SAMPLES, SATURATION, WARM_UP } from './measure.ts'
import { measureRebuild, type RebuildFigures } from './rebuild.ts'

/**
 * `npm run bench`: three parties as processes on one machine, TLS and fsync on, one writer that proposes values of 200
 * bytes to 100 fields round robin, counted at the writer when they have settled; beside it, in the same run, the floor.
 */
const HANDLES = ['writer', 'second', 'third']

const dir = await mkdtemp(join(tmpdir(), 'concordata-bench-'))
try {
  // `npm run bench -- rebuild` measures that alone.
  const isWhole = process.argv[2] !== 'rebuild'
  if (isWhole) await measureChanges()
  await mkdir(join(dir, 'rebuild'))
  reportRebuild(await measureRebuild(join(dir, 'rebuild')))
} finally {
  await rm(dir, { recursive: true, force: true })
}

async function measureChanges(): Promise<void> {
  const floor = await measureFloor(join(dir, 'floor'))
  const ours = await measureConcordata(join(dir, 'concordata'))
  const floorAgain = await measureFloor(join(dir, 'floor-again'))
  report(ours, mean(floor, floorAgain))
}

async function measureFloor(base: string): Promise<Figures> {
  const children = HANDLES.map(() => new Child('./floor-party.ts'))
  const cards: unknown[] = []
  for (const [n, child] of children.entries()) {
    const own = join(base, String(n))
    await mkdir(own, { recursive: true })
    cards.push(await child.ask({ kind: 'start', dir: own }))
  }
  const [writer, ...others] = children as [Child, ...Child[]]
  await writer.ask({ kind: 'meet', others: cards.slice(1) })
  for (const other of others) await other.ask({ kind: 'meet', others: cards.slice(0, 1) })
  return measure(children, {})
}

async function measureConcordata(base: string): Promise<Figures> {
  const children = HANDLES.map(() => new Child('./concordata-party.ts'))
  const dirs = HANDLES.map((handle) => join(base, handle))
  const parties = []
  for (const [n, handle] of HANDLES.entries()) {
    const own = dirs[n] as string
    const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    const { card } = await createIdentity(own, { handle: handle as Handle, name: handle, endpoint, api }, systemClock)
    await children[n]?.ask({ kind: 'start', dir: own })
    parties.push({ dir: own, endpoint, card, client: apiClient(api, await readApiToken(own)) })
  }
  for (const one of parties) {
    for (const other of parties) {
      if (one !== other) await addParty(one.dir, other.endpoint, partyFingerprint(other.card))
    }
  }
  const [first, ...others] = parties as [(typeof parties)[0], ...typeof parties]
  const { contract } = (await first.client.call('POST', '/api/Contract', { title: 'bench' })) as { contract: Uid }
  for (const other of others) {
    await first.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: other.card.handle })
    for (let standing = ''; standing !== 'invited'; ) {
      const all = (await other.client.call('GET', '/api/Contract')) as { contract: Uid; standing: string }[]
      standing = all.find((held) => held.contract === contract)?.standing ?? ''
    }
    await other.client.call('POST', `/api/Contract/${contract}/Acceptance`)
  }
  const fields = Object.fromEntries(
    Array.from({ length: FIELDS }, (_, n) => [`field ${n}`, { $field: { type: 'text' } }]),
  )
  await first.client.call('POST', `/new-api/${contract}`, fields)
  return measure(children, { contract })
}

async function measure(children: readonly Child[], about: Record<string, unknown>): Promise<Figures> {
  const [writer] = children as [Child, ...Child[]]
  const cpu = async () => sum(await Promise.all(children.map((child) => child.ask<number>({ kind: 'cpu' }))))
  const bytes = async () => sum(await Promise.all(children.map((child) => child.ask<number>({ kind: 'bytes' }))))
  await writer.ask({ kind: 'load', load: WARM_UP, ...about })
  const before = { cpu: await cpu(), bytes: await bytes() }
  const { changes, seconds } = await writer.ask<LoadResult>({ kind: 'load', load: SATURATION, ...about })
  const after = { cpu: await cpu(), bytes: await bytes() }
  const times = await writer.ask<number[]>({ kind: 'rest', samples: REST_SAMPLES, ...about })
  await Promise.all(children.map((child) => child.end()))
  return {
    changesPerSecond: changes / seconds,
    restP50Ms: percentile(times, 50),
    restP95Ms: percentile(times, 95),
    cpuMicrosPerChange: (after.cpu - before.cpu) / changes,
    bytesPerChange: (after.bytes - before.bytes) / changes / children.length,
  }
}

function report(ours: Figures, floor: Figures): void {
  const lines: [string, keyof Figures, number][] = [
    ['changes/s at saturation', 'changesPerSecond', 0],
    ['one change at rest, p50 ms', 'restP50Ms', 2],
    ['one change at rest, p95 ms', 'restP95Ms', 2],
    ['CPU µs a change, all parties', 'cpuMicrosPerChange', 1],
    ['bytes a change, one party', 'bytesPerChange', 0],
  ]
  console.log(`Node ${process.versions.node}, ${availableParallelism()} cores`)
  console.log(`${''.padEnd(30)}${'ours'.padStart(12)}${'floor'.padStart(12)}${'ratio'.padStart(9)}`)
  for (const [name, key, digits] of lines) {
    const cells = [ours[key].toFixed(digits).padStart(12), floor[key].toFixed(digits).padStart(12)]
    console.log(`${name.padEnd(30)}${cells.join('')}${(ours[key] / floor[key]).toFixed(2).padStart(9)}`)
  }
}

function reportRebuild(figures: RebuildFigures): void {
  const { entries, events, entriesPerSecond, entriesPerCpuSecond, floorPerCpuSecond } = figures
  const rounded = (value: number) => Math.round(value).toLocaleString('en')
  console.log(`rebuild of ${rounded(entries)} ledger entries (${rounded(events)} events) from SQLite, on one core:`)
  console.log(
    `  ${rounded(entriesPerSecond)} entries/s by the clock, ${rounded(entriesPerCpuSecond)} a second of processor time`,
  )
  const ratio = (entriesPerCpuSecond / floorPerCpuSecond).toFixed(2)
  console.log(`  ${ratio} of only reading and parsing the same events (${rounded(floorPerCpuSecond)})`)
}

/** The floor is measured before and after, since the machine's speed drifts. */
function mean(one: Figures, other: Figures): Figures {
  const of = (key: keyof Figures) => (one[key] + other[key]) / 2
  return {
    changesPerSecond: of('changesPerSecond'),
    restP50Ms: of('restP50Ms'),
    restP95Ms: of('restP95Ms'),
    cpuMicrosPerChange: of('cpuMicrosPerChange'),
    bytesPerChange: of('bytesPerChange'),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
