import { saidToHold, statementAt } from '../../agreement/feeds.ts'
import { lookBack, needsHistory } from '../../agreement/history/looking-back.ts'
import type { AgreementState, HeldState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { covers } from '../../agreement/version-vector.ts'
import { attachmentsIn } from '../../events/attachments/attachment.ts'
import type { ContentName, NamedContent } from '../../events/attachments/content.ts'
import { type Handle, type RequestRef, requestKey, type Seq } from '../../events/ids.ts'
import { isFor, recipientsIn } from '../../events/recipients.ts'
import type { ContentLog } from './content-log.ts'
import type { UnfinishedContent } from './unfinished-content.ts'

const NONE: readonly NamedContent[] = []
const found = new WeakMap<object, readonly NamedContent[]>()

/** Those that a statement names, as far as its values are here. */
export function contentsOf({ statement, payloads }: Pick<VerifiedStatement, 'statement' | 'payloads'>) {
  if (statement.requests.length === 0) return NONE
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

/** Those that one request names and nothing that is open. */
export function openNoMore(state: HeldState, { handle, seq, index }: RequestRef): ContentName[] {
  const held = inMemory(state, handle, seq)
  const request = held?.statement.requests[index]
  if (held === undefined || request === undefined || contentsOf(held).length === 0) return []
  const open = namesOpenIn(state)
  return attachmentsIn([request], held.payloads)
    .map(({ name }) => name)
    .filter((name) => !open.has(name))
}

/** Those that open requests name. */
export function namesOpenIn({ ledger }: HeldState): ReadonlySet<ContentName> {
  return new Set(ledger.open.flatMap(contentsOf).map(({ name }) => name))
}

/**
 * The contents that one request names which has come to nothing, and no other that is open or has come to something: whoever names
 * what stands takes nothing away. `inVain`: keys of such requests.
 */
export function namedAlone(
  state: AgreementState,
  { handle, seq, index }: RequestRef,
  log: ContentLog,
  inVain: Set<string>,
): ContentName[] {
  const held = inMemory(state, handle, seq)
  const request = held?.statement.requests[index]
  if (held === undefined || request === undefined || contentsOf(held).length === 0) return []
  inVain.add(requestKey({ handle, index, seq }))
  const others = held.statement.requests.filter((_, other) => !inVain.has(requestKey({ handle, index: other, seq })))
  const beside = new Set(attachmentsIn(others, held.payloads).map(({ name }) => name))
  const open = namesOpenIn(state)
  return attachmentsIn([request], held.payloads)
    .map(({ name }) => name)
    .filter((name) => !beside.has(name) && log.unname(name, handle, seq) && !open.has(name))
}

function inMemory(state: HeldState, party: Handle, seq: Seq): VerifiedStatement | undefined {
  const held = lookBack(state, ({ feeds }) => statementAt(feeds, party, seq))
  return held === needsHistory ? undefined : held
}
