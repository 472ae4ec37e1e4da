import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ApiClient, apiClient } from '../../src/cli/api-client.ts'
import { addParty } from '../../src/cli/party-commands.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { type PartyCard, partyFingerprint } from '../../src/events/party-card.ts'
import { readConfiguration, readEnvironment } from '../../src/node/configuration.ts'
import { createIdentity } from '../../src/node/create-identity.ts'
import { openIdentity, readApiToken } from '../../src/node/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { freePort } from '../support/free-port.ts'
import { Child } from './child.ts'
import { percentile } from './measure.ts'

/**
 * `npm run bench:contracts -- [--contracts N] [--data DIR]`: two parties with N contracts, and two with one: what a change takes to a
 * contract that nobody has touched since the start, and to the only one, in turns; how long a node takes to start, and how
 * much memory it has. With `--data` the parties are kept there, and taken up again.
 */
const { values } = parseArgs({ options: { contracts: { type: 'string', default: '10000' }, data: { type: 'string' } } })
const count = Number(values.contracts)
const ROUNDS = 20
/** Changes in a row, so that the two pairs see the same weather. */
const IN_A_ROW = 10
/** Contracts that are being made at once. */
const AT_ONCE = 16
const FIELDS = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field ${n}`, `value ${n}`]))

interface Party {
  readonly dir: string
  readonly endpoint: string
  readonly card: PartyCard
  readonly client: ApiClient
  child: Child
}

const base = values.data ?? (await mkdtemp(join(tmpdir(), 'concordata-many-')))
try {
  const [ana, ben] = await makePair('ana', 'ben')
  const [cleo, dov] = await makePair('cleo', 'dov')
  const only = (await contractsOf(cleo))[0] ?? (await makeContract(cleo, dov, 'the only one'))
  await fill(ana, ben)
  const filled = await memory(ana)
  const startSeconds = await restart(ana)
  await restart(ben)
  const started = await memory(ana)
  const contracts = spread(await contractsOf(ana), ROUNDS * IN_A_ROW)
  const times: { [what: string]: number[] } = { alone: [], resting: [], awake: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const some = contracts.slice(round * IN_A_ROW, (round + 1) * IN_A_ROW)
    times.alone?.push(
      ...(await changes(
        cleo,
        some.map(() => only),
      )),
    )
    times.resting?.push(...(await changes(ana, some)))
    times.awake?.push(...(await changes(ana, some)))
  }
  const after = await memory(ana)
  console.log(`${(await contractsOf(ana)).length} contracts, Node ${process.versions.node}`)
  const { alone = [], resting = [], awake = [] } = times
  console.log(`a change to the only contract, ms: ${percentiles(alone)}`)
  console.log(`a change to one of many that was at rest, ms: ${percentiles(resting)}, ${ratio(resting, alone)}`)
  console.log(`a change to one of many that was in memory, ms: ${percentiles(awake)}, ${ratio(awake, alone)}`)
  console.log(`start ${startSeconds.toFixed(2)} s`)
  console.log(`resident MB: before the start ${filled}, after it ${started}, after the changes ${after}`)
  await Promise.all([ana, ben, cleo, dov].map(({ child }) => child.end()))
} finally {
  if (values.data === undefined) await rm(base, { recursive: true, force: true })
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other)
  return `p50 ${percentile(sorted, 50).toFixed(2)}, p95 ${percentile(sorted, 95).toFixed(2)}`
}

function ratio(times: readonly number[], to: readonly number[]): string {
  const median = (all: readonly number[]) =>
    percentile(
      all.toSorted((one, other) => one - other),
      50,
    )
  return `ratio of the p50 ${(median(times) / median(to)).toFixed(2)}`
}

async function makePair(one: string, other: string): Promise<[Party, Party]> {
  const [first, second] = [await makeParty(one), await makeParty(other)]
  await addParty(first.dir, second.endpoint, partyFingerprint(second.card))
  await addParty(second.dir, first.endpoint, partyFingerprint(first.card))
  return [first, second]
}

async function fill(ana: Party, ben: Party): Promise<void> {
  const began = performance.now()
  let made = (await contractsOf(ana)).length
  const makeNext = async () => {
    while (made < count) {
      const place = made++
      await makeContract(ana, ben, `contract ${place}`)
      if (place % 1000 === 0)
        console.log(`${place} contracts after ${((performance.now() - began) / 1000).toFixed(0)} s`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, makeNext))
}

async function contractsOf({ client }: Party): Promise<Uid[]> {
  return ((await client.call('GET', '/api/Contract')) as { contract: Uid }[]).map(({ contract }) => contract)
}

async function makeParty(handle: string): Promise<Party> {
  const dir = join(base, handle)
  const environment = readEnvironment({})
  if (!existsSync(dir)) {
    const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    await createIdentity(dir, { handle: handle as Handle, name: handle, endpoint, api }, systemClock)
  }
  const { endpoint, api } = await readConfiguration(dir, environment)
  const { card } = await openIdentity(await readConfiguration(dir, environment), environment)
  const child = new Child('./concordata-party.ts')
  await child.ask({ kind: 'start', dir })
  return { dir, endpoint, card, client: apiClient(api, await readApiToken(dir)), child }
}

async function restart(party: Party): Promise<number> {
  await party.child.end()
  party.child = new Child('./concordata-party.ts')
  const began = performance.now()
  await party.child.ask({ kind: 'start', dir: party.dir })
  return (performance.now() - began) / 1000
}

async function makeContract(ana: Party, ben: Party, title: string): Promise<Uid> {
  const { contract } = (await ana.client.call('POST', '/api/Contract', { title })) as { contract: Uid }
  await ana.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: ben.card.handle })
  // The invitation is settled at its author first.
  for (let isIn = false; !isIn; ) {
    isIn = await ben.client.call('POST', `/api/Contract/${contract}/Acceptance`).then(
      () => true,
      () => false,
    )
  }
  await ana.client.call('POST', `/new-api/${contract}`, FIELDS)
  return contract
}

function changes({ child }: Party, contracts: readonly Uid[]): Promise<number[]> {
  return child.ask<number[]>({ kind: 'each', contracts })
}

async function memory({ child }: Party): Promise<number> {
  return Math.round((await child.ask<number>({ kind: 'memory' })) / 1024 / 1024)
}

function spread<Item>(items: readonly Item[], samples: number): Item[] {
  const step = Math.max(1, Math.floor(items.length / samples))
  return items.filter((_, place) => place % step === 0).slice(0, samples)
}
