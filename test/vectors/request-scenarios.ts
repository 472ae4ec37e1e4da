import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { ElementId, RequestRef } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { both as bothEngines } from '../support/engine-2.ts'
import { about, type Command, CONTRACT, owes, Player, talk } from '../support/market.ts'
import { lineOf, offered, type Play, ref, three } from './protocol-play.ts'

/** In which order requests count, who decides on one, and what makes one void. */
export const requestPlays: Readonly<Record<string, Play>> = {
  'order-and-conflict': {
    about: 'Three members write to one field at the same moment: order by clock and admission; exclusive ones are void.',
    play() {
      const [ana, ben, cleo] = three()
      cleo.proposes('0.0', 'of cleo', { exclusive: true })
      ben.proposes('0.0', 'of ben', { exclusive: true })
      ana.proposes('0.0', 'of ana')
      talk([ana, ben, cleo], owes)
      return { all: ben }
    },
  },
  'change-sets': {
    about:
      'Under a validation: one change set with structure waits for two votes and takes effect whole; one is turned down, one is withdrawn, one is removed with its block, one falls on a stale basis at its last vote, one by the resignation of who is asked; what is no element and no value stands in none.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const body = { kind: 'validation', who: { parties: ['ben', 'cleo'], fields: [] } } as const
      ana.requests({ type: 'AddRuleSet', name: 'Terms' }, { type: 'DraftRule', at: '0.0', ruleSet: 1, body })
      talk(all, owes)
      const hash = ruleHash({ id: 1, at: '0.0' as ElementId, ruleSet: 1, body: { ...body, who: { parties: [ben.handle, cleo.handle], fields: [] } } })
      for (const voter of [ben, cleo]) voter.requests({ type: 'CastVote', rule: 1, hash, vote: 'yes' })
      talk(all, owes)
      ana.requests({ type: 'PublishRules', ruleSets: [1], rules: [{ rule: 1, hash }] })
      talk(all, owes)
      const asOne = (author: Player, commands: Command[], value: unknown, basis: string[] = []) => {
        const sealed = seal(value, new Uint8Array(16))
        const said = about('Endorsement')
        const proposed = { type: 'ProposeValue', field: '0.0', seal: sealed.seal, basis }
        const request = { ...author.request([...commands, proposed]), about: said.about, changeSet: true as const }
        const decoded = author.says({ requests: [request], payloads: { ...said.payloads, [sealed.seal]: sealed.payload } })
        talk(all, owes)
        return ref(decoded)
      }
      const votes = (voter: Player, request: RequestRef, vote: 'yes' | 'no' = 'yes') => {
        voter.requests({ type: 'CastVote', request, vote })
        talk(all, owes)
      }
      const block = { type: 'AddBlock', parent: '0', name: 'Extension' }
      const first = asOne(ana, [block, { type: 'AddField', parent: '#0', name: 'Reason', field: { type: 'text' } }], 'longer')
      votes(ben, first)
      votes(ana, first)
      ben.requests({ type: 'CastVote', request: first, vote: 'yes' })
      votes(cleo, first)
      const agreed = `ana.${first.seq}.0.2`
      votes(cleo, asOne(ben, [], 'shorter', [agreed]), 'no')
      const withdrawn = asOne(ana, [], 'as it was')
      ben.requests({ type: 'WithdrawChangeSet', request: withdrawn })
      ana.requests({ type: 'WithdrawChangeSet', request: withdrawn })
      ana.requests({ type: 'AddBlock', parent: '0', name: 'Notes' })
      talk(all, owes)
      asOne(ana, [{ type: 'AddBlock', parent: '0.3', name: 'Late' }], 'too late')
      cleo.requests({ type: 'RemoveElement', element: '0.3' })
      talk(all, owes)
      const stale = asOne(ana, [], 'of ana', [agreed])
      const other = asOne(ben, [], 'of ben', [agreed])
      votes(cleo, other)
      votes(ben, stale)
      votes(cleo, stale)
      ana.says({ requests: [{ ...ana.request([{ type: 'ReleaseLock' }]), changeSet: true }] })
      const last = asOne(ben, [], 'without cleo')
      cleo.requests({ type: 'Resign' })
      talk([ana, ben], owes)
      votes(ana, last)
      return { all: ana }
    },
  },
  'tentative-requests': {
    about: 'Of tentative requests one is confirmed, one times out, one its user takes back, and one nobody has decided holds up what follows it.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const confirmed = ana.tentatively({ type: 'AddField', parent: '0', name: 'confirmed', field: { type: 'text' } })
      const late = ben.tentatively({ type: 'AddField', parent: '0', name: 'late', field: { type: 'text' } })
      // Nobody waits for what is under these two seals: of `user` it never leaves cleo’s house.
      const [why, user] = [about('as agreed by telephone'), about('whoever it was')]
      const regretted = cleo.says({
        requests: [
          {
            ...cleo.request([{ type: 'AddField', parent: '0', name: 'regretted', field: { type: 'text' } }]),
            about: why.about,
            tentative: true,
            user: user.about,
          },
        ],
        payloads: why.payloads,
      })
      talk(all, owes)
      ana.says({ decided: [{ request: ref(confirmed), decision: 'confirmed' }] })
      ben.says({ decided: [{ request: ref(late), decision: 'withdrawn', code: 'timed_out' }] })
      const said = about('a mistake')
      cleo.says({
        decided: [{ request: ref(regretted), decision: 'withdrawn', code: 'user', about: said.about }],
        payloads: said.payloads,
      })
      talk(all, owes)
      cleo.tentatively({ type: 'AddField', parent: '0', name: 'open', field: { type: 'text' } })
      talk(all, owes)
      ana.requests({ type: 'AddField', parent: '0', name: 'behind it', field: { type: 'text' } })
      talk(all, owes)
      return { all: cleo }
    },
  },
  refusals: {
    about: 'Two members refuse one request of a statement with two, by a code and a seal, of which one is opened; the other stands.',
    play() {
      const [ana, ben, cleo] = three()
      const add = (name: string) => ana.request([{ type: 'AddField', parent: '0', name, field: { type: 'text' } }])
      const asked = ana.says({ requests: [add('refused'), add('taken')] })
      const said = about('not for us')
      ben.hears(asked)
      ben.says({ refusals: [{ request: ref(asked), code: 'person', about: said.about }], payloads: said.payloads })
      // Its node's policy has nothing to say that it would let anybody have.
      cleo.hears(asked)
      cleo.says({ refusals: [{ request: ref(asked), code: 'policy', about: about('to nobody').about }] })
      talk([ana, ben, cleo], owes)
      return { all: cleo }
    },
  },
  'record-lock': {
    about: 'Two take the lock at once, one has it; others are locked out, invite all the same, and break it.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const said = about('the yearly audit')
      const lock = { type: 'LockRecord', purpose: 'review', about: said.about }
      const first = ben.says({ requests: [ben.request([lock])], payloads: said.payloads })
      cleo.requests({ type: 'LockRecord', purpose: 'edit' })
      talk(all, owes)
      ana.proposes('0.0', 'locked out')
      ben.proposes('0.0', 'of the holder')
      cleo.requests({ type: 'InviteParty', party: new Player('dov').card })
      talk(all, owes)
      const taken = ana.state.settling.agreed.lock
      const broken = ana.requests({ type: 'BreakLock', lock: taken?.index ?? 0 })
      // The holder's refusal of a vote against it does not count.
      for (const member of [ben, cleo]) member.hears(first, broken)
      ben.hears(...[...cleo.state.feeds.values()].flatMap((feed) => [...feed]))
      ben.says({ refusals: [{ request: ref(broken), code: 'person' }] })
      talk(all, owes)
      cleo.requests({ type: 'BreakLock', lock: taken?.index ?? 0 })
      talk(all, owes)
      ana.proposes('0.0', 'free again')
      talk(all, owes)
      return { all: ana }
    },
  },
  'engine-votes': {
    about: 'Members vote for newer engines, one of them refuses for a while; the last vote leads where engine 1 ends.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const votes = (member: Player, to: number) => member.requests({ type: 'UpgradeEngine', to })
      votes(ana, 1)
      votes(ana, 2)
      talk(all, owes)
      votes(ana, 2)
      votes(ben, 3)
      talk(all, owes)
      const refused = votes(ben, 2)
      cleo.hears(refused)
      cleo.says({ refusals: [{ request: ref(refused), code: 'engine_unknown' }] })
      talk(all, owes)
      votes(ben, 2)
      talk(all, owes)
      // From here on engine 2 would judge.
      const last = votes(cleo, 2)
      ana.hears(last)
      const answer = ana.says()
      const later = new Player('ben')
      later.state = emptyAgreement(CONTRACT, bothEngines)
      later.hears(...[...ana.state.feeds.values()].flatMap((feed) => [...feed]), last, answer)
      return { all: ana, hostile: [offered(ana.state, 'the answer behind which engine 2 judges', lineOf(later.says()))] }
    },
  },
}
