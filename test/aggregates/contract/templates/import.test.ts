import fc from 'fast-check'
import t from 'tap'
import { contract } from '../../../../src/aggregates/contract/decide.ts'
import { evolving } from '../../../../src/aggregates/contract/evolve.ts'
import { recordHash } from '../../../../src/aggregates/contract/record-hash.ts'
import { exportingTemplate } from '../../../../src/aggregates/contract/templates/export-template.ts'
import { importedEvents, type TemplateImported } from '../../../../src/aggregates/contract/templates/imported-events.ts'
import type { CommandOf } from '../../../../src/events/commands.ts'
import type { ElementId, Handle } from '../../../../src/events/ids.ts'
import {
  block,
  concurrently,
  type Document,
  entry,
  field,
  given,
  openedBy,
  together,
} from '../../../support/document.ts'
import { Party } from '../../../support/document-party.ts'
import { broker, follower, lead, typesOf } from '../../../support/ruled-document.ts'
import { documentFrom, snapshotOfDocument } from '../../../support/snapshots-at-once.ts'
import { brings, bringsAndImports, changed, imports, taken } from '../../../support/template-party.ts'
import { empty, slip } from './slip.ts'

const template = taken(slip, 'Slip')
const imported = empty.when(bringsAndImports(lead, template, '', 'Slip'))
const asked = (document: Document) => snapshotOfDocument(document.state)

t.test('what is imported is what was exported, and its rules are drafts without a vote', async (t) => {
  t.equal(imported.fate, 'accepted', JSON.stringify(imported.fate))
  t.same(typesOf(imported.events), ['TemplateBrought', 'TemplateImported'])
  const again = taken(imported, 'Slip')
  const { from: _from, rules, ...same } = again.template
  const { from: _source, rules: before, ...said } = template.template
  t.same(same, said)
  t.same(
    rules.map(({ id: _id, ...rule }) => rule),
    before.map(({ id: _id, ...rule }) => rule),
  )
  t.same(
    imported.state.rules.rules.map(({ by, isInForce, yes }) => ({ by, isInForce, yes })),
    rules.map(() => ({ by: 'lead', isInForce: false, yes: [] })),
  )
  t.same(imported.namesIn('Slip'), ['Lines', 'Sum', 'Premium', 'Brokerage'], 'in the same order')
})

t.test('one event is the same as those that add everything one by one', async (t) => {
  const brought = empty.when(...brings(lead, template))
  const done = brought.when(imports(lead, template, '', 'Slip'))
  const [event] = done.events as [TemplateImported]
  const origin = done.entries.at(-1)
  if (origin === undefined) return
  const one = contract.evolve(brought.state, event, origin)
  let other = brought.state
  for (const part of importedEvents(event, template.template)) other = contract.evolve(other, part, origin)
  const { templates: _, ...document } = snapshotOfDocument(one)
  const { templates: __, ...parts } = snapshotOfDocument(other)
  t.same(document, parts)
  t.equal(documentFrom(snapshotOfDocument(one)).document.weight, one.document.weight)
  t.equal(recordHash(documentFrom(snapshotOfDocument(one))), done.record)
})

t.test('it takes effect in steps, and is taken out again in steps, so that others have their turn', async (t) => {
  const more = Array.from({ length: 2_000 }, (_, n) => ({
    field: { type: 'text' as const },
    id: `0.0.${100 + n}` as ElementId,
    kind: 'field' as const,
    name: `Field ${n}`,
    owner: null,
  }))
  const large = changed(template, ({ elements }) => ({ elements: [...elements, ...more] }))
  const brought = empty.when(...brings(lead, large))
  const done = brought.when(imports(lead, large, '', 'Slip'))
  t.equal(done.fate, 'accepted', JSON.stringify(done.fate))
  const [event] = done.events as [TemplateImported]
  const steps = evolving(brought.state, event, { index: 0, request: { handle: lead.handle, index: 0, seq: 0 } })
  const stepsOf = (work: Generator<void, unknown>) => {
    let count = 0
    while (work.next().done !== true) count++
    return count
  }
  t.ok(stepsOf(steps) >= more.length / 100)
  const asked = { element: done.idAt('Slip'), root: done.head.root, size: done.head.size }
  // Its elements are gone through, and then written.
  t.ok(stepsOf(exportingTemplate(done.state, asked)) >= more.length / 100)
})

t.test('all that is imported, or nothing', async (t) => {
  const brought = empty.when(...brings(lead, template), block('Slip'))
  const collided = brought.when(imports(lead, template, '', 'Slip'))
  t.match(collided.fate, { code: 'name_taken', with: ['0.0', 'broker.5.0'] })
  t.same(asked(collided), asked(brought))
  t.match(brought.when(imports(lead, template, '', 'S1ip')).fate, { code: 'name_confusable' })
  t.equal(brought.when(imports(lead, template, '', 'Other Slip')).fate, 'accepted')
  t.equal(brought.when(imports(lead, template, 'Slip', 'Slip')).fate, 'accepted', 'below another block')
})

t.test('of two imports at one place at once the second is void, and names the first', async (t) => {
  const brought = empty.when(...brings(lead, template))
  const both = brought.when(concurrently(imports(lead, template, '', 'Slip'), imports(broker, template, '', 'Slip')))
  t.match(both.fates, ['accepted', { code: 'name_taken', with: ['0.0', 'lead.1.0'] }])
  const apart = brought.when(concurrently(imports(lead, template, '', 'Slip'), imports(broker, template, '', 'Car')))
  t.same(apart.fates, ['accepted', 'accepted'])
  t.same(
    apart.state.rules.ruleSets.map(({ name }) => name),
    ['Terms'],
    'both have their rules in the rule set of that name',
  )
  t.equal(apart.state.rules.rules.length, 8)
  t.equal(apart.state.types.defined.slots, 1, 'a type that is there is taken as it is')
})

t.test('roles are bound to members: each of them, and no others', async (t) => {
  const brought = empty.when(...brings(lead, template))
  const bound = (roles: Record<string, string>) => {
    const envelope = { at: '0', hash: template.hash, name: 'Slip', roles, type: 'ImportTemplate' } as const
    return brought.when(lead.orders(envelope as CommandOf<'ImportTemplate'>)).fate
  }
  t.same(template.template.roles, ['broker', 'follower', 'lead'])
  t.match(bound({ broker: 'broker', lead: 'lead' }), { code: 'role_unfit', with: ['follower'] })
  t.match(bound({ broker: 'broker', follower: 'lead', lead: 'lead', other: 'lead' }), { with: ['other'] })
  t.match(bound({ broker: 'broker', follower: 'nobody', lead: 'lead' }), { with: ['follower', 'nobody'] })
  const swapped = brought.when(
    imports(lead, template, '', 'Slip', {
      ['broker' as Handle]: 'lead' as Handle,
      ['follower' as Handle]: 'broker' as Handle,
      ['lead' as Handle]: 'broker' as Handle,
    }),
  )
  t.equal(swapped.at('Slip/Brokerage')?.owner, 'lead')
  t.same(swapped.state.audiences, [{ element: '0.0.3', parties: ['broker', 'lead'] }])
  t.match(swapped.state.rules.rules[2]?.terms.body, { who: { parties: ['broker'] } }, 'two roles, one party')
})

t.test('it is brought in pieces, in their order, by one party; what is no template is not taken', async (t) => {
  const acts = brings(lead, template, 400)
  t.ok(acts.length > 3)
  const [first, second] = acts
  if (first === undefined || second === undefined) return
  const whole = empty.when(...acts)
  t.same(new Set(whole.fates), new Set(['accepted']))
  t.same(whole.state.templates.held, [{ hash: template.hash, text: template.text }])
  t.match(empty.when(first, ...brings(broker, template, 400).slice(1, 2)).fate, {
    code: 'template_out_of_place',
    with: ['0'],
  })
  t.match(empty.when(first, second, second).fate, { code: 'template_out_of_place', with: ['800'] })
  t.same(empty.when(first, second, ...acts).fates.at(-1), 'accepted', 'whoever begins anew has given up the rest')
  t.match(whole.when(first).fate, { code: 'template_held' })
  t.equal(empty.when(first, ...brings(broker, template)).state.templates.arriving.length, 0, 'nobody waits for it')
  t.match(empty.when(imports(lead, template, '', 'Slip')).fate, { code: 'no_such_template' })
  const other = brings(lead, { hash: template.hash, text: `${template.text.slice(0, -1)} ` })
  t.match(empty.when(...other).fate, { code: 'template_unfit', with: ['hash'] })
})

t.test('whoever leaves brings nothing more', async (t) => {
  const [first, ...others] = brings(lead, template, 400)
  if (first === undefined) return
  const gone = empty.when(first, lead.resigns())
  t.same(gone.state.templates.arriving, [])
  t.equal(others.length > 0, true)
})

t.test('an import needs what adding a block needs', async (t) => {
  const owned = given(openedBy(broker, lead, follower), broker.addsBlock('Mine', { owner: broker.handle }), field('F'))
  const brought = owned.when(...brings(lead, template))
  t.match(brought.when(imports(lead, template, 'Mine', 'Slip')).fate, { code: 'not_owner' })
  t.match(brought.when(imports(lead, template, 'F', 'Slip')).fate, { code: 'not_a_block' })
  t.equal(brought.when(imports(broker, template, 'Mine', 'Slip')).fate, 'accepted')
  t.match(brought.when(broker.setsAudience('Mine', [broker]), imports(broker, template, 'Mine', 'Slip')).fate, {
    code: 'key_confidential',
  })
  const small = given([broker.opens({ elements: 10 })])
  const plain = changed(template, ({ elements: [first] }) => ({
    elements: first?.kind === 'block' ? [{ id: first.id, kind: 'block', name: 'Slip', owner: null }] : [],
    rules: [],
    ruleSets: [],
    types: [],
    audiences: [],
    roles: [],
  }))
  t.equal(small.when(bringsAndImports(broker, plain, '', 'Slip')).fate, 'accepted')
  const wide = changed(plain, ({ elements }) => ({
    elements: [
      ...elements,
      ...Array.from({ length: 10 }, (_, place) => ({
        field: { type: 'text' as const },
        id: `0.0.${place}` as never,
        kind: 'field' as const,
        name: `F${place}`,
        owner: null,
      })),
    ],
  }))
  t.match(small.when(bringsAndImports(broker, wide, '', 'Slip')).fate, { code: 'limit_exceeded', with: ['elements'] })
  t.match(given([broker.opens({ nameCharacters: 1 })]).when(bringsAndImports(broker, plain, '', 'S')).fate, {
    with: ['nameCharacters'],
  })
  t.match(
    given(
      [broker.opens({ entriesPerList: 2 })],
      [broker.invites(lead), broker.admits(lead), broker.invites(follower), broker.admits(follower)],
    ).when(bringsAndImports(broker, template, '', 'S')).fate,
    { with: ['entriesPerList'] },
  )
})

t.test('where rules are in force, a template without rules is imported, and one with rules is not', async (t) => {
  const live = given(
    openedBy(broker, lead, follower),
    block('Shared'),
    broker.addsBlock('Closed', { owner: broker.handle }),
    broker.addsRuleSet('Access'),
    broker.drafts('Closed', { access: ['add'], who: { parties: ['lead'] } }),
    lead.votesOnRule(1),
    follower.votesOnRule(1),
    broker.publishes(1),
  )
  const bare = changed(template, () => ({ rules: [], ruleSets: [], roles: ['broker', 'lead'] as Handle[] }))
  t.match(live.when(bringsAndImports(lead, template, 'Shared', 'Slip')).fate, { code: 'rules_in_force' })
  t.equal(live.when(bringsAndImports(lead, bare, 'Shared', 'Slip')).fate, 'accepted')
  t.match(live.when(bringsAndImports(broker, bare, 'Closed', 'Slip')).fate, { code: 'access_denied' })
})

t.test('values stand below what was imported as anywhere, and are erased', async (t) => {
  const valued = imported.when(entry('Slip/Lines'), broker.proposes('Slip/Lines/1/Signed', '0.5'))
  t.equal(valued.fate, 'accepted')
  const gone = valued.when(
    broker.erases('Slip/Lines/1/Signed'),
    lead.erases('Slip/Lines/1/Signed'),
    follower.erases('Slip/Lines/1/Signed'),
  )
  t.equal(gone.fate, 'accepted')
  t.equal(gone.state.erasures.erased.length, 1)
})

t.test('it is said which element came from which template, and the record hash covers it', async (t) => {
  const use = imported.state.templates.uses
  t.match(use, [{ by: 'lead', element: '0.0', index: 5, template: template.hash, upgrades: [], votes: [] }])
  t.same(use[0]?.rules, [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
  ])
  const { state } = imported
  const forgotten = { ...state, templates: { ...state.templates, uses: [] } }
  t.not(recordHash(forgotten), recordHash(state))
  t.not(recordHash({ ...state, templates: { ...state.templates, held: [] } }), recordHash(state))
  // Each of what is said of it, however many there are.
  for (const name of Object.keys(use[0] ?? {})) {
    const uses = [{ ...use[0], [name]: 'another' }] as unknown as typeof use
    t.not(recordHash({ ...state, templates: { ...state.templates, uses } }), recordHash(state), name)
  }
  t.same(imported.when(broker.removes('Slip')).state.templates.uses, [])
})

t.test('a newcomer judges what follows as everybody', async (t) => {
  const newcomer = new Party('newcomer')
  const joined = imported.when(
    broker.invites(newcomer),
    broker.admits(newcomer),
    newcomer.proposes('Slip/Sum', { amount: '1.00', currency: 'GBP' }),
  )
  t.equal(joined.fate, 'accepted')
})

t.test('what a request adds by an import can be named in it', async (t) => {
  const one = empty.when(
    together(
      ...(brings(lead, template) as [ReturnType<typeof imports>]),
      imports(lead, template, '', 'Slip'),
      lead.orders({ type: 'AddBlock', parent: '#1', name: 'More' }),
    ),
  )
  t.equal(one.at('Slip/More')?.id, '0.0.5')
})

t.test('whatever can be drawn up can be taken, imported, and taken again as the same', async (t) => {
  t.plan(1)
  const kinds = fc.constantFrom('block', 'field', 'list', 'keyed', 'removed')
  const step = fc.record({ kind: kinds, owner: fc.constantFrom(null, 'broker'), parent: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
      const blocks = ['Root']
      let drawn = empty.when(block('Root'))
      for (const [place, { kind, owner, parent }] of steps.entries()) {
        const at = blocks[parent % blocks.length] as string
        const path = `${at}/E${place}`
        const belongs = { owner: owner as Handle | null }
        if (kind === 'removed') {
          if (at === 'Root') continue
          drawn = drawn.when(broker.removes(at))
          if (drawn.fate === 'accepted') {
            const gone = (one: string) => one === at || one.startsWith(`${at}/`)
            blocks.splice(0, blocks.length, ...blocks.filter((one) => !gone(one)))
          }
          continue
        }
        if (kind === 'block') drawn = drawn.when(broker.addsBlock(path, belongs))
        else if (kind === 'field') drawn = drawn.when(broker.addsField(path, { type: 'text' }, belongs))
        else {
          const key = kind === 'keyed' ? { key: { field: { type: 'text' } as const, name: 'Key' } } : {}
          drawn = drawn.when(broker.addsList(path, { entriesMax: 3, ...key, ...belongs }))
        }
        if (drawn.fate !== 'accepted') continue
        if (kind === 'block') blocks.push(path)
        else if (kind !== 'field') blocks.push(`${path}/0`)
      }
      const before = taken(drawn, 'Root')
      const after = empty.when(block('Before'), bringsAndImports(broker, before, '', 'Root'))
      const { from: _from, ...said } = before.template
      const { from: _source, ...again } = taken(after, 'Root').template
      return after.fate === 'accepted' && JSON.stringify(said) === JSON.stringify(again)
    }),
    { numRuns: 40 },
  )
  t.pass()
})
