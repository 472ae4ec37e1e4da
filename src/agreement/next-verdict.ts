import type { DecideContext, Verdict } from '../aggregates/contract/decider.ts'
import type { Command } from '../events/commands.ts'
import type { Handle } from '../events/ids.ts'
import type { Payloads } from '../events/statement.ts'
import { openIn } from './opened-values.ts'
import type { AgreementState } from './state.ts'

/**
 * What a request of a member would come to as the next entry of the ledger, by the code that decides. Nothing is signed.
 * `payloads`: what its commands seal. Throws HistoryPruned.
 */
export function nextVerdict(
  commands: readonly Command[],
  payloads: Payloads,
  { contract, feeds, ledger }: AgreementState,
  author: Handle,
  changeSet?: DecideContext['changeSet'],
): Verdict {
  const { document, engines, log } = ledger
  const open = openIn(ledger, feeds)
  return engines.decideRequest([...commands], document, {
    index: log.size,
    author,
    ...(changeSet && { changeSet }),
    request: { handle: author, seq: feeds.get(author)?.size ?? 0, index: 0 },
    contract,
    reveal: (seal) => payloads[seal],
    confidential: (seal) => payloads[seal],
    open: (value) => payloads[value.seal] ?? open(value),
    rootAt: (size) => (size <= log.size ? log.rootAt(size) : undefined),
  })
}
