import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { RequestRefSchema, requestKey, type Uid } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import { jsonOf } from '../runtime/json-form.ts'
import type { EventStore } from '../store/port.ts'
import { contractStream } from '../store/streams.ts'
import { ledgerDamaged } from './persistence.ts'

/** Enough of an entry to know whose it is; that it is the one that was stored is compared when a contract is loaded. */
const entryForm = Compile(Type.Object({ request: RequestRefSchema, outcome: Type.Object({}) }))

/**
 * The entry of a request in the settled ledger, which a view does not keep. `key`: as `requestKey` makes it. Throws
 * ContractDamaged.
 */
export async function findSettled(events: EventStore, contract: Uid, key: string): Promise<LedgerEntry | undefined> {
  for await (const { data, revision } of events.read(contractStream(contract))) {
    const entry = jsonOf(entryForm, data)
    if (entry === undefined) throw ledgerDamaged(contract, revision)
    if (requestKey(entry.request) === key) return entry as unknown as LedgerEntry
  }
  return undefined
}
