import type { AuditSource } from '../../audit/source.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { refsIn } from '../../store/payload-group.ts'
import type { Store } from '../../store/port.ts'
import { contractStream, evidenceStream, feedStream } from '../../store/streams.ts'

/** What an auditor is handed of a store that is open. `self`: whose it is. */
export function auditSourceOf(store: Store, contract: Uid, founder: Handle, self?: Handle): AuditSource {
  return {
    contract,
    founder,
    ...(self !== undefined && { self }),
    isAtomic: store.isAtomic,
    feed: (party) => store.events.read(feedStream(contract, party)),
    ledger: () => store.events.read(contractStream(contract)),
    evidence: () => store.events.read(evidenceStream(contract)),
    payloads: (party, sealed) => store.payloads.get(contract, refsIn(party, sealed)),
    groups: () => store.payloads.groups(contract),
  }
}
