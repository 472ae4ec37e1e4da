import t from 'tap'
import type { ElementId } from '../../../src/events/ids.ts'
import { type Act, concurrently, field, given, list, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'
import {
  both,
  broker,
  claim,
  decimal,
  follower,
  form,
  inForce,
  lead,
  ready,
  shares,
  tracts,
} from '../../support/ruled-document.ts'

t.test('access is read before the request: nobody lets itself in by its own first command', async (t) => {
  const live = inForce(claim, ['Claim', { access: ['propose'], who: { parties: ['broker'], fields: ['Assessor'] } }])
  const amount = live.idAt('Claim/Amount')
  const denied = { code: 'access_denied', command: 0, with: ['1', amount] }
  t.same(live.when(lead.proposes('Claim/Amount', '5')).fate, denied)
  t.equal(live.when(broker.proposes('Claim/Amount', '5')).fate, 'accepted')
  const itself = live.when(together(lead.proposes('Assessor', 'lead'), lead.proposes('Claim/Amount', '5')))
  t.same(itself.fate, { ...denied, command: 1 })
  t.equal(live.when(lead.proposes('Assessor', 'lead'), lead.proposes('Claim/Amount', '5')).fate, 'accepted')
})

t.test('a validation asks the parties that it names, as the document has them after the commands', async (t) => {
  const live = inForce(claim, ['Claim', { validation: { parties: ['follower'], fields: ['Assessor'] } }]).when(
    broker.proposes('Assessor', 'lead'),
  )
  const asked = live.when(broker.proposes('Claim/Amount', '5'))
  t.same([asked.agreedAt('Claim/Amount'), ...asked.candidatesAt('Claim/Amount')], [undefined, '5'])
  t.match(asked.events, [{ type: 'ValueProposed' }, { type: 'VotersNamed', voters: ['lead', 'follower'] }])
  const elsewhere = asked.when(broker.settles('Assessor', 'broker'))
  t.same(elsewhere.fieldAt('Claim/Amount').candidates[0]?.voters, ['lead', 'follower'], 'they stay as they were')
  const agreed = elsewhere.when(
    lead.votes('yes', 'Claim/Amount', broker),
    follower.votes('yes', 'Claim/Amount', broker),
  )
  t.equal(agreed.agreedAt('Claim/Amount'), '5')
  const own = live.when(broker.settles('Assessor', 'follower'), follower.proposes('Claim/Amount', '7'))
  t.equal(own.agreedAt('Claim/Amount'), '7', 'who alone is asked has said so by proposing')
})

t.test('where a validation names nobody, everybody is asked', async (t) => {
  const live = inForce(claim, ['Claim', { validation: { fields: ['Assessor'] } }])
  t.match(live.when(broker.proposes('Claim/Amount', '5')).events.at(-1), { voters: ['lead', 'follower'] })
})

t.test('both documents are judged: what becomes agreed now, and what would with all votes', async (t) => {
  const live = inForce(
    claim,
    ['Claim', { validation: { parties: ['follower'] } }],
    ['Claim', { constraint: 'Amount <= 100' }],
  )
  t.same(live.when(broker.proposes('Claim/Amount', '101')).fate, {
    code: 'rule_broken',
    command: 0,
    with: ['2', live.idAt('Claim')],
  })
  t.equal(live.when(broker.proposes('Claim/Amount', '100')).fate, 'accepted')
})

t.test('a vote that would make a broken value agreed is void', async (t) => {
  const live = inForce(
    given(openedBy(broker, lead, follower), field('Share', decimal), field('Limit', decimal)),
    ['Share', { validation: { parties: ['follower'] } }],
    ['', { constraint: 'Share <= Limit' }],
  ).when(broker.proposes('Limit', '10'), broker.proposes('Share', '10'), broker.proposes('Limit', '5'))
  t.same(live.when(follower.votes('yes', 'Share', broker)).fate, { code: 'rule_broken', command: 0, with: ['2', '0'] })
})

t.test('under a single rule what would be in conflict is void', async (t) => {
  const live = inForce(claim, ['Claim/Amount', 'single'])
  const raced = live.when(concurrently(broker.proposes('Claim/Amount', '5'), lead.proposes('Claim/Amount', '6')))
  t.match(raced.fates, ['accepted', { code: 'field_conflict' }])
})

t.test('what is required has a value before rules are in force, or before a rule set is', async (t) => {
  const voted = ready(claim, ['Assessor', { required: 'live' }])
  t.same(voted.when(broker.publishes(1)).fate, {
    code: 'required_missing',
    command: 0,
    with: ['1', voted.idAt('Assessor')],
  })
  t.equal(voted.when(lead.proposes('Assessor', 'lead'), broker.publishes(1)).fate, 'accepted')
  const waiting = inForce(claim, ['Assessor', { required: 1 }], ['Claim', { constraint: 'Amount < 5' }])
  t.same(waiting.state.inactive.ruleSets, [1])
  t.equal(waiting.when(broker.proposes('Claim/Amount', '9')).fate, 'accepted', 'it does not count yet')
  t.match(
    waiting.when(broker.proposes('Claim/Amount', '9'), broker.proposes('Assessor', 'lead')).fate,
    { code: 'rule_broken', with: ['2'] },
    'who fills it makes it count',
  )
})

t.test(
  'what is required before a rule set holds it back until it is in force, and never puts it out of force',
  async (t) => {
    const live = inForce(claim, ['Claim', { required: 1 }], ['Claim', { constraint: 'Amount < 5' }])
    t.same(live.state.inactive.ruleSets, [1], 'given: it waits')
    const counting = live.when(broker.proposes('Claim/Amount', '3'))
    t.same(counting.state.inactive.ruleSets, [])
    const broken = { code: 'rule_broken', with: ['2'] }
    const added = counting.when(follower.addsField('Claim/Note'))
    t.same([added.fate, added.state.inactive.ruleSets], ['accepted', []])
    t.match(added.when(follower.settles('Claim/Amount', '9')).fate, broken, 'by an empty field that somebody adds')
    const emptied = counting.when(follower.empties('Claim/Amount'))
    t.same([emptied.fate, emptied.state.inactive.ruleSets], ['accepted', []])
    t.match(emptied.when(follower.proposes('Claim/Amount', '9')).fate, broken, 'or by a value that somebody takes away')
  },
)

t.test('a rule set that was switched off waits again for what is required before it', async (t) => {
  const live = inForce(
    claim.when(broker.addsField('Claim/Off', { type: 'boolean' }), broker.proposes('Assessor', 'lead')),
    ['Assessor', { required: 1 }],
    ['Claim', { constraint: 'Amount < 5' }],
    ['', { trigger: 'Claim.Off = true', deactivates: { ruleSets: [1] } }],
  )
  t.same(live.state.inactive.ruleSets, [], 'given: it is in force')
  const off = live.when(
    broker.proposes('Claim/Off', true),
    broker.empties('Assessor'),
    broker.settles('Claim/Off', false),
  )
  t.same(off.state.inactive.ruleSets, [1])
  t.same(off.when(broker.proposes('Assessor', 'follower')).state.inactive.ruleSets, [])
})

t.test('a rule of a rule set that is off requires nothing', async (t) => {
  const drafted = claim.when(
    broker.addsField('Off', { type: 'boolean' }),
    broker.addsRuleSet('Terms'),
    broker.addsRuleSet('Formalities'),
    broker.drafts('Assessor', { required: 1 }, 2),
    broker.drafts('Assessor', { required: 'live' }, 2),
    broker.drafts('Claim', { constraint: 'Amount < 5' }, 1),
    broker.drafts('', { trigger: 'Off = true', deactivates: { ruleSets: [2] } }),
    ...[1, 2, 3, 4].flatMap((rule) => [lead.votesOnRule(rule), follower.votesOnRule(rule)]),
  )
  t.match(drafted.when(broker.publishes(1, 2)).fate, { code: 'required_missing', with: ['2'] })
  const waiting = ready(claim, ['Assessor', { required: 'live' }], ['Claim', { required: 1 }])
  t.match(waiting.when(broker.publishes(1)).fate, { code: 'required_missing' }, 'but of one that only waits')
  const live = drafted.when(broker.proposes('Off', true), broker.publishes(1, 2))
  t.same([live.fate, live.state.inactive.ruleSets], ['accepted', [2]])
  t.match(live.when(lead.proposes('Claim/Amount', '9')).fate, { code: 'rule_broken', with: ['3'] })
})

t.test('what a rule names or governs stays; entries come and go', async (t) => {
  const live = inForce(
    given(both, field('Order', decimal), field('Note'), list('Lines'), field('Lines/0/Written', decimal)),
    ['Order', { constraint: 'Order < sum(Lines.Written)' }],
  )
  for (const path of ['Order', 'Lines', 'Lines/0/Written']) {
    t.match(live.when(broker.removes(path)).fate, { code: 'rule_governed', with: ['1'] }, path)
  }
  t.match(live.when(broker.renames('Order', 'Sum')).fate, { code: 'rule_governed' })
  t.equal(live.when(broker.removes('Note')).fate, 'accepted')
  t.equal(live.when(broker.addsEntry('Lines'), broker.removes('Lines/1')).fate, 'accepted')
})

t.test('a vote of all reopens the contract: no rule is in force, and no value goes', async (t) => {
  const live = inForce(tracts, form, ['', { constraint: 'Total < 10', severity: 'warn' }]).when(
    lead.proposes('Total', '11'),
  )
  t.same(live.state.flags.length, 1)
  const one = live.when(lead.reopens())
  t.same([one.state.phase, one.when(lead.reopens()).fate], ['live', { code: 'already_voted', command: 0 }])
  const open = one.when(broker.reopens())
  t.same([open.state.phase, open.state.flags, open.state.inactive.blocks], ['edit', [], []])
  t.equal(open.agreedAt('Total'), '11')
  t.equal(open.when(broker.edits(2, '', { constraint: 'Total < 20' })).fate, 'accepted')
  t.equal(one.when(broker.resigns()).state.phase, 'edit', 'the last member that had not voted has gone')
})

t.test(
  'unanimous members always have a way on: a rule that forbids everything makes no leaving or reopening void',
  async (t) => {
    const live = inForce(
      claim,
      ['', { access: ['propose', 'add', 'remove', 'vote', 'invite'], who: {} }],
      ['', { constraint: 'true' }],
    )
    t.match(live.when(broker.proposes('Assessor', 'lead')).fate, { code: 'access_denied' })
    t.match(live.when(broker.invites(new Party('other'))).fate, { code: 'access_denied' })
    t.equal(live.when(lead.resigns()).fate, 'accepted')
    t.equal(live.when(broker.reopens(), lead.reopens(), follower.reopens()).state.phase, 'edit')
  },
)

t.test('a resignation that makes a candidate agreed is not void for a rule: it is flagged', async (t) => {
  const live = inForce(
    given(openedBy(broker, lead, follower), field('Share', decimal), field('Limit', decimal)),
    ['Share', { validation: { parties: ['follower'] } }],
    ['', { constraint: 'Share <= Limit' }],
  ).when(broker.proposes('Limit', '10'), broker.proposes('Share', '10'), broker.proposes('Limit', '5'))
  const gone = live.when(follower.resigns())
  t.equal(gone.fate, 'accepted')
  t.same([gone.agreedAt('Share'), gone.state.flags], ['10', [{ at: '0', rule: 2 }]])
})

t.test(
  'a newcomer signs the rules that are in force: what was published behind its back makes its admission void',
  async (t) => {
    const other = new Party('other')
    const voted = ready(shares, ['', { constraint: 'Share <= 100' }]).when(broker.invites(other))
    const before = voted.head
    const live = voted.when(broker.publishes(1))
    t.match(live.when(broker.admits(other, { head: before })).fate, { code: 'terms_changed' })
    t.equal(live.when(broker.admits(other)).fate, 'accepted')
    const admitted = voted.when(broker.admits(other), broker.publishes(1))
    t.match(admitted.fate, { code: 'rule_vote_missing', with: ['1', 'other'] }, 'who came in before must vote, too')
  },
)

t.test('a resignation makes nothing of a party agreed where a rule assigns: it assigns anew', async (t) => {
  const start = given(openedBy(broker, lead, follower), field('Mode'), field('Net', decimal), field('Gross', decimal))
  const drafted = start.when(
    broker.addsRuleSet('Terms'),
    broker.addsRuleSet('Computed'),
    broker.drafts('Gross', { validation: { parties: ['follower'] } }),
    broker.drafts('', { assign: 'Net + 1', to: 'Gross' }, 2),
    broker.drafts('', { trigger: 'Mode = "on"', activates: { ruleSets: [2] } }),
  )
  const votes = [1, 2, 3].flatMap((rule) => [lead.votesOnRule(rule), follower.votesOnRule(rule)])
  const live = drafted.when(...votes, broker.publishes(1, 2), broker.proposes('Gross', '9'))
  const waiting = live.when(broker.proposes('Mode', 'on'))
  t.match(waiting.when(follower.votes('yes', 'Gross', broker)).fate, { code: 'field_assigned' })
  const gone = waiting.when(follower.resigns())
  t.equal(gone.fate, 'accepted')
  t.equal(gone.agreedAt('Gross'), undefined, 'Net has no value, so there is nothing to assign')
  t.equal(live.when(follower.resigns()).agreedAt('Gross'), '9', 'where the rule is off')
})

t.test('rules run out of steps instead of going on for ever', async (t) => {
  const expensive = 'every a in Lines.Written satisfies every b in Lines.Written satisfies a + b < 1000'
  const wide = given(
    broker.opens({ ruleSteps: 1000 }),
    broker.invites(lead),
    broker.admits(lead),
    list('Lines', { entriesMax: 30 }),
    field('Lines/0/Written', decimal),
  )
  const voted = ready(wide, ['', { constraint: expensive }])
  t.match(
    voted.fates,
    voted.fates.map(() => 'accepted'),
  )
  const live = voted.when(broker.publishes(1))
  const full = live.when(together(...(Array.from({ length: 30 }, () => lead.addsEntry('Lines')) as [Act, ...Act[]])))
  t.same(full.fate, { code: 'rule_over_budget', command: 29, with: ['1', 'ruleSteps'] })
})

t.test('drafts that mean nothing here are void, with the reason', async (t) => {
  const unfit = (...why: string[]) => ({ code: 'rule_unfit', command: 0, with: why })
  const start = tracts.when(broker.addsRuleSet('Terms'))
  const body = (condition: unknown) => ({ kind: 'constraint', condition, severity: 'reject' }) as never
  const drafts = (condition: unknown) =>
    start.when(broker.orders({ type: 'DraftRule', at: '0' as ElementId, ruleSet: 1, body: body(condition) }))
  t.same(drafts({ language: 1, nodes: [['ref', '0.99']] }).fate, unfit('expression_unknown_name'))
  t.same(drafts({ language: 1, nodes: [['number', '5']] }).fate, unfit('expression_type_unfit'))
  t.same(drafts({ language: 1, nodes: [['+', 0, 1]] }).fate, unfit('expression_malformed'))
  t.same(drafts({ language: 2, nodes: [['true']] }).fate, unfit('expression_malformed'))
  t.same(start.when(broker.drafts('Tax Form', { assign: '5', to: 'Total' })).fate, unfit('target_outside'))
  t.same(start.when(broker.drafts('', { constraint: 'true' }, 7)).fate, {
    code: 'no_such_rule_set',
    command: 0,
    with: ['7'],
  })
})

t.test('a request that would make more happen than one entry can say is void, and changes nothing', async (t) => {
  const wide = given(
    both,
    field('Factor', decimal),
    list('Lines', { entriesMax: 6_000 }),
    field('Lines/0/Written', decimal),
    field('Lines/0/Signed', decimal),
  )
  const live = inForce(wide, ['', { assign: '_.Factor + 1', to: 'Lines/0/Signed' }])
  const some = together(...(Array.from({ length: 500 }, () => lead.addsEntry('Lines')) as [Act, ...Act[]]))
  const document = live.when(...Array.from({ length: 12 }, () => some))
  t.equal(document.fate, 'accepted')
  const after = document.when(lead.proposes('Factor', '1'))
  t.same(after.fate, { code: 'limit_exceeded', command: 0, with: ['entryBytes'] })
  t.equal(after.agreedAt('Factor'), undefined)
})
