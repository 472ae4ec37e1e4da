import { fieldsHolding } from '../aggregates/contract/document/element.ts'
import type { Hash } from '../crypto/hash.ts'
import { computedAt, type Handle, isComputed, type LedgerIndex, type Seq } from '../events/ids.ts'
import { confidentialSealsOf, payloadsInOrder, valueSealsOf } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import { fitsOneLine } from '../events/statement-codec.ts'
import { acknowledging, isTurnedDown } from './acknowledging.ts'
import { feedOf, statementAt } from './feeds.ts'
import { withKnown } from './ledger.ts'
import { settleMore } from './settlement.ts'
import type { AgreementState, HeldState, Progress } from './state.ts'
import type { KnownEntry } from './values/known-entries.ts'
import { lackedBy, lackedFor } from './values/lacked-values.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** Payloads that came after their statement. */
export interface Completion {
  readonly party: Handle
  readonly seq: Seq
  /** What it lacked. */
  readonly payloads: Payloads
}

/** The statements that lack values and carry requests that are not in the ledger yet, in ledger order. */
export function lackingIn({ ledger }: HeldState): VerifiedStatement[] {
  return ledger.open.filter(({ lacks }) => lacks.length > 0)
}

/** The same, with those that lack confidential values of a party. */
export function lackingFor({ ledger }: HeldState, party: Handle): VerifiedStatement[] {
  return ledger.open.filter((held) => lackedFor(held, party).length > 0)
}

export type Completed = Progress & { readonly completion: Completion }

/**
 * What payloads add to a statement that was held without them, in steps, since it may have megabytes of them. Undefined: nothing
 * that is missing. Requires that they hash to their seals, and are for the party whose state it is.
 */
export function* completing(
  state: AgreementState,
  party: Handle,
  seq: Seq,
  payloads: Payloads,
): Generator<void, Completed | undefined> {
  const { ledger } = state
  const held = ledger.open.find(({ statement }) => statement.party === party && statement.seq === seq)
  if (held === undefined) return undefined
  const confidential = [...confidentialSealsOf(held.statement.requests)]
  const missing = [...held.lacks, ...confidential.filter((seal) => held.payloads[seal] === undefined)]
  const brought = missing.flatMap((seal): [Hash, Payload][] => {
    const payload = payloads[seal]
    return payload === undefined ? [] : [[seal, payload]]
  })
  if (brought.length === 0) return undefined
  const together = payloadsInOrder([...Object.entries(held.payloads), ...brought])
  yield
  // Else it could not be passed on with them.
  const kept = fitsOneLine(held, together) ? together : payloadsTaken(state, held, together)
  yield
  const added = Object.fromEntries(brought.filter(([seal]) => kept[seal] !== undefined))
  if (Object.keys(added).length === 0 || (kept !== together && !fitsOneLine(held, kept))) return undefined
  yield
  const whole: VerifiedStatement = { ...held, payloads: kept, lacks: lackedBy({ ...held, payloads: kept }) }
  yield
  return { ...(yield* withPayloadsOf(state, held, whole)), completion: { party, seq, payloads: added } }
}

/** The statement stands there with more of its payloads. `held`: as it is open there. */
function* withPayloadsOf(
  state: AgreementState,
  held: VerifiedStatement,
  whole: VerifiedStatement,
): Generator<void, Progress> {
  const { ledger, feeds } = state
  const { party } = held.statement
  const open = ledger.open.map((other) => (other === held ? whole : other))
  const after = feeds.set(party, feedOf(feeds, party).replace(whole))
  const advanced = yield* acknowledging({ ...ledger, open, lacking: undefined, lackingAhead: undefined }, after)
  const { settling, settled } = settleMore(state.settling, advanced.ledger, advanced.acknowledged, [])
  return {
    state: { ...state, feeds: after, ledger: advanced.ledger, settling },
    acknowledged: advanced.acknowledged,
    settled,
  }
}

/** From which ledger index on entries are missing whose values are not held, or what rules have computed in them; undefined: from none. */
export function entriesWanted({ ledger }: HeldState): LedgerIndex | undefined {
  const { document, lacking = ledger.lackingAhead, log } = ledger
  if (lacking === undefined) return undefined
  let from = log.size
  for (const { agreed } of fieldsHolding(document.document, lacking.seals)) {
    if (agreed !== null && isComputed(agreed.id)) from = Math.min(from, computedAt(agreed.id))
  }
  return from
}

/** The same with entries of whoever had the values of their requests, in steps; what they say is looked at where these are missing. */
export function* takingKnown(state: AgreementState, entries: Iterable<KnownEntry>): Generator<void, Progress> {
  const { ledger, acknowledged } = yield* acknowledging(withKnown(state.ledger, entries), state.feeds)
  const { settling, settled } = settleMore(state.settling, ledger, acknowledged, [])
  return { state: { ...state, ledger, settling }, acknowledged, settled }
}

/** A view of less, with the payloads that the whole has by now, in steps. Requires that it holds no other statements than the whole. */
export function* completingAs(view: AgreementState, { feeds }: AgreementState): Generator<void, AgreementState> {
  let state = view
  for (const held of lackingIn(view)) {
    const { party, seq } = held.statement
    const whole = statementAt(feeds, party, seq)
    if (whole === undefined || whole.lacks.length >= held.lacks.length) continue
    state = (yield* withPayloadsOf(state, held, whole)).state
    yield
  }
  return state
}

/**
 * Those of requests that take their values, if the ledger waits for one of them: whoever withheld the others from the members,
 * who have refused these, must not crowd them out elsewhere. What the members acknowledged they held in one line.
 */
function payloadsTaken({ ledger, feeds }: AgreementState, held: VerifiedStatement, payloads: Payloads): Payloads {
  const { party, seq, requests } = held.statement
  const awaited = ledger.lacking?.request
  if (awaited?.handle !== party || awaited.seq !== seq) return {}
  const taken = valueSealsOf(requests.filter((_, index) => !isTurnedDown(ledger, feeds, held, index)))
  return payloadsInOrder(Object.entries(payloads).filter(([seal]) => taken.has(seal as Hash)))
}
