import t from 'tap'
import { asOne, block, field, given, openedBy } from '../../support/document.ts'
import { endorsement, stands } from '../../support/endorsement.ts'
import { broker, decimal, follower, inForce, lead } from '../../support/ruled-document.ts'

const slip = given(
  openedBy(broker, lead, follower),
  block('Terms'),
  field('Terms/Premium', decimal),
  field('Terms/Limit', decimal),
  field('Leader', { type: 'party' }),
  block('Notes'),
  broker.proposes('Terms/Premium', '100'),
  broker.proposes('Terms/Limit', '1000'),
)
/** Both others vote on what stands in Terms. */
const live = inForce(slip, ['Terms', { validation: { parties: ['lead', 'follower'] } }])

const proposed = live.when(endorsement)

t.test('who resigns is asked no more: its effect, or its fall, follows', async (t) => {
  const half = proposed.when(lead.votesOnSet(broker))
  const gone = half.when(follower.resigns())
  t.same([stands(gone), gone.state.changeSets], [['150', true], []])
  const none = proposed.when(follower.resigns(), lead.resigns())
  t.same(stands(none), ['150', true], 'nobody is left that was asked')
  const broken = inForce(
    slip,
    ['Terms/Premium', { validation: { parties: ['lead'] } }],
    ['Terms', { constraint: 'Premium <= Limit' }],
  ).when(endorsement, follower.settles('Terms/Limit', '120'), lead.resigns())
  t.equal(broken.fate, 'accepted', 'nobody is kept')
  t.match(broken.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason: { code: 'rule_broken' } })
})

t.test('a set whose author has left stands by the votes of the others, and ends like any', async (t) => {
  const left = proposed.when(broker.resigns())
  t.same(left.state.changeSets, proposed.state.changeSets, 'given: it is open')
  t.same(stands(left.when(lead.votesOnSet(broker), follower.votesOnSet(broker))), ['150', true])
  const noes = left.when(lead.votesOnSet(broker, 'no'))
  t.match(noes.events.at(-1), { type: 'ChangeSetEnded', why: 'turned_down' })
  const alone = left.when(lead.votesOnSet(broker), follower.resigns())
  t.same([stands(alone), alone.state.changeSets], [['150', true], []], 'the last that was asked has left, too')
  t.equal(alone.when(lead.settles('Terms/Premium', '7')).agreedAt('Terms/Premium'), '7', 'who is left goes on')

  const named = live.when(
    asOne(broker.settles('Leader', 'broker'), broker.settles('Terms/Premium', '150')),
    broker.resigns(),
    lead.votesOnSet(broker),
    follower.votesOnSet(broker),
  )
  t.same([named.fate, named.state.changeSets, named.agreedAt('Terms/Premium')], ['accepted', [], '100'])
  t.match(named.events.at(-1), {
    type: 'ChangeSetEnded',
    why: 'unfit',
    reason: { code: 'value_wrong_type', command: 0 },
  })
})

t.test(
  'sets that one resignation completes share the budget, and one that finds it overspent names a rule',
  async (t) => {
    const names = ['X', 'Y', 'Z', ...Array.from({ length: 117 }, (_, nth) => `F${nth}`)]
    const start = given(
      broker.opens({ requestSteps: 20 }),
      ...[lead, follower].flatMap((party) => [broker.invites(party), broker.admits(party)]),
      ...names.map((name) => field(name, decimal)),
      field('Sum', decimal),
      broker.addsRuleSet('Votes'),
      broker.addsRuleSet('Terms'),
      ...['X', 'Y', 'Z'].map((name) => broker.drafts(name, { validation: { parties: ['follower'] } })),
      ...[lead, follower].flatMap((party) => [1, 2, 3].map((rule) => party.votesOnRule(rule))),
      broker.publishes(1),
      ...['X', 'Y', 'Z'].map((name) => asOne(broker.proposes(name, '1'))),
      ...[broker, lead, follower].map((party) => party.reopens()),
      // Its inputs cost 15 steps, and it waits for those that are empty.
      broker.drafts('', { assign: names.join(' + '), to: 'Sum' }, 2),
      ...[lead, follower].map((party) => party.votesOnRule(4)),
      broker.publishes(2),
    )
    t.same(
      [start.fate, start.state.changeSets.length],
      ['accepted', 3],
      'given: three wait, and no validation is in force',
    )
    const gone = start.when(follower.resigns())
    t.same([gone.agreedAt('X'), gone.agreedAt('Y'), gone.agreedAt('Z')], ['1', undefined, undefined])
    const reason = { code: 'rule_over_budget', command: 0, with: ['4', 'requestSteps'] }
    t.match(
      gone.events.filter(({ type }) => type === 'ChangeSetEnded'),
      [{ reason }, { reason }],
    )
  },
)
