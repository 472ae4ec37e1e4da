import { isErased } from '../../aggregates/contract/erased-values.ts'
import { type ContractState, memberOf, membersOf } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex, RequestRef } from '../../events/ids.ts'
import { requestKey } from '../../events/ids.ts'
import type { Payload, Payloads, Request } from '../../events/statement.ts'
import { feedOf, firstCovering } from '../feeds.ts'
import { isVoteToBreakLock, refusalIn } from '../refusals.ts'
import type { AgreementState } from '../state.ts'
import { computedFromIn, type Lineage, withEntryIn } from '../values/computed-lineage.ts'
import { lackedIn } from '../values/lacked-values.ts'
import { openIn } from '../values/opened-values.ts'

/** A request that is held and has not settled, with what it makes of the document, or would. */
export interface OnItsWay {
  readonly request: RequestRef
  /** Left out: its place in the ledger is not determined yet. */
  readonly index?: LedgerIndex
  readonly events: readonly ContractEvent[]
  readonly before: ContractState
  readonly after: ContractState
  readonly computed: ReadonlyMap<Hash, Payload>
}

export interface LiveDocument {
  readonly document: ContractState
  /** From what rules have computed what of it. */
  readonly lineage: Lineage | undefined
  /** Those that change something, in their order. */
  readonly onTheirWay: readonly OnItsWay[]
  /** Whether all that is held was counted, and what it comes to is known. */
  readonly isWhole: boolean
}

/** What a party has asked for and not signed yet, oldest first. */
export type NotSigned = readonly { readonly request: Request; readonly payloads: Payloads }[]

export interface QueuedRequests {
  readonly author: Handle
  readonly requests: NotSigned
  /** RFC 3339, taken for when they are made. */
  readonly time: string
}

/** How many requests that are not in the ledger yet are tried: with more of them nobody can say what stands. */
const TRIED_MAX = 256

/**
 * The live view: the document that all would come to if everybody agreed to what is held here. After the acknowledged ledger come
 * the open requests in their order, but those that a member has refused, or their author has withdrawn, and behind them what is
 * queued here, as if one statement carried it. In steps. Throws HistoryPruned.
 */
export function* liveDocument(state: AgreementState, queued?: QueuedRequests): Generator<void, LiveDocument> {
  const { settling } = state
  const onTheirWay: OnItsWay[] = []
  let { lineage } = state.ledger
  let document = settling.agreed
  for (const { computed, document: after, entry } of settling.unsettled) {
    const { events, index, request } = entry
    if (events.length > 0) onTheirWay.push({ request, index, events, before: document, after, computed })
    document = after
  }
  let tried = 0
  let isWhole = true
  const computed = new Map<Hash, Payload>()
  for (const waiting of waitingIn(state, queued)) {
    if (tried++ === TRIED_MAX) return { document, lineage, onTheirWay, isWhole: false }
    if (waiting.isLacking) isWhole = false
    const verdict = yield* verdictOf(waiting, document, lineage, state, computed, tried)
    yield
    // What it needs may have come when its turn does.
    if (verdict?.kind === 'lacking') isWhole = false
    if (verdict?.kind !== 'accepted') continue
    const before = document
    document = verdict.state
    for (const [seal, payload] of verdict.computed) computed.set(seal, payload)
    const { events, computed: news } = verdict
    onTheirWay.push({ request: waiting.at, events, before, after: document, computed: news })
    lineage = withEntryIn(lineage, { events, index: state.ledger.log.size + tried, request: waiting.at }, before)
  }
  return { document, lineage, onTheirWay, isWhole }
}

/** Whether a member, in its first answer, has refused a request: it comes to nothing. Throws HistoryPruned. */
export function isRefused(ref: RequestRef, request: Request, { feeds, ledger }: AgreementState): boolean {
  const { document } = ledger
  const voiceless = isVoteToBreakLock(request) ? document.lock?.holder : undefined
  return membersOf(document).some(({ card: { handle } }) => {
    if (handle === ref.handle || handle === voiceless) return false
    const answer = firstCovering(feedOf(feeds, handle), ref.handle, ref.seq)
    return answer !== undefined && refusalIn(answer.statement, ref) !== undefined
  })
}

interface Waiting {
  readonly at: RequestRef
  readonly request: Request
  readonly payloads: Payloads
  readonly time: string
  /** Values of it are not held here: if nobody refuses it for that, they may say otherwise. */
  readonly isLacking: boolean
}

/** What is in no ledger yet and may come to something. */
function* waitingIn(state: AgreementState, queued: QueuedRequests | undefined): Generator<Waiting> {
  const { feeds, ledger } = state
  for (const [place, held] of ledger.open.entries()) {
    const { payloads, statement } = held
    const { party: handle, requests, seq, time } = statement
    for (const [index, request] of requests.entries()) {
      if (place === 0 && index < ledger.next) continue
      const at = { handle, index, seq }
      if (ledger.decisions.get(requestKey(at))?.decision.decision === 'withdrawn') continue
      const isLacking = lackedIn(held, request).some((seal) => !isErased(ledger.document, seal))
      if (!isRefused(at, request, state)) yield { at, request, payloads, time, isLacking }
    }
  }
  if (queued === undefined) return
  const { author: handle, requests, time } = queued
  const seq = feeds.get(handle)?.size ?? 0
  // They are signed together, so each may name what another one brings.
  const payloads: Payloads = Object.assign({}, ...requests.map((one) => one.payloads))
  for (const [index, { request }] of requests.entries()) {
    yield { at: { handle, index, seq }, request, payloads, time, isLacking: false }
  }
}

/** Undefined: it comes to nothing, whatever the document is. */
function* verdictOf(
  { at, payloads, request, time }: Waiting,
  document: ContractState,
  lineage: Lineage | undefined,
  { contract, feeds, ledger }: AgreementState,
  computed: ReadonlyMap<Hash, Payload>,
  place: number,
) {
  const { engines, log } = ledger
  if (memberOf(document, at.handle) === undefined || engines.missingFor(request.commands) !== undefined)
    return undefined
  const open = openIn(ledger, feeds)
  const reveal = (seal: Hash) => payloads[seal]
  return yield* engines.deciding(request.commands, document, {
    author: at.handle,
    ...(request.changeSet && { changeSet: {} }),
    computedFrom: computedFromIn(lineage, document, engines),
    contract,
    index: log.size + place,
    open: (value) => reveal(value.seal) ?? computed.get(value.seal) ?? open(value),
    request: at,
    reveal,
    rootAt: (size) => (size <= log.size ? log.rootAt(size) : undefined),
    time,
  })
}
