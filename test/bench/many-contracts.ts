import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { commandLine, number, text } from '../support/command-line.ts'
import { introduce, untilApproved } from '../support/processes-together.ts'
import { type ByProcess, type LaidOutParty, nodeParty, splitParty } from './laid-out-party.ts'
import { percentile } from './measure.ts'

/**
 * `npm run bench:contracts -- [--contracts N] [--layout node|split] [--data DIR]`: two parties with N contracts, and two with
 * one: what a change takes to a contract that nobody has touched since the start, and to the only one, in turns; how long a
 * party takes to start, and how much memory it has. In the layout `split` each of them runs the roles apart, and each process
 * is told of. With `--data` the parties are kept there, and taken up again.
 */
const MAKERS: { readonly [layout: string]: typeof nodeParty | undefined } = { node: nodeParty, split: splitParty }
const usage = 'npm run bench:contracts -- [options]: what a change takes at a node with many contracts'
const values = commandLine(usage, {
  contracts: number(10_000, 'that two parties share', 1),
  layout: text('the roles in one process, or apart', 'node', Object.keys(MAKERS)),
  data: text('where the parties are kept, and taken up again'),
})
const count = values.contracts
const ROUNDS = 20
/** Changes in a row, so that the two pairs see the same weather. */
const IN_A_ROW = 10
/** Contracts that are being made at once. */
const AT_ONCE = 16
const FIELDS = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field ${n}`, `value ${n}`]))

const base = values.data || (await mkdtemp(join(tmpdir(), 'many-')))
try {
  const [ana, ben] = await makePair('ana', 'ben')
  const [cleo, dov] = await makePair('cleo', 'dov')
  const only = (await contractsOf(cleo))[0] ?? (await makeContract(cleo, dov, 'the only one'))
  await fill(ana, ben)
  const filled = await ana.memory()
  const startSeconds = await ana.restart()
  await ben.restart()
  const started = await ana.memory()
  const contracts = spread(await contractsOf(ana), ROUNDS * IN_A_ROW)
  const times: { [what: string]: number[] } = { alone: [], passive: [], active: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const some = contracts.slice(round * IN_A_ROW, (round + 1) * IN_A_ROW)
    times.alone?.push(
      ...(await changes(
        cleo,
        some.map(() => only),
      )),
    )
    times.passive?.push(...(await changes(ana, some)))
    times.active?.push(...(await changes(ana, some)))
  }
  const after = await ana.memory()
  console.log(`${(await contractsOf(ana)).length} contracts, layout ${values.layout}, Node ${process.versions.node}`)
  const { alone = [], passive = [], active = [] } = times
  console.log(`a change to the only contract, ms: ${percentiles(alone)}`)
  console.log(`a change to one of many that was at rest, ms: ${percentiles(passive)}, ${ratio(passive, alone)}`)
  console.log(`a change to one of many that was in memory, ms: ${percentiles(active)}, ${ratio(active, alone)}`)
  console.log(`start, s: ${perProcess(startSeconds, 2)}`)
  console.log(`resident MB before the start: ${perProcess(filled)}`)
  console.log(`resident MB after it: ${perProcess(started)}`)
  console.log(`resident MB after the changes: ${perProcess(after)}`)
  await Promise.all([ana, ben, cleo, dov].map((party) => party.end()))
} finally {
  if (values.data === '') await rm(base, { recursive: true, force: true })
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

function perProcess(amounts: ByProcess, digits = 0): string {
  return amounts.map(([process, amount]) => `${process} ${amount.toFixed(digits)}`).join(', ')
}

async function makePair(one: string, other: string): Promise<[LaidOutParty, LaidOutParty]> {
  const make = MAKERS[values.layout]
  if (make === undefined) throw new Error('the layout is node or split')
  const [first, second] = [await make(join(base, one), one as Handle), await make(join(base, other), other as Handle)]
  await introduce(first, second)
  await introduce(second, first)
  await untilApproved(first, other)
  await untilApproved(second, one)
  return [first, second]
}

async function fill(ana: LaidOutParty, ben: LaidOutParty): Promise<void> {
  const began = performance.now()
  let made = (await contractsOf(ana)).length
  const makeNext = async () => {
    while (made < count) {
      const place = made++
      await makeContract(ana, ben, `contract ${place}`)
      if (place % 500 === 0)
        console.log(`${place} contracts after ${((performance.now() - began) / 1000).toFixed(0)} s`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, makeNext))
}

async function contractsOf({ client }: LaidOutParty): Promise<Uid[]> {
  return ((await client.call('GET', '/api/Contract')) as { contract: Uid }[]).map(({ contract }) => contract)
}

async function makeContract(ana: LaidOutParty, ben: LaidOutParty, title: string): Promise<Uid> {
  const { contract } = (await ana.client.call('POST', '/api/Contract', { title })) as { contract: Uid }
  await ana.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: ben.handle })
  // The invitation is settled at its author first.
  for (let isIn = false; !isIn; ) {
    isIn = await ben.client.call('POST', `/api/Contract/${contract}/Acceptance`).then(
      () => true,
      () => false,
    )
    if (!isIn) await setTimeout(10)
  }
  await ana.client.call('POST', `/new-api/${contract}`, FIELDS)
  return contract
}

function changes(party: LaidOutParty, contracts: readonly Uid[]): Promise<number[]> {
  return party.changes(contracts, Object.keys(FIELDS))
}

function spread<Item>(items: readonly Item[], samples: number): Item[] {
  const step = Math.max(1, Math.floor(items.length / samples))
  return items.filter((_, place) => place % step === 0).slice(0, samples)
}
