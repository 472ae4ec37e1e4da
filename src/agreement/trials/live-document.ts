import { type ContractState, memberOf, membersOf } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { LedgerIndex, RequestRef } from '../../events/ids.ts'
import { requestKey } from '../../events/ids.ts'
import type { Payload, Request } from '../../events/statement.ts'
import { feedOf, firstCovering } from '../feeds.ts'
import { refusalIn } from '../refusals.ts'
import type { AgreementState } from '../state.ts'
import { computedFromIn } from '../values/computed-lineage.ts'
import { openIn } from '../values/opened-values.ts'
import type { VerifiedStatement } from '../verified-statement.ts'

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

interface LiveDocument {
  readonly document: ContractState
  /** Those that change something, in their order. */
  readonly onTheirWay: readonly OnItsWay[]
  /** Whether all that is held was counted. */
  readonly isWhole: boolean
}

/** So many requests that are not in the ledger yet are tried: with more of them nobody can say what stands. */
const TRIED_MAX = 256

/**
 * The live view: the document that all would come to if everybody agreed to what is held here. After the acknowledged ledger come
 * the open requests in their order, but those that a member has refused, or their author has withdrawn. In steps. Throws HistoryPruned.
 */
export function* liveDocument(state: AgreementState): Generator<void, LiveDocument> {
  const { ledger, settling } = state
  const onTheirWay: OnItsWay[] = []
  let document = settling.agreed
  for (const { computed, document: after, entry } of settling.unsettled) {
    const { events, index, request } = entry
    if (events.length > 0) onTheirWay.push({ request, index, events, before: document, after, computed })
    document = after
  }
  let tried = 0
  const computed = new Map<Hash, Payload>()
  for (const [place, held] of ledger.open.entries()) {
    for (const [index, request] of held.statement.requests.entries()) {
      if (place === 0 && index < ledger.next) continue
      if (tried++ === TRIED_MAX) return { document, onTheirWay, isWhole: false }
      const verdict = yield* verdictOf(request, index, held, document, state, computed, tried)
      yield
      if (verdict?.kind !== 'accepted') continue
      const before = document
      document = verdict.state
      for (const [seal, payload] of verdict.computed) computed.set(seal, payload)
      const ref = { handle: held.statement.party, seq: held.statement.seq, index }
      onTheirWay.push({ request: ref, events: verdict.events, before, after: document, computed: verdict.computed })
    }
  }
  return { document, onTheirWay, isWhole: true }
}

/** Undefined: it comes to nothing, whatever the document is. */
function* verdictOf(
  request: Request,
  index: number,
  held: VerifiedStatement,
  document: ContractState,
  state: AgreementState,
  computed: ReadonlyMap<Hash, Payload>,
  place: number,
) {
  const { contract, feeds, ledger } = state
  const { party, seq } = held.statement
  const ref = { handle: party, index, seq }
  const { engines, lineage, log } = ledger
  if (memberOf(document, party) === undefined || engines.missingFor(request.commands) !== undefined) return undefined
  if (ledger.decisions.get(requestKey(ref))?.decision.decision === 'withdrawn' || isRefused(ref, state))
    return undefined
  const open = openIn(ledger, feeds)
  const reveal = (seal: Hash) => held.payloads[seal]
  return yield* engines.deciding(request.commands, document, {
    author: party,
    ...(request.changeSet && { changeSet: {} }),
    computedFrom: computedFromIn(lineage, document, engines),
    contract,
    index: log.size + place,
    open: (value) => reveal(value.seal) ?? computed.get(value.seal) ?? open(value),
    request: ref,
    reveal,
    rootAt: (size) => (size <= log.size ? log.rootAt(size) : undefined),
    time: held.statement.time,
  })
}

function isRefused(ref: RequestRef, { feeds, ledger }: AgreementState): boolean {
  return membersOf(ledger.document).some(({ card: { handle } }) => {
    const answer = handle === ref.handle ? undefined : firstCovering(feedOf(feeds, handle), ref.handle, ref.seq)
    return answer !== undefined && refusalIn(answer.statement, ref) !== undefined
  })
}
