import t from 'tap'
import { erasedIn } from '../../../src/aggregates/contract/erased-values.ts'
import type { Agreed } from '../../../src/aggregates/contract/values/standing.ts'
import type { ContractEvent } from '../../../src/events/contract-events.ts'
import { block, type Document, entry, field, given, list } from '../../support/document.ts'
import { both, broker, decimal, inForce, lead, ready } from '../../support/ruled-document.ts'

/** Rules of entries that are fields, and of lists in entries: what they read is the entry's own, or of the one around it. */

const slip = given(
  both,
  field('Order', decimal),
  list('Layers'),
  field('Layers/0/Premium', decimal),
  list('Layers/0/Instalments', { entry: decimal }),
  list('Layers/0/Taxes'),
  field('Layers/0/Taxes/0/Rate', decimal),
  block('Layers/0/Taxes/0/Result'),
  field('Layers/0/Taxes/0/Result/Due', decimal),
)
const split = ['', { assign: 'round half up(Premium / count(Instalments), 2)', to: 'Layers/0/Instalments/0' }] as const
const due = ['', { assign: 'outer.Rate * outer.outer.Premium', to: 'Layers/0/Taxes/0/Result/Due' }] as const
const filled = (document: Document) =>
  document.when(
    entry('Layers'),
    entry('Layers'),
    ...[1, 2].flatMap((n) => [
      entry(`Layers/${n}/Instalments`),
      entry(`Layers/${n}/Instalments`),
      entry(`Layers/${n}/Taxes`),
    ]),
    broker.proposes('Layers/1/Premium', '100'),
    broker.proposes('Layers/2/Premium', '300'),
    broker.proposes('Layers/1/Taxes/1/Rate', '0.1'),
    broker.proposes('Layers/2/Taxes/1/Rate', '0.2'),
  )
const computed = (events: readonly ContractEvent[]) =>
  events.flatMap((event) => (event.type === 'ValueComputed' ? [event.field] : []))

t.test('an assignment to the entries of a list of fields is one for each, from what is around the list', async (t) => {
  const live = filled(inForce(slip, split))
  const parts = (document: Document, layer: number, ...of: number[]) =>
    of.map((n) => document.agreedAt(`Layers/${layer}/Instalments/${n}`))
  t.same(
    [parts(live, 1, 1, 2), parts(live, 2, 1, 2)],
    [
      ['50', '50'],
      ['150', '150'],
    ],
  )
  const third = live.when(entry('Layers/1/Instalments'))
  t.same(parts(third, 1, 1, 2, 3), ['33.33', '33.33', '33.33'])
  const gone = third.when(broker.removes('Layers/1/Instalments/2'))
  t.same(parts(gone, 1, 1, 3), ['50', '50'])
  const raised = gone.when(broker.settles('Layers/2/Premium', '400'))
  t.same(parts(raised, 2, 1, 2), ['200', '200'])
  t.same(
    computed(raised.events),
    ['Layers/2/Instalments/1', 'Layers/2/Instalments/2'].map((path) => raised.idAt(path)),
  )
  t.same(raised.when(lead.settles('Layers/1/Instalments/1', '7')).fate, {
    code: 'field_assigned',
    command: 0,
    with: ['1', raised.idAt('Layers/1/Instalments/1')],
  })
  t.same(parts(raised.when(broker.empties('Layers/2/Premium')), 2, 1, 2), [undefined, undefined], 'it waits for that')
})

t.test('its value is salted by what was read there, and erased with it', async (t) => {
  const live = filled(inForce(slip, split, due))
  const saltAt = (document: Document, path: string) => document.open(document.fieldAt(path).agreed as Agreed)?.salt
  const [first, second] = ['Layers/1/Instalments/1', 'Layers/1/Instalments/2'] as const
  t.not(saltAt(live, first), saltAt(live, second), 'each target has a salt of its own')
  const premium = live.sealAt('Layers/1/Premium')
  const gone = live.when(broker.erases('Layers/1/Premium'), lead.erases('Layers/1/Premium'))
  const erased = [...erasedIn(gone.state)]
  for (const path of [first, second, 'Layers/1/Taxes/1/Result/Due']) t.ok(erased.includes(live.sealAt(path)), path)
  t.ok(erased.includes(premium))
  for (const path of ['Layers/2/Instalments/1', 'Layers/2/Taxes/1/Result/Due'])
    t.notOk(erased.includes(live.sealAt(path)), `${path} was computed from another`)
})

t.test('a rule in a list in an entry reads the entry around it, and is judged where that changes', async (t) => {
  const live = filled(inForce(slip, due))
  const dues = (document: Document) => [1, 2].map((n) => document.agreedAt(`Layers/${n}/Taxes/1/Result/Due`))
  t.same(dues(live), ['10', '60'])
  const raised = live.when(broker.settles('Layers/1/Premium', '200'))
  t.same(dues(raised), ['20', '60'])
  t.same(computed(raised.events), [raised.idAt('Layers/1/Taxes/1/Result/Due')], 'nowhere else')
  const rated = raised.when(broker.settles('Layers/2/Taxes/1/Rate', '0.5'))
  t.same(dues(rated), ['20', '150'])
  t.same(computed(rated.events), [rated.idAt('Layers/2/Taxes/1/Result/Due')])

  const limited = filled(inForce(slip, ['Layers/0/Taxes/0', { constraint: 'Rate * outer.Premium <= _.Order' }])).when(
    broker.proposes('Order', '60'),
  )
  const broken = limited.when(broker.settles('Layers/1/Premium', '601'))
  t.same(broken.fate, { code: 'rule_broken', command: 0, with: ['1', limited.idAt('Layers/1/Taxes/1')] })
  t.equal(limited.when(broker.settles('Layers/1/Premium', '600')).fate, 'accepted')
})

t.test('a list in an entry is that of the entry: what stands in another is not read, nor erased with it', async (t) => {
  const total = ['', { assign: 'sum(Taxes[Rate != null].Rate)', to: 'Layers/0/Premium' }] as const
  const live = inForce(slip, total).when(
    entry('Layers'),
    entry('Layers'),
    entry('Layers/1/Taxes'),
    entry('Layers/2/Taxes'),
    broker.proposes('Layers/1/Taxes/1/Rate', '1', { salt: 1 }),
    broker.proposes('Layers/2/Taxes/1/Rate', '2', { salt: 2 }),
  )
  const [first, second] = ['Layers/1/Premium', 'Layers/2/Premium'] as const
  t.same([live.agreedAt(first), live.agreedAt(second)], ['1', '2'])
  t.same(computed(live.events), [live.idAt(second)])
  t.same(computed(live.when(entry('Layers')).events), [], 'what another holds is as it was')
  const added = live.when(entry('Layers/2/Taxes'))
  t.same(computed(added.events), [live.idAt(second)])
  const gone = live.when(broker.erases('Layers/2/Taxes/1/Rate'), lead.erases('Layers/2/Taxes/1/Rate'))
  t.notOk([...erasedIn(gone.state)].includes(live.sealAt(first)))
  t.ok([...erasedIn(gone.state)].includes(live.sealAt(second)))
})

t.test('a condition at the prototype of a list of fields is judged for each entry', async (t) => {
  const figures = given(
    both,
    field('Most', decimal),
    list('Figures', { entry: decimal }),
    entry('Figures'),
    entry('Figures'),
  )
  const live = inForce(
    figures,
    ['Figures/0', { constraint: 'item <= Most' }],
    ['Figures/0', { constraint: 'count(Figures[item = here]) <= 1', severity: 'warn' }],
  ).when(broker.proposes('Most', '10'), broker.proposes('Figures/1', '3'))
  const second = live.idAt('Figures/2')
  t.same(live.when(broker.proposes('Figures/2', '11')).fate, { code: 'rule_broken', command: 0, with: ['1', second] })
  const twice = live.when(broker.proposes('Figures/2', '3'))
  t.same(
    twice.state.flags.map(({ at }) => at),
    [live.idAt('Figures/1'), second],
  )
  t.same(twice.when(broker.settles('Figures/2', '4')).state.flags, [])
  t.same(twice.when(broker.removes('Figures/2')).state.flags, [], 'and with what it stands at')
  t.match(live.when(broker.settles('Most', '2')).fate, { code: 'rule_broken', with: ['1', live.idAt('Figures/1')] })
})

t.test('what counts a list of fields reads none of them, and what computes from itself is not published', async (t) => {
  const cyclic = ready(slip, ['', { assign: 'Premium - sum(Instalments)', to: 'Layers/0/Instalments/0' }])
  t.same(cyclic.when(broker.publishes(1)).fate, { code: 'rules_cyclic', command: 0, with: ['1'] })
  const own = ready(slip, ['', { assign: 'if item = null then Premium else null', to: 'Layers/0/Instalments/0' }])
  t.same(own.when(broker.publishes(1)).fate, { code: 'rules_cyclic', command: 0, with: ['1'] })
  const counted = filled(inForce(slip, ['', { assign: 'count(Layers.Instalments)', to: 'Order' }]))
  const valued = counted.when(broker.proposes('Layers/1/Instalments/1', '5'))
  t.same([computed(counted.events), computed(valued.events)], [[], []])
})

t.test('an element of another list is in no entry that would be meant', async (t) => {
  const drafted = (target: string, id: string) => {
    const expression = { language: 1, nodes: [['ref', slip.idAt(id)]] }
    const body = { kind: 'assignment', target: slip.idAt(target), expression } as never
    return slip.when(
      broker.addsRuleSet('Terms'),
      broker.orders({ type: 'DraftRule', at: slip.idAt(''), ruleSet: 1, body }),
    ).fate
  }
  const unfit = { code: 'rule_unfit', with: ['expression_unknown_name'] }
  t.match(drafted('Order', 'Layers/0/Premium'), unfit)
  t.match(drafted('Layers/0/Premium', 'Layers/0/Instalments/0'), unfit)
  t.match(drafted('Layers/0/Instalments/0', 'Layers/0/Taxes/0/Rate'), unfit)
  t.equal(drafted('Layers/0/Instalments/0', 'Layers/0/Premium'), 'accepted')
  t.equal(drafted('Layers/0/Taxes/0/Result/Due', 'Layers/0/Taxes/0/Rate'), 'accepted')
})
