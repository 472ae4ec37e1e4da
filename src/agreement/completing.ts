import { fieldsHolding } from '../aggregates/contract/document/element.ts'
import { isErased } from '../aggregates/contract/erased-values.ts'
import type { Hash } from '../crypto/hash.ts'
import { computedAt, type Handle, isComputed, type LedgerIndex, requestOf, type Seq } from '../events/ids.ts'
import { computedSealsIn } from '../events/ledger-entry.ts'
import { confidentialSealsOf, payloadsInOrder, valueSealsOf } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import { fitsOneLine } from '../events/statement-codec.ts'
import { acknowledging, isTurnedDown } from './acknowledging.ts'
import { feedOf, statementAt } from './feeds.ts'
import { firstWanted, withKnown } from './ledger.ts'
import { settleMore } from './settlement.ts'
import type { AgreementState, HeldState, Progress } from './state.ts'
import { withComputed } from './values/computed-values.ts'
import { type KnownEntry, WANTED_COMPUTED_MAX, type WantedEntries } from './values/known-entries.ts'
import { lackedBy, lackedFor } from './values/lacked-values.ts'
import { takenWithoutOf, withoutBrought } from './values/taken-without.ts'
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

/** Whether the ledger may end here, or before a statement that waits, because values are missing. */
export function isShortOfValues(state: HeldState): boolean {
  const { lacking, lackingAhead } = state.ledger
  return lacking !== undefined || lackingAhead !== undefined || lackingIn(state).length > 0
}

/** The same, with those that lack confidential values of a party. */
export function lackingFor({ ledger }: HeldState, party: Handle): VerifiedStatement[] {
  return ledger.open.filter((held) => lackedFor(held, party).length > 0)
}

/** Values of one statement that are missing, by their seals. */
export interface MissingOf {
  readonly party: Handle
  readonly seq: Seq
  readonly seals: readonly Hash[]
}

/** What the ledger has been taken past without it, and what is not erased: nothing but a rule that reads it waits for it. */
export function missingBehind({ ledger: { takenWithout } }: HeldState): MissingOf[] {
  const places = Map.groupBy(takenWithout, ([key]) => key.slice(0, key.lastIndexOf('.')))
  return [...places].map(([place, some]) => {
    const { handle, seq } = requestOf(`${place}.0`)
    return { party: handle, seals: [...new Set(some.flatMap(([, seals]) => seals))], seq }
  })
}

/** The values without which a statement cannot be held that its own requests lead beyond them; undefined: there is none. */
export function missingAhead({ feeds, ledger: { lackingAhead } }: HeldState): MissingOf | undefined {
  if (lackingAhead === undefined) return undefined
  const { handle, seq } = lackingAhead.request
  return seq < feedOf(feeds, handle).size ? undefined : { party: handle, seals: [...lackingAhead.seals], seq }
}

/** All values that a party is to hold and that are missing: of open requests in ledger order, then behind them. */
export function missingFor(state: HeldState, party: Handle): MissingOf[] {
  const open = lackingFor(state, party).map((held): MissingOf => {
    return { party: held.statement.party, seals: lackedFor(held, party), seq: held.statement.seq }
  })
  return [...open, ...missingBehind(state)]
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
  const { feeds, ledger } = state
  const open = ledger.open.find(({ statement }) => statement.party === party && statement.seq === seq)
  const behind = takenWithoutOf(ledger.takenWithout, party, seq)
  const held = open ?? (behind.size > 0 ? statementAt(feeds, party, seq) : undefined)
  if (held === undefined) return undefined
  const missing = open === undefined ? [...behind] : missingOf(open)
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

function missingOf(held: VerifiedStatement): Hash[] {
  const confidential = [...confidentialSealsOf(held.statement.requests)]
  return [...held.lacks, ...confidential.filter((seal) => held.payloads[seal] === undefined)]
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
  const takenWithout = withoutBrought(ledger.takenWithout, whole)
  const completed = { ...ledger, open, lacking: undefined, lackingAhead: undefined, takenWithout }
  const advanced = yield* acknowledging(completed, after)
  const { settling, settled } = settleMore(state.settling, advanced.ledger, advanced.acknowledged, [])
  return {
    state: { ...state, feeds: after, ledger: advanced.ledger, settling },
    acknowledged: advanced.acknowledged,
    settled,
  }
}

/**
 * Which entries are missing whose values are not held, or what rules have computed in them; undefined: none. What was computed may be
 * erased by now, as nobody can tell here: then the entry itself is what goes on.
 */
export function entriesWanted({ ledger }: HeldState): WantedEntries | undefined {
  const { document, lacking = ledger.lackingAhead } = ledger
  const from = firstWanted(ledger)
  if (lacking === undefined || from === undefined) return undefined
  const computed = new Set<LedgerIndex>()
  for (const { agreed } of fieldsHolding(document.document, lacking.seals)) {
    if (agreed !== null && isComputed(agreed.id)) computed.add(computedAt(agreed.id))
  }
  return { computed: [...computed].sort((one, other) => one - other).slice(0, WANTED_COMPUTED_MAX), from }
}

/** The same with what rules have computed in entries that were taken without it: a rule may read it later, when nobody has it any more. */
export function withLateComputed(state: AgreementState, entries: Iterable<KnownEntry>): AgreementState {
  const { ledger } = state
  let { computed } = ledger
  for (const { computed: brought, entry } of entries) {
    const taken = entry.index < ledger.log.size ? ledger.known.get(entry.index) : undefined
    if (taken === undefined) continue
    const seals = new Set(computedSealsIn(taken.entry))
    const late = [...brought].filter(([seal]) => seals.has(seal) && !isErased(ledger.document, seal))
    computed = withComputed(computed, new Map(late), [], ledger.document)
  }
  return computed === ledger.computed ? state : { ...state, ledger: { ...ledger, computed } }
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
  const behind = missingBehind(view).flatMap(({ party, seq }) => statementAt(view.feeds, party, seq) ?? [])
  for (const { statement } of [...behind, ...lackingIn(view)]) {
    const { party, seq } = statement
    const held = statementAt(state.feeds, party, seq)
    const whole = statementAt(feeds, party, seq)
    if (held === undefined || whole === undefined || whole.lacks.length >= held.lacks.length) continue
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
