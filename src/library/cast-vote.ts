import type { ApiCalls, Outcome, WriteOptions } from './calls/api-calls.ts'
import type { Said, Vote } from './interface.ts'

/** What is said of a vote goes with it. */
export function voteAt(
  api: ApiCalls,
  url: string,
  vote: { readonly vote: Vote; readonly hash?: string },
  { about, ...options }: WriteOptions & Said = {},
): Promise<Outcome> {
  return api.write('POST', url, { ...vote, ...(about && { about }) }, options)
}
