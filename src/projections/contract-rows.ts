import type { ElementId, Handle, ProposalId, Uid } from '../events/ids.ts'
import type { Request } from '../events/statement.ts'
import type { PayloadGroup } from '../store/payload-group.ts'
import type { Row } from './row-buffer.ts'

/** How far the feed of a party goes, and what its newest statement says. */
export interface FeedRow {
  readonly handle: Handle
  seq: number
  clock: number
  time: string
  head_size: number
  head_root: string
  head_record: string
  signing_key: string | null
  note_size: number | null
  note_root: string | null
  note_time: number | null
  note_signature: string | null
  /** With which the note was signed; null: with that of the card. */
  note_key: string | null
}

/** A party of a contract, as the rows of other tables name it. */
export interface PartyRef {
  readonly id: number
  /** It has left: requests of its that are not in the ledger do not exist (design §4). */
  isFormer: boolean
}

/** A proposal that stands. */
export interface StandingProposal {
  readonly id: number
  readonly name: ProposalId
  /** That the field be emptied. */
  readonly isEmptying: boolean
  isAgreed: boolean
  /** While it waits to be written, in batch `batch`. */
  readonly row?: Row
  readonly batch: number
}

export interface FieldRef {
  readonly id: number
  /** In ledger order. */
  standing: StandingProposal[]
}

/** A statement of this batch that carries requests which the ledger does not have yet. */
export interface Carrier {
  readonly handle: Handle
  readonly seq: number
  readonly clock: number
  readonly time: string
  readonly requests: readonly Request[]
  /** By place; of tentative requests that their author has decided. */
  readonly decisions: Map<number, string>
  /** Requests before this one stand in the ledger. */
  next: number
}

/** What folding the next event of a contract needs to know of it: a small part of its rows, kept between batches. */
export interface ContractRows {
  readonly uid: Uid
  /** Id of its row in Contract. */
  readonly number: number
  readonly base: number
  /** Entries of the ledger that are folded in. */
  size: number
  record: string | null
  /** Of the entry that is being folded in; null before the first. */
  carrier: PayloadGroup | null
  /** Of the statement that carries the last entry: the order of the ledger never goes back behind it. */
  clock: number
  isChanged: boolean
  readonly parties: Map<Handle, PartyRef>
  /** Rows so far. */
  elements: number
  proposals: number
  votes: number
  /** Some of the ids, by element id. */
  readonly elementIds: Map<ElementId, number>
  readonly fields: Map<ElementId, FieldRef>
  /** By handle and seq. */
  readonly carriers: Map<string, Carrier>
  readonly feeds: Map<Handle, FeedRow>
  readonly changedFeeds: Set<FeedRow>
  /** New statements of the batch: clock, handle, seq, what it covers. */
  statements: (readonly [clock: number, handle: Handle, seq: number, seen: string])[]
  prunedTo: number
}
