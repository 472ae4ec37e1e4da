import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type LedgerIndex, RequestRefSchema, requestKey, type Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import type { EventStore, RecordedEvent } from '../../store/port.ts'
import { contractStream } from '../../store/streams.ts'
import { ledgerDamaged } from './journal.ts'

/** Enough of an entry to know whose it is; that it is the one that was stored is compared when a contract is loaded. */
const entryForm = Compile(Type.Object({ request: RequestRefSchema, outcome: Type.Object({}) }))

/**
 * The entry of a request in the settled ledger, which a view does not keep. `key`: as `requestKey` makes it. Throws
 * ContractDamaged.
 */
export async function findSettled(events: EventStore, contract: Uid, key: string): Promise<LedgerEntry | undefined> {
  for await (const event of events.read(contractStream(contract))) {
    const entry = entryIn(contract, event)
    if (requestKey(entry.request) === key) return entry
  }
  return undefined
}

/** The settled entry of that index. Throws ContractDamaged. */
export async function settledAt(
  events: EventStore,
  contract: Uid,
  index: LedgerIndex,
): Promise<LedgerEntry | undefined> {
  for await (const event of events.read(contractStream(contract), { from: index, limit: 1 })) {
    return entryIn(contract, event)
  }
  return undefined
}

/** The settled entries from that index on, as far as they are there; `limit`: no more than that. Throws ContractDamaged. */
export async function* settledFrom(
  events: EventStore,
  contract: Uid,
  from: LedgerIndex,
  limit = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<LedgerEntry> {
  for await (const event of events.read(contractStream(contract), { from, limit })) yield entryIn(contract, event)
}

function entryIn(contract: Uid, { data, revision }: RecordedEvent): LedgerEntry {
  const entry = jsonOf(entryForm, data)
  if (entry === undefined) throw ledgerDamaged(contract, revision)
  return entry as unknown as LedgerEntry
}
