import { type ContractState, find } from '../../aggregates/contract/state.ts'
import type { Candidate } from '../../aggregates/contract/values/standing.ts'
import type { AskedVotes } from '../../contracts/requests/submission.ts'
import type { Handle } from '../../events/ids.ts'

/** Undefined: it does not stand there, or not any more. */
export function candidateAt(state: ContractState, { field: id, proposal }: AskedVotes): Candidate | undefined {
  const field = find(state, id)
  return field?.kind === 'field' ? field.candidates.find((one) => one.id === proposal) : undefined
}

/** Those without whose YES it waits: none of what nobody was asked about. */
export function missingVotes({ voters, yes }: Pick<Candidate, 'voters' | 'yes'>): Handle[] {
  return voters?.filter((voter) => !yes.includes(voter)) ?? []
}
