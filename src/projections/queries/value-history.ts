import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { CandidateEnd } from '../../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex, ProposalId, Uid } from '../../events/ids.ts'
import { type PayloadGroup, type PayloadRef, refOf } from '../../store/payload-group.ts'
import { LOCAL_IDS } from '../row-id.ts'

/** A value that was put forward, or computed. */
export interface PastValue {
  /** Its place among those of the contract, in ledger order. */
  readonly place: number
  readonly proposal: ProposalId
  readonly field: ElementId
  /** Null: a rule has computed it. */
  readonly by: Handle | null
  /** Null: that the field be emptied. */
  readonly seal: Hash | null
  /** JSON. */
  readonly audience: string | null
  readonly revealedIn: PayloadGroup | null
  readonly index: LedgerIndex
  /** RFC 3339, by its author's claim. */
  readonly time: string
  readonly agreedAt: LedgerIndex | null
  readonly endedAt: LedgerIndex | null
  readonly endedBy: CandidateEnd | 'emptied' | 'removed' | null
  /** With the votes of all members. */
  readonly erasedAt: LedgerIndex | null
}

/** Where what is under its seal is kept. */
export function refsOfPast({ proposal: id, revealedIn, seal }: PastValue): PayloadRef[] {
  return seal === null ? [] : [refOf({ id, seal, ...(revealedIn !== null && { revealedBy: revealedIn }) })]
}

export interface HistoryQuery {
  readonly limit: number
  /** Those before that place. */
  readonly before?: number
  /** Those alone that stand agreed; emptied is not one. */
  readonly standing?: true
}

/** Reads from a read model which values were put forward at an element and below it. */
export class ValueHistory {
  readonly #values
  readonly #standing

  constructor(database: Database.Database) {
    const first = `HeldContract.id * ${LOCAL_IDS}`
    const where = (also: string) =>
      database.prepare<[Uid, ElementId, string, string, number, number], PastValue>(
        `SELECT P.id - ${first} AS place, P.name AS proposal, E.key AS field, author.handle AS "by", P.seal, P.audience,
              revealed_in AS revealedIn, made_at AS "index", R.time, agreed_at AS agreedAt, P.ended_at AS endedAt, ended_by AS endedBy,
              P.erased_at AS erasedAt
       FROM HeldContract JOIN ProposedValue AS P ON P.id > ${first} AND P.id < ${first} + ${LOCAL_IDS}
       JOIN Element AS E ON E.id = P.element JOIN Request AS R ON R.id = P.request LEFT JOIN Party AS author ON author.id = P.party
       WHERE uid = ? AND (E.key = ? OR E.key > ? AND E.key < ?) AND P.id < ${first} + ?
             ${also}
       ORDER BY P.id DESC LIMIT ?`,
      )
    this.#values = where('')
    this.#standing = where('AND agreed_at IS NOT NULL AND P.ended_at IS NULL AND P.seal IS NOT NULL')
  }

  /** The newest first. */
  of(contract: Uid, element: ElementId, { before = LOCAL_IDS, limit, standing }: HistoryQuery): PastValue[] {
    // Ids are ordinals with full stops between; a slash comes next to a full stop.
    return (standing ? this.#standing : this.#values).all(
      contract,
      element,
      `${element}.`,
      `${element}/`,
      before,
      limit,
    )
  }
}
