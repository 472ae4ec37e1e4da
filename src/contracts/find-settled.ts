import { requestKey, type Uid } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import type { EventStore } from '../store/port.ts'
import { contractStream } from '../store/streams.ts'
import { ledgerDamaged } from './persistence.ts'
import { jsonIn } from './stream-json.ts'

/** The entry of a request in the settled ledger, which a view does not keep. `key`: as `requestKey` makes it. */
export async function findSettled(events: EventStore, contract: Uid, key: string): Promise<LedgerEntry | undefined> {
  for await (const event of events.read(contractStream(contract))) {
    const entry = jsonIn(event.data) as LedgerEntry | undefined
    if (entry === undefined) throw ledgerDamaged(contract, event.revision)
    if (requestKey(entry.request) === key) return entry
  }
  return undefined
}
