import { builtIn, type Engines } from '../../../aggregates/contract/engines.ts'
import { entriesWanted, isShortOfValues } from '../../../agreement/completing.ts'
import { frontierOf, withoutPast } from '../../../agreement/feeds.ts'
import { type StoredStatements, statementsNeeded, viewFrom } from '../../../agreement/history/snapshot.ts'
import { decodeSnapshot } from '../../../agreement/history/snapshot-text.ts'
import type { Acknowledged } from '../../../agreement/ledger.ts'
import { receiving } from '../../../agreement/receive.ts'
import { receivingEntries } from '../../../agreement/receive-entries.ts'
import type { Reception } from '../../../agreement/reception.ts'
import { type AgreementState, emptyAgreement } from '../../../agreement/state.ts'
import { type KnownEntries, type KnownEntry, noneKnown } from '../../../agreement/values/known-entries.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { Handle, Uid } from '../../../events/ids.ts'
import type { SignedStatement } from '../../../events/statement-codec.ts'
import { inTurns, type Turns } from '../../../runtime/turns.ts'
import type { Store } from '../../../store/port.ts'
import { contractStream } from '../../../store/streams.ts'
import { entriesTaken, storedEntries, storedTakenUntil } from '../inbound/known-entries.ts'
import type { LacksComputed } from '../inbound/late-computed.ts'
import { assertNothingRefused, ContractDamaged, extendLedger, ledgerDamaged, readFeed } from '../journal.ts'
import { restoreComputed } from './lost-computed.ts'

/** What else writes to the store while a contract is loaded. */
export type Sharing =
  /** Nothing: what is incomplete was damaged, or, in a store without transactions, left so by a crash. */
  | 'alone'
  /** Other processes of this node: their next event may be on its way. */
  | 'shared'
  /** The same, and this process may not write. */
  | 'watching'

const nothingLacked: LacksComputed = new Map()

/** What a contract's feeds are read on top of. */
interface Start {
  readonly state: AgreementState
  /** What the store has beyond that of the feeds that were looked at. */
  readonly further: readonly SignedStatement[]
}

/** A view as the store has it. */
export interface Loaded {
  readonly state: AgreementState
  /** Entries that have settled and that the snapshot did not have, oldest first; without one, all. */
  readonly settled: readonly Acknowledged[]
  /** How much of the ledger stands in the store. */
  readonly ledgerSize: number
  /** The store has statements behind a request that everybody has acknowledged and whose values it has lost: they are not in the view (decision 0106). */
  readonly isCutShort: boolean
  /** What rules have computed in entries that others have given, and is not there. */
  readonly lacksComputed: LacksComputed
  /**
   * What the store has and the view has not, since something that it covers is missing: a store without transactions may lose that
   * in a crash. Its author brings it again. Where other processes write to the store it may be on its way, and is not looked at here.
   */
  readonly ahead: readonly SignedStatement[]
}

/**
 * Rebuilds the view from the feeds in the store, every signature and link verified anew, and compares the settled
 * ledger with the one stored; what a crash left out of that is appended. With a snapshot that fits it begins there, and
 * verifies what is beyond it; one that does not fit is passed over. Throws ContractDamaged, and EngineUnknown.
 */
export async function loadContract(
  store: Store,
  contract: Uid,
  founder: Handle,
  sharing: Sharing = 'alone',
  snapshot?: string,
  engines: Engines = builtIn,
  turns?: Turns,
  known: KnownEntries = noneKnown,
): Promise<Loaded> {
  try {
    return await load(store, contract, founder, sharing, snapshot, engines, turns, known)
  } catch (error) {
    if (snapshot === undefined) throw error
    // What came after the snapshot asks for what it leaves out; or it does not fit the store, or is none.
    return load(store, contract, founder, sharing, undefined, engines, turns, known)
  }
}

async function load(
  store: Store,
  contract: Uid,
  founder: Handle,
  sharing: Sharing,
  snapshot: string | undefined,
  engines: Engines,
  turns: Turns | undefined,
  known: KnownEntries,
): Promise<Loaded> {
  // Looked at first: entries that others append meanwhile may follow from statements that were not read.
  const size = (await store.events.lastRevision(contractStream(contract))) + 1
  const start = snapshot === undefined ? undefined : await startFrom(store, contract, snapshot, size, engines, turns)
  const from = start?.state.settling.settled ?? 0
  const { state, settled, waiting, elsewhere } = await loadFeeds(store, contract, founder, start, engines, turns, known)
  const hasMore = withoutPast(state.feeds, waiting).size < waiting.length
  const isCutShort = isShortOfValues(state) && (hasMore || size > state.settling.settled)
  const ahead = isCutShort || sharing !== 'alone' ? [] : [...elsewhere, ...waiting]
  // What was one transaction is there whole.
  if (waiting[0] !== undefined && ahead.length > 0 && store.isAtomic) throw coversMissing(contract, waiting[0])
  const texts = settled.map(({ text }) => text)
  await compareLedger(store, contract, texts, from, isCutShort ? state.settling.settled : size)
  if (sharing === 'watching' || isCutShort) {
    return { state, settled, ledgerSize: size, isCutShort, lacksComputed: nothingLacked, ahead }
  }
  // What was given before this was read, and may not have been stored with it.
  if (known.size > 0) await keepTaken(store, state)
  await extendLedger(store, contract, size, texts.slice(size - from))
  // What others write and erase beside this process is theirs to look after.
  const isAlone = sharing === 'alone'
  const isLooked = isAlone || state.ledger.known.size > 0
  const lacksComputed = isLooked ? await restoreComputed(store, state, settled, isAlone) : nothingLacked
  return { state, settled, ledgerSize: state.settling.settled, isCutShort, lacksComputed, ahead }
}

/**
 * The state that a snapshot gives; undefined: the snapshot is damaged, or ahead of the ledger in the store. `size`: of
 * that ledger. Throws SnapshotUnfit, and what the store throws.
 */
async function startFrom(
  store: Store,
  contract: Uid,
  text: string,
  size: number,
  engines: Engines,
  turns: Turns | undefined,
): Promise<Start | undefined> {
  const snapshot = await inTurns(decodeSnapshot(text, contract), turns)
  if (snapshot === undefined) return undefined
  const stored = new Map<Handle, StoredStatements>()
  for (const { handle, base, noted } of statementsNeeded(snapshot)) {
    const kept = await readFeed(store, contract, handle, { from: base }, turns)
    const [note] = noted === undefined ? [] : await readFeed(store, contract, handle, { from: noted, limit: 1 })
    stored.set(handle, { kept, noted: note })
  }
  const start = await inTurns(viewFrom(snapshot, stored, engines), turns)
  return start.state.settling.settled <= size ? start : undefined
}

/** Feeds of parties that the ledger names, until no new name comes up: the first is the founder's. */
async function loadFeeds(
  store: Store,
  contract: Uid,
  founder: Handle,
  start: Start | undefined,
  engines: Engines,
  turns: Turns | undefined,
  known: KnownEntries,
): Promise<{
  state: AgreementState
  settled: readonly Acknowledged[]
  /** What cannot be taken in, by clock. */
  waiting: readonly SignedStatement[]
  /** What covers another branch of a feed than the one that is stored by now. */
  elsewhere: readonly SignedStatement[]
}> {
  let state = start?.state ?? emptyAgreement(contract, engines, known)
  let waiting = start?.further ?? []
  const settled: Acknowledged[] = []
  const elsewhere: SignedStatement[] = []
  const read = new Set<Handle>(state.feeds.keys())
  const unreadOf = () => [...state.ledger.invited.keys()].filter((handle) => !read.has(handle))
  for (let unread = start === undefined ? [founder] : unreadOf(); unread.length + waiting.length > 0; ) {
    const stored: SignedStatement[] = [...waiting]
    for (const handle of unread) {
      read.add(handle)
      for (const decoded of await readFeed(store, contract, handle, {}, turns)) stored.push(decoded)
    }
    const reception = await withStoredEntries(store, await inTurns(receiving(state, stored), turns), turns)
    assertNothingRefused(reception, contract)
    state = reception.state
    for (const entry of reception.settled) settled.push(entry)
    for (const { by } of reception.otherBranches) elsewhere.push(by)
    waiting = reception.waiting
    unread = unreadOf()
    if (unread.length === 0) break
  }
  return { state, settled, waiting, elsewhere }
}

function coversMissing(contract: Uid, { statement: { party, seq } }: SignedStatement): ContractDamaged {
  const message = `what the stored statement ${party} ${seq} covers is missing`
  return new ContractDamaged('contract_damaged', message, { contract, party, seq })
}

/**
 * The same view with all of its history, made anew from the store: for what a view without it throws HistoryPruned. Cut short where
 * the store has lost values that everybody has acknowledged. Throws ContractDamaged if the store has not the statements.
 */
export async function recallHistory(
  store: Store,
  { contract, feeds, ledger }: AgreementState,
  turns?: Turns,
): Promise<Pick<Loaded, 'state' | 'isCutShort'>> {
  const stored: SignedStatement[] = []
  for (const [handle, { size }] of feeds) {
    for (const decoded of await readFeed(store, contract, handle, { limit: size }, turns)) stored.push(decoded)
  }
  const received = await inTurns(receiving(emptyAgreement(contract, ledger.engines, ledger.known), stored), turns)
  const reception = await withStoredEntries(store, received, turns)
  assertNothingRefused(reception, contract)
  const isCutShort = isShortOfValues(reception.state) && reception.waiting.length > 0
  if (!isCutShort && canonicalJson(frontierOf(reception.state.feeds)) !== canonicalJson(frontierOf(feeds))) {
    const message = 'the stored feeds are not those that this node holds'
    throw new ContractDamaged('contract_damaged', message, { contract })
  }
  return { state: reception.state, isCutShort }
}

/**
 * What cannot be judged any more, since its values are erased, is taken from the ledger in the store. So is what was taken from others
 * before it stood there: its values may never have come, and need not be erased.
 */
async function withStoredEntries(store: Store, reception: Reception, turns: Turns | undefined): Promise<Reception> {
  const wanted = entriesWanted(reception.state)
  if (wanted === undefined) return reception
  const taken = await storedTakenUntil(store, reception.state.contract)
  const entries: KnownEntry[] = []
  const erased = new Set<Hash>()
  for await (const { entry, computed } of storedEntries(store, reception.state.contract, wanted)) {
    for (const event of entry.events) {
      if (event.type === 'ValuesErased') for (const seal of event.seals) erased.add(seal)
    }
    entries.push({ entry, computed, ...(entry.index >= taken && { erased }) })
  }
  // What the store has merely lost others still have.
  return erased.size + taken === 0 ? reception : inTurns(receivingEntries(reception, entries), turns)
}

/** So that the entries that are stored next can be read again. */
async function keepTaken(store: Store, { contract, ledger: { takenUntil } }: AgreementState): Promise<void> {
  if (takenUntil > (await storedTakenUntil(store, contract))) await store.write([entriesTaken(contract, takenUntil)])
}

/** `contract-*` follows from the feeds: its entries from one on, up to `size`, must be these. */
async function compareLedger(
  store: Store,
  contract: Uid,
  settled: readonly string[],
  from: number,
  size: number,
): Promise<void> {
  if (from === size) return
  let index = from
  for await (const { data } of store.events.read(contractStream(contract), { from, limit: size - from })) {
    if (data !== settled[index - from]) throw ledgerDamaged(contract, index)
    index++
  }
}
