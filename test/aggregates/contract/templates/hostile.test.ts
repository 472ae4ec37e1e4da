import t from 'tap'
import type { DecideContext } from '../../../../src/aggregates/contract/decider.ts'
import { Rejection } from '../../../../src/aggregates/contract/rejection.ts'
import { bringTemplate } from '../../../../src/aggregates/contract/templates/bring-template.ts'
import { exportingTemplate } from '../../../../src/aggregates/contract/templates/export-template.ts'
import {
  parsingTemplate,
  TemplateFault,
  templateOf,
} from '../../../../src/aggregates/contract/templates/parsed-template.ts'
import type { TemplateUse } from '../../../../src/aggregates/contract/templates/template-book.ts'
import type { Hash } from '../../../../src/crypto/hash.ts'
import type { ElementId, Handle, LedgerIndex } from '../../../../src/events/ids.ts'
import type { Template, templateHash } from '../../../../src/events/template.ts'
import { completed } from '../../../../src/runtime/turns.ts'
import { type Document, entry } from '../../../support/document.ts'
import { broker } from '../../../support/ruled-document.ts'
import { brings, bytes, changed, taken } from '../../../support/template-party.ts'
import { empty, slip } from './slip.ts'

const template = taken(slip, 'Slip')
const faultOf = (text: string) => {
  const { fate } = empty.when(...brings(broker, bytes(text), 500_000))
  return fate === 'accepted' ? fate : [fate.code, ...(fate.with ?? [])].join(' ')
}
type Change = (template: Template) => object
const hostile: readonly (readonly [what: string, fault: string, change: Change])[] = [
  ['a member that it does not have', 'malformed', () => ({ values: [] })],
  ['another form', 'malformed', () => ({ format: 'concordata-template/2' })],
  ['no elements', 'malformed', () => ({ elements: [] })],
  [
    'two elements of one name',
    'name_taken 0.0.2',
    ({ elements }) => ({ elements: elements.map((one) => (one.id === '0.0.2' ? { ...one, name: 'Sum' } : one)) }),
  ],
  [
    'a name that can be taken for another',
    'name_confusable 0.0.2',
    ({ elements }) => ({ elements: elements.map((one) => (one.id === '0.0.2' ? { ...one, name: '\u0405um' } : one)) }),
  ],
  [
    'a name that nobody can read',
    'name_unfit 0.0.2',
    ({ elements }) => ({ elements: elements.map((one) => (one.id === '0.0.2' ? { ...one, name: 'a\u202eb' } : one)) }),
  ],
  [
    'one id twice',
    'order_of_elements 0.0.0',
    ({ elements: [first, second, ...others] }) => ({ elements: [first, second, second, ...others] }),
  ],
  [
    'an element of nothing',
    'no_such_element 0.0.9',
    ({ elements }) => ({
      elements: [...elements, { field: { type: 'text' }, id: '0.0.9.0', kind: 'field', name: 'F', owner: null }],
    }),
  ],
  [
    'two first elements',
    'order_of_elements 0.1',
    ({ elements }) => ({ elements: [...elements, { id: '0.1', kind: 'block', name: 'B', owner: null }] }),
  ],
  [
    'an ordinal that leaves no room',
    'order_of_elements 0.0.999999999',
    ({ elements }) => ({ elements: [...elements, { id: '0.0.999999999', kind: 'block', name: 'B', owner: null }] }),
  ],
  [
    'an element that comes back to what has ended',
    'order_of_elements 0.0.3.1',
    ({ elements }) => ({
      elements: [...elements, { field: { type: 'text' }, id: '0.0.3.1', kind: 'field', name: 'F', owner: null }],
    }),
  ],
  [
    'a list without its key',
    'list_unfit 0.0.4',
    ({ elements }) => ({ elements: elements.filter(({ id }) => id !== '0.0.4.0.0') }),
  ],
  [
    'a list without its prototype',
    'list_unfit 0.0.4',
    ({ elements }) => ({ elements: elements.filter(({ id }) => id !== '0.0.4.0') }),
  ],
  ['a type that it does not define', 'type_unknown 0.0.4.0.1', () => ({ types: [] })],
  [
    'a type that nothing has',
    'type_unused Other',
    ({ types }) => ({ types: [...types, { base: 'text', constraint: {}, hints: {}, name: 'Other' }] }),
  ],
  ['a role that nothing names', 'roles_unfit nobody', ({ roles }) => ({ roles: [...roles, 'nobody'] })],
  [
    'a role that it does not list',
    'audience_unfit 0.0.3',
    ({ roles }) => ({ roles: roles.filter((role) => role !== 'lead') }),
  ],
  [
    'an order of what is not there',
    'order_unfit 0.0',
    ({ elements: [first, ...others] }) => ({ elements: [{ ...first, order: [7] }, ...others] }),
  ],
  [
    'a rule of what is outside',
    'expression_unknown_name 1',
    ({ rules }) => ({
      rules: rules.map((rule) =>
        rule.id === 1 ? { ...rule, body: JSON.parse(JSON.stringify(rule.body).replace('0.0.0', '0.1.0')) } : rule,
      ),
    }),
  ],
  [
    'a rule at nothing',
    'no_such_element 1',
    ({ rules }) => ({ rules: rules.map((rule) => (rule.id === 1 ? { ...rule, at: '0.0.1' } : rule)) }),
  ],
  ['a rule in no rule set', 'no_such_rule_set 1', () => ({ ruleSets: [] })],
  ['rules in another order', 'order_of_rules 3', ({ rules }) => ({ rules: rules.toReversed() })],
  [
    'an audience of what nobody owns',
    'not_owner 0.0',
    ({ audiences }) => ({ audiences: [...audiences, { element: '0.0', parties: ['lead'] }] }),
  ],
  [
    'an audience without the owner',
    'owner_outside 0.0.3',
    () => ({ audiences: [{ element: '0.0.3', parties: ['lead'] }] }),
  ],
  [
    'one element with two audiences',
    'audience_unfit 0.0.3',
    ({ audiences: [first] }) => ({ audiences: [first, first] }),
  ],
]

for (const [what, fault, change] of hostile) {
  t.test(`no template: ${what}`, async (t) => {
    const { text } = changed(template, change as never)
    t.equal(faultOf(text), `template_unfit ${fault}`)
  })
}

t.test('no template: what is no canonical JSON, and what has more than any template', async (t) => {
  t.equal(faultOf('{'), 'template_unfit not_json')
  t.equal(faultOf(` ${template.text}`), 'template_unfit not_canonical')
  t.equal(faultOf(template.text.replace('{', '{"a":1,"a":2,')), 'template_unfit malformed')
  t.equal(faultOf('['.repeat(1000)), 'template_unfit too_large depthMax')
  t.equal(faultOf(`[${'1,'.repeat(200_000)}`.repeat(6)), 'template_unfit too_large membersMax')
})

t.test('only what stands by itself is taken', async (t) => {
  const at = (document: Document, path: string, more: object = {}) =>
    completed(
      exportingTemplate(document.state, { element: document.idAt(path), root: document.head.root, size: 1, ...more }),
    )
  t.same(at(slip.when(entry('Slip/Lines')), 'Slip/Lines/1'), { problem: 'place' })
  t.same(at(slip, 'Slip/Lines', {}), at(slip, 'Slip/Lines'))
  const reaching = slip.when(
    broker.addsField('Rate', { type: 'decimal' }),
    broker.drafts('Slip', { constraint: 'Sum.amount > _.Rate' }, 2),
  )
  t.same(at(reaching, 'Slip'), { problem: 'rules', rules: [5] })
  const left = at(reaching, 'Slip', { leavesOut: true })
  t.ok('text' in left && left.text.length > 0)
  t.same('leftOut' in left && left.leftOut, [5])
  const whole = taken(reaching, '', { name: 'Whole' })
  t.equal(whole.template.elements[0]?.name, 'Whole')
  t.equal(empty.when(...brings(broker, whole)).fate, 'accepted', 'a whole document is one, too')
  for (const path of ['Slip/Lines', 'Slip/Sum', 'Slip/Brokerage']) {
    t.equal(empty.when(...brings(broker, taken(slip, path))).fate, 'accepted', path)
  }
})

t.test('parties are roles, by whatever names they are given', async (t) => {
  const roles = { broker: 'agent', follower: 'insurer', lead: 'insurer' } as never
  const { template: named } = taken(slip, 'Slip', { roles })
  t.same(named.roles, ['agent', 'insurer'])
  t.same(named.audiences, [{ element: '0.0.3', parties: ['agent', 'insurer'] }])
})

t.test('what is none is gone through once, and what a contract has is, however many others there are', async (t) => {
  const steps = ({ hash, text }: { readonly hash: ReturnType<typeof templateHash>; readonly text: string }) => {
    const parsing = parsingTemplate(hash, text)
    let count = 0
    for (let step = parsing.next(); ; step = parsing.next()) {
      if (step.done === true) return { count, parsed: step.value }
      count++
    }
  }
  const renamed = (name: string) =>
    changed(template, ({ elements }) => ({
      elements: elements.map((one, place) => (place === 0 ? { ...one, name } : one)),
    }))
  const spoilt = changed(template, ({ roles }) => ({ roles: [...roles, 'somebody'] as never }))
  const first = steps(spoilt)
  t.ok(first.parsed instanceof TemplateFault)
  t.ok(first.count > 0)
  const held = renamed('Held')
  const known = templateOf(held)
  for (let other = 0; other < 9; other++) t.notOk(steps(renamed(`Other ${other}`)).parsed instanceof TemplateFault)
  t.equal(templateOf(held), known)
  t.same(steps(spoilt), { count: 0, parsed: first.parsed })
})

t.test('of a piece but the last there is no less than a 1,024th of the whole', async (t) => {
  const whole = 4 * 1024 * 1024
  const brought = (characters: number, of: number) => {
    const hash = '0'.repeat(64) as Hash
    const command = { type: 'BringTemplate', bytes: of, from: 0, hash, text: 'x'.repeat(characters) } as const
    return empty.when(broker.orders(command)).fate
  }
  t.match(brought(4_095, whole), { code: 'limit_exceeded', with: ['templatePieces'] })
  t.equal(brought(4_096, whole), 'accepted')
  t.equal(brought(1, 1_024), 'accepted')
  t.match(brought(1, 1_025), { code: 'limit_exceeded' })
})

t.test('templates that something came from leave so much less room; once that is gone, they make room', async (t) => {
  const [at, by] = ['0.0', 'broker'] as unknown as [ElementId, Handle]
  const held = Array.from({ length: 4 }, (_, n) => ({
    hash: `${n}`.repeat(64) as Hash,
    text: 'x'.repeat(4 * 1024 ** 2),
  }))
  const use = { by, element: at, index: 3 as LedgerIndex, moved: [], roles: {}, rules: [], upgrades: [], votes: [] }
  const brought = (uses: readonly TemplateUse[]) => {
    const state = { ...empty.state, templates: { arriving: [], held, uses } }
    const piece = { type: 'BringTemplate', bytes: 10, from: 0, hash: 'f'.repeat(64) as Hash, text: 'x' } as const
    const decided = bringTemplate(piece, state, { author: by } as DecideContext)
    return decided instanceof Rejection ? [decided.code, ...decided.with] : decided.map(({ type }) => type)
  }
  const uses = held.map(({ hash }) => ({ ...use, template: hash }))
  t.same(brought(uses), ['limit_exceeded', 'templates'])
  t.same(brought(uses.slice(1)), ['TemplateBrought'])
  const voted = {
    ...use,
    template: uses[1]?.template as Hash,
    votes: [{ by, roles: {}, to: uses[0]?.template as Hash }],
  }
  t.same(brought([...uses.slice(1), voted]), ['limit_exceeded', 'templates'], 'what is voted for stays as well')
})
