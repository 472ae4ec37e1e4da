import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { ChangeSetEnd } from '../../events/contract-events.ts'
import { type Handle, type LedgerIndex, type RequestRef, requestKey, type Uid } from '../../events/ids.ts'
import type { VoidReason } from '../../events/outcome.ts'

/** A change set that is open no more. */
export interface EndedChangeSet {
  readonly request: string
  readonly by: Handle
  readonly state: 'agreed' | 'ended'
  /** Seal of what its author says about it. */
  readonly about?: Hash
  readonly proposedAt: LedgerIndex
  /** At which it took effect, or fell. */
  readonly endedAt: LedgerIndex
  readonly why?: ChangeSetEnd
  readonly reason?: VoidReason
  readonly voters: readonly Handle[]
  readonly votes: readonly { readonly by: Handle; readonly vote: 'yes' | 'no'; readonly castAt: LedgerIndex }[]
}

/** The newest ones, or the one of that name. */
export type WantedChangeSets = { readonly limit: number } | { readonly request: RequestRef }

interface Row {
  readonly id: number
  readonly handle: Handle
  readonly seq: number
  readonly place: number
  readonly about: Hash | null
  readonly proposed_at: number
  readonly agreed_at: number | null
  readonly ended_at: number | null
  readonly ended_by: ChangeSetEnd | null
  readonly reason: string | null
}

const ENDED = `
  SELECT ChangeSet.*, coalesce(ChangeSet.about, Request.about) AS about
  FROM ChangeSet JOIN HeldContract ON HeldContract.id = ChangeSet.contract JOIN Request ON Request.id = ChangeSet.id
  WHERE uid = ? AND (agreed_at IS NOT NULL OR ended_at IS NOT NULL)`

/** Reads from a read model the change sets that have taken effect, and those that have fallen. */
export class EndedChangeSets {
  readonly #newest
  readonly #named
  readonly #voters
  readonly #votes

  constructor(database: Database.Database) {
    this.#newest = database.prepare<[string, number], Row>(
      `${ENDED} ORDER BY coalesce(agreed_at, ended_at) DESC, ChangeSet.id DESC LIMIT ?`,
    )
    this.#named = database.prepare<[string, Handle, number, number], Row>(
      `${ENDED} AND ChangeSet.handle = ? AND ChangeSet.seq = ? AND ChangeSet.place = ?`,
    )
    this.#voters = database
      .prepare<[number], Handle>(
        'SELECT handle FROM ChangeSetVoter JOIN Party ON Party.id = party WHERE change_set = ? ORDER BY party',
      )
      .pluck()
    this.#votes = database.prepare<[number], EndedChangeSet['votes'][number]>(
      `SELECT handle AS "by", vote, cast_at AS castAt FROM ChangeSetVote JOIN Party ON Party.id = party
       WHERE change_set = ? ORDER BY cast_at`,
    )
  }

  /** The newest first. */
  of(contract: Uid, wanted: WantedChangeSets): EndedChangeSet[] {
    if ('limit' in wanted) return this.#newest.all(contract, wanted.limit).map((row) => this.#shown(row))
    const { handle, seq, index } = wanted.request
    return this.#named.all(contract, handle, seq, index).map((row) => this.#shown(row))
  }

  #shown({ id, handle, seq, place, about, reason, ...row }: Row): EndedChangeSet {
    return {
      request: requestKey({ handle, seq, index: place }),
      by: handle,
      state: row.agreed_at === null ? 'ended' : 'agreed',
      ...(about === null ? {} : { about }),
      proposedAt: row.proposed_at,
      endedAt: (row.agreed_at ?? row.ended_at) as number,
      ...(row.ended_by === null ? {} : { why: row.ended_by }),
      ...(reason === null ? {} : { reason: JSON.parse(reason) as VoidReason }),
      voters: this.#voters.all(id),
      votes: this.#votes.all(id),
    }
  }
}
