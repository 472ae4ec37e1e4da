import type { SigningGuard } from '../../src/contracts/signing/signing-guard.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { Store } from '../../src/store/port.ts'
import type { Lifetime } from './edgeless-party.ts'
import { atRest, propose, type Trader, traders } from './trading-parties.ts'
import type { Waits } from './waits.ts'

const HANDLES = ['ana', 'ben', 'cleo']
const CHANGES = 3

/**
 * How often somebody waits in sequence, for a store or a guard, from the moment that a change is asked for until it is told as settled;
 * the fewest of some changes.
 */
export async function waitsInSequence(
  t: Lifetime,
  waits: Waits,
  isSplit: boolean,
  openStore: (handle: string) => Promise<Store>,
): Promise<number> {
  const guarded = (guard: SigningGuard): SigningGuard => ({
    read: (contract) => guard.read(contract),
    advance: async (...what) => {
      await waits.wait('guard')
      await guard.advance(...what)
    },
  })
  const { traders: all, contract } = await traders(t, { handles: HANDLES, isSplit, openStore, guarded })
  const counts: number[] = []
  for (let change = 0; change < CHANGES; change++) {
    await atRest(all, contract)
    counts.push(await waits.count(() => propose(all[0] as Trader, '0.0', `${change}`, contract)))
  }
  return Math.min(...counts)
}

/** SQLite: a commit is a wait, and what is read lies in memory. */
export async function waitingStore(waits: Waits): Promise<Store> {
  const store = openMemoryStore()
  const waiting = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    await waits.wait('commit')
    return call()
  }
  return {
    ...store,
    events: { ...store.events, append: (...what) => waiting(() => store.events.append(...what)) },
    write: (batch) => waiting(() => store.write(batch)),
    close: () => store.close(),
  }
}
