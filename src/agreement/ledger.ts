import { Map as ImmutableMap } from 'immutable'
import type { Engines } from '../aggregates/contract/engines.ts'
import { type ContractState, formerOf, initialState, type Member, memberOf } from '../aggregates/contract/state.ts'
import type { Hash } from '../crypto/hash.ts'
import { type Handle, type LedgerIndex, type RequestRef, requestKey, type Uid } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import type { PartyCard } from '../events/parties/party-card.ts'
import type { Decision, Head, Payload } from '../events/statement.ts'
import { MerkleLog } from '../merkle/merkle-log.ts'
import { assert } from '../runtime/assert.ts'
import type { Lineage } from './values/computed-lineage.ts'
import { withComputed } from './values/computed-values.ts'
import { type KnownEntries, type KnownEntry, noneKnown } from './values/known-entries.ts'
import { nothingTaken, type TakenWithout } from './values/taken-without.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { emptyVector, type VersionVector } from './version-vector.ts'

/** An entry of the ledger, with what its settlement needs. */
export interface Acknowledged {
  readonly entry: LedgerEntry
  /** The canonical JSON of the entry: the bytes of its leaf. */
  readonly text: string
  /** The members at this index, before it takes effect: they all must sign for it. */
  readonly members: readonly Member[]
  /** The document after it. */
  readonly document: ContractState
  /** What rules have computed in it, by its seals. */
  readonly computed: ReadonlyMap<Hash, Payload>
}

/** A decision on a tentative request, and the statement in which its author took it. */
export interface Decided {
  readonly decision: Decision
  readonly held: VerifiedStatement
}

/** A request that all have answered, and that is not in the ledger because its values are not held. */
export interface Lacking {
  readonly request: RequestRef
  /** Where its entry will stand. */
  readonly index: LedgerIndex
  /** What a causal past must have so that it acknowledges the request. */
  readonly need: VersionVector
  /** Of the values that are missing. */
  readonly seals: ReadonlySet<Hash>
}

/** The acknowledged requests of a contract in their order, and the document that they make (design §4). */
export interface Ledger {
  /** Those of the party whose state this is. */
  readonly engines: Engines
  readonly log: MerkleLog
  readonly document: ContractState
  /** Statements with requests that are not in the ledger yet, in ledger order. */
  readonly open: readonly VerifiedStatement[]
  /** Which request of `open[0]` is next. */
  readonly next: number
  /** Decisions on requests that are not in the ledger yet, by request key. */
  readonly decisions: ImmutableMap<string, Decided>
  /** What a causal past must have so that it acknowledges all of this ledger. */
  readonly need: VersionVector
  /** Why the ledger ends here while a node with the values of the next request has more of it. */
  readonly lacking: Lacking | undefined
  /** The same of what a statement that waits would acknowledge. */
  readonly lackingAhead: Lacking | undefined
  /** What a causal past must have so that it knows of a party's invitation; of its admission. By handle. */
  readonly invited: ImmutableMap<Handle, VersionVector>
  readonly admitted: ImmutableMap<Handle, VersionVector>
  /** What rules have computed and stands, or has stood since the last sweep, by its seals; of a view without its history less. */
  readonly computed: ImmutableMap<Hash, Payload>
  /** Ledger index from which on all that was computed, and stands, is in there. */
  readonly computedFrom: LedgerIndex
  /** Since rules were in force for the first time; of a view without its history undefined. */
  readonly lineage: Lineage | undefined
  /** Of requests whose values nobody has any more. */
  readonly known: KnownEntries
  /** One more than the index of the newest entry that was taken from there; 0: none. Until it has settled, nobody vouches for it. */
  readonly takenUntil: number
  /** Values that requests seal whose entries were taken, and that are neither held nor, by now, erased; by request key. */
  readonly takenWithout: TakenWithout
  /** Of every party that was ever invited, by handle: its statements stay verifiable whatever became of it. */
  readonly cards: ImmutableMap<Handle, PartyCard>
}

/** A ledger as far as nobody has to look back for it. */
export type HeldLedger = Omit<Ledger, 'lineage' | 'log'> & {
  readonly log: Pick<MerkleLog, 'base' | 'compactRange' | 'root' | 'size'>
}

export function emptyLedger(contract: Uid, engines: Engines, known: KnownEntries = noneKnown): Ledger {
  return {
    engines,
    log: MerkleLog.empty,
    document: initialState(contract),
    open: [],
    next: 0,
    decisions: ImmutableMap(),
    need: emptyVector,
    lacking: undefined,
    lackingAhead: undefined,
    invited: ImmutableMap(),
    admitted: ImmutableMap(),
    computed: ImmutableMap(),
    computedFrom: 0,
    lineage: undefined,
    known,
    takenUntil: 0,
    takenWithout: nothingTaken,
    cards: ImmutableMap(),
  }
}

export function headOf(ledger: Ledger): Head {
  return { record: ledger.engines.recordHash(ledger.document), root: ledger.log.root(), size: ledger.log.size }
}

/** Applies what a newly held statement adds: its requests, and its decisions. Acknowledges nothing yet. */
export function withStatementOf(ledger: Ledger, held: VerifiedStatement): Ledger {
  const { requests, decided, party } = held.statement
  let { open, decisions } = ledger
  for (const decision of decided) decisions = decisions.set(requestKey(decision.request), { decision, held })
  // A member that resigned makes no requests any more: those ordered after its Resign do not exist.
  if (requests.length > 0 && formerOf(ledger.document, party) === undefined) {
    const place = placeOf(held, ledger)
    assert(place > 0 || ledger.next === 0, 'who has answered a request can get nothing in before it')
    open = open.toSpliced(place, 0, held)
  }
  return { ...ledger, open, decisions }
}

/** Where it belongs in the order by (clock, author's admission index). */
function placeOf(held: VerifiedStatement, ledger: Ledger): number {
  let place = ledger.open.length
  while (place > 0 && isBefore(held, ledger.open[place - 1] as VerifiedStatement, ledger)) place--
  return place
}

function isBefore(one: VerifiedStatement, other: VerifiedStatement, ledger: Ledger): boolean {
  const byClock = one.statement.clock - other.statement.clock
  if (byClock !== 0) return byClock < 0
  return admissionOf(one.statement.party, ledger) < admissionOf(other.statement.party, ledger)
}

/** An author of requests has been admitted: validity requires it. */
function admissionOf(handle: Handle, ledger: Ledger): LedgerIndex {
  return memberOf(ledger.document, handle)?.admittedAt ?? 0
}

/**
 * From which ledger index on entries are to be given, where values are missing. One statement may acknowledge any number of requests, so
 * this may be far ahead of the ledger: up to there it has what was given before, all of which fits.
 */
export function firstWanted({ known, lacking, lackingAhead, log }: HeldLedger): LedgerIndex | undefined {
  const missing = (lacking ?? lackingAhead)?.index
  // What was given for it does not fit: then what was given before it may be false, and all of it is asked for anew.
  return missing !== undefined && known.has(missing) ? log.size : missing
}

/** The same with entries that somebody has given, who had the values of their requests. Acknowledges nothing yet. */
export function withKnown(ledger: Ledger, entries: Iterable<KnownEntry>): Ledger {
  const { size } = ledger.log
  const given = [...entries]
  let { computed } = ledger
  // Who gives them from the beginning may know better than who gave some before.
  const from = given.some(({ entry }) => entry.index === size) ? size : (firstWanted(ledger) ?? size)
  // What was given before, and not needed, makes room: beyond what requests held here have gone past, nobody can have more kept than one message brings.
  let known = ledger.known.filter((_, index) => index < from)
  for (const one of given) {
    const { index } = one.entry
    if (index >= from) known = known.set(index, one)
    // It was taken, or judged, without what it had computed.
    else if (index < size) computed = withComputed(computed, one.computed, [], ledger.document)
  }
  return { ...ledger, computed, known, lacking: undefined, lackingAhead: undefined }
}
