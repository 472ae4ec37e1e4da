import t from 'tap'
import type { ElementId } from '../../../src/events/ids.ts'
import { type Act, block, concurrently, field, given, list, openedBy, together } from '../../support/document.ts'
import {
  broker,
  claim,
  decimal,
  follower,
  inForce,
  lead,
  premium,
  ready,
  shares,
  slip,
  tracts,
} from '../../support/ruled-document.ts'

/** Schedules that broke earlier forms of design §5 and §5a, each up to where it would go wrong, and how people go on. */

const signed = given(openedBy(broker, lead, follower), list('Lines'), field('Lines/0/Signed', decimal))

t.test('of two lines of a half each one vote moves neither: both are voted in one request', async (t) => {
  const halves = signed.when(
    broker.addsEntry('Lines'),
    broker.addsEntry('Lines'),
    follower.proposes('Lines/1/Signed', '50'),
    follower.proposes('Lines/2/Signed', '50'),
  )
  const live = inForce(
    halves,
    ['Lines', { validation: { parties: ['lead'] } }],
    ['', { constraint: 'sum(Lines.Signed) = 100' }],
  )
  const moved = live.when(together(broker.settles('Lines/1/Signed', '60'), broker.settles('Lines/2/Signed', '40')))
  t.same([moved.fate, moved.candidatesAt('Lines/1/Signed')], ['accepted', ['60']], 'given: both wait for a vote')
  const one = moved.when(lead.votes('yes', 'Lines/1/Signed', broker))
  t.same([one.fate, one.agreedAt('Lines/1/Signed')], [{ code: 'rule_broken', command: 0, with: ['2', '0'] }, '50'])
  const both = moved.when(
    together(lead.votes('yes', 'Lines/1/Signed', broker), lead.votes('yes', 'Lines/2/Signed', broker)),
  )
  t.same(
    [both.fate, both.agreedAt('Lines/1/Signed'), both.agreedAt('Lines/2/Signed')],
    ['accepted', '60', '40'],
    'the way on',
  )
})

t.test('a candidate alone that breaks a sum with what is agreed is void when it is proposed', async (t) => {
  const live = inForce(
    signed.when(broker.addsEntry('Lines'), broker.proposes('Lines/1/Signed', '100')),
    ['Lines', { validation: { parties: ['lead'] } }],
    ['', { constraint: 'sum(Lines.Signed) = 100' }],
  )
  t.match(live.when(broker.proposes('Lines/1/Signed', '60')).fate, { code: 'rule_broken', with: ['2'] })
})

t.test(
  'a last YES on a value that had not seen what is agreed by now is a conflict, and takes nothing away',
  async (t) => {
    const live = inForce(claim, ['Claim', { validation: { parties: ['follower'] } }]).when(
      concurrently(broker.proposes('Claim/Amount', '5'), lead.proposes('Claim/Amount', '6', { exclusive: true })),
    )
    t.same(live.candidatesAt('Claim/Amount'), ['5', '6'], 'given: two open votes')
    const first = live.when(follower.votes('yes', 'Claim/Amount', broker))
    const stale = first.when(follower.votes('yes', 'Claim/Amount', lead))
    t.same([stale.fate, stale.agreedAt('Claim/Amount')], ['accepted', '5'])
    t.match(stale.events.at(-1), { type: 'CandidateEnded', why: 'conflict' }, 'one that was to be exclusive falls')
    const other = live.when(follower.votes('yes', 'Claim/Amount', lead), follower.votes('yes', 'Claim/Amount', broker))
    t.same([other.agreedAt('Claim/Amount'), other.candidatesAt('Claim/Amount')], ['6', ['5']], 'else it stands beside')
    const settled = other.when(follower.settles('Claim/Amount', '5'))
    t.same(
      [settled.agreedAt('Claim/Amount'), settled.candidatesAt('Claim/Amount')],
      ['5', []],
      'until somebody settles it',
    )
  },
)

t.test(
  'who must vote is as it was when the value was proposed, whatever becomes of the field that says so',
  async (t) => {
    const live = inForce(claim, ['Claim', { validation: { fields: ['Assessor'] } }]).when(
      broker.proposes('Assessor', 'lead'),
      broker.proposes('Claim/Amount', '5'),
      broker.settles('Assessor', 'follower'),
    )
    t.same(live.fieldAt('Claim/Amount').candidates[0]?.voters, ['lead'], 'given: the field names another by now')
    t.match(live.when(follower.votes('yes', 'Claim/Amount', broker)).fate, { code: 'not_a_voter' })
    t.equal(live.when(lead.votes('yes', 'Claim/Amount', broker)).agreedAt('Claim/Amount'), '5')
  },
)

t.test('one request that switches a block on and writes into it asks for the votes of the block', async (t) => {
  const referral = given(
    openedBy(broker, lead, follower),
    field('Country'),
    block('Referral'),
    field('Referral/Cleared'),
    field('Referral/Officer', { type: 'party' }),
  )
  const on = ['', { trigger: 'Country = "Peru"', activates: { blocks: ['Referral'] } }] as const
  const live = inForce(referral, on, ['Referral', { validation: { parties: ['lead'] } }])
  const round = live.when(together(broker.proposes('Country', 'Peru'), broker.proposes('Referral/Cleared', 'yes')))
  t.equal(round.fate, 'accepted')
  t.same([round.agreedAt('Country'), round.agreedAt('Referral/Cleared')], ['Peru', undefined])
  t.same(round.fieldAt('Referral/Cleared').candidates[0]?.voters, ['lead'])
  t.equal(round.when(lead.votes('yes', 'Referral/Cleared', broker)).agreedAt('Referral/Cleared'), 'yes', 'the way on')

  const named = inForce(
    referral.when(broker.proposes('Referral/Officer', 'follower')),
    on,
    ['', { validation: { parties: ['lead'], fields: ['Referral/Officer'] } }],
    ['Country', { access: ['propose'], who: { parties: ['broker'] } }],
  )
  const country = named.when(broker.proposes('Country', 'Peru'))
  t.same(country.fieldAt('Country').candidates[0]?.voters, ['lead', 'follower'], 'who is named where it switches on')

  const kept = inForce(referral, on, ['Referral', { access: ['propose'], who: { parties: ['lead'] } }])
  const into = (party: typeof broker) =>
    kept.when(together(party.proposes('Country', 'Peru'), party.proposes('Referral/Cleared', 'yes'))).fate
  t.match(into(broker), { code: 'access_denied', command: 1, with: ['2', kept.idAt('Referral/Cleared')] })
  t.equal(into(lead), 'accepted')
})

t.test('a value that switches on the rule set that asks for votes on it needs them', async (t) => {
  const start = claim.when(
    broker.addsRuleSet('Terms'),
    broker.addsRuleSet('Large'),
    broker.drafts('', { trigger: 'Claim.Amount > 1000', activates: { ruleSets: [2] } }),
    broker.drafts('Claim', { validation: { parties: ['lead'] } }, 2),
  )
  const votes = (rules: readonly number[]) =>
    rules.flatMap((rule) => [lead.votesOnRule(rule), follower.votesOnRule(rule)])
  const live = start.when(...votes([1, 2]), broker.publishes(1, 2))
  t.equal(live.fate, 'accepted', 'given: the rules are in force')
  const small = live.when(follower.proposes('Claim/Amount', '10'))
  t.equal(small.agreedAt('Claim/Amount'), '10')
  const large = small.when(broker.settles('Claim/Amount', '5000'))
  t.same([large.agreedAt('Claim/Amount'), large.candidatesAt('Claim/Amount')], ['10', ['5000']])
  t.same(large.fieldAt('Claim/Amount').candidates[0]?.voters, ['lead'])
  t.ok(large.state.inactive.ruleSets.includes(2), 'what waits switches nothing')
  const agreed = large.when(lead.votes('yes', 'Claim/Amount', broker))
  t.equal(agreed.agreedAt('Claim/Amount'), '5000')
  t.same(agreed.when(broker.settles('Claim/Amount', '20')).candidatesAt('Claim/Amount'), ['20'], 'and back')

  const asked = start.when(
    broker.drafts('Claim', { validation: { parties: ['follower'] } }),
    ...votes([1, 2, 3]),
    broker.publishes(1, 2),
  )
  t.equal(asked.fate, 'accepted', 'given: somebody is asked in any case')
  const first = asked.when(broker.proposes('Claim/Amount', '5000'))
  t.same(first.fieldAt('Claim/Amount').candidates[0]?.voters, ['lead', 'follower'], 'as the document is with the value')
})

t.test('a field that is removed and added again under a rule that waits for its votes is another field', async (t) => {
  const voted = ready(slip, premium)
  const again = voted.when(broker.removes('Rate'), field('Rate', decimal))
  t.same(again.fates, ['accepted', 'accepted'], 'given: one of the same name stands there')
  t.match(
    again.when(broker.publishes(1)).fate,
    { code: 'rule_unfit', with: ['1'] },
    'the rule means the one that is gone',
  )
  const edited = again.when(broker.edits(1, ...premium))
  t.match(edited.when(broker.publishes(1)).fate, { code: 'rule_vote_missing', with: ['1', 'lead'] })
  t.equal(edited.when(lead.votesOnRule(1), broker.publishes(1)).state.phase, 'live', 'the way on')
})

t.test('an entry that is removed and added again under a vote has none of its candidates', async (t) => {
  const live = inForce(signed, ['Lines/0', { validation: { parties: ['lead'] } }]).when(
    broker.addsEntry('Lines'),
    broker.proposes('Lines/1/Signed', '50'),
  )
  const [candidate] = live.fieldAt('Lines/1/Signed').candidates
  t.ok(candidate, 'given: a vote is open')
  const again = live.when(broker.removes('Lines/1'), broker.addsEntry('Lines'))
  const vote = { type: 'CastVote', field: live.idAt('Lines/1/Signed'), proposal: candidate?.id ?? '', vote: 'yes' }
  t.match(again.when(lead.orders(vote)).fate, { code: 'no_such_element' })
  t.same(again.candidatesAt('Lines/2/Signed'), [])
})

t.test('triggers that flip each other are refused by name', async (t) => {
  const flipping = ready(
    tracts.when(broker.addsBlock('Other'), broker.addsField('Other/Number')),
    ['', { trigger: 'Other.Number = "1"', deactivates: { blocks: ['Tax Form'] } }],
    ['', { trigger: '`Tax Form`.Number = "1"', deactivates: { blocks: ['Other'] } }],
  )
  t.same(flipping.when(broker.publishes(1)).fate, { code: 'rules_cyclic', command: 0, with: ['1', '2'] })
  t.equal(flipping.when(broker.removesRule(2), broker.publishes(1)).state.phase, 'live', 'the way on')
})

t.test('a rule that forbids its own withdrawal goes with a vote of all', async (t) => {
  const live = inForce(claim, ['', { access: ['propose', 'add', 'remove', 'vote', 'invite'], who: {} }])
  t.match(live.when(broker.removesRule(1)).fate, { code: 'rules_in_force' }, 'given: nobody gets at it')
  const gone = live.when(broker.reopens(), lead.reopens(), follower.reopens(), broker.removesRule(1))
  t.equal(gone.fate, 'accepted')
  t.equal(gone.when(broker.publishes(1), lead.proposes('Claim/Amount', '5')).agreedAt('Claim/Amount'), '5')
})

t.test(
  'numbers beyond all bounds empty what is computed, and numbers beyond the field’s digits are void',
  async (t) => {
    const live = inForce(shares, ['', { assign: 'Share ** 6000', to: 'Limit' }]).when(lead.proposes('Share', '1'))
    t.equal(live.agreedAt('Limit'), '1', 'given: it is computed')
    const beyond = live.when(lead.settles('Share', '100'))
    t.same([beyond.fate, beyond.agreedAt('Limit')], ['accepted', undefined], 'over 10^6144 there is no value')
    t.match(live.when(lead.settles('Share', '1.5')).fate, { code: 'computed_unfit', with: ['1'] })
    t.equal(live.when(lead.settles('Share', '0')).agreedAt('Limit'), '0', 'the way on')
  },
)

t.test('a tree that is too deep, or has too many nodes, is no draft', async (t) => {
  const start = shares.when(broker.addsRuleSet('Terms'))
  const drafted = (nodes: unknown[]) => {
    const body = { kind: 'constraint', condition: { language: 1, nodes }, severity: 'reject' } as never
    return start.when(broker.orders({ type: 'DraftRule', at: '0' as ElementId, ruleSet: 1, body })).fate
  }
  const deep = (depth: number) => [['true'], ...Array.from({ length: depth }, (_, place) => ['call', 'not', place])]
  t.equal(drafted(deep(4)), 'accepted')
  t.match(drafted(deep(400)), { code: 'rule_unfit', with: ['expression_malformed'] })
  t.match(drafted(deep(1_999)), { code: 'limit_exceeded', with: ['ruleBytes'] })
  const wide = [['true'], ...Array.from({ length: 1_500 }, (_, n) => [['true'], ['and', 2 * n, 2 * n + 1]]).flat()]
  for (const nodes of [deep(2_000), wide]) t.match(drafted(nodes), { code: 'command_malformed' })
})

t.test('names of rule sets have the bounds of names, and none can be taken for another', async (t) => {
  const start = shares.when(broker.addsRuleSet('Terms'))
  t.match(start.when(broker.addsRuleSet('x'.repeat(150))).fate, { code: 'limit_exceeded' })
  t.match(start.when(broker.addsRuleSet('Теrms')).fate, { code: 'name_confusable', with: ['1'] })
  t.match(start.when(broker.addsRuleSet('Te`rms')).fate, { code: 'name_unfit' })
})

t.test('in a list that is filled to its limit every entry is computed, and no more come', async (t) => {
  const lines = given(
    openedBy(broker, lead),
    field('Order', decimal),
    list('Lines', { entriesMax: 200 }),
    field('Lines/0/Written', decimal),
    field('Lines/0/Signed', decimal),
  )
  const live = inForce(lines, [
    '',
    { assign: 'round half up(Written * _.Order / sum(_.Lines.Written), 4)', to: 'Lines/0/Signed' },
  ]).when(lead.proposes('Order', '100'))
  const acts = Array.from({ length: 50 }, (_, n) => [lead.addsEntry('Lines'), lead.proposes(`#${2 * n}.0`, '1')]).flat()
  const some = together(...(acts as [Act, ...Act[]]))
  const full = live.when(some, some, some, some)
  t.equal(full.fate, 'accepted')
  t.same([full.agreedAt('Lines/1/Signed'), full.agreedAt('Lines/200/Signed')], ['0.5', '0.5'])
  t.match(full.when(lead.addsEntry('Lines')).fate, { code: 'limit_exceeded' })
  const less = full.when(lead.removes('Lines/7'), lead.addsEntry('Lines'))
  t.equal(less.fate, 'accepted', 'the way on')
})
