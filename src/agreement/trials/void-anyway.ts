import { type ContractState, memberOf } from '../../aggregates/contract/state.ts'
import type { Command } from '../../events/commands.ts'
import type { Handle } from '../../events/ids.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Payloads } from '../../events/statement.ts'
import { nextVerdict } from '../next-verdict.ts'
import type { AgreementState } from '../state.ts'
import { liveDocument, type NotSigned } from './live-document.ts'

/** A request that is about to be made. */
export interface ToBeMade {
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  readonly isChangeSet: boolean
}

/**
 * Why a request of this party will be void, as far as that can be known before it is signed: on the acknowledged document, on the
 * settled one, and on the live one, with what is queued here (decision 0128). Undefined: one of the three takes it, or it cannot be
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
  const verdictOn = (document: ContractState, lineage = ledger.lineage, opened: Payloads = {}) => {
    const on = { ...state, ledger: { ...ledger, document, lineage } }
    return nextVerdict(commands, { ...opened, ...payloads }, on, author, context)
  }
  const verdict = yield* verdictOn(ledger.document)
  if (verdict.kind !== 'void') return undefined
  const settled = agreed === ledger.document ? verdict : yield* verdictOn(agreed)
  if (settled.kind !== 'void') return undefined
  if (ledger.open.length + queued.length === 0) return settled.reason
  const live = yield* liveDocument(state, { author, requests: queued, time })
  if (!live.isWhole) return undefined
  const opened: Payloads = Object.assign(
    {},
    ...queued.map((one) => one.payloads),
    ...live.onTheirWay.map(({ computed }) => Object.fromEntries(computed)),
  )
  const last = yield* verdictOn(live.document, live.lineage, opened)
  return last.kind === 'void' ? settled.reason : undefined
}
