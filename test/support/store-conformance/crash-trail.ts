import type { Test } from 'tap'
import type { PayloadGroup } from '../../../src/store/payload-group.ts'
import type { Store, Write } from '../../../src/store/port.ts'
import { all, contract, sealNamed } from './harness.ts'

/**
 * What a process writes while it waits to be killed, and what must be left of it. Several trails run at once. Batch n of
 * a trail is one `write`: a payload, then `sizeOf(n)` events in the stream of the trail, then one in its ledger.
 */
const TRAILS = ['trail-a', 'trail-b', 'trail-c']

interface Fact {
  readonly batch: number
  readonly index: number
}
/** Of each trail the last batch that was acknowledged. */
export type Acknowledged = Map<string, number>

const sizeOf = (batch: number) => 1 + (batch % 5)
/** How many events the batches before this one have in all. */
const eventsBefore = (batch: number) =>
  Array.from({ length: batch }, (_, n) => sizeOf(n)).reduce((sum, n) => sum + n, 0)
const ledgerOf = (trail: string) => `ledger-of-${trail}`
const sealOf = (trail: string, batch: number) => sealNamed(`${trail} ${batch}`)
/** Several batches share one. */
const groupFor = (trail: string, batch: number) => `${trail}.${batch >> 1}` as PayloadGroup

export async function appendUntilKilled(store: Store, print: (line: string) => void): Promise<never> {
  print('ready')
  await Promise.all(TRAILS.map((trail) => follow(store, trail, print)))
  throw new Error('a trail has no end')
}

async function follow(store: Store, trail: string, print: (line: string) => void): Promise<void> {
  let batch = (await store.events.lastRevision(ledgerOf(trail))) + 1
  for (; ; batch++) {
    await store.write(batchOf(trail, batch))
    print(JSON.stringify({ trail, batch }))
  }
}

function batchOf(trail: string, batch: number): Write[] {
  const fact = (index: number) => ({ type: 'Fact', data: JSON.stringify({ batch, index, filler: 'x'.repeat(2_000) }) })
  return [
    {
      kind: 'payloads',
      contract,
      group: groupFor(trail, batch),
      entries: [{ seal: sealOf(trail, batch), text: `${batch}` }],
    },
    {
      kind: 'append',
      stream: trail,
      expectedRevision: eventsBefore(batch) - 1,
      events: Array.from({ length: sizeOf(batch) }, (_, index) => fact(index)),
    },
    {
      kind: 'append',
      stream: ledgerOf(trail),
      expectedRevision: batch - 1,
      events: [{ type: 'Batch', data: `${batch}` }],
    },
  ]
}

/** Takes a printed line down. */
export function acknowledge(acknowledged: Acknowledged, line: string): void {
  const { trail, batch } = JSON.parse(line)
  acknowledged.set(trail, batch)
}

/** Every acknowledged batch is there; no batch is there in part; no revision is missing. */
export async function assertUntorn(t: Test, store: Store, acknowledged: Acknowledged, atomic: boolean): Promise<void> {
  for (const trail of TRAILS) {
    const events = await all(store.events.read(trail))
    const wanted: Fact[] = []
    let batches = 0
    for (; wanted.length < events.length; batches++) {
      for (let index = 0; index < sizeOf(batches); index++) wanted.push({ batch: batches, index })
    }
    const facts = events.map(({ data }) => JSON.parse(data) as Fact)
    t.same(
      facts.map(({ batch, index }) => ({ batch, index })),
      wanted,
      `${trail}: whole batches, in order`,
    )
    const ledger = await store.events.lastRevision(ledgerOf(trail))
    const payloads = await payloadsOf(store, trail, batches + 1)
    t.ok(ledger >= (acknowledged.get(trail) ?? -1), `${trail}: what was acknowledged`)
    if (atomic) t.same([ledger + 1, payloads], [batches, batches], `${trail}: all of a write or nothing`)
    else t.ok(ledger + 1 <= batches && batches <= payloads, `${trail}: a write from its beginning on`)
  }
}

/** How many of the first batches have their payload. */
async function payloadsOf(store: Store, trail: string, batches: number): Promise<number> {
  const refs = Array.from({ length: batches }, (_, batch) => ({
    group: groupFor(trail, batch),
    seal: sealOf(trail, batch),
  }))
  const held = await store.payloads.get(contract, refs)
  return refs.filter(({ seal }, batch) => held.get(seal) === `${batch}`).length
}
