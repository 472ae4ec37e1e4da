import type { Element } from '../../aggregates/contract/document/element.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Audience } from '../../events/audience.ts'
import type { CandidateEnd } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex, ProposalId, Uid } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import { type HistoryQuery, refsOfPast, type ValueHistory } from '../../projections/queries/value-history.ts'
import type { PayloadStore } from '../../store/port.ts'
import { pathOf } from '../written-rule.ts'

/** A value that an element has had, or somebody has wanted. */
export interface ShownPastValue {
  readonly proposal: ProposalId
  readonly at: string
  /** Null: a rule has computed it. */
  readonly by: Handle | null
  /** Null: that the field be emptied, or it is not held here. */
  readonly value: unknown
  readonly isHeld: boolean
  readonly audience?: Audience
  /** Ledger index at which it was put forward. */
  readonly index: LedgerIndex
  readonly time: string
  readonly agreedAt?: LedgerIndex
  readonly endedAt?: LedgerIndex
  readonly endedBy?: CandidateEnd | 'emptied' | 'removed'
  /** All members have given it up by that entry: nobody holds it any more. */
  readonly erasedAt?: LedgerIndex
}

export interface ShownHistory {
  /** The newest first. */
  readonly values: readonly ShownPastValue[]
  /** Where the older ones begin; left out: there are none. */
  readonly before?: number
}

/** What was put forward at an element and below it. */
export async function elementHistory(
  { id }: Element,
  state: ContractState,
  { history, payloads }: { readonly history: Pick<ValueHistory, 'of'>; readonly payloads: PayloadStore },
  query: HistoryQuery,
): Promise<ShownHistory> {
  const found = history.of(state.contract as Uid, id, { ...query, limit: query.limit + 1 })
  const shown = found.slice(0, query.limit)
  const opened = await payloads.get(state.contract as Uid, shown.flatMap(refsOfPast))
  const values = shown.map((past): ShownPastValue => {
    const { agreedAt, audience, by, endedAt, endedBy, erasedAt, field, index, proposal, seal, time } = past
    const text = seal === null ? undefined : opened.get(seal)
    return {
      proposal,
      at: pathOf(field, state),
      by,
      value: seal === null || text === undefined ? null : valueUnder(seal, text),
      isHeld: seal === null || text !== undefined,
      ...(audience !== null && { audience: JSON.parse(audience) as Audience }),
      index,
      time,
      ...(agreedAt !== null && { agreedAt }),
      ...(endedAt !== null && { endedAt }),
      ...(endedBy !== null && { endedBy }),
      ...(erasedAt !== null && { erasedAt }),
    }
  })
  const last = shown.at(-1)
  return { values, ...(found.length > query.limit && last !== undefined && { before: last.place }) }
}
