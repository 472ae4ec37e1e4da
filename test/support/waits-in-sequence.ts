import type { SigningGuard } from '../../src/contracts/signing/signing-guard.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { Store } from '../../src/store/port.ts'
import type { Lifetime } from './edgeless-party.ts'
import { atRest, propose, type Trader, traders } from './trading-parties.ts'
import type { Waits } from './waits.ts'

const HANDLES = ['ana', 'ben', 'cleo']
const CHANGES = 3
/** In several processes it is chance who reads before and who after a write: half of the changes wait once more. */
const CHANGES_SPLIT = 12

/**
 * How often somebody waits in sequence, for a store or a guard, from the moment that a change is asked for until it is told as settled;
 * the fewest of some changes. Ends with the first that waits `enough` often.
 */
export async function waitsInSequence(
  t: Lifetime,
  waits: Waits,
  isSplit: boolean,
  openStore: (handle: string) => Promise<Store>,
  enough = 0,
): Promise<number> {
  const guarded = (guard: SigningGuard): SigningGuard => ({
    read: (contract) => guard.read(contract),
    advance: async (...what) => {
      await waits.wait('guard')
      await guard.advance(...what)
    },
  })
  const { traders: all, contract } = await traders(t, { handles: HANDLES, isSplit, openStore, guarded })
  let fewest = Number.POSITIVE_INFINITY
  for (let change = 0; change < (isSplit ? CHANGES_SPLIT : CHANGES) && fewest > enough; change++) {
    await atRest(all, contract)
    fewest = Math.min(fewest, await waits.count(() => propose(all[0] as Trader, '0.0', `${change}`, contract)))
  }
  return fewest
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
