import type { Element } from '../../aggregates/contract/document/element.ts'
import { membersOf } from '../../aggregates/contract/state.ts'
import { feedOf } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { settledAt } from '../../contracts/replica/find-settled.ts'
import { settledHead } from '../../contracts/signing/cosigned-notes.ts'
import type { Hash } from '../../crypto/hash.ts'
import {
  type Handle,
  isComputed,
  type LedgerIndex,
  type ProposalId,
  type RequestRef,
  requestKey,
  requestOf,
  type Uid,
} from '../../events/ids.ts'
import { encodeEntry } from '../../events/ledger-entry.ts'
import type { Head, Payload, Statement } from '../../events/statement.ts'
import { decodeStored } from '../../events/statement-codec.ts'
import { type HistoryQuery, refsOfPast, type ValueHistory } from '../../projections/queries/value-history.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import { feedStream } from '../../store/streams.ts'
import { pathOf } from '../written-rule.ts'

/** Why a value stands: what its author has signed, and that this is in the ledger. Everything in it can be checked without this node. */
export interface ValueEvidence {
  readonly at: string
  readonly proposal: ProposalId
  readonly seal: Hash
  /** What is under the seal, where it is held here. */
  readonly opened?: Payload
  /** Canonical JSON of the statement that carries the proposal, and its signature; left out: a rule has computed the value. */
  readonly statement?: { readonly text: string; readonly signature: string }
  /** By which it was agreed. */
  readonly index: LedgerIndex
  /** The bytes of its leaf. */
  readonly entry: string
  /** RFC 9162 §2.1.3: from the leaf to the root of the head. */
  readonly inclusion: readonly Hash[]
}

export interface ElementEvidence {
  readonly head: Head
  /** What each member has cosigned last. */
  readonly notes: readonly { readonly party: Handle; readonly note: NonNullable<Statement['note']> }[]
  /** Of the values that stand agreed at and below the element, the newest first. */
  readonly values: readonly ValueEvidence[]
  /** Where the older ones begin; left out: there are none. */
  readonly before?: number
}

/** How many values are opened at once. */
const VALUES_AT_ONCE = 64

interface Ports {
  readonly store: Store
  readonly valueHistory: Pick<ValueHistory, 'of'>
  /** Undefined: the values are looked up at once. */
  readonly turns: Turns | undefined
}

/** Looks back. Throws ContractDamaged. */
export async function elementEvidence(
  { id }: Element,
  contract: Uid,
  state: AgreementState,
  { store, valueHistory, turns }: Ports,
  query: HistoryQuery,
): Promise<ElementEvidence> {
  const head = settledHead(state)
  const found = valueHistory.of(contract, id, { ...query, standing: true, limit: query.limit + 1 })
  const page = found.slice(0, query.limit)
  const values: ValueEvidence[] = []
  // Those of one request stand in one entry, and in one statement: each is read and taken apart once.
  const entryAt = once((index: LedgerIndex) => entryTextAt(index, contract, store))
  const statementOf = once((first: string) => statementWith(requestOf(first), contract, store))
  let opened: ReadonlyMap<Hash, string> = new Map()
  for (const [place, past] of page.entries()) {
    if (turns?.isOver === true) await turns.next()
    if (place % VALUES_AT_ONCE === 0) {
      const refs = page.slice(place, place + VALUES_AT_ONCE).flatMap(refsOfPast)
      opened = await store.payloads.get(contract, refs)
    }
    const { agreedAt, field, proposal, seal } = past
    if (agreedAt === null || seal === null || agreedAt >= head.size) continue
    const entry = await entryAt(agreedAt)
    if (entry === undefined) continue
    values.push({
      at: pathOf(field, state.settling.agreed),
      proposal,
      seal,
      ...payloadIn(opened, seal),
      ...(!isComputed(proposal) && (await statementOf(requestKey({ ...requestOf(proposal), index: 0 })))),
      index: agreedAt,
      entry,
      inclusion: state.ledger.log.inclusionProof(agreedAt, head.size),
    })
  }
  const last = page.at(-1)
  const more = found.length > query.limit && last !== undefined ? { before: last.place } : {}
  return { head, notes: notesIn(state), values, ...more }
}

function notesIn(state: AgreementState): ElementEvidence['notes'] {
  return membersOf(state.settling.agreed).flatMap(({ card: { handle: party } }) => {
    const note = feedOf(state.feeds, party).newestNoted()?.statement.note
    return note === undefined ? [] : [{ party, note }]
  })
}

function payloadIn(opened: ReadonlyMap<Hash, string>, seal: Hash) {
  const text = opened.get(seal)
  return text === undefined ? {} : { opened: JSON.parse(text) as Payload }
}

/** Remembers what came of each. */
function once<Key, Found>(find: (key: Key) => Promise<Found>): (key: Key) => Promise<Found> {
  const found = new Map<Key, Promise<Found>>()
  return (key) => {
    const known = found.get(key) ?? find(key)
    found.set(key, known)
    return known
  }
}

async function entryTextAt(index: LedgerIndex, contract: Uid, { events }: Store): Promise<string | undefined> {
  const entry = await settledAt(events, contract, index)
  return entry && encodeEntry(entry)
}

async function statementWith({ handle, seq }: RequestRef, contract: Uid, { events }: Store) {
  for await (const { data } of events.read(feedStream(contract, handle), { from: seq, limit: 1 })) {
    const { signature, text } = decodeStored(data, () => ({}))
    return { statement: { text, signature } }
  }
  return {}
}
