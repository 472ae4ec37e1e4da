import type { LedgerIndex, Uid } from '../../events/ids.ts'
import type { EventStore } from '../../store/port.ts'
import { contractStream } from '../../store/streams.ts'
import { NoSuchEntry } from './past-documents.ts'

/**
 * Whoever goes on from an entry waits for the next one at most: one further on is not there yet, or, after a restore, not any more, and
 * whoever waits for it would miss all before it. `from`: the first that is asked for. `settled`: the size of the ledger here; another process
 * may have stored more. Throws NoSuchEntry.
 */
export async function requireReached(
  from: LedgerIndex,
  settled: number,
  contract: Uid,
  events: Pick<EventStore, 'lastRevision'>,
): Promise<void> {
  if (from <= settled) return
  const size = (await events.lastRevision(contractStream(contract))) + 1
  if (from <= size) return
  const message = `the settled ledger has ${size} entries, from 0 on: what comes next is entry ${size}`
  throw new NoSuchEntry('no_such_entry', message, { index: from, size })
}
