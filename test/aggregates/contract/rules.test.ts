import t from 'tap'
import type { ContractEvent } from '../../../src/events/contract-events.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import {
  type Act,
  block,
  concurrently,
  type Document,
  field,
  given,
  list,
  openedBy,
  together,
} from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'
import type { WrittenRule } from '../../support/written-rule.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const follower = new Party('follower')
const decimal = { type: 'decimal' } as const
const money = { type: 'money', currency: 'GBP' } as const
const pounds = (amount: string) => ({ amount, currency: 'GBP' })

/** Drafted by the broker in one rule set, voted by the others, and in force. */
function inForce(document: Document, ...rules: readonly (readonly [path: string, rule: WrittenRule])[]): Document {
  const voted = ready(document, ...rules)
  const published = voted.when(broker.publishes(1))
  t.equal(published.fate, 'accepted', 'given: the rules are in force')
  return published
}

function ready(document: Document, ...rules: readonly (readonly [path: string, rule: WrittenRule])[]): Document {
  const drafted = document.when(broker.addsRuleSet('Terms'), ...rules.map(([path, rule]) => broker.drafts(path, rule)))
  t.same(drafted.fates, ['accepted', ...rules.map(() => 'accepted')], 'given: the rules are drafted')
  const others = drafted.handles.filter((handle) => handle !== 'broker')
  const parties = [lead, follower].filter(({ handle }) => others.includes(handle))
  return drafted.when(...rules.flatMap((_, place) => parties.map((party) => party.votesOnRule(place + 1))))
}

function typesOf(events: readonly ContractEvent[]): string[] {
  return events.map(({ type }) => type)
}

const both = openedBy(broker, lead)
const shares = given(both, field('Share', decimal), field('Limit', decimal))

t.test('a rule is nothing until all have voted on what it says and it is published', async (t) => {
  const drafted = shares.when(broker.addsRuleSet('Terms'), broker.drafts('', { constraint: 'Share <= 100' }))
  t.equal(drafted.when(lead.proposes('Share', '200')).agreedAt('Share'), '200')
  t.same(drafted.when(broker.publishes(1)).fate, { code: 'rule_vote_missing', command: 0, with: ['1', 'lead'] })
  const live = drafted.when(lead.votesOnRule(1), lead.publishes(1))
  t.same(live.fates, ['accepted', 'accepted'])
  t.equal(live.state.phase, 'live')
  t.same(live.when(lead.proposes('Share', '200')).fate, { code: 'rule_broken', command: 0, with: ['1', '0'] })
  t.equal(live.when(lead.proposes('Share', '100')).agreedAt('Share'), '100')
  t.match(live.when(broker.drafts('', { constraint: 'true' })).fate, { code: 'rules_in_force' })
})

t.test('an edited rule has no votes; who votes or publishes names what it read', async (t) => {
  const voted = ready(shares, ['', { constraint: 'Share <= 100' }])
  const raced = voted.when(concurrently(broker.edits(1, '', { constraint: 'Share <= 50' }), lead.publishes(1)))
  t.same(raced.fates, ['accepted', { code: 'rule_changed', command: 0, with: ['1'] }])
  const late = voted.when(concurrently(broker.edits(1, '', { constraint: 'Share <= 50' }), lead.votesOnRule(1)))
  t.match(late.fate, { code: 'rule_changed' })
  t.match(raced.when(broker.publishes(1)).fate, { code: 'rule_vote_missing', with: ['1', 'lead'] })
})

t.test('a value that stands and breaks a rule keeps it from being published', async (t) => {
  const voted = ready(shares, ['', { constraint: 'Share <= 100' }]).when(lead.proposes('Share', '200'))
  t.same(voted.when(broker.publishes(1)).fate, { code: 'rule_broken', command: 0, with: ['1', '0'] })
  t.equal(voted.when(broker.settles('Share', '5'), broker.publishes(1)).state.phase, 'live')
})

t.test('a condition is judged after the last command, and all or nothing takes effect', async (t) => {
  const live = inForce(shares, ['', { constraint: 'Share <= Limit' }])
  const document = live.when(lead.proposes('Limit', '10'), lead.proposes('Share', '10'))
  const raised = document.when(together(lead.proposes('Share', '20'), lead.proposes('Limit', '30')))
  t.same([raised.fate, raised.agreedAt('Share')], ['accepted', '20'])
  const broken = document.when(together(lead.proposes('Limit', '5'), lead.addsField('Note')))
  t.match(broken.fate, { code: 'rule_broken' })
  t.equal(broken.at('Note'), undefined)
})

t.test('a condition that has no value passes', async (t) => {
  const live = inForce(shares, ['', { constraint: 'Share <= Limit' }])
  t.equal(live.when(lead.proposes('Share', '20')).fate, 'accepted', 'Limit is empty')
})

t.test('a rule that warns flags, and clears the flag', async (t) => {
  const live = inForce(shares, ['', { constraint: 'Share <= 100', severity: 'warn' }])
  const flagged = live.when(lead.proposes('Share', '200'))
  t.same(flagged.events.at(-1), { at: '0', rule: 1, type: 'RuleFlagged' })
  t.same(flagged.state.flags, [{ at: '0', rule: 1 }])
  t.same(typesOf(flagged.when(lead.proposes('Share', '300')).events), ['ValueProposed', 'ProposalAgreed'], 'it stays')
  const cleared = flagged.when(lead.proposes('Share', '10'))
  t.same(cleared.state.flags, [])
  t.not(flagged.record, live.record)
})

const slip = given(both, field('Sum', money), field('Rate', decimal), field('Premium', money), field('Tax', money))
const premium = ['', { assign: 'Sum * Rate', to: 'Premium' }] as const
const tax = ['', { assign: '(Premium * 0.12) ', to: 'Tax' }] as const

t.test(
  'an assignment gives its target a value whenever one that it reads changes, and none as long as one is missing',
  async (t) => {
    const live = inForce(slip, tax, premium)
    const half = live.when(lead.proposes('Sum', pounds('1000.00')))
    t.same(typesOf(half.events), ['ValueProposed', 'ProposalAgreed'])
    const whole = half.when(lead.proposes('Rate', '0.05'))
    t.same(whole.agreedAt('Premium'), pounds('50.00'))
    t.same(whole.agreedAt('Tax'), pounds('6.00'), 'in the order of what depends on what, not of the rules')
    const computed = whole.events.filter((event) => event.type === 'ValueComputed')
    t.match(computed, [
      { rule: 2, proposal: `rule:2.${whole.entries.length - 1}` },
      { rule: 1, proposal: `rule:1.${whole.entries.length - 1}` },
    ])
    t.match(whole.fieldAt('Premium').agreed, { by: null })
    const emptied = whole.when(lead.empties('Rate'))
    t.same([emptied.agreedAt('Premium'), emptied.agreedAt('Tax')], [undefined, undefined])
    t.same(whole.when(broker.proposes('Premium', pounds('1.00'))).fate, {
      code: 'field_assigned',
      command: 0,
      with: ['2', whole.idAt('Premium')],
    })
  },
)

t.test('what does not fit the target makes the request void', async (t) => {
  const live = inForce(slip, premium)
  const fate = live.when(lead.proposes('Sum', pounds('0.01')), lead.proposes('Rate', '0.5')).fate
  t.match(fate, { code: 'computed_unfit', with: ['1', live.idAt('Premium')] }, 'half a penny')
})

t.test('the salt of a computed value hangs on all inputs, touched or not, and is the same everywhere', async (t) => {
  const live = inForce(slip, ['', { assign: 'if Rate > 1 then Sum else Sum * 2', to: 'Premium' }])
  const document = live.when(lead.proposes('Sum', pounds('1.00')), lead.proposes('Rate', '2'))
  const again = live.when(lead.proposes('Sum', pounds('1.00')), lead.proposes('Rate', '2'))
  t.equal(document.record, again.record)
  const seals = ['2', '3'].map((rate) => {
    return live.when(lead.proposes('Sum', pounds('1.00')), lead.proposes('Rate', rate)).fieldAt('Premium').agreed?.seal
  })
  t.equal(seals[0], seals[1], 'the salts are the same here: all are zeros in these tests')
})

t.test('rules that compute each other are not published, and are named', async (t) => {
  const voted = ready(
    slip,
    ['', { assign: 'Tax * 2', to: 'Premium' }],
    ['', { assign: 'Premium / 2', to: 'Tax' }],
    ['', { constraint: 'Tax = Tax' }],
  )
  t.same(voted.when(broker.publishes(1)).fate, { code: 'rules_cyclic', command: 0, with: ['1', '2'] })
})

const lines = given(
  both,
  field('Order', decimal),
  list('Lines', { key: { name: 'Insurer', field: { type: 'text' } } }),
  field('Lines/0/Written', decimal),
  field('Lines/0/Signed', decimal),
)
const scaled = ['', { assign: 'Written / sum(_.Lines.Written) * _.Order', to: 'Lines/0/Signed' }] as const

t.test('an assignment below a prototype is one for each entry: every signed line is scaled', async (t) => {
  const live = inForce(lines, scaled, ['', { constraint: 'sum(Lines.Signed) <= Order' }])
  const document = live.when(
    lead.proposes('Order', '100'),
    lead.addsEntry('Lines'),
    lead.addsEntry('Lines'),
    lead.proposes('Lines/1/Written', '50'),
    lead.proposes('Lines/2/Written', '150'),
  )
  t.same(
    document.fates,
    document.fates.map(() => 'accepted'),
  )
  t.same([document.agreedAt('Lines/1/Signed'), document.agreedAt('Lines/2/Signed')], ['25', '75'])
  const third = document.when(together(lead.addsEntry('Lines'), lead.proposes('#0.1', '50')))
  t.same(third.fate, 'accepted')
  t.same(
    ['1', '2', '3'].map((n) => third.agreedAt(`Lines/${n}/Signed`)),
    ['20', '60', '20'],
  )
  const gone = third.when(lead.removes('Lines/2'))
  t.same(
    ['1', '3'].map((n) => gone.agreedAt(`Lines/${n}/Signed`)),
    ['50', '50'],
  )
})

t.test('a condition below a prototype is judged in each entry, and says in which it fails', async (t) => {
  const live = inForce(lines, ['Lines/0', { constraint: 'Written <= 100' }]).when(
    lead.addsEntry('Lines'),
    lead.addsEntry('Lines'),
  )
  const broken = live.when(lead.proposes('Lines/2/Written', '101'))
  t.same(broken.fate, { code: 'rule_broken', command: 0, with: ['1', live.idAt('Lines/2')] })
  t.equal(live.when(lead.proposes('Lines/1/Written', '100')).fate, 'accepted')
})

const tracts = given(both, field('Country'), block('Tax Form'), field('Tax Form/Number'), field('Total', decimal))
const form = ['', { trigger: 'Country = "Mexico"', activates: { blocks: ['Tax Form'] } }] as const

t.test('a trigger switches a block: what stands there reads null, and nobody proposes there', async (t) => {
  const live = inForce(tracts, form)
  t.same(live.events.slice(1), [{ active: false, element: live.idAt('Tax Form'), type: 'BlockSwitched' }])
  const number = live.idAt('Tax Form/Number')
  t.same(live.when(lead.proposes('Tax Form/Number', 'X1')).fate, {
    code: 'element_inactive',
    command: 0,
    with: [number],
  })
  const mexico = live.when(lead.proposes('Country', 'Mexico'))
  t.match(mexico.events.at(-1), { type: 'BlockSwitched', active: true })
  const filled = mexico.when(lead.proposes('Tax Form/Number', 'X1'))
  t.equal(filled.fate, 'accepted')
  const both = live.when(together(lead.proposes('Country', 'Mexico'), lead.proposes('Tax Form/Number', 'X1')))
  t.equal(both.fate, 'accepted', 'judged after the last command')
  t.same(filled.when(broker.settles('Country', 'Chile')).state.inactive.blocks, [live.idAt('Tax Form')])
})

t.test('a candidate at a field that is switched off falls', async (t) => {
  const live = inForce(tracts, form).when(
    lead.proposes('Country', 'Mexico'),
    concurrently(lead.proposes('Tax Form/Number', 'X1'), broker.proposes('Tax Form/Number', 'X2')),
  )
  t.same(live.candidatesAt('Tax Form/Number'), ['X2'])
  const chile = live.when(broker.settles('Country', 'Chile'))
  t.match(chile.events.at(-1), { type: 'CandidateEnded', why: 'inactive' })
  t.same(chile.candidatesAt('Tax Form/Number'), [])
})

t.test('a trigger whose condition reads what it switches is refused', async (t) => {
  const itself = ['', { trigger: '`Tax Form`.Number = "X1"', deactivates: { blocks: ['Tax Form'] } }] as const
  t.match(ready(tracts, itself).when(broker.publishes(1)).fate, { code: 'rules_cyclic', with: ['1'] })
})

t.test('triggers are levels: any activator, no deactivator', async (t) => {
  const live = inForce(
    tracts,
    form,
    ['', { trigger: 'Country = "Peru"', activates: { blocks: ['Tax Form'] } }],
    ['', { trigger: 'Total > 10', deactivates: { blocks: ['Tax Form'] } }],
  )
  const isOn = (document: Document) => document.state.inactive.blocks.length === 0
  const peru = live.when(lead.proposes('Country', 'Peru'))
  t.ok(isOn(peru))
  t.notOk(isOn(peru.when(lead.proposes('Total', '11'))))
  t.ok(isOn(peru.when(lead.proposes('Total', '11'), lead.proposes('Total', '1'))))
})

t.test('a rule set that is switched off judges and computes nothing, and its targets take proposals', async (t) => {
  const drafted = slip.when(
    broker.addsRuleSet('Terms'),
    broker.addsRuleSet('Taxes'),
    broker.drafts('', { assign: 'Sum * 0.12', to: 'Tax' }, 2),
    broker.drafts('', { trigger: 'Rate = 0', deactivates: { ruleSets: [2] } }),
    lead.votesOnRule(1),
    lead.votesOnRule(2),
    lead.publishes(2),
  )
  t.equal(drafted.fate, 'accepted')
  const taxed = drafted.when(lead.proposes('Sum', pounds('100.00')))
  t.same(taxed.agreedAt('Tax'), pounds('12.00'))
  const off = taxed.when(lead.proposes('Rate', '0'))
  t.match(off.events.at(-1), { type: 'RuleSetSwitched', active: false })
  t.same(off.agreedAt('Tax'), pounds('12.00'), 'it keeps its last value')
  t.equal(off.when(lead.settles('Tax', pounds('1.00'))).fate, 'accepted')
  const on = off.when(lead.proposes('Sum', pounds('200.00')), lead.proposes('Rate', '1'))
  t.same(on.agreedAt('Tax'), pounds('24.00'))
})

const claim = given(
  openedBy(broker, lead, follower),
  block('Claim'),
  field('Claim/Amount', decimal),
  field('Assessor', { type: 'party' }),
)

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
