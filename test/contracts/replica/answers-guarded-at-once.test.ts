import t, { type Test } from 'tap'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import type { Store, Write } from '../../../src/store/port.ts'
import { feedStream } from '../../../src/store/streams.ts'
import { until } from '../../support/node-party.ts'
import { atRest, propose, type Trader, traders } from '../../support/trading-parties.ts'

const HANDLES = ['ana', 'ben', 'cleo']

/** A store whose writes fail without effect for as long as they are to. */
class Failing {
  readonly inner = openMemoryStore()
  failures = 0
  isToFail: (batch: readonly Write[]) => boolean = () => false

  get store(): Store {
    return {
      ...this.inner,
      write: async (batch) => {
        if (!this.isToFail(batch)) return this.inner.write(batch)
        this.failures++
        throw new StoreUnavailable('store_unavailable', 'the disk is full')
      },
      close: () => this.inner.close(),
    }
  }
}

async function onFailingStores(t: Test) {
  const stores = new Map(HANDLES.map((handle) => [handle, new Failing()]))
  /** Where each party has signed, as its guard was told. */
  const places = new Map<string, number[]>()
  const { traders: all, contract } = await traders(t, {
    handles: HANDLES,
    isSplit: false,
    openStore: async (handle) => (stores.get(handle) as Failing).store,
    guarded(guard) {
      const own: number[] = []
      places.set(HANDLES[places.size] as string, own)
      return {
        read: (uid) => guard.read(uid),
        async advance(uid, from, to) {
          await guard.advance(uid, from, to)
          own.push(to.seq)
        },
      }
    },
  })
  await atRest(all, contract)
  const [ana, ben, cleo] = all as [Trader, Trader, Trader]
  const live = ({ asked }: Trader) => asked.contracts.find(contract) as LiveContract
  const stored = async (handle: 'ana' | 'ben') =>
    stores.get(handle)?.inner.events.lastRevision(feedStream(contract, live(handle === 'ana' ? ana : ben).self))
  return { all, contract, stores, places, ana, ben, cleo, live, stored }
}

/** The first write of it that comes. */
const once = (failing: Failing) => () => failing.failures === 0

t.test('an answer that the guard has and the store has not comes back with what it covers, signed once', async (t) => {
  const { all, contract, stores, places, ana, ben, live } = await onFailingStores(t)
  const failing = stores.get('ben') as Failing
  failing.isToFail = once(failing)
  await propose(ana, '0.0', 'first', contract)
  t.equal(failing.failures, 1, 'the write of an answer has failed')
  await propose(ana, '0.0', 'second', contract)
  await atRest(all, contract)
  t.equal(live(ben).obstacle, undefined)
  t.equal(live(ben).mayRest, true, 'nothing is left that waits')
  for (const own of places.values()) t.equal(new Set(own).size, own.length, 'no place is signed twice')
})

t.test(
  'while the disk is full nothing is signed on top of it, and the disk is asked more and more seldom',
  async (t) => {
    const { contract, stores, places, ana, ben, cleo, live, stored, all } = await onFailingStores(t)
    const failing = stores.get('ben') as Failing
    failing.isToFail = () => true
    const first = propose(ana, '0.0', 'first', contract)
    await until('the first failure', async () => failing.failures > 0)
    const second = propose(cleo, '0.2', 'second', contract)
    await until('some failures', async () => failing.failures > 2)
    t.ok(
      (places.get('ben')?.at(-1) ?? 0) - ((await stored('ben')) ?? 0) <= 1,
      'the guard keeps one statement, and is not ahead by two',
    )
    failing.isToFail = () => false
    await Promise.all([first, second])
    await atRest(all, contract)
    t.equal(live(ben).obstacle, undefined)
  },
)

t.test('who has asked is told what the statement decides that comes back', async (t) => {
  const { contract, stores, ana } = await onFailingStores(t)
  const failing = stores.get('ana') as Failing
  let writes = 0
  // The first brings the request, the next one the answers and what ana decides on them.
  failing.isToFail = (batch) => {
    const isOwn = batch.some((write) => write.kind === 'append' && write.stream.endsWith('-ana'))
    if (isOwn) writes++
    return isOwn && writes === 2 && failing.failures === 0
  }
  await t.resolves(propose(ana, '0.0', 'first', contract), 'it is accepted')
  t.equal(failing.failures, 1)
})
