import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ApiClient, apiClient } from '../../src/cli/api-client.ts'
import { addParty } from '../../src/cli/party-commands.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/party-card.ts'
import { createIdentity } from '../../src/node/create-identity.ts'
import { readApiToken } from '../../src/node/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { percentile } from './measure.ts'

/**
 * `npm run bench:contracts -- [--contracts N]`: two parties with one contract, then with N: what a change to one of them takes
 * that nobody has touched since the start, how long a node takes to start, and how much memory it has.
 */
const { values } = parseArgs({ options: { contracts: { type: 'string', default: '10000' } } })
const count = Number(values.contracts)
const SAMPLES = 200
/** Contracts that are being made at once. */
const AT_ONCE = 16
const FIELDS = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field ${n}`, `value ${n}`]))

interface Party {
  readonly dir: string
  readonly endpoint: string
  readonly card: Awaited<ReturnType<typeof createIdentity>>['card']
  readonly client: ApiClient
  child: Child
}

const base = await mkdtemp(join(tmpdir(), 'concordata-many-'))
try {
  const [ana, ben] = [await makeParty('ana'), await makeParty('ben')]
  await addParty(ana.dir, ben.endpoint, partyFingerprint(ben.card))
  await addParty(ben.dir, ana.endpoint, partyFingerprint(ana.card))
  const first = await makeContract(ana, ben, 'the first')
  const alone = await changes(
    ana,
    Array.from({ length: SAMPLES }, () => first),
  )

  const began = performance.now()
  const contracts = [first]
  const makeNext = async () => {
    while (contracts.length < count) {
      const place = contracts.push(first) - 1
      contracts[place] = await makeContract(ana, ben, `contract ${place}`)
      if (place % 1000 === 0)
        console.log(`${place} contracts after ${((performance.now() - began) / 1000).toFixed(0)} s`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, makeNext))
  const filled = await memory(ana)

  const startSeconds = await restart(ana)
  await restart(ben)
  const started = await memory(ana)
  const touched = await changes(ana, spread(contracts, SAMPLES))
  const again = await changes(
    ana,
    Array.from({ length: SAMPLES }, () => first),
  )
  const after = await memory(ana)
  console.log(`${contracts.length} contracts, Node ${process.versions.node}`)
  const ms = (times: readonly number[], percent: number) => percentile(times, percent).toFixed(2)
  console.log(`a change with one contract, ms: p50 ${ms(alone, 50)}, p95 ${ms(alone, 95)}`)
  console.log(`a change with all, each to another one at rest, ms: p50 ${ms(touched, 50)}, p95 ${ms(touched, 95)}`)
  console.log(`a change with all, to one in memory, ms: p50 ${ms(again, 50)}, p95 ${ms(again, 95)}`)
  console.log(
    `ratio of the p50: ${(percentile(touched, 50) / percentile(alone, 50)).toFixed(2)}, in memory ${(percentile(again, 50) / percentile(alone, 50)).toFixed(2)}`,
  )
  console.log(`start ${startSeconds.toFixed(2)} s`)
  console.log(`resident MB: after making them ${filled}, after a start ${started}, after the changes ${after}`)
  await Promise.all([ana, ben].map(({ child }) => child.end()))
} finally {
  await rm(base, { recursive: true, force: true })
}

async function makeParty(handle: string): Promise<Party> {
  const dir = join(base, handle)
  const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
  const { card } = await createIdentity(dir, { handle: handle as Handle, name: handle, endpoint, api }, systemClock)
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
