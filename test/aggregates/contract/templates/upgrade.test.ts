import t from 'tap'
import { deciding } from '../../../../src/aggregates/contract/decide.ts'
import { recordHash } from '../../../../src/aggregates/contract/record-hash.ts'
import { templateDiff } from '../../../../src/aggregates/contract/templates/template-diff.ts'
import type { ElementId } from '../../../../src/events/ids.ts'
import { type Act, block, concurrently, entry, field, given, openedBy } from '../../../support/document.ts'
import { Party } from '../../../support/document-party.ts'
import { broker, follower, lead, money, pounds, typesOf } from '../../../support/ruled-document.ts'
import { brings, bringsAndImports, changed, taken, upgrades } from '../../../support/template-party.ts'
import { empty, slip } from './slip.ts'

const first = taken(slip, 'Slip')
/** The same slip later on. */
const later = slip.when(
  broker.addsField('Slip/Inception', { type: 'date' }),
  broker.addsBlock('Slip/Taxes'),
  broker.addsField('Slip/Taxes/Rate'),
  broker.renames('Slip/Sum', 'Sum Insured'),
  broker.removes('Slip/Lines/0/Signed'),
  broker.edits(1, 'Slip', { assign: '`Sum Insured` * 0.2', to: 'Slip/Premium' }, 2),
  broker.removesRule(2),
  broker.drafts('Slip', 'single', 2),
)
const second = taken(later, 'Slip')
const imported = empty.when(
  bringsAndImports(lead, first, '', 'Our Slip'),
  broker.proposes('Our Slip/Sum', pounds('100.00')),
  entry('Our Slip/Lines'),
  lead.proposes('Our Slip/Lines/1/Signed', '0.5'),
  lead.proposes('Our Slip/Lines/1/Insurer', 'lead'),
  ...brings(broker, second),
)
const all = [broker, lead, follower]
const votes = (...parties: readonly Party[]) => parties.map((party) => upgrades(party, 'Our Slip', second))
const upgraded = imported.when(...votes(...all))

t.test('the diff says what another version has that this one has not', async (t) => {
  t.equal(later.fate, 'accepted', JSON.stringify(later.fates))
  const { added, removed, renamed, replaced, granted, arranged, rules } = templateDiff(first.template, second.template)
  t.same(
    added.map(({ id, name }) => [id, name]),
    [
      ['0.0.5', 'Inception'],
      ['0.0.6', 'Taxes'],
    ],
  )
  t.same(
    removed.map(({ id, name }) => [id, name]),
    [['0.0.4.0.1', 'Signed']],
  )
  t.same(renamed, [{ element: '0.0.0', from: 'Sum', to: 'Sum Insured' }])
  t.same([replaced, granted, arranged], [[], [], []])
  const ids = (some: readonly { readonly id: number }[]) => some.map(({ id }) => id)
  t.same([ids(rules.added), ids(rules.removed), ids(rules.changed.map(({ to }) => to))], [[5], [2], [1]])
  const nothing = templateDiff(first.template, first.template)
  t.same(Object.values({ ...nothing, ...nothing.rules, rules: [] }).flat(), [])
})

t.test('it takes effect with the vote of the last member, as one', async (t) => {
  const voted = imported.when(...votes(broker, lead))
  t.same(voted.fates, ['accepted', 'accepted'])
  t.same(typesOf(voted.events), ['TemplateUpgradeVoted'])
  t.ok(voted.at('Our Slip/Sum'), 'nothing has changed')
  t.match(voted.when(upgrades(lead, 'Our Slip', second)).fate, { code: 'already_voted' })
  t.equal(upgraded.fate, 'accepted', JSON.stringify(upgraded.fate))
  t.same(typesOf(upgraded.events), [
    'TemplateUpgradeVoted',
    'ElementRemoved',
    'ElementRenamed',
    'FieldAdded',
    'BlockAdded',
    'FieldAdded',
    'RuleRemoved',
    'RuleEdited',
    'RuleDrafted',
    'TemplateUpgraded',
  ])
  const { from: _from, rules: _rules, elements, ...rest } = taken(upgraded, 'Our Slip').template
  const { from: _source, rules: _before, elements: wanted, ...other } = second.template
  t.same([rest, elements.slice(1)], [other, wanted.slice(1)], 'it is as the new one has it, but for its own name')
  t.equal(new Set([imported, voted, upgraded].map(({ record }) => record)).size, 3)
})

t.test('what has not changed keeps its values; what is removed, or of another type, loses them', async (t) => {
  t.same(upgraded.agreedAt('Our Slip/Sum Insured'), pounds('100.00'))
  t.equal(upgraded.agreedAt('Our Slip/Lines/1/Insurer'), 'lead')
  t.equal(upgraded.at('Our Slip/Lines/1/Signed'), undefined)
  const retyped = changed(second, ({ elements }) => ({
    elements: elements.map((element) =>
      element.name === 'Sum Insured' && element.kind === 'field' ? { ...element, field: { type: 'text' } } : element,
    ),
    rules: [],
    ruleSets: [],
  }))
  t.match(upgraded.when(...brings(lead, retyped)).fate, { with: ['roles_unfit', 'follower'] })
  const fit = changed(retyped, () => ({ roles: ['broker', 'lead'] as never }))
  const done = upgraded.when(...brings(lead, fit), ...all.map((party) => upgrades(party, 'Our Slip', fit)))
  t.equal(done.fate, 'accepted', JSON.stringify(done.fates))
  t.equal(done.agreedAt('Our Slip/Sum Insured'), undefined)
  t.equal(done.at('Our Slip/Sum Insured')?.id, '0.0.7', 'it is another element')
  t.same(done.state.templates.uses[0]?.moved, [['0.0.0', '0.0.7']])
  t.same(done.state.rules.rules, [])
  const back = done.when(...all.map((party) => upgrades(party, 'Our Slip', second)))
  t.equal(back.fate, 'accepted', 'and another one again')
  t.equal(back.at('Our Slip/Sum Insured')?.id, '0.0.8')
})

t.test('rules that change, or are new, have the vote of the last voter only', async (t) => {
  const ruled = imported.when(broker.votesOnRule(1), follower.votesOnRule(1), broker.votesOnRule(3))
  const done = ruled.when(...votes(lead, broker, follower))
  t.same(
    done.state.rules.rules.map(({ terms: { id }, by, yes }) => [id, by, yes]),
    [
      [1, 'follower', []],
      [3, 'lead', ['broker']],
      [4, 'lead', []],
      [5, 'follower', []],
    ],
  )
  t.match(done.state.rules.rules[0]?.terms.body, { expression: { nodes: [['ref', '0.0.0'], ['number', '0.2'], []] } })
})

t.test('a value that changes while it is voted is kept as it is then', async (t) => {
  const done = imported.when(
    ...votes(broker, lead),
    lead.settles('Our Slip/Sum', pounds('200.00')),
    concurrently(...votes(follower), broker.settles('Our Slip/Sum', pounds('300.00'))),
  )
  t.same(done.fates.slice(-2), ['accepted', 'accepted'])
  t.same(done.agreedAt('Our Slip/Sum Insured'), pounds('300.00'))
})

t.test(
  'votes are for one template and one binding of its roles, and count no more once another one is there',
  async (t) => {
    const third = changed(second, ({ elements }) => ({ elements: elements.filter(({ name }) => name !== 'Inception') }))
    const both = imported.when(...brings(lead, third), ...votes(broker, lead))
    t.equal(both.when(upgrades(follower, 'Our Slip', third)).at('Our Slip/Sum Insured'), undefined)
    const bound = { broker: 'broker', follower: 'lead', lead: 'lead' } as never
    t.equal(both.when(upgrades(follower, 'Our Slip', second, { roles: bound })).at('Our Slip/Sum Insured'), undefined)
    const changedMind = both.when(upgrades(lead, 'Our Slip', third), ...votes(follower))
    t.equal(changedMind.at('Our Slip/Sum Insured'), undefined)
    t.ok(changedMind.when(...votes(lead)).at('Our Slip/Sum Insured'))
    t.match(upgraded.when(upgrades(lead, 'Our Slip', third, { from: first.hash })).fate, { code: 'not_of_template' })
  },
)

t.test('a newcomer has not voted, and whoever goes is not waited for', async (t) => {
  const newcomer = new Party('newcomer')
  const voted = imported.when(...votes(broker, lead))
  const joined = voted.when(broker.invites(newcomer), broker.admits(newcomer))
  t.same(joined.state.templates.uses[0]?.votes, [])
  t.equal(joined.when(...votes(follower)).at('Our Slip/Sum Insured'), undefined)
  const gone = voted.when(follower.resigns())
  t.same(gone.fate, 'accepted')
  t.match(gone.when(upgrades(lead, 'Our Slip', second)).fate, { code: 'role_unfit', with: ['follower', 'follower'] })
  const roles = { broker: 'broker', follower: 'lead', lead: 'lead' } as never
  const done = gone.when(upgrades(broker, 'Our Slip', second, { roles }), upgrades(lead, 'Our Slip', second, { roles }))
  t.ok(done.at('Our Slip/Sum Insured'))
})

t.test('what its parties have added, renamed and removed themselves does not stand in the way', async (t) => {
  const own = imported.when(
    broker.addsField('Our Slip/Own', { type: 'text' }),
    lead.proposes('Our Slip/Own', 'ours'),
    broker.renames('Our Slip/Sum', 'Total'),
    lead.removes('Our Slip/Lines'),
  )
  const done = own.when(...votes(...all))
  t.equal(done.fate, 'accepted', JSON.stringify(done.fates))
  t.equal(done.agreedAt('Our Slip/Own'), 'ours')
  t.equal(done.at('Our Slip/Inception')?.id, '0.0.6', 'behind what they have added')
  t.same(done.state.templates.uses[0]?.moved, [
    ['0.0.5', '0.0.6'],
    ['0.0.6', '0.0.7'],
  ])
  t.equal(done.at('Our Slip/Taxes/Rate')?.id, '0.0.7.0')
  const taken = imported.when(broker.addsField('Our Slip/Inception', { type: 'text' }))
  t.match(taken.when(...votes(broker)).fate, { code: 'name_taken' }, 'said at the first vote')
})

t.test('where rules are in force it adds, and changes nothing else', async (t) => {
  const live = imported.when(
    ...[1, 2, 3, 4].flatMap((rule) => [broker.votesOnRule(rule), follower.votesOnRule(rule)]),
    broker.publishes(1),
  )
  t.equal(live.state.phase, 'live', JSON.stringify(live.fate))
  t.match(live.when(...votes(broker)).fate, { code: 'rules_in_force' })
  const more = changed(first, ({ elements }) => ({
    elements: [
      ...elements,
      { field: { type: 'text' }, id: '0.0.7' as ElementId, kind: 'field', name: 'Note', owner: null },
    ],
  }))
  const done = live.when(...brings(lead, more), ...all.map((party) => upgrades(party, 'Our Slip', more)))
  t.equal(done.fate, 'accepted', JSON.stringify(done.fates))
  t.equal(done.at('Our Slip/Note')?.id, '0.0.7')
})

t.test('change sets that name what is gone fall with it', async (t) => {
  const { fate, state } = upgraded
  t.equal(fate, 'accepted')
  t.match(state.templates.uses, [{ template: second.hash, upgrades: [{ from: first.hash, index: 13 }], votes: [] }])
  const forgotten = {
    ...state,
    templates: { ...state.templates, uses: state.templates.uses.map((use) => ({ ...use, upgrades: [] })) },
  }
  t.not(recordHash(forgotten), recordHash(state), 'the record hash covers upgrades')
})

t.test('a first element of another kind is another template', async (t) => {
  const other = given(openedBy(broker, lead, follower), field('Slip', money))
  const single = taken(other, 'Slip')
  const refused = imported.when(...brings(lead, single), upgrades(lead, 'Our Slip', single))
  t.match(refused.fate, { code: 'template_unfit', with: ['0.0'] })
})

t.test('a rule that says the same follows what has come in place of its element', async (t) => {
  const counted = given(
    openedBy(broker, lead, follower),
    block('Slip'),
    field('Slip/Sum', { type: 'integer' }),
    broker.addsRuleSet('Terms'),
    broker.drafts('Slip', { constraint: 'Sum > 1' }, 1),
    broker.drafts('Slip/Sum', { validation: { parties: ['lead', 'broker'] } }, 1),
  )
  const before = taken(counted, 'Slip')
  const after = changed(before, ({ elements }) => ({
    elements: elements.map((element) =>
      element.kind === 'field' ? { ...element, field: { type: 'decimal' } } : element,
    ),
  }))
  const done = empty.when(
    bringsAndImports(lead, before, '', 'Our Slip'),
    ...brings(broker, after),
    ...all.map((party) => upgrades(party, 'Our Slip', after)),
  )
  t.equal(done.fate, 'accepted', JSON.stringify(done.fates))
  t.equal(done.idAt('Our Slip/Sum'), '0.0.1')
  t.match(
    done.state.rules.rules.map(({ terms, yes }) => [terms.id, terms.at, yes]),
    [
      [1, '0.0', []],
      [3, '0.0.1', []],
    ],
  )
  const published = done.when(
    ...[1, 3].flatMap((rule) => [broker.votesOnRule(rule), lead.votesOnRule(rule)]),
    broker.publishes(1),
  )
  t.equal(published.fate, 'accepted', JSON.stringify(published.fates))
})

t.test('it is decided in steps, so that others have their turn', async (t) => {
  const [, , last] = votes(...all)
  const voted = imported.when(...votes(broker, lead))
  const { commands } = (last as Act).write(voted)
  const steps = deciding(commands, voted.state, {
    author: follower.handle,
    computedFrom: () => new Set(),
    contract: voted.state.contract,
    index: voted.head.size,
    open: () => undefined,
    request: { handle: follower.handle, index: 0, seq: 0 },
    reveal: () => undefined,
    rootAt: () => undefined,
  })
  let count = 0
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) count++
  t.equal(step.value.kind, 'accepted')
  const { elements, rules } = second.template
  const [added, removed, renamed] = [3, 1, 1]
  t.ok(count >= elements.length + rules.length + added + removed + renamed, `${count} steps`)
})
