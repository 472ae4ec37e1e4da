import { type ApiCalls, elementUrl, type WriteOptions } from './calls/api-calls.ts'
import { ProblemError } from './calls/problem-error.ts'
import { voteAt } from './cast-vote.ts'
import { changesAt } from './changes.ts'
import type { Place } from './interface.ts'

export function placeAt(api: ApiCalls, uid: string, steps: readonly string[]): Place<unknown> {
  const here = elementUrl(uid, steps)
  const url = (...view: readonly string[]) => elementUrl(uid, steps, ...view)
  const answered = <Answer>(answer: Promise<unknown>) => answer as Promise<Answer>
  return {
    get: ({ at } = {}) => unlessThere(api.read(here, { at, format: 'json' })),
    read: () => api.readTagged(here, { format: 'json' }),
    live: () => answered(api.read(here, { view: 'live' })),
    set(first: unknown, second?: unknown, third?: WriteOptions) {
      if (typeof first === 'string') return api.write('PUT', here, { [first]: second }, third)
      return api.write('PUT', here, first, second as WriteOptions | undefined)
    },
    propose: (value, options) => api.write('PUT', here, value, options),
    add: (value, options) => api.write('POST', here, value, options),
    merge: (value, options) => api.write('PATCH', here, value, options),
    remove: (options) => api.write('DELETE', here, undefined, options),
    describe: (attributes, options) => api.write('PATCH', url('~attributes'), attributes, options),
    attributes: () => answered(api.read(url('~attributes'))),
    schema: () => answered(api.read(url('~schema'))),
    history: (page = {}) => answered(api.read(url('~history'), { ...page })),
    tiers: (page = {}) => answered(api.read(url('~tiers'), { ...page })),
    evidence: (page = {}) => answered(api.read(url('~evidence'), { ...page })),
    attachments: () => answered(api.read(url('~attachments'))),
    rules: () => answered(api.read(url('~rules'))),
    proposals: () => answered(api.read(url('~proposals'))),
    votes: () => answered(api.read(url('~votes'))),
    vote: (proposal, vote, options) => voteAt(api, url('~proposals', proposal, 'votes'), { vote }, options),
    choose: (proposal, options) => api.write('POST', url('~proposals', proposal, 'choice'), undefined, options),
    withdraw: (proposal, options) => api.write('DELETE', url('~proposals', proposal), undefined, options),
    subscribe: (options) => changesAt(api, url('~changes'), options),
  }
}

/** Undefined where nothing stands; a contract that there is not is still a problem. */
async function unlessThere(value: Promise<unknown>): Promise<unknown> {
  try {
    return await value
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'no_such_path') return undefined
    throw error
  }
}
