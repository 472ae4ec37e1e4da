import t from 'tap'
import { conflictsAt } from '../../../src/aggregates/contract/values/standing.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import type { ProposalId } from '../../../src/events/ids.ts'
import { asked } from '../../support/asked.ts'
import { block, concurrently, field, given, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const follower = new Party('follower')
const country = given(openedBy(broker, lead, follower), field('Country'))

t.test('a value is agreed at once where its author had seen the agreed one, or there is none', async (t) => {
  t.equal(country.agreedAt('Country'), undefined, 'nothing stands')
  const document = country.when(broker.proposes('Country', 'Mexico'))
  t.equal(document.agreedAt('Country'), 'Mexico')
  const field = document.idAt('Country')
  const { agreed } = document.fieldAt('Country')
  t.same(agreed, { by: 'broker', id: 'broker.6.0.0', seal: agreed?.seal })
  t.same(document.events, [
    { by: 'broker', field, proposal: 'broker.6.0.0', seal: agreed?.seal, type: 'ValueProposed' },
    { field, proposal: 'broker.6.0.0', type: 'ProposalAgreed' },
  ])
  t.equal(document.when(broker.proposes('Country', 'Peru')).agreedAt('Country'), 'Peru', 'the own one counts as seen')
  const chile = document.when(lead.settles('Country', 'Chile'))
  t.equal(chile.agreedAt('Country'), 'Chile')
  t.same(chile.fieldAt('Country').candidates, [])
})

t.test(
  'of two values proposed at once the first is agreed, the other stands beside it until one is chosen',
  async (t) => {
    const document = country.when(concurrently(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile')))
    t.equal(document.agreedAt('Country'), 'Mexico', 'a race takes nothing away')
    t.same(document.candidatesAt('Country'), ['Chile'])
    t.same(conflictsAt(document.fieldAt('Country')).length, 1)
    const chosen = document.when(follower.settles('Country', 'Chile'))
    t.equal(chosen.agreedAt('Country'), 'Chile')
    t.same(chosen.candidatesAt('Country'), [])
    t.match(chosen.events, [
      { type: 'ValueProposed', by: 'follower' },
      { type: 'ProposalAgreed' },
      { type: 'CandidateEnded', proposal: 'lead.0.0.0', why: 'replaced' },
    ])
  },
)

t.test('a value that is agreed ends the candidates that its author had seen, and no other', async (t) => {
  const document = country.when(
    concurrently(
      broker.proposes('Country', 'Mexico'),
      lead.proposes('Country', 'Chile'),
      follower.proposes('Country', 'Peru'),
    ),
  )
  const [mexico, chile] = [document.proposalOf(broker, 'Country'), document.proposalOf(lead, 'Country')]
  const basis = [chile, 'broker.77.0.0' as ProposalId, mexico, chile]
  const next = document.when(broker.proposes('Country', 'Bolivia', { basis }))
  t.equal(next.agreedAt('Country'), 'Bolivia')
  t.same(next.candidatesAt('Country'), ['Peru'])
})

t.test('a party has one candidate at a field: its next takes the place', async (t) => {
  const document = country.when(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile'))
  const next = document.when(lead.proposes('Country', 'Peru'))
  t.same(next.candidatesAt('Country'), ['Peru'])
  t.match(next.events, [
    { type: 'CandidateEnded', proposal: 'lead.0.0.0', why: 'replaced' },
    { type: 'ValueProposed', candidate: { exclusive: false, seen: ['lead.0.0.0'] } },
  ])
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
  t.same([document.agreedAt('Country'), ...document.candidatesAt('Country')], ['Mexico', 'Peru'])
  const seen = { basis: [document.proposalOf(follower, 'Country')], exclusive: true } as const
  t.equal(document.when(broker.proposes('Country', 'Bolivia', seen)).agreedAt('Country'), 'Bolivia')
})

t.test('an exclusive proposal takes no notice of votes that are open', async (t) => {
  const document = asked(country, lead, 'Chile', [broker])
  const next = document.when(broker.proposes('Country', 'Mexico', { exclusive: true }))
  t.equal(next.fate, 'accepted')
  t.same([next.agreedAt('Country'), ...next.candidatesAt('Country')], ['Mexico', 'Chile'])
})

t.test('a field is emptied like it is filled', async (t) => {
  const mexico = country.when(broker.proposes('Country', 'Mexico'))
  const emptied = mexico.when(lead.empties('Country'))
  t.equal(emptied.fieldAt('Country').agreed, null)
  t.match(emptied.events, [{ type: 'ValueProposed', seal: null }, { type: 'ProposalAgreed' }])
  const unseen = mexico.when(lead.empties('Country', { basis: [] }))
  t.equal(unseen.agreedAt('Country'), 'Mexico')
  t.same(unseen.candidatesAt('Country'), [null], 'a candidate, since its author had not seen the value')
  t.equal(unseen.when(follower.settles('Country', 'Peru')).candidatesAt('Country').length, 0)
  const fate = mexico.when(lead.empties('Country', { basis: [], exclusive: true })).fate
  t.same(fate, { code: 'field_conflict', command: 0, with: ['broker.6.0.0'] })
  const again = emptied.when(broker.empties('Country'))
  t.same([again.fate, again.events], ['accepted', []], 'an empty field stays empty')
})

t.test('the author withdraws its candidate, and nobody else does', async (t) => {
  const document = country.when(concurrently(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile')))
  const withdrawn = document.when(lead.withdraws('Country'))
  t.equal(withdrawn.agreedAt('Country'), 'Mexico')
  t.same(withdrawn.candidatesAt('Country'), [])
  t.same(document.when(broker.withdraws('Country', lead)).fate, { code: 'not_author', command: 0, with: ['lead'] })
  t.same(document.when(broker.withdraws('Country')).fate, { code: 'already_agreed', command: 0 })
})

t.test(
  'a candidate is agreed with the last YES of those that it asks, and the value before it stays until then',
  async (t) => {
    const mexico = country.when(broker.proposes('Country', 'Mexico'))
    const one = asked(mexico, lead, 'Chile', [broker, follower]).when(
      broker.votes('yes', 'Country', lead, sha256('checked')),
    )
    t.same([one.agreedAt('Country'), ...one.candidatesAt('Country')], ['Mexico', 'Chile'])
    t.same(one.fieldAt('Country').candidates[0]?.yes, ['broker'])
    t.same(conflictsAt(one.fieldAt('Country')), [])
    t.same(one.when(broker.votes('yes', 'Country', lead)).fate, { code: 'already_voted', command: 0 })
    t.same(one.when(lead.votes('yes', 'Country', lead)).fate, { code: 'not_a_voter', command: 0 })
    const both = one.when(follower.votes('yes', 'Country', lead))
    t.equal(both.agreedAt('Country'), 'Chile')
    t.same(both.candidatesAt('Country'), [])
  },
)

t.test('a NO of a voter ends a candidate, with the seal of what is said about it', async (t) => {
  const mexico = country.when(broker.proposes('Country', 'Mexico'))
  const document = asked(mexico, lead, 'Chile', [broker, follower])
  const turnedDown = document.when(follower.votes('no', 'Country', lead, sha256('no such flag')))
  t.same([turnedDown.agreedAt('Country'), ...turnedDown.candidatesAt('Country')], ['Mexico'])
  const about = { field: '0.0', proposal: 'lead.99.0.0' }
  t.same(turnedDown.events, [
    { type: 'VoteCast', ...about, by: 'follower', vote: 'no', about: sha256('no such flag') },
    { type: 'CandidateEnded', ...about, why: 'turned_down' },
  ])
  const late = document.when(broker.votes('yes', 'Country', lead), broker.votes('no', 'Country', lead))
  t.same(late.candidatesAt('Country'), [], 'who has voted YES can still say NO while others are asked')
})

t.test('a last YES on a basis that is stale agrees nothing: a conflict, or the end of an exclusive one', async (t) => {
  const mexico = country.when(broker.proposes('Country', 'Mexico'))
  for (const exclusive of [false, true]) {
    const changed = asked(mexico, lead, 'Chile', [broker], { exclusive }).when(
      follower.proposes('Country', 'Peru', { basis: [mexico.proposalOf(broker, 'Country')] }),
    )
    t.equal(changed.agreedAt('Country'), 'Peru')
    const voted = changed.when(broker.votes('yes', 'Country', lead))
    t.equal(voted.agreedAt('Country'), 'Peru')
    t.same(voted.candidatesAt('Country'), exclusive ? [] : ['Chile'])
    t.equal(conflictsAt(voted.fieldAt('Country')).length, exclusive ? 0 : 1)
    if (exclusive) t.match(voted.events.at(-1), { type: 'CandidateEnded', why: 'conflict' })
    else t.same(voted.when(broker.votes('no', 'Country', lead)).fate, { code: 'no_vote_asked', command: 0 })
  }
})

t.test('who resigns is asked no more: what waited for it alone is agreed', async (t) => {
  const mexico = country.when(broker.proposes('Country', 'Mexico'))
  const document = asked(mexico, lead, 'Chile', [broker, follower]).when(broker.votes('yes', 'Country', lead))
  const resigned = document.when(follower.resigns())
  t.equal(resigned.agreedAt('Country'), 'Chile')
  t.match(resigned.events.slice(0, 2), [{ type: 'PartyResigned' }, { type: 'ProposalAgreed', proposal: 'lead.99.0.0' }])
  const early = asked(mexico, lead, 'Chile', [broker, follower]).when(follower.resigns())
  t.same([early.agreedAt('Country'), early.fieldAt('Country').candidates[0]?.voters], ['Mexico', ['broker']])
  t.equal(early.when(broker.votes('yes', 'Country', lead)).agreedAt('Country'), 'Chile')
})

t.test('what stands no more is neither withdrawn nor voted on', async (t) => {
  const document = country
    .when(broker.proposes('Country', 'Mexico'), lead.proposes('Country', 'Chile'))
    .when(
      concurrently(
        follower.settles('Country', 'Peru'),
        lead.withdraws('Country'),
        broker.votes('yes', 'Country', lead),
        broker.votes('no', 'Country', lead),
      ),
    )
  const gone = { code: 'no_such_proposal', command: 0, with: ['lead.0.0.0'] }
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
