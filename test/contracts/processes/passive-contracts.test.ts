import t from 'tap'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { SigningGuard } from '../../../src/contracts/signing/signing-guard.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import type { Store } from '../../../src/store/port.ts'
import { memorySnapshots } from '../../../src/store/snapshot-port.ts'
import { feedStream } from '../../../src/store/streams.ts'
import { settleMicrotasks, VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { until } from '../../support/node-party.ts'
import { reading } from '../../support/reading-store.ts'

t.test('what settles while a contract is at rest in one process is told there when it is taken up', async (t) => {
  const ana = new EdgelessParty(t)
  const serve = await ana.start('serve', { activeMax: 0, snapshots: memorySnapshots() })
  const transmit = await ana.start('transmit')
  const { contract } = await serve.contracts.openContract('at rest')
  const settled: number[] = []
  serve.contracts.listen({ settled: (_, entries) => settled.push(...entries.map(({ entry }) => entry.index)) })
  const uid = contract.contract
  for (const [n, name] of ['one', 'two', 'three'].entries()) {
    await until('it rests', async () => serve.contracts.cache.passive(uid) !== undefined)
    await addField(transmit, uid, name)
    await until('it is told', async () => settled.length > n)
  }
  t.same(settled, [1, 2, 3])
})

t.test('a contract that was only looked at comes to rest again, in every role', async (t) => {
  const ana = new EdgelessParty(t)
  const { told } = ana
  const clock = new VirtualClock()
  const roles = ['serve', 'transmit', 'receive'] as const
  const processes = await Promise.all(
    roles.map((role) => ana.start(role, { clock, activeMax: 2, snapshots: memorySnapshots() })),
  )
  const [serve] = processes as [PartyProcess]
  const uids: Uid[] = []
  for (let n = 0; n < 6; n++) uids.push((await serve.contracts.openContract(`contract ${n}`)).contract.contract)
  const active = () => processes.map(({ contracts }) => [...contracts.cache.active()].length)
  await pass(clock, 10_000)
  t.same(active(), [2, 2, 2])
  for (const { contracts } of processes) for (const uid of uids) await contracts.use(uid, () => {})
  await pass(clock, 10_000)
  t.same(active(), [2, 2, 2])
  t.same(told, [])
})

t.test('serve takes a contract up from what it has kept of it, and reads of its feeds only what is new', async (t) => {
  const ana = new EdgelessParty(t)
  const { store } = ana
  const clock = new VirtualClock()
  const [kept, reads] = [memorySnapshots(), new Map<string, number>()]
  const serve = await ana.start('serve', {
    clock,
    activeMax: 0,
    snapshots: kept,
    store: countingReads(store, reads),
  })
  const transmit = await ana.start('transmit', { clock })
  const uid = (await serve.contracts.openContract('long')).contract.contract
  const add = (name: string) => addField(transmit, uid, name)
  for (let n = 0; n < 100; n++) await add(`field ${n}`)
  await pass(clock, 10_000)
  t.not(serve.contracts.cache.passive(uid), undefined, 'it rests')
  reads.clear()
  const before = kept.snapshot(uid)
  await add('one more')
  await until('it is there', () =>
    serve.contracts.use(uid, async (live) => {
      await live.deliver([])
      return live.state.settling.settled === 102
    }),
  )
  const feed = feedStream(uid, 'ana' as Handle)
  t.ok((reads.get(feed) ?? 0) < 20, `${reads.get(feed)} of ${(await store.events.lastRevision(feed)) + 1} statements`)
  await pass(clock, 10_000)
  t.not(serve.contracts.cache.passive(uid), undefined, 'it rests again')
  t.not(kept.snapshot(uid), before)
})

for (const role of ['receive', 'transmit'] as const) {
  t.test(
    `${role} reads only what is new as well, though another process signs while it takes the contract up`,
    async (t) => {
      const ana = new EdgelessParty(t)
      const { store, guard } = ana
      const clock = new VirtualClock()
      const [snapshots, reads] = [memorySnapshots(), new Map<string, number>()]
      let isRaced = false
      let raced = 0
      const racing: SigningGuard = {
        advance: (...move) => guard.advance(...move),
        async read(contract) {
          if (isRaced) {
            isRaced = false
            await add(`raced ${raced++}`)
          }
          return guard.read(contract)
        },
      }
      const taking = await ana.start(role, {
        clock,
        activeMax: 0,
        snapshots,
        guard: racing,
        store: countingReads(store, reads),
      })
      const transmit = await ana.start('transmit', { clock })
      const uid = (await transmit.contracts.openContract('long')).contract.contract
      const add = (name: string) => addField(transmit, uid, name)
      for (let n = 0; n < 100; n++) await add(`field ${n}`)
      await pass(clock, 10_000)
      t.not(taking.contracts.cache.passive(uid), undefined, 'it rests')
      const signingBlocked: unknown[] = []
      taking.contracts.listen({ signingBlocked: (_, obstacle) => signingBlocked.push(obstacle) })
      reads.clear()
      isRaced = true
      await add('news')
      await until('it is there', () =>
        taking.contracts.use(uid, async (live) => {
          await live.deliver([])
          return live.state.settling.settled === 103 && live.obstacle === undefined
        }),
      )
      t.equal(raced, 1)
      const feed = feedStream(uid, 'ana' as Handle)
      t.ok(
        (reads.get(feed) ?? 0) < 30,
        `${reads.get(feed)} of ${(await store.events.lastRevision(feed)) + 1} statements`,
      )
      t.same(signingBlocked, [])
      t.same(ana.told, [])
    },
  )
}

function addField({ contracts }: PartyProcess, contract: Uid, name: string) {
  const command = { type: 'AddField', parent: '0', name, field: { type: 'text' } }
  return contracts.use(
    contract,
    (live) => live.submit({ request: { id: name, commands: [command] }, payloads: {} }).verdict,
  )
}

async function pass(clock: VirtualClock, ms: number): Promise<void> {
  await clock.runUntil(clock.now() + ms)
  await settleMicrotasks()
}

/** The same store; of each stream `reads` comes to say how many events were read. */
function countingReads(store: Store, reads: Map<string, number>): Store {
  return reading(store, async function* (stream, events) {
    for await (const event of events) {
      reads.set(stream, (reads.get(stream) ?? 0) + 1)
      yield event
    }
  })
}
