import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { Audience } from '../../events/audience.ts'
import type { CandidateEnd } from '../../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex, ProposalId, Uid } from '../../events/ids.ts'
import type { PayloadGroup } from '../../store/payload-group.ts'
import type { RecordedAbout } from './recorded-about.ts'

/** A vote on a candidate. */
export interface RecordedVote extends RecordedAbout {
  readonly by: Handle
  readonly vote: 'yes' | 'no'
  readonly castAt: LedgerIndex
}

/** A candidate that parties were asked about, and that stands as one no more. */
export interface PastCandidate {
  readonly field: ElementId
  readonly by: Handle
  /** Null: that the field be emptied. */
  readonly seal: Hash | null
  readonly audience?: Audience
  readonly revealedIn: PayloadGroup | null
  readonly state: 'agreed' | 'ended'
  readonly endedAt: LedgerIndex
  readonly why?: CandidateEnd | 'removed'
  readonly voters: readonly Handle[]
}

interface Row {
  readonly id: number
  readonly key: ElementId
  readonly by: Handle
  readonly seal: Hash | null
  readonly audience: string | null
  readonly revealedIn: PayloadGroup | null
  readonly agreedAt: number | null
  readonly endedAt: number | null
  readonly endedBy: CandidateEnd | 'removed' | null
}

// Only what parties were asked about has voters, so few rows are looked at.
const NAMED = `
  SELECT DISTINCT P.id FROM Voter JOIN Proposal AS P ON P.id = Voter.proposal
  JOIN HeldContract ON HeldContract.id = Voter.contract WHERE uid = ? AND P.name = ?`

/** Reads from a read model what has been said of candidates, and what has become of them. */
export class CandidateRecords {
  readonly #past
  readonly #voters
  readonly #votes

  constructor(database: Database.Database) {
    this.#past = database.prepare<[string, string], Row>(
      `SELECT P.id, E.key, handle AS "by", seal, P.audience, revealed_in AS revealedIn, agreed_at AS agreedAt, P.ended_at AS endedAt,
              ended_by AS endedBy
       FROM Proposal AS P JOIN Element AS E ON E.id = P.element JOIN Party ON Party.id = P.party
       WHERE P.id IN (${NAMED}) AND coalesce(agreed_at, P.ended_at) IS NOT NULL`,
    )
    this.#voters = database
      .prepare<[number], Handle>(
        'SELECT handle FROM Voter JOIN Party ON Party.id = party WHERE proposal = ? ORDER BY party',
      )
      .pluck()
    this.#votes = database.prepare<[string, string], RecordedVote>(
      `SELECT handle AS "by", vote, cast_at AS castAt, about, about_in AS aboutIn
       FROM Vote JOIN Party ON Party.id = party WHERE proposal IN (${NAMED}) AND superseded_at IS NULL ORDER BY Vote.id`,
    )
  }

  votesOn(contract: Uid, proposal: ProposalId): RecordedVote[] {
    return this.#votes.all(contract, proposal)
  }

  past(contract: Uid, proposal: ProposalId): PastCandidate | undefined {
    const row = this.#past.get(contract, proposal)
    if (row === undefined) return undefined
    const { agreedAt, audience, by, endedAt, endedBy, id, key: field, revealedIn, seal } = row
    return {
      field,
      by,
      seal,
      ...(audience !== null && { audience: JSON.parse(audience) as Audience }),
      revealedIn,
      state: agreedAt === null ? 'ended' : 'agreed',
      endedAt: (agreedAt ?? endedAt) as LedgerIndex,
      ...(agreedAt === null && endedBy !== null && { why: endedBy }),
      voters: this.#voters.all(id),
    }
  }
}
