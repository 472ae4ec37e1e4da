import t from 'tap'
import type { Agreed } from '../../../src/aggregates/contract/values/standing.ts'
import { concurrently, type Document, entry, field, given, list, together } from '../../support/document.ts'
import {
  both,
  broker,
  decimal,
  form,
  inForce,
  lead,
  pounds,
  premium,
  ready,
  shares,
  slip,
  tax,
  tracts,
  typesOf,
} from '../../support/ruled-document.ts'

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

t.test('a list of one is its item: where a condition is asked for, and where a field is assigned', async (t) => {
  const rows = given(
    both,
    list('Rows'),
    field('Rows/0/Country'),
    field('Rows/0/Open', { type: 'boolean' }),
    field('Found'),
  )
  const live = inForce(
    rows,
    ['', { constraint: '_.Rows[Country = "Chile"].Open' }],
    ['', { assign: '_.Rows[Open].Country', to: 'Found' }],
  )
  const row = (place: number, country: string, open: boolean) =>
    together(lead.addsEntry('Rows'), lead.proposes('#0.0', country), lead.proposes(`#0.1`, open, { salt: place }))
  t.equal(live.agreedAt('Found'), undefined, 'of none there is none')
  const one = live.when(row(1, 'Mexico', true))
  t.same([one.fate, one.agreedAt('Found')], ['accepted', 'Mexico'])
  t.match(one.when(row(2, 'Chile', false)).fate, { code: 'rule_broken', with: ['1', '0'] })
  t.match(one.when(row(2, 'Chile', true)).fate, { code: 'computed_unfit' }, 'two are not one')
})

t.test('what does not fit the target makes the request void', async (t) => {
  const live = inForce(slip, premium)
  const fate = live.when(lead.proposes('Sum', pounds('0.01')), lead.proposes('Rate', '0.5')).fate
  t.match(fate, { code: 'computed_unfit', with: ['1', live.idAt('Premium')] }, 'half a penny')
})

t.test(
  'the salt of a computed value hangs on those of all inputs, touched or not, and is the same everywhere',
  async (t) => {
    const live = inForce(slip, ['', { assign: 'if Rate > 1 then Sum else Tax', to: 'Premium' }])
    const sealWith = (salt: number) => {
      const document = live.when(
        lead.proposes('Sum', pounds('1.00')),
        lead.proposes('Tax', pounds('5.00'), { salt }),
        lead.proposes('Rate', '2'),
      )
      t.same(document.agreedAt('Premium'), pounds('1.00'), 'given: the tax is not looked at')
      return document.fieldAt('Premium').agreed?.seal
    }
    t.equal(sealWith(1), sealWith(1))
    t.not(sealWith(1), sealWith(2))
  },
)

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

t.test('who reads a list of fields reads each of them: it is judged, and computed, when one changes', async (t) => {
  const figures = given(both, list('Figures', { entry: decimal }), field('Total', decimal))
  const filled = figures.when(entry('Figures'), entry('Figures'))
  for (const expression of ['sum(Figures[item != null])', 'sum(_.Figures[item > 0])']) {
    const live = inForce(
      filled,
      ['', { assign: expression, to: 'Total' }],
      ['', { constraint: 'every figure in Figures satisfies figure <= 5' }],
    )
    const valued = live.when(broker.proposes('Figures/1', '3'), broker.proposes('Figures/2', '4', { salt: 1 }))
    t.equal(valued.agreedAt('Total'), '7', expression)
    t.equal(valued.when(broker.empties('Figures/1')).agreedAt('Total'), '4')
    t.match(valued.when(broker.settles('Figures/1', '6')).fate, { code: 'rule_broken', with: ['2', '0'] })
    const saltOf = (document: Document) => document.open(document.fieldAt('Total').agreed as Agreed)?.salt
    const otherwise = live.when(broker.proposes('Figures/1', '3'), broker.proposes('Figures/2', '4', { salt: 2 }))
    t.not(saltOf(otherwise), saltOf(valued), 'nobody who has none of them can guess the sum')
  }
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

t.test(
  'a condition on the time of the request is judged at the entry in which something changes, and at no other',
  async (t) => {
    const until = 'request time() < Until'
    const bookings = given(
      both,
      list('Bookings'),
      field('Bookings/0/Until', { type: 'date-time' }),
      field('Bookings/0/Days'),
    )
    const live = inForce(bookings, ['Bookings/0', { constraint: `${until} or Days = null` }])
    const [open, over] = ['2026-06-30T12:00:01Z', '2026-06-30T12:00:00Z']
    const booked = live.when(
      broker.addsEntry('Bookings'),
      broker.addsEntry('Bookings'),
      lead.proposes('Bookings/1/Until', open),
      lead.proposes('Bookings/2/Until', over),
    )
    t.same(booked.fates, ['accepted', 'accepted', 'accepted', 'accepted'])
    t.equal(booked.when(lead.proposes('Bookings/1/Days', '3')).fate, 'accepted')
    t.match(booked.when(lead.proposes('Bookings/2/Days', '3')).fate, { code: 'rule_broken' })
    const extras = bookings.when(list('Bookings/0/Extras'))
    const closed = inForce(extras, ['Bookings/0', { constraint: `${until} or Until = null` }]).when(
      broker.addsEntry('Bookings'),
      broker.addsEntry('Bookings'),
      lead.proposes('Bookings/1/Until', open),
    )
    t.match(closed.when(lead.proposes('Bookings/2/Until', over)).fate, { code: 'rule_broken' })
    t.equal(closed.when(lead.addsEntry('Bookings/1/Extras')).fate, 'accepted')
  },
)

t.test('what is on or off follows from the document, at whatever time', async (t) => {
  const drafted = tracts.when(
    broker.addsRuleSet('Terms'),
    broker.drafts('', {
      trigger: 'request time() > date and time("2026-01-01T00:00:00Z")',
      activates: { blocks: ['Tax Form'] },
    }),
  )
  t.match(drafted.fate, { code: 'rule_unfit', with: ['time_in_trigger'] })
})
