import type { Hash } from '../../../crypto/hash.ts'
import type { Audience } from '../../../events/audience.ts'
import type { Handle, ProposalId } from '../../../events/ids.ts'

/** A value put forward for a field in a party's name. */
export interface Proposal {
  readonly id: ProposalId
  readonly by: Handle
  readonly seal: Hash
  /** Of a confidential value: who got it. No rule reads it. Left out: everybody. */
  readonly audience?: Audience
  /** Key of the request that has revealed it: the statement of that carries what is under the seal. */
  readonly revealedBy?: string
}

/** A value that all have agreed on; `by`: null for what a rule has computed. */
export interface Agreed extends Omit<Proposal, 'by'> {
  readonly by: Handle | null
}

/** A proposal that waits for votes, or stands against an agreed value that its author had not seen (design §5). */
export interface Candidate extends Omit<Proposal, 'seal'> {
  /** Null: that the field be emptied. */
  readonly seal: Hash | null
  /** It falls where it comes into conflict. */
  readonly exclusive: boolean
  /** Those of the proposals that stood when it was judged that its author had seen, in the order in which they stood. */
  readonly seen: readonly ProposalId[]
  /**
   * Who must vote YES, without its author, in the order of their admission; members that resign leave it. Null: nobody was
   * asked, so it is in conflict. It is in conflict as well once all of them have voted YES and it still is a candidate.
   */
  readonly voters: readonly Handle[] | null
  /** Who has voted YES, in the order of the votes. A NO ends a candidate. */
  readonly yes: readonly Handle[]
}

/** What stands at a field, whatever its type. */
export interface Standing {
  /** What all have agreed on; null: the field is empty. */
  readonly agreed: Agreed | null
  /** In ledger order; never two of one party. */
  readonly candidates: readonly Candidate[]
}

/** Of a field that nobody has put anything forward for. */
export const nothing: Standing = { agreed: null, candidates: [] }

/** All that stands at a field: the agreed value first, then the candidates in ledger order. */
export function standingAt({ agreed, candidates }: Standing): readonly (Agreed | Candidate)[] {
  return agreed === null ? candidates : [agreed, ...candidates]
}

/** Whether it has the votes that it was asked for, so that only a proposal which has seen it goes on from it. */
export function isInConflict({ voters, yes }: Candidate): boolean {
  return voters === null || voters.every((voter) => yes.includes(voter))
}

export function conflictsAt({ candidates }: Standing): readonly Candidate[] {
  return candidates.filter(isInConflict)
}
