import type { DecideContext, Verdict } from '../../aggregates/contract/decider.ts'
import { type ContractState, memberOf } from '../../aggregates/contract/state.ts'
import type { Command } from '../../events/commands.ts'
import { type Handle, type RequestRef, requestKey } from '../../events/ids.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Payloads, Request } from '../../events/statement.ts'
import { nextVerdict } from '../next-verdict.ts'
import type { AgreementState } from '../state.ts'
import { computedFromIn } from '../values/computed-lineage.ts'
import { openIn } from '../values/opened-values.ts'

/** A request that is about to be made. */
export interface ToBeMade {
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  readonly isChangeSet: boolean
}

/** What this party has asked for and not signed yet, oldest first. */
export type NotSigned = readonly { readonly request: Request; readonly payloads: Payloads }[]

/** With more than so many requests on their way a request is not judged on what all of these come to: it is for the ledger to say. */
const ON_THEIR_WAY_MAX = 256

/**
 * Why a request of this party will be void, as far as that can be known before it is signed: on the acknowledged document, on the
 * settled one, and on the live one (what is on its way, counted in its order). Undefined: one of the three takes it, or it cannot be
 * said. In steps, by the code that decides. `time`: RFC 3339, taken for when it is made. Throws HistoryPruned.
 */
export function* voidAnyway(
  { commands, payloads, isChangeSet }: ToBeMade,
  state: AgreementState,
  author: Handle,
  queued: NotSigned,
  time: string,
): Generator<void, VoidReason | undefined> {
  const { ledger, settling } = state
  // What is signed at all is judged elsewhere.
  if (memberOf(ledger.document, author) === undefined || ledger.engines.missingFor([...commands]) !== undefined)
    return undefined
  const { agreed } = settling
  const context = { time, ...(isChangeSet && { changeSet: {} }) }
  const verdictOn = (document: ContractState, opened: Payloads = {}) =>
    nextVerdict(commands, { ...opened, ...payloads }, { ...state, ledger: { ...ledger, document } }, author, context)
  const verdict = yield* verdictOn(ledger.document)
  if (verdict.kind !== 'void') return undefined
  const settled = agreed === ledger.document ? verdict : yield* verdictOn(agreed)
  if (settled.kind !== 'void') return undefined
  if (ledger.open.length + queued.length === 0) return settled.reason
  const live = yield* liveDocument(state, author, queued, time)
  if (live === undefined) return undefined
  const last = yield* verdictOn(live, Object.assign({}, ...queued.map(({ payloads: theirs }) => theirs)))
  return last.kind === 'void' ? settled.reason : undefined
}

/** Undefined: more is on its way than is gone through, or it cannot be said what comes of that. */
function* liveDocument(
  state: AgreementState,
  self: Handle,
  queued: NotSigned,
  time: string,
): Generator<void, ContractState | undefined> {
  const waiting = [...openRequests(state), ...ownRequests(state, self, queued)]
  if (waiting.length > ON_THEIR_WAY_MAX) return undefined
  let { document } = state.ledger
  for (const [place, asked] of waiting.entries()) {
    const verdict = yield* verdictOf(asked, document, state, place, time)
    // What it needs may have come when its turn does.
    if (verdict?.kind === 'lacking') return undefined
    if (verdict?.kind === 'accepted') document = verdict.state
  }
  return document
}

interface Waiting {
  readonly at: RequestRef
  readonly request: Request
  readonly payloads: Payloads
}

/** Of all parties: signed, and not in the ledger yet. What its author has taken back comes to nothing. */
function* openRequests({ ledger }: AgreementState): Generator<Waiting> {
  for (const [place, { payloads, statement }] of ledger.open.entries()) {
    const { party: handle, requests, seq } = statement
    for (const [index, request] of requests.entries()) {
      if (place === 0 && index < ledger.next) continue
      const at = { handle, index, seq }
      const decided = ledger.decisions.get(requestKey(at))
      if (decided?.decision.decision !== 'withdrawn') yield { at, request, payloads }
    }
  }
}

/** As if one statement carried all of them. */
function* ownRequests({ feeds }: AgreementState, handle: Handle, queued: NotSigned): Generator<Waiting> {
  const seq = feeds.get(handle)?.size ?? 0
  for (const [index, one] of queued.entries()) yield { ...one, at: { handle, index, seq } }
}

function* verdictOf(
  { at, payloads, request }: Waiting,
  document: ContractState,
  { contract, feeds, ledger }: AgreementState,
  place: number,
  time: string,
): Generator<void, Verdict | undefined> {
  const { engines, lineage, log } = ledger
  if (memberOf(document, at.handle) === undefined || engines.missingFor(request.commands) !== undefined)
    return undefined
  const open = openIn(ledger, feeds)
  const context: DecideContext = {
    author: at.handle,
    ...(request.changeSet && { changeSet: {} }),
    computedFrom: computedFromIn(lineage, document, engines),
    confidential: (seal) => payloads[seal],
    contract,
    index: log.size + place,
    open: (value) => payloads[value.seal] ?? open(value),
    request: at,
    reveal: (seal) => payloads[seal],
    rootAt: (size) => (size <= log.size ? log.rootAt(size) : undefined),
    time,
  }
  return yield* engines.deciding(request.commands, document, context)
}
