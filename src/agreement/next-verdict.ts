import type { ChangeSet } from '../aggregates/contract/change-sets/change-set.ts'
import type { DecideContext, Verdict } from '../aggregates/contract/decider.ts'
import type { ContractState } from '../aggregates/contract/state.ts'
import type { Command } from '../events/commands.ts'
import type { Handle } from '../events/ids.ts'
import type { Payloads } from '../events/statement.ts'
import type { AgreementState } from './state.ts'
import { computedFromIn } from './values/computed-lineage.ts'
import { openIn } from './values/opened-values.ts'

/**
 * What a request of a member would come to as the next entry of the ledger, by the code that decides; in steps. Nothing is signed.
 * `payloads`: what its commands seal; `time`: RFC 3339, taken for when it is made. Throws HistoryPruned.
 */
export function* nextVerdict(
  commands: readonly Command[],
  payloads: Payloads,
  { contract, feeds, ledger }: Pick<AgreementState, 'contract' | 'feeds' | 'ledger'>,
  author: Handle,
  { changeSet, time }: Pick<DecideContext, 'changeSet' | 'time'> = {},
): Generator<void, Verdict> {
  const { document, engines } = ledger
  const context = contextOf(payloads, { contract, feeds, ledger }, author, time)
  return yield* engines.deciding([...commands], document, { ...context, ...(changeSet && { changeSet }) })
}

/**
 * What a change set would come to there if it had all its votes; in steps. `payloads`: what it seals, where no statement has brought it yet;
 * `document`: on which it is open. Throws HistoryPruned.
 */
export function* changeSetVerdict(
  set: ChangeSet,
  payloads: Payloads,
  state: Pick<AgreementState, 'contract' | 'feeds' | 'ledger'>,
  document: ContractState,
  time: string,
): Generator<void, Verdict> {
  const context = contextOf(payloads, state, set.request.handle, time)
  return yield* state.ledger.engines.of(document.engine).tryChangeSet(set, document, context)
}

function contextOf(
  payloads: Payloads,
  { contract, feeds, ledger }: Pick<AgreementState, 'contract' | 'feeds' | 'ledger'>,
  author: Handle,
  time: string | undefined,
): DecideContext {
  const { log } = ledger
  const open = openIn(ledger, feeds)
  return {
    index: log.size,
    author,
    request: { handle: author, seq: feeds.get(author)?.size ?? 0, index: 0 },
    contract,
    ...(time !== undefined && { time }),
    reveal: (seal) => payloads[seal],
    confidential: (seal) => payloads[seal],
    computedFrom: computedFromIn(ledger.lineage, ledger.document, ledger.engines),
    open: (value) => payloads[value.seal] ?? open(value),
    rootAt: (size) => (size <= log.size ? log.rootAt(size) : undefined),
  }
}
