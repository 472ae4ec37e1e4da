import { Map as ImmutableMap } from 'immutable'
import {
  type DocumentSnapshot,
  documentFrom,
  snapshotOfDocument,
} from '../../aggregates/contract/document/document-snapshot.ts'
import { type Engines, EngineUnknown } from '../../aggregates/contract/engines.ts'
import { type ContractState, cardsOf, membersOf } from '../../aggregates/contract/state.ts'
import { type Hash, hashFromBytes, hashToBytes } from '../../crypto/hash.ts'
import { type Handle, requestKey, requestOf, type Seq, type Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import { isFoundedBy } from '../../events/uid.ts'
import { leafHash } from '../../merkle/hashing.ts'
import { MerkleLog } from '../../merkle/merkle-log.ts'
import { acknowledging } from '../acknowledging.ts'
import { lackingIn } from '../completing.ts'
import { Feed, type Feeds, newestOf, statementAt } from '../feeds.ts'
import type { Hold, KeySpan, KeyState } from '../keys/key-state.ts'
import type { Acknowledged, Decided, Ledger } from '../ledger.ts'
import type { Divergence, Settling } from '../settlement.ts'
import type { AgreementState } from '../state.ts'
import { noneKnown } from '../values/known-entries.ts'
import { lackedBy } from '../values/lacked-values.ts'
import type { VerifiedStatement } from '../verified-statement.ts'
import { isSignedBy } from '../verify-statement.ts'
import type { VersionVector } from '../version-vector.ts'

/** The form of a snapshot. A snapshot of another form is discarded, and made anew from the statements. */
export const SNAPSHOT_VERSION = 2

type Entries<Value> = readonly (readonly [Handle, Value])[]

/**
 * A view as plain JSON, without the statements themselves: those stand in the feeds of the store. It saves
 * recomputing the state, and proves nothing: the loader compares it with what the members have signed (decision
 * 0071). `snapshot-text.ts` writes it.
 */
export interface AgreementSnapshot {
  readonly v: typeof SNAPSHOT_VERSION
  readonly contract: Uid
  readonly feeds: Entries<FeedSnapshot>
  readonly undecided: readonly string[]
  readonly keys: { readonly later: Entries<readonly KeySpan[]>; readonly holds: Entries<Entries<readonly Hold[]>> }
  readonly ledger: {
    readonly log: LogSnapshot
    readonly open: readonly (readonly [Handle, Seq])[]
    readonly next: number
    /** By request: the statement that decides it. */
    readonly decisions: readonly (readonly [string, Seq])[]
    readonly need: Entries<Seq>
    readonly invited: Entries<Entries<Seq>>
    readonly admitted: Entries<Entries<Seq>>
    readonly takenWithout: readonly (readonly [string, readonly Hash[]])[]
  }
  readonly settling: {
    readonly signed: Entries<number>
    readonly divergences: readonly Divergence[]
    readonly settled: number
  }
  readonly agreed: DocumentSnapshot
  /** The texts of the entries from `settled` on. */
  readonly unsettled: readonly string[]
}

/** The Merkle tree of the settled entries. */
interface LogSnapshot {
  readonly base: number
  /** Its compact range at `base`. */
  readonly roots: readonly Hash[]
  /** The leaves from `base` on. */
  readonly leaves: readonly Hash[]
  /** The roots at the sizes that somebody has cosigned. */
  readonly noted: readonly (readonly [number, Hash])[]
}

interface FeedSnapshot {
  readonly base: Seq
  /** Of the statements before `base` the newest with a note. */
  readonly noted: readonly [Seq, Entries<Seq>] | null
  /** Hash and causal past of each statement that is kept. */
  readonly kept: readonly (readonly [Hash, Entries<Seq>])[]
}

/** The snapshot does not fit what it is compared with: the state has to be recomputed. */
export class SnapshotUnfit extends Error {}

/** In steps. */
export function* snapshotOf(state: AgreementState): Generator<void, AgreementSnapshot> {
  const { contract, feeds, undecided, keys, ledger, settling } = state
  return {
    v: SNAPSHOT_VERSION,
    contract,
    feeds: [...feeds].map(([handle, feed]) => [handle, feedSnapshot(feed)]),
    undecided: [...undecided.keys()],
    keys: {
      later: [...keys.later],
      holds: [...keys.holds].map(([revoked, holds]) => [revoked, [...holds]]),
    },
    ledger: {
      log: logSnapshot(ledger.log, settling.settled, feeds),
      open: ledger.open.map(({ statement }) => [statement.party, statement.seq]),
      next: ledger.next,
      decisions: [...ledger.decisions].map(([key, { held }]) => [key, held.statement.seq]),
      need: [...ledger.need],
      invited: [...ledger.invited].map(([handle, past]) => [handle, [...past]]),
      admitted: [...ledger.admitted].map(([handle, past]) => [handle, [...past]]),
      takenWithout: [...ledger.takenWithout],
    },
    settling: { signed: [...settling.signed], divergences: settling.divergences, settled: settling.settled },
    agreed: yield* snapshotOfDocument(settling.agreed),
    unsettled: settling.unsettled.map(({ text }) => text),
  }
}

/** How many of the newest leaves are kept one by one, for a member that signs late. */
const NEWEST_LEAVES = 16

function logSnapshot(log: MerkleLog, settled: number, feeds: Feeds): LogSnapshot {
  // A log that was resumed has no leaves from before that.
  const base = Math.max(log.base, settled - NEWEST_LEAVES)
  const leaves: Hash[] = []
  for (let index = base; index < settled; index++) leaves.push(hashFromBytes(log.leafHash(index)))
  const sizes = [...feeds.values()].flatMap((feed) => feed.newestNoted()?.statement.note?.size ?? [])
  const noted = [...new Set(sizes)].filter((size) => size > 0 && size < base)
  return {
    base,
    roots: log.compactRange(base).map(hashFromBytes),
    leaves,
    noted: noted.map((size) => [size, log.rootAt(size)]),
  }
}

function feedSnapshot(feed: Feed): FeedSnapshot {
  const { base, kept, forgottenNote: noted } = feed
  return {
    base,
    noted: noted === undefined ? null : [noted.statement.seq, [...noted.past]],
    kept: kept.map(({ hash, past }) => [hash, [...past]]),
  }
}

/** The statements of a feed that a snapshot needs: those from `base` on, and one before. */
export interface NeededStatements {
  readonly handle: Handle
  readonly base: Seq
  readonly noted: Seq | undefined
}

export function statementsNeeded({ feeds }: AgreementSnapshot): NeededStatements[] {
  return feeds.map(([handle, { base, noted }]) => ({ handle, base, noted: noted?.[0] }))
}

/** What the store has of a feed: from `base` on, maybe more than the snapshot knows of, and the one with the note. */
export interface StoredStatements {
  readonly kept: readonly SignedStatement[]
  readonly noted: SignedStatement | undefined
}

/**
 * The state of the snapshot, without its pruned history, and what the store has beyond it, which is still to be taken
 * in. Three things are compared: every statement with its hash, the document and the Merkle root with the newest head
 * of each member, and the signatures under these heads. In steps. Throws SnapshotUnfit, also for bytes that are no
 * snapshot at all, and EngineUnknown.
 */
export function* viewFrom(
  snapshot: AgreementSnapshot,
  stored: ReadonlyMap<Handle, StoredStatements>,
  engines: Engines,
): Generator<void, { state: AgreementState; further: readonly SignedStatement[] }> {
  try {
    const further: SignedStatement[] = []
    const feeds: Feeds = ImmutableMap(
      snapshot.feeds.map(([handle, feed]): [Handle, Feed] => {
        const there = stored.get(handle) ?? { kept: [], noted: undefined }
        for (const decoded of there.kept.slice(feed.kept.length)) further.push(decoded)
        return [handle, feedFrom(feed, there)]
      }),
    )
    const state = yield* stateFrom(snapshot, feeds, engines)
    yield* verifyHeads(state)
    return { state, further }
  } catch (cause) {
    if (cause instanceof SnapshotUnfit || cause instanceof EngineUnknown) throw cause
    throw new SnapshotUnfit('it has not the form of a snapshot', { cause })
  }
}

function feedFrom({ base, noted, kept }: FeedSnapshot, stored: StoredStatements): Feed {
  const held = kept.map(([hash, past], place): VerifiedStatement => {
    const decoded = stored.kept[place]
    if (decoded?.hash !== hash || decoded.statement.seq !== base + place) unfit('a statement is not the stored one')
    return { ...decoded, past: pastFrom(past), lacks: lackedBy(decoded) }
  })
  const note = stored.noted
  if (noted !== null && note?.statement.seq !== noted[0]) unfit('a statement with a note is not there')
  if (noted === null) return Feed.from(base, held, undefined)
  const before = note as SignedStatement
  return Feed.from(base, held, { ...before, past: pastFrom(noted[1]), lacks: lackedBy(before) })
}

function* stateFrom(
  { contract, undecided, keys, ledger, settling, ...rest }: AgreementSnapshot,
  feeds: Feeds,
  engines: Engines,
): Generator<void, AgreementState> {
  const agreed = yield* documentFrom(rest.agreed)
  const unsettled = yield* acknowledgedFrom(rest.unsettled, agreed, engines)
  const document = unsettled.at(-1)?.document ?? agreed
  verifyFounder(contract, agreed)
  const log = logFrom(ledger.log)
  if (log.size !== settling.settled) unfit('the log is not as long as what has settled')
  const state: AgreementState = {
    contract,
    feeds,
    undecided: ImmutableMap(undecided.map((key) => [key, requestOf(key).handle])),
    keys: keysFrom(keys),
    ledger: {
      engines,
      log: log.appendAll(rest.unsettled.map((text) => leafHash(text))),
      document,
      open: ledger.open.map(([handle, seq]) => statementIn(feeds, handle, seq)),
      next: ledger.next,
      decisions: decisionsFrom(ledger.decisions, feeds),
      need: pastFrom(ledger.need),
      lacking: undefined,
      lackingAhead: undefined,
      invited: ImmutableMap(ledger.invited.map(([handle, past]) => [handle, pastFrom(past)])),
      computed: ImmutableMap(),
      computedFrom: settling.settled + rest.unsettled.length,
      lineage: undefined,
      known: noneKnown,
      takenUntil: 0,
      takenWithout: ImmutableMap(ledger.takenWithout),
      admitted: ImmutableMap(ledger.admitted.map(([handle, past]) => [handle, pastFrom(past)])),
      cards: ImmutableMap(cardsOf(document).map((card) => [card.handle, card])),
    } satisfies Ledger,
    settling: {
      signed: ImmutableMap(settling.signed),
      divergences: settling.divergences,
      settled: settling.settled,
      agreed,
      unsettled,
    } satisfies Settling,
  }
  if (lackingIn(state).length > 0) unfit('values are missing: what follows from the others is made anew')
  if ((yield* acknowledging(state.ledger, feeds)).acknowledged.length > 0)
    unfit('values for which the ledger waited have come since')
  return state
}

function logFrom({ base, roots, leaves, noted }: LogSnapshot): MerkleLog {
  return MerkleLog.resume(base, roots.map(hashToBytes), new Map(noted)).appendAll(leaves.map(hashToBytes))
}

function keysFrom({ later, holds }: AgreementSnapshot['keys']): KeyState {
  return {
    later: ImmutableMap(later),
    holds: ImmutableMap(holds.map(([revoked, given]) => [revoked, ImmutableMap(given)])),
  }
}

function decisionsFrom(decisions: AgreementSnapshot['ledger']['decisions'], feeds: Feeds): Ledger['decisions'] {
  return ImmutableMap(
    decisions.map(([key, seq]): [string, Decided] => {
      const held = statementIn(feeds, requestOf(key).handle, seq)
      const decision = held.statement.decided.find(({ request }) => requestKey(request) === key)
      return [key, { held, decision: decision ?? unfit('a decision is not there') }]
    }),
  )
}

/** The entries that have not settled, and what each of them makes of the document. */
function* acknowledgedFrom(
  texts: readonly string[],
  agreed: ContractState,
  engines: Engines,
): Generator<void, Acknowledged[]> {
  let document = agreed
  const acknowledged: Acknowledged[] = []
  for (const text of texts) {
    const entry = JSON.parse(text) as LedgerEntry
    const members = membersOf(document)
    document = yield* engines.evolving(document, entry.events, entry)
    acknowledged.push({ entry, text, members, document, computed: new Map() })
    yield
  }
  return acknowledged
}

function statementIn(feeds: Feeds, handle: Handle, seq: Seq): VerifiedStatement {
  return statementAt(feeds, handle, seq) ?? unfit('a statement that it needs is not there')
}

function pastFrom(entries: Entries<Seq>): VersionVector {
  return ImmutableMap(entries)
}

/** The heads are signed with the keys of the document: the UID says whose it is. */
function verifyFounder(contract: Uid, { parties: { members, former } }: ContractState): void {
  const founder = [...members, ...former].find(({ admittedAt }) => admittedAt === 0)?.card
  if (founder !== undefined && isFoundedBy(contract, { handle: founder.handle, signing: founder.keys.signing })) return
  unfit('the UID is not that of its founder')
}

/**
 * What the members have signed says whether document and log are right: each one's newest head that is not before what has
 * settled must be of this ledger, unless it is known to be wrong, and there must be one.
 */
function* verifyHeads(state: AgreementState): Generator<void, void> {
  const { settled, agreed, unsettled, divergences } = state.settling
  let compared = 0
  for (const { card } of membersOf(agreed)) {
    const newest = newestOf(state.feeds, card.handle)
    if (newest === undefined || newest.statement.head.size < settled) continue
    if (divergences.some(({ party }) => party === card.handle)) continue
    const { size, root, record } = newest.statement.head
    const document = size === settled ? agreed : unsettled[size - settled - 1]?.document
    if (
      document === undefined ||
      state.ledger.log.rootAt(size) !== root ||
      (yield* state.ledger.engines.hashingRecord(document)) !== record
    ) {
      unfit('document or log are not what a member has signed')
    }
    if (!isSignedBy(state, newest)) unfit('a stored statement is badly signed')
    compared++
  }
  if (compared === 0) unfit('no member has signed for it')
}

function unfit(why: string): never {
  throw new SnapshotUnfit(why)
}
