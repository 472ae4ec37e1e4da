import t from 'tap'
import type { Uid } from '../../../src/events/ids.ts'
import { Document, given, openedBy } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'

const [ana, ben, cleo] = ['ana', 'ben', 'cleo'].map((handle) => new Party(handle)) as [Party, Party, Party]
const invited = given(openedBy(ana, ben), ben.invites(cleo))

t.test('an acceptance is good once', async (t) => {
  const bring = ana.orders({ type: 'AdmitParty', accepted: cleo.accepts(invited) })
  const joined = invited.when(bring)
  t.equal(joined.fate, 'accepted')
  t.match(joined.when(bring).fate, { code: 'no_invitation' }, 'doubled')
  t.match(joined.when(cleo.resigns(), bring).fate, { code: 'no_invitation' }, 'replayed after the party left')
})

t.test('an acceptance of a withdrawn invitation comes to nothing', async (t) => {
  const bring = ana.orders({ type: 'AdmitParty', accepted: cleo.accepts(invited) })
  t.match(invited.when(ben.withdrawsInvitation(cleo), bring).fate, { code: 'no_invitation' })
})

t.test('an acceptance after a decline comes to nothing, and a decline after an acceptance', async (t) => {
  const accept = ana.orders({ type: 'AdmitParty', accepted: cleo.accepts(invited) })
  const decline = ana.orders({ type: 'DeclineInvitation', declined: cleo.declines(invited) })
  t.match(invited.when(decline, accept).fate, { code: 'no_invitation' })
  t.match(invited.when(accept, decline).fate, { code: 'no_invitation' })
})

t.test('a late acceptance, and one of another ledger, come to nothing', async (t) => {
  t.match(invited.when(ana.admits(cleo, { lastIndex: 1 })).fate, { code: 'acceptance_late' })
  t.match(invited.when(ana.admits(cleo, { head: { ...invited.head, root: invited.head.record } })).fate, {
    code: 'acceptance_wrong_head',
  })
})

t.test('only who invited withdraws, or anybody once that one has gone', async (t) => {
  t.match(invited.when(ana.withdrawsInvitation(cleo)).fate, { code: 'not_sponsor', with: ['ben'] })
  t.equal(invited.when(ben.resigns(), ana.withdrawsInvitation(cleo)).fate, 'accepted')
  t.match(invited.when(ana.withdrawsInvitation(ben)).fate, { code: 'no_invitation' })
})

t.test('a decline is the invitee’s own, and of this contract', async (t) => {
  t.match(invited.when(ana.bringsDecline(cleo, { contract: '0'.repeat(52) as Uid })).fate, {
    code: 'decline_badly_signed',
  })
  t.match(invited.when(ana.bringsDecline(cleo, { invitation: 0 })).fate, { code: 'no_invitation' })
})

t.test(
  'a party that can be taken for another one in the contract is not invited, by its handle or its name',
  async (t) => {
    const [abel, acme] = [new Party('abel'), new Party('acme', { name: 'Acme Re' })]
    const document = given(openedBy(abel, ben), ben.invites(acme))
    const fate = (handle: string, name: string) => document.when(ben.invites(new Party(handle, { name }))).fate
    t.match(fate('abe1', 'Somebody'), { code: 'party_confusable', with: ['abel'] }, 'two handles')
    t.match(fate('other', '\u0410cm\u0435 Re'), { code: 'party_confusable', with: ['acme'] }, 'two names')
    t.match(fate('other', 'Acme Re'), { code: 'party_confusable', with: ['acme'] }, 'the same name')
    t.match(fate('other', '\u0430cm\u0435'), { code: 'party_confusable', with: ['acme'] }, 'a name, and a handle')
    t.match(fate('other', 'ben'), { code: 'party_confusable', with: ['ben'] })
    const named = given(openedBy(ben), ben.invites(new Party('cleo', { name: 'dov' })))
    t.match(named.when(ben.invites(new Party('dov', { name: 'D' }))).fate, { code: 'party_confusable', with: ['cleo'] })
    t.equal(fate('acme-uk', 'Acme Re (UK)'), 'accepted')
  },
)

t.test('of who has gone, or never came, the handle stays taken, and the name is free', async (t) => {
  const abel = new Party('abel', { name: 'Acme Re' })
  const gone = [
    given(openedBy(ana, ben, abel), abel.resigns()),
    given(openedBy(ana, ben), ben.invites(abel), ben.withdrawsInvitation(abel)),
  ]
  for (const document of gone) {
    const fate = (handle: string) => document.when(ben.invites(new Party(handle, { name: 'Acme Re' }))).fate
    t.match(fate('abe1'), { code: 'party_confusable', with: ['abel'] })
    t.equal(fate('acme-2'), 'accepted')
  }
})

t.test('the name of a party is a text that all can read alike, also that of the founder', async (t) => {
  const odd = new Party('odd', { name: 'Ben Re\nfingerprint 1234' })
  t.same(invited.when(ana.invites(odd)).fate, { code: 'party_unfit', command: 0, with: ['odd'] })
  t.same(Document.unopened().when(odd.opens()).fate, { code: 'founder_unfit', command: 0, with: ['odd'] })
  t.same(Document.unopened().when(ana.opens({}, ana.card, 'Fleet\u001b[2J')).fate, { code: 'title_unfit', command: 0 })
})

t.test('an LEI is claimed with the check digits that it has, and by as many as like', async (t) => {
  const lei = '506700GE1G29325QX363'
  const claiming = (handle: string, claimed: string) => {
    const party = new Party(handle)
    return Object.assign(party, { card: { ...party.card, lei: claimed } })
  }
  const [dov, eve] = [claiming('dov', lei), claiming('eve', lei)]
  const both = invited.when(ana.invites(dov), ana.invites(eve))
  t.equal(both.fate, 'accepted')
  t.match(both.state.parties.invitations, [{}, { party: { lei } }, { party: { lei } }])
  const wrong = claiming('odd', '506700GE1G29325QX364')
  t.same(invited.when(ana.invites(wrong)).fate, { code: 'party_unfit', command: 0, with: ['odd'] })
  t.same(Document.unopened().when(wrong.opens()).fate, { code: 'founder_unfit', command: 0, with: ['odd'] })
  for (const unfit of ['506700ge1g29325qx363', '506700GE1G29325QX36', '', 7])
    t.match(invited.when(ana.invites(claiming('odd', unfit as string))).fate, { code: 'command_malformed' })
})

t.test('a closed invitation frees its place, and keeps its handle', async (t) => {
  const full = given(openedBy(ana, ben))
  const closed = full.when(ben.invites(cleo), ben.withdrawsInvitation(cleo))
  t.match(closed.state.parties, { invitations: [], closed: [{ how: 'withdrawn', by: 'ben' }] })
  t.match(closed.when(ana.invites(cleo)).fate, { code: 'handle_taken' })
  t.equal(closed.when(ana.invites(new Party('dov'))).fate, 'accepted')
})
