import t from 'tap'
import type { ContractState } from '../../src/aggregates/contract/state.ts'
import { CHANGES_MAX, type Diff, diff } from '../../src/documents/diffs/diff.ts'
import { asOne, block, type Document, entry, field, given, list, openedBy, together } from '../support/document.ts'
import { broker, decimal, follower, inForce, lead } from '../support/ruled-document.ts'

const slip = given(
  openedBy(broker, lead, follower),
  block('Terms'),
  field('Terms/Premium', decimal),
  field('Terms/Limit', decimal),
  block('Notes'),
  list('Lines'),
  field('Lines/0/Share', decimal),
  entry('Lines'),
  broker.proposes('Terms/Premium', '100'),
)

const nothing: Diff = {
  added: [],
  arranged: [],
  granted: [],
  isWhole: true,
  removed: [],
  renamed: [],
  rules: [],
  values: [],
}

function between(from: Document, to: Document): Diff {
  return diff(from.state, to.state)
}

t.test('of what is the same there is none', async (t) => {
  t.same(between(slip, slip), nothing)
  t.same(between(slip, slip.when(broker.invites(follower))), nothing, 'parties are no part of it')
})

t.test('elements that come, with their values, and elements that go', async (t) => {
  const to = slip.when(
    together(broker.addsBlock('Notes/Survey'), broker.addsField('#0/By'), broker.proposes('#1', 'Lloyd')),
    broker.removes('Terms'),
  )
  const survey = to.idAt('Notes/Survey')
  const by = `${survey}.0`
  t.match(between(slip, to), {
    added: [
      { element: survey, path: 'Notes/Survey', kind: 'block' },
      { element: by, path: 'Notes/Survey/By', kind: 'field', field: { type: 'text' } },
    ],
    removed: [{ element: slip.idAt('Terms'), path: 'Terms' }],
    values: [{ element: by, path: 'Notes/Survey/By', from: null, to: { by: 'broker' } }],
  })
  t.match(between(to, slip), {
    added: [{ path: 'Terms' }, { path: 'Terms/Premium' }, { path: 'Terms/Limit' }],
    removed: [{ path: 'Notes/Survey' }],
    values: [{ path: 'Terms/Premium', from: null }],
  })
})

t.test('names, owners and orders', async (t) => {
  const to = slip.when(
    broker.addsBlock('Own', { owner: broker.handle }),
    broker.grants('Own', lead),
    broker.renames('Terms', 'Terms & more'),
    broker.arranges('', [2, 0]),
  )
  const changes = between(slip.when(broker.addsBlock('Own', { owner: broker.handle })), to)
  t.same(changes.renamed, [
    { element: slip.idAt('Terms'), path: 'Terms%20%26%20more', from: 'Terms', to: 'Terms & more' },
  ])
  t.match(changes.granted, [{ path: 'Own', from: 'broker', to: 'lead' }])
  t.match(changes.arranged, [
    { element: '0', path: '', from: ['Terms', 'Notes', 'Lines', 'Own'], to: ['Lines', 'Terms & more', 'Notes', 'Own'] },
  ])
})

t.test('values before and after, by their seals', async (t) => {
  const to = slip.when(broker.settles('Terms/Premium', '150'), broker.proposes('Terms/Limit', '7'))
  const premium = (document: Document) => document.fieldAt('Terms/Premium').agreed
  t.same(between(slip, to).values, [
    { element: slip.idAt('Terms/Premium'), path: 'Terms/Premium', from: premium(slip), to: premium(to) },
    { element: slip.idAt('Terms/Limit'), path: 'Terms/Limit', from: null, to: to.fieldAt('Terms/Limit').agreed },
  ])
  t.match(between(slip, slip.when(broker.empties('Terms/Premium'))).values, [{ to: null }])
  t.same(between(slip, slip.when(lead.proposes('Terms/Premium', '1'))), nothing, 'a candidate changes no value')
})

t.test('entries of lists, and what their prototype gets for all of them', async (t) => {
  const to = slip.when(
    broker.addsField('Lines/0/Signed', decimal),
    broker.addsEntry('Lines'),
    broker.proposes('Lines/2/Share', '5'),
    broker.proposes('Lines/1/Signed', '6'),
  )
  const changes = between(slip, to)
  t.match(changes.added, [
    { path: 'Lines/0/Signed', kind: 'field' },
    { path: 'Lines/2', kind: 'entry' },
  ])
  t.match(changes.values, [{ path: 'Lines/1/Signed' }, { path: 'Lines/2/Share' }])
  t.match(between(to, to.when(broker.removes('Lines/1'))).removed, [{ path: 'Lines/1' }])
})

t.test('a list that comes, with all in it', async (t) => {
  const to = slip.when(
    together(
      broker.addsList('Notes/Layers'),
      broker.addsField('#0.0/No'),
      broker.addsEntry('#0'),
      broker.proposes('#2.0', 'a'),
    ),
  )
  t.same(
    between(slip, to).added.map(({ path, kind }) => `${path} ${kind}`),
    ['Notes/Layers list', 'Notes/Layers/0 block', 'Notes/Layers/0/No field', 'Notes/Layers/1 entry'],
  )
  t.match(between(slip, to).values, [{ path: 'Notes/Layers/1/No', from: null }])
})

t.test('rules and the phase', async (t) => {
  const live = inForce(slip, ['Terms', { validation: { parties: ['lead'] } }])
  t.match(between(slip, live), {
    phase: { from: 'edit', to: 'live' },
    rules: [{ rule: 1, from: null, to: { isInForce: true } }],
  })
  const reopened = live.when(...[broker, lead, follower].map((party) => party.reopens()))
  t.match(between(live, reopened), {
    phase: { to: 'edit' },
    rules: [{ from: { isInForce: true }, to: { isInForce: false } }],
  })
  t.match(between(live, reopened.when(broker.removesRule(1))).rules, [{ rule: 1, to: null }])
})

t.test('what a change set changes is the diff of its last vote', async (t) => {
  const live = inForce(slip, ['Terms', { validation: { parties: ['lead'] } }])
  const open = live.when(asOne(broker.addsBlock('Notes/New'), broker.settles('Terms/Premium', '7')))
  t.same(between(live, open), nothing)
  t.match(between(open, open.when(lead.votesOnSet(broker))), {
    added: [{ path: 'Notes/New' }],
    values: [{ path: 'Terms/Premium' }],
  })
})

t.test('it is bounded, and looks at nothing that is the same', async (t) => {
  const wide = slip.when(
    ...Array.from({ length: 25 }, (_, of) =>
      together(broker.addsBlock(`B${of}`), ...Array.from({ length: 500 }, (_, n) => broker.addsField(`#0/F${n}`))),
    ),
  )
  const changes = between(slip, wide)
  t.equal(changes.added.length, CHANGES_MAX)
  t.equal(changes.isWhole, false)
  const { document } = wide.state
  let looks = 0
  const untouchable = new Proxy(document.children.get(3) as object, {
    get(target, member, receiver) {
      if (member !== 'id' && member !== 'name') looks++
      return Reflect.get(target, member, receiver)
    },
  })
  const shared = (of: ContractState): ContractState => ({
    ...of,
    document: { ...of.document, children: of.document.children.with(3, untouchable as never) },
  })
  const after = wide.when(broker.renames('Terms', 'T'))
  t.equal(diff(shared(wide.state), shared(after.state)).renamed.length, 1)
  t.equal(looks, 0)
})
