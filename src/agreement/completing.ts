import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import { payloadsInOrder } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import { fitsOneLine } from '../events/statement-codec.ts'
import { feedOf } from './feeds.ts'
import { acknowledgeAll } from './ledger.ts'
import { settleMore } from './settlement.ts'
import type { AgreementState, Progress } from './state.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** Payloads that came after their statement. */
export interface Completion {
  readonly party: Handle
  readonly seq: Seq
  /** What it lacked. */
  readonly payloads: Payloads
}

/** The statements that lack values and carry requests that are not in the ledger yet, in ledger order. */
export function lackingIn({ ledger }: AgreementState): VerifiedStatement[] {
  return ledger.open.filter(({ lacks }) => lacks.length > 0)
}

/**
 * What payloads bring that came after their statement. Undefined: nothing that is lacked. Requires that they hash to their
 * seals.
 */
export function completed(
  state: AgreementState,
  party: Handle,
  seq: Seq,
  payloads: Payloads,
): (Progress & { readonly completion: Completion }) | undefined {
  const { ledger, feeds } = state
  const held = ledger.open.find(({ statement }) => statement.party === party && statement.seq === seq)
  if (held === undefined) return undefined
  const brought = held.lacks.flatMap((seal): [Hash, Payload][] => {
    const payload = payloads[seal]
    return payload === undefined ? [] : [[seal, payload]]
  })
  if (brought.length === 0) return undefined
  const added = Object.fromEntries(brought)
  const together = payloadsInOrder([...Object.entries(held.payloads), ...brought])
  // Else it could not be passed on with them.
  if (!fitsOneLine(held, together)) return undefined
  const whole: VerifiedStatement = {
    ...held,
    payloads: together,
    lacks: held.lacks.filter((seal) => added[seal] === undefined),
  }
  const open = ledger.open.map((other) => (other === held ? whole : other))
  const after = feeds.set(party, feedOf(feeds, party).replace(whole))
  const advanced = acknowledgeAll({ ...ledger, open, lacking: undefined }, after)
  const { settling, settled } = settleMore(state.settling, advanced.ledger, advanced.acknowledged, [])
  return {
    state: { ...state, feeds: after, ledger: advanced.ledger, settling },
    acknowledged: advanced.acknowledged,
    settled,
    completion: { party, seq, payloads: added },
  }
}
