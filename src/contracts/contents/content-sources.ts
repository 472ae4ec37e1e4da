import { saidToHold, statementAt } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { covers } from '../../agreement/version-vector.ts'
import { attachmentsIn } from '../../events/attachments/attachment.ts'
import type { ContentName, NamedContent } from '../../events/attachments/content.ts'
import type { Handle, RequestRef, Seq } from '../../events/ids.ts'
import { isFor, recipientsIn } from '../../events/recipients.ts'
import { HistoryPruned } from '../../runtime/history-pruned.ts'
import type { ContentLog } from './content-log.ts'
import type { UnfinishedContent } from './unfinished-content.ts'

const found = new WeakMap<object, readonly NamedContent[]>()

/** Those that a statement names, as far as its values are here. */
export function contentsOf({ statement, payloads }: Pick<VerifiedStatement, 'statement' | 'payloads'>) {
  const known = found.get(payloads)
  if (known !== undefined) return known
  const all = attachmentsIn(statement.requests, payloads)
  found.set(payloads, all)
  return all
}

/** Whether a peer may hold one: the author of the statement that names it, and who has answered that, if it is for them. */
export function mayHold(state: AgreementState, peer: Handle, { party, seq, content }: UnfinishedContent): boolean {
  if (peer !== party && !covers(saidToHold(state.feeds, peer), party, seq)) return false
  const held = inMemory(state, party, seq)
  if (held === undefined || isFor(recipientsIn(held.statement), content.name, peer)) return true
  return !state.ledger.open.some(({ statement }) => statement === held.statement)
}

/** The contents that one request names, and nothing else that is open or beside it. */
export function namedAlone(state: AgreementState, { handle, seq, index }: RequestRef, log: ContentLog): ContentName[] {
  const held = inMemory(state, handle, seq)
  const request = held?.statement.requests[index]
  if (held === undefined || request === undefined || contentsOf(held).length === 0) return []
  const others = held.statement.requests.filter((other) => other !== request)
  const elsewhere = new Set(attachmentsIn(others, held.payloads).map(({ name }) => name))
  for (const open of state.ledger.open) for (const { name } of contentsOf(open)) elsewhere.add(name)
  return attachmentsIn([request], held.payloads).flatMap(({ name }) => {
    const known = log.placeOf(name)
    return known?.party === handle && known.seq === seq && !elsewhere.has(name) ? [name] : []
  })
}

function inMemory({ feeds }: AgreementState, party: Handle, seq: Seq): VerifiedStatement | undefined {
  try {
    return statementAt(feeds, party, seq)
  } catch (error) {
    if (error instanceof HistoryPruned) return undefined
    throw error
  }
}
