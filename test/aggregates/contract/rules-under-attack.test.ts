import t from 'tap'
import type { ElementId } from '../../../src/events/ids.ts'
import { asOne, block, field, given, list, openedBy, together } from '../../support/document.ts'
import { both, broker, decimal, follower, inForce, lead, shares } from '../../support/ruled-document.ts'
import type { WrittenRule } from '../../support/written-rule.ts'

const nested = given(
  openedBy(broker, lead, follower),
  block('A'),
  block('A/B'),
  field('A/B/F'),
  list('Lines'),
  list('Lines/0/Parts'),
  field('Lines/0/Parts/0/V', decimal),
  field('Limit', decimal),
)

t.test('what a rule stands at is not taken away with what it stands in', async (t) => {
  const live = inForce(nested, ['A/B', { access: ['propose', 'remove'], who: { parties: ['broker'] } }])
  for (const party of [broker, follower])
    t.match(party && live.when(party.removes('A')).fate, { code: 'rule_governed', with: ['1'] })
  t.match(live.when(follower.renames('A', 'Z')).fate, { code: 'rule_governed' })
})

t.test('a draft whose place is gone is anybody’s to remove, and keeps nobody from publishing', async (t) => {
  const drafted = nested.when(
    broker.addsRuleSet('Terms'),
    follower.drafts('A', { trigger: 'true', deactivates: { blocks: ['A/B'] } }),
    lead.removes('A'),
  )
  t.match(drafted.fates, ['accepted', 'accepted', 'accepted'])
  const removed = drafted.when(lead.removesRule(1))
  t.equal(removed.fate, 'accepted')
  t.equal(removed.when(broker.publishes(1)).fate, 'accepted')
})

t.test('one request that adds entries of entries does not get around a vote', async (t) => {
  const live = inForce(nested, ['Lines/0/Parts/0', { validation: { parties: ['follower'] } }])
  const once = live.when(
    together(lead.addsEntry('Lines'), lead.orders({ type: 'AddEntry', list: '#0.0' }), lead.proposes('#1.0', '5')),
  )
  t.equal(once.fate, 'accepted')
  t.same([once.agreedAt('Lines/1/Parts/1/V'), ...once.candidatesAt('Lines/1/Parts/1/V')], [undefined, '5'])
})

t.test('a flag goes with what it stands at', async (t) => {
  const live = inForce(nested, ['Lines/0/Parts/0', { constraint: 'V < 10', severity: 'warn' }]).when(
    lead.addsEntry('Lines'),
    lead.addsEntry('Lines/1/Parts'),
    lead.proposes('Lines/1/Parts/1/V', '50'),
  )
  t.equal(live.state.flags.length, 1)
  t.same(live.when(lead.removes('Lines/1')).state.flags, [])
})

t.test('nobody is kept from leaving by what rules cannot compute then', async (t) => {
  const live = inForce(
    given(openedBy(broker, lead, follower), field('A', decimal), field('K', decimal), field('B', { type: 'integer' })),
    ['A', { validation: { parties: ['lead'] } }],
    ['', { assign: 'A / K', to: 'B' }],
  ).when(broker.proposes('K', '1'), follower.proposes('A', '3'), broker.settles('K', '2'))
  const gone = live.when(lead.resigns())
  t.equal(gone.fate, 'accepted')
  t.same([gone.agreedAt('A'), gone.agreedAt('B')], ['3', undefined])
})

const keyed = given(
  openedBy(broker, lead, follower),
  list('Lines', { key: { name: 'Insurer', field: { type: 'text' } } }),
  field('Lines/0/Name'),
  field('Suffix'),
)

t.test(
  'nobody is kept from leaving by a key that two entries would have then: the later candidate falls',
  async (t) => {
    const live = inForce(keyed, ['Lines', { validation: { parties: ['follower'] } }]).when(
      broker.addsEntry('Lines'),
      broker.addsEntry('Lines'),
      broker.proposes('Lines/1/Insurer', 'acme'),
      lead.proposes('Lines/2/Insurer', 'acme'),
    )
    t.same(live.candidatesAt('Lines/2/Insurer'), ['acme'], 'given: both wait for the same vote')
    const gone = live.when(follower.resigns())
    t.same([gone.fate, gone.agreedAt('Lines/1/Insurer')], ['accepted', 'acme'])
    t.same([gone.agreedAt('Lines/2/Insurer'), gone.candidatesAt('Lines/2/Insurer')], [undefined, []])
    t.match(gone.events.at(-1), { type: 'CandidateEnded', why: 'key_taken' })
  },
)

t.test('nor by one that rules would compute twice: the later entry has none', async (t) => {
  const live = inForce(
    keyed,
    ['Suffix', { validation: { parties: ['follower'] } }],
    ['', { assign: 'if _.Suffix = "none" then "acme" else Name', to: 'Lines/0/Insurer' }],
  ).when(
    broker.proposes('Suffix', 'some'),
    follower.votes('yes', 'Suffix', broker),
    ...['1', '2'].flatMap((n) => [broker.addsEntry('Lines'), broker.proposes(`Lines/${n}/Name`, `line ${n}`)]),
  )
  t.same([live.agreedAt('Lines/1/Insurer'), live.agreedAt('Lines/2/Insurer')], ['line 1', 'line 2'])
  const open = live.when(lead.settles('Suffix', 'none'))
  const gone = open.when(follower.resigns())
  t.same([gone.fate, gone.agreedAt('Suffix')], ['accepted', 'none'])
  t.same([gone.agreedAt('Lines/1/Insurer'), gone.agreedAt('Lines/2/Insurer')], ['acme', undefined])
})

t.test('a last vote does not write into a field that a rule assigns', async (t) => {
  const drafted = given(
    openedBy(broker, lead, follower),
    field('A', decimal),
    field('T', decimal),
    field('Off', { type: 'boolean' }),
  ).when(
    broker.addsRuleSet('Votes'),
    broker.addsRuleSet('Terms'),
    broker.drafts('T', { validation: { parties: ['lead'] } }, 1),
    broker.drafts('', { assign: 'A + 1', to: 'T' }, 2),
    broker.drafts('', { trigger: 'Off = true', deactivates: { ruleSets: [2] } }),
    ...[1, 2, 3].flatMap((rule) => [lead.votesOnRule(rule), follower.votesOnRule(rule)]),
    broker.proposes('Off', true),
    broker.publishes(1, 2),
    follower.proposes('T', '99'),
    broker.proposes('Off', false),
  )
  t.equal(drafted.fate, 'accepted')
  t.match(drafted.when(lead.votes('yes', 'T', follower)).fate, { code: 'field_assigned' })
})

t.test('a computed value is no larger than a value may be', async (t) => {
  const live = inForce(
    given(both, field('A'), field('B'), field('C')),
    ['', { assign: 'A + A', to: 'B' }],
    ['', { assign: 'B + B', to: 'C' }],
  )
  t.match(live.when(lead.proposes('A', 'x'.repeat(40_000))).fate, { code: 'computed_unfit', with: ['1'] })
})

t.test('a field of a prototype is read in an entry, and through its list, and in no other way', async (t) => {
  const body = {
    kind: 'constraint',
    condition: {
      language: 1,
      nodes: [
        ['ref', nested.idAt('Lines/0/Parts')],
        ['call', 'count', 0],
        ['number', '1'],
        ['=', 1, 2],
      ],
    },
    severity: 'reject',
  } as never
  const start = nested.when(broker.addsRuleSet('Terms'))
  const fate = start.when(broker.orders({ type: 'DraftRule', at: '0' as ElementId, ruleSet: 1, body })).fate
  t.match(fate, { code: 'rule_unfit' })
})

t.test('who reopens a contract has not said that its rules come back', async (t) => {
  const open = inForce(shares, ['', { constraint: 'Share <= 100' }]).when(broker.reopens(), lead.reopens())
  t.match(open.when(broker.publishes(1)).fate, { code: 'rule_vote_missing', with: ['1', 'lead'] })
})

/** Between two who have agreed to so many rules at the root. */
function manyRules(requestSteps: number, rule: WrittenRule) {
  const start = given(
    broker.opens({ requestSteps }),
    broker.invites(lead),
    broker.admits(lead),
    field('F'),
    field('Officer', { type: 'party' }),
    broker.proposes('Officer', 'broker'),
  )
  return inForce(start, ...Array.from({ length: 64 }, () => ['', rule] as const))
}

t.test('who may is looked up on the budget of the request', async (t) => {
  const rule: WrittenRule = { access: ['propose'], who: { parties: ['broker', 'lead'] } }
  const times = (count: number) => {
    const more = Array.from({ length: count - 1 }, (_, n) => lead.settles('F', `${n}`))
    return together(lead.settles('F', 'x'), ...more)
  }
  // Eight steps for 64 rules, three times for each value.
  const live = manyRules(250, rule)
  t.equal(live.when(times(3)).fate, 'accepted')
  t.match(live.when(times(20)).fate, { code: 'rule_over_budget', with: ['1', 'requestSteps'] })
  t.equal(manyRules(1_000, rule).when(times(20)).fate, 'accepted')
})

t.test('and so is who must vote, by what is on before the request and what it switches itself', async (t) => {
  const rule: WrittenRule = { validation: { fields: ['Officer'] } }
  const value = lead.proposes('F', 'x')
  t.match(manyRules(60, rule).when(value).fate, { code: 'rule_over_budget', with: [/^\d+$/, 'requestSteps'] })
  const live = manyRules(1_000, rule).when(value)
  t.same([live.fate, live.fieldAt('F').candidates[0]?.voters], ['accepted', ['broker']])
  t.match(manyRules(60, rule).when(asOne(value)).fate, { code: 'rule_over_budget' })
  t.equal(manyRules(1_000, rule).when(asOne(value)).fate, 'accepted')
})
