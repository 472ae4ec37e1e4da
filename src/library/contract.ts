import { type ApiCalls, contractUrl, stepsOf } from './calls/api-calls.ts'
import { voteAt } from './cast-vote.ts'
import { gatheredBy } from './draft.ts'
import type { Contract, Element } from './interface.ts'
import { placeAt } from './place.ts'
import { rulesOf } from './rules.ts'

export function contractBy<Document>(api: ApiCalls, uid: string): Contract<Document> {
  const url = (...below: readonly string[]) => contractUrl(uid, ...below)
  const answered = <Answer>(answer: Promise<unknown>) => answer as Promise<Answer>
  return {
    uid,
    at: ((path: Element) => placeAt(api, uid, stepsOf(path))) as Contract<Document>['at'],
    summary: () => answered(api.read(url())),
    invite: (party, options) => api.write('POST', url('Invitations'), { party }, options),
    accept: (options) => answered(api.call('POST', url('Acceptance'), undefined, options)),
    async decline() {
      await api.call('POST', url('Decline'))
    },
    async change(title, write, options) {
      const changes = await gatheredBy<Document>(write)
      return api.write('POST', url('ChangeSets'), { changes, about: { title } }, options)
    },
    changeSets: () => answered(api.read(url('ChangeSets'))),
    changeSet: (request) => answered(api.read(url('ChangeSets', request))),
    voteOnChangeSet: (request, vote, options) => voteAt(api, url('ChangeSets', request, 'Votes'), { vote }, options),
    withdrawChangeSet: (request, options) => api.write('DELETE', url('ChangeSets', request), undefined, options),
    defineType: ({ name, ...definition }, options) => api.write('PUT', url('Types', name), definition, options),
    rules: rulesOf(api, uid),
    request: (request) => answered(api.read(url('Requests', request))),
    withdraw: (request) => answered(api.call('DELETE', url('Requests', request))),
  }
}
