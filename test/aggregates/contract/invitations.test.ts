import t from 'tap'
import type { Uid } from '../../../src/events/ids.ts'
import { given, openedBy } from '../../support/document.ts'
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

t.test('a closed invitation frees its place, and keeps its handle', async (t) => {
  const full = given(openedBy(ana, ben))
  const closed = full.when(ben.invites(cleo), ben.withdrawsInvitation(cleo))
  t.match(closed.state.parties, { invitations: [], closed: [{ how: 'withdrawn', by: 'ben' }] })
  t.match(closed.when(ana.invites(cleo)).fate, { code: 'handle_taken' })
  t.equal(closed.when(ana.invites(new Party('dov'))).fate, 'accepted')
})
