import { type ApiCalls, contractUrl, stepsOf } from './calls/api-calls.ts'
import { voteAt } from './cast-vote.ts'
import type { Rules } from './interface.ts'

export function rulesOf(api: ApiCalls, uid: string): Rules {
  const url = (...below: readonly (string | number)[]) => contractUrl(uid, ...below)
  return {
    list: () => api.read(url('Rules')) as ReturnType<Rules['list']>,
    addSet: (name, options) => api.write('POST', url('RuleSets'), { name }, options),
    draft: ({ at, ...rule }, options) => {
      const path = stepsOf(at).map(encodeURIComponent).join('/')
      return api.write('POST', url('Rules'), { ...rule, at: path }, options)
    },
    edit: (number, rule, options) => api.write('PUT', url('Rules', number), rule, options),
    remove: (number, options) => api.write('DELETE', url('Rules', number), undefined, options),
    vote: (number, hash, vote, options) => voteAt(api, url('Rules', number, 'Votes'), { vote, hash }, options),
    publish: (ruleSets, rules, options) => api.write('POST', url('Publications'), { ruleSets, rules }, options),
    reopen: (options) => api.write('POST', url('Reopenings'), undefined, options),
  }
}
