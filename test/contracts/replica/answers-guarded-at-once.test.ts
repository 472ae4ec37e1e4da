import t from 'tap'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import type { Store } from '../../../src/store/port.ts'
import { atRest, propose, type Trader, traders } from '../../support/trading-parties.ts'

/** A store whose writes fail without effect for as long as it is told. */
class Failing {
  readonly inner = openMemoryStore()
  failures = 0
  #left = 0

  fail(times: number): void {
    this.#left = times
  }

  get store(): Store {
    return {
      ...this.inner,
      write: async (batch) => {
        if (this.#left === 0) return this.inner.write(batch)
        this.#left--
        this.failures++
        throw new StoreUnavailable('store_unavailable', 'the disk is full')
      },
      close: () => this.inner.close(),
    }
  }
}

t.test(
  'an answer that the guard has and the store has not is signed once, and comes back with what it covers',
  async (t) => {
    const stores = new Map(['ana', 'ben', 'cleo'].map((handle) => [handle, new Failing()]))
    /** Where each party has signed, as its guard was told. */
    const places: number[][] = []
    const { traders: all, contract } = await traders(t, {
      handles: [...stores.keys()],
      isSplit: false,
      openStore: async (handle) => (stores.get(handle) as Failing).store,
      guarded(guard) {
        const own: number[] = []
        places.push(own)
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
    const [ana, ben] = all as [Trader, Trader]
    const failing = stores.get('ben') as Failing
    failing.fail(1)
    await propose(ana, '0.0', 'first', contract)
    t.equal(failing.failures, 1, 'the write of an answer has failed')
    await propose(ana, '0.0', 'second', contract)
    await atRest(all, contract)
    t.equal(ben.asked.contracts.find(contract)?.obstacle, undefined)
    for (const own of places) t.equal(new Set(own).size, own.length, 'no place is signed twice')
  },
)
