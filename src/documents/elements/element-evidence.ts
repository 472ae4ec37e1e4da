import type { Element } from '../../aggregates/contract/document/element.ts'
import { membersOf } from '../../aggregates/contract/state.ts'
import { feedOf } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { settledAt } from '../../contracts/replica/find-settled.ts'
import { settledHead } from '../../contracts/signing/cosigned-notes.ts'
import type { Hash } from '../../crypto/hash.ts'
import { type Handle, isComputed, type LedgerIndex, type ProposalId, requestOf, type Uid } from '../../events/ids.ts'
import { encodeEntry } from '../../events/ledger-entry.ts'
import type { Head, Payload, Statement } from '../../events/statement.ts'
import { decodeStored } from '../../events/statement-codec.ts'
import type { HistoryQuery, PastValue, ValueHistory } from '../../projections/queries/value-history.ts'
import { refOf } from '../../store/payload-group.ts'
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

/** Looks back. Throws ContractDamaged. */
export async function elementEvidence(
  { id }: Element,
  contract: Uid,
  state: AgreementState,
  { store, valueHistory }: { readonly store: Store; readonly valueHistory: Pick<ValueHistory, 'of'> },
  query: HistoryQuery,
): Promise<ElementEvidence> {
  const head = settledHead(state)
  const found = valueHistory.of(contract, id, { ...query, limit: query.limit + 1 })
  const page = found.slice(0, query.limit)
  const values: ValueEvidence[] = []
  for (const past of page) {
    const { agreedAt, endedAt, field, proposal, seal } = past
    if (agreedAt === null || endedAt !== null || seal === null || agreedAt >= head.size) continue
    const entry = await settledAt(store.events, contract, agreedAt)
    if (entry === undefined) continue
    values.push({
      at: pathOf(field, state.settling.agreed),
      proposal,
      seal,
      ...(await openedOf(past, seal, contract, store)),
      ...(!isComputed(proposal) && (await statementOf(proposal, contract, store))),
      index: agreedAt,
      entry: encodeEntry(entry),
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

async function openedOf({ proposal: id, revealedIn }: PastValue, seal: Hash, contract: Uid, store: Store) {
  const ref = refOf({ id, seal, ...(revealedIn !== null && { revealedBy: revealedIn }) })
  const text = (await store.payloads.get(contract, [ref])).get(seal)
  return text === undefined ? {} : { opened: JSON.parse(text) as Payload }
}

async function statementOf(proposal: ProposalId, contract: Uid, { events }: Store) {
  const { handle, seq } = requestOf(proposal)
  for await (const { data } of events.read(feedStream(contract, handle), { from: seq, limit: 1 })) {
    const { signature, text } = decodeStored(data, () => ({}))
    return { statement: { text, signature } }
  }
  return {}
}
