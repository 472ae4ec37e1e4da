import t from 'tap'
import { agreedProposal } from '../../../src/aggregates/contract/state.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import type { ProposalId } from '../../../src/events/ids.ts'
import { block, concurrently, field, given, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const follower = new Party('follower')
const country = given(openedBy(broker, lead, follower), field('Country'))

t.test('the sole standing proposal is the agreed value', async (t) => {
  t.equal(agreedProposal(country.fieldAt('Country')), undefined, 'nothing stands')
  const document = country.when(broker.proposes('Country', 'Mexico'))
  t.equal(document.agreedAt('Country'), 'Mexico')
  t.same(document.fieldAt('Country').proposals, [
    { id: 'broker.6.0.0', by: 'broker', seal: agreedProposal(document.fieldAt('Country'))?.seal, votes: [] },
  ])
})

t.test('a field proposed by two parties at once shows both until one is chosen', async (t) => {
  const document = country.when(concurrently(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile')))
  t.same(document.conflictAt('Country'), ['Mexico', 'Chile'])
  t.equal(agreedProposal(document.fieldAt('Country')), undefined, 'there is no agreed value meanwhile')
  const chosen = document.when(follower.settles('Country', 'Chile'))
  t.equal(chosen.agreedAt('Country'), 'Chile')
  t.equal(chosen.fieldAt('Country').proposals[0]?.by, 'follower')
})

t.test('a proposal replaces the author’s own, and those that the author had seen; no other', async (t) => {
  const mexico = country.when(broker.proposes('Country', 'Mexico'))
  t.equal(mexico.when(broker.proposes('Country', 'Peru')).agreedAt('Country'), 'Peru')
  t.equal(mexico.when(lead.settles('Country', 'Chile')).agreedAt('Country'), 'Chile')
  const document = mexico.when(concurrently(lead.settles('Country', 'Chile'), follower.settles('Country', 'Peru')))
  t.same(document.conflictAt('Country'), ['Chile', 'Peru'], 'both had seen Mexico, neither the other')
  t.same(document.events, [
    {
      type: 'ValueProposed',
      field: '0.0',
      proposal: 'follower.0.0.0',
      by: 'follower',
      seal: document.fieldAt('Country').proposals[1]?.seal,
      replaces: [],
    },
  ])
})

t.test('what an event says to be replaced are the standing ones, each once, in their order', async (t) => {
  const two = country.when(concurrently(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile')))
  const [first, second] = [two.proposalOf(broker, 'Country'), two.proposalOf(lead, 'Country')]
  const basis = [second, 'broker.77.0.0' as ProposalId, second, first]
  const document = two.when(follower.proposes('Country', 'Peru', { basis }))
  t.equal(document.agreedAt('Country'), 'Peru')
  const [event] = document.events
  t.same(event?.type === 'ValueProposed' && event.replaces, [first, second])
})

t.test('an exclusive proposal that would conflict is void, naming what it had not seen', async (t) => {
  const document = country.when(
    concurrently(
      broker.proposes('Country', 'Mexico', { exclusive: true }),
      lead.proposes('Country', 'Chile', { exclusive: true }),
      follower.proposes('Country', 'Peru'),
      broker.proposes('Country', 'Bolivia', { exclusive: true }),
    ),
  )
  const conflict = (...others: string[]) => ({ code: 'field_conflict', command: 0, with: others })
  t.same(document.fates, ['accepted', conflict('broker.6.0.0'), 'accepted', conflict('follower.0.0.0')])
  t.same(document.conflictAt('Country'), ['Mexico', 'Peru'])
  const seen = { basis: [document.proposalOf(follower, 'Country')], exclusive: true } as const
  t.equal(document.when(broker.proposes('Country', 'Bolivia', seen)).agreedAt('Country'), 'Bolivia')
})

t.test('the author withdraws its proposal, and nobody else does', async (t) => {
  const document = country.when(concurrently(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile')))
  t.equal(document.when(lead.withdraws('Country')).agreedAt('Country'), 'Mexico')
  t.same(document.when(lead.withdraws('Country', broker)).fate, { code: 'not_author', command: 0, with: ['broker'] })
})

t.test('a YES is recorded, once for each party', async (t) => {
  const document = country.when(
    broker.proposes('Country', 'Mexico'),
    lead.votes('yes', 'Country', broker, sha256('checked')),
    follower.votes('yes', 'Country', broker),
  )
  const votes = [
    { by: 'lead', vote: 'yes' },
    { by: 'follower', vote: 'yes' },
  ]
  t.same(document.fieldAt('Country').proposals[0]?.votes, votes)
  const again = document.when(lead.votes('yes', 'Country', broker))
  t.equal(again.fate, 'accepted')
  t.same(again.fieldAt('Country').proposals[0]?.votes, votes)
  t.equal(again.record, document.record)
})

t.test('a NO turns the proposal down, with the seal of what is said about it; also the author’s own', async (t) => {
  const document = country.when(concurrently(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile')))
  const turnedDown = document.when(follower.votes('no', 'Country', broker, sha256('no such flag')))
  t.equal(turnedDown.agreedAt('Country'), 'Chile')
  const about = { field: '0.0', proposal: 'broker.6.0.0', by: 'follower' }
  t.same(turnedDown.events, [
    { type: 'VoteCast', ...about, vote: 'no', about: sha256('no such flag') },
    { type: 'ProposalTurnedDown', ...about },
  ])
  t.equal(document.when(broker.votes('no', 'Country', broker)).agreedAt('Country'), 'Chile')
})

t.test('what stands no more is neither withdrawn nor voted on', async (t) => {
  const document = country
    .when(broker.proposes('Country', 'Mexico'))
    .when(
      concurrently(
        follower.settles('Country', 'Peru'),
        broker.withdraws('Country'),
        lead.votes('yes', 'Country', broker),
        lead.votes('no', 'Country', broker),
      ),
    )
  const gone = { code: 'no_such_proposal', command: 0, with: ['broker.6.0.0'] }
  t.same(document.fates, ['accepted', gone, gone, gone])
})

t.test('a proposal stands at one field: at another it is none', async (t) => {
  const document = country.when(broker.addsField('City'), broker.proposes('Country', 'Mexico'))
  const proposal = document.proposalOf(broker, 'Country')
  const city = document.idAt('City')
  const gone = { code: 'no_such_proposal', command: 0, with: [proposal] }
  t.same(document.when(broker.orders({ type: 'WithdrawProposal', field: city, proposal })).fate, gone)
  t.same(document.when(lead.orders({ type: 'CastVote', field: city, proposal, vote: 'no' })).fate, gone)
})

t.test('a value stands in a field, and nowhere else', async (t) => {
  const document = given(openedBy(broker), block('Claimant'))
  const proposal = 'broker.0.0.0' as ProposalId
  const noField = { code: 'not_a_field', command: 0, with: ['0.0'] }
  const claimant = document.idAt('Claimant')
  t.same(document.when(broker.proposes('Claimant', 'Smith')).fate, noField)
  t.same(document.when(broker.orders({ type: 'WithdrawProposal', field: claimant, proposal })).fate, noField)
  t.same(document.when(broker.orders({ type: 'CastVote', field: claimant, proposal, vote: 'yes' })).fate, noField)
})

t.test('a value has the type of its field, and null is none of any type', async (t) => {
  const document = given(openedBy(broker, lead), field('Rate', { type: 'decimal' }), field('Note'))
  t.same(document.when(lead.proposes('Rate', 12.5)).fate, { code: 'value_wrong_type', command: 0, with: ['decimal'] })
  t.same(document.when(lead.proposes('Note', null)).fate, { code: 'value_wrong_type', command: 0, with: ['text'] })
  t.equal(document.when(lead.proposes('Rate', '12.5')).agreedAt('Rate'), '12.5')
})

t.test('a party in a field is a member or an invitee, as the document has them then', async (t) => {
  const follower = new Party('follower')
  const document = given(openedBy(broker, lead), field('Surveyor', { type: 'party' }))
  const unknown = { code: 'value_wrong_type', command: 0, with: ['party'] }
  t.same(document.when(lead.proposes('Surveyor', 'follower')).fate, unknown)
  t.equal(document.when(lead.proposes('Surveyor', 'broker')).fate, 'accepted')
  t.equal(document.when(broker.invites(follower), lead.proposes('Surveyor', 'follower')).fate, 'accepted')
  t.same(document.when(lead.resigns(), broker.proposes('Surveyor', 'lead')).fate, unknown)
})

t.test('a value is as large as the contract allows, in bytes of its canonical JSON', async (t) => {
  const document = given(broker.opens({ valueBytes: 8 }), field('Note'))
  t.equal(document.when(broker.proposes('Note', 'Größ')).fate, 'accepted')
  t.same(document.when(broker.proposes('Note', 'Größe')).fate, {
    code: 'limit_exceeded',
    command: 0,
    with: ['valueBytes'],
  })
})

t.test('a value that has been taken cannot be proposed', async (t) => {
  const order = { type: 'ProposeValue', field: country.idAt('Country'), seal: sha256('taken'), basis: [] } as const
  t.same(country.when(lead.orders(order)).fate, { code: 'value_taken', command: 0 })
})

t.test('two commands of one request make two proposals, each with a name of its own', async (t) => {
  const document = given(openedBy(broker, lead), field('Country'), field('City')).when(
    together(lead.proposes('Country', 'Mexico'), lead.proposes('City', 'Puebla')),
  )
  t.same(
    ['Country', 'City'].map((path) => document.proposalOf(lead, path)),
    ['lead.0.0.0', 'lead.0.0.1'],
  )
})
