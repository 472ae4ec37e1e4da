import { readFileSync } from 'node:fs'
import t from 'tap'
import { BuiltInTypeSchema } from '../../src/events/field-type.ts'
import {
  elementsOf,
  isField,
  isList,
  loadScenario,
  type ScenarioBlock,
  ScenarioMalformed,
} from '../../src/scenario/scenario.ts'
import {
  bindingAuthority,
  carHireAgreement,
  reinsuranceSlip,
  sharedRecords,
} from '../../src/scenario/worked-contracts.ts'

const slip = reinsuranceSlip()
const market: { readonly headings: string[]; readonly sections: string[] } = JSON.parse(
  readFileSync(new URL('market-headings.json', import.meta.url), 'utf8'),
)

/** As the market's platform spells them: `Order Hereon` is `OrderHereon`. */
function spelled(name: string): string {
  return name.replaceAll(' ', '').toLowerCase()
}

/** Types of the fields, those of an entry once; a custom one by its name. */
function typesIn(block: ScenarioBlock): string[] {
  return elementsOf(block).flatMap(([, element]) => {
    if (isField(element)) return 'name' in element.$field ? element.$field.name : element.$field.type
    const inside = isList(element) ? element.$list.entry : element
    return isField(inside) ? typesIn({ entry: inside }) : typesIn(inside as ScenarioBlock)
  })
}

t.test('the slip has the sections of the market, and below them its headings but for a few of its own', async (t) => {
  const known = new Set([...market.headings, ...market.sections].map((name) => name.toLowerCase()))
  const sections = elementsOf(slip.document)
  t.same(
    sections.map(([name]) => spelled(name)),
    market.sections.map((name) => name.toLowerCase()),
  )
  const own = sections.flatMap(([section, block]) =>
    section === 'Information'
      ? []
      : elementsOf(block as ScenarioBlock).flatMap(([name]) => (known.has(spelled(name)) ? [] : name)),
  )
  t.same(own, [
    'Lines',
    'Tax Table',
    'Total Tax',
    'Mexican Tax Form',
    'Sanctions Referral',
    'Terms with Cornhill Re',
    'Terms with Northgate Re',
  ])
})

t.test(
  'the slip has more than a hundred fields, of every type but a contract and an attachment, and every kind of rule',
  async (t) => {
    const types = typesIn(slip.document)
    t.ok(types.length > 100, `${types.length} fields`)
    const bases = types.map((type) => slip.types.find(({ name }) => name === type)?.base ?? type)
    const all = BuiltInTypeSchema.anyOf.map(({ properties }) => properties.type.const as string)
    t.same([...new Set(bases)].sort(), all.filter((type) => type !== 'contract' && type !== 'attachment').sort())
    const kinds = ['access', 'assignment', 'constraint', 'required', 'single', 'trigger', 'validation']
    t.same([...new Set(slip.rules.map(({ says }) => says.kind))].sort(), kinds)
  },
)

t.test('every worked contract has rules of all kinds, one that is refused by, and one that flags', async (t) => {
  for (const { rules, steps, title } of [slip, bindingAuthority(), carHireAgreement(), sharedRecords()]) {
    t.equal(new Set(rules.map(({ says }) => says.kind)).size, 7, title)
    t.ok(
      steps.some(({ refused }) => refused?.code === 'rule_broken'),
      title,
    )
    t.ok(
      steps.some(({ flags = [] }) => flags.length > 0),
      title,
    )
  }
})

const choice = (...options: string[]) => ({ $field: { type: 'choice', options } })
const step = { by: 'thames-re-broking', say: 'writes', set: {} }

t.test('a file of another form is refused with the place', async (t) => {
  const places = [
    [{ ...slip, steps: [{ ...step, by: 'NOT A HANDLE' }] }, '/steps/0/by'],
    [{ ...slip, steps: [{ ...step, by: 'southgate-re' }] }, '/steps/0/by'],
    [{ ...slip, steps: [{ ...step, reads: [{ at: '', by: 'southgate-re', is: null }] }] }, '/steps/0/by'],
    [{ ...slip, steps: [{ ...step, flags: ['no such rule'] }] }, '/steps/0'],
    [{ ...slip, steps: [{ ...step, refused: { code: 'rule_broken', rule: 'no such rule' } }] }, '/steps/0'],
    [
      { ...slip, steps: [{ by: step.by, say: 'votes', changeSet: 'never proposed', vote: 'yes' }] },
      '/steps/0/changeSet',
    ],
    [{ ...slip, rules: [...slip.rules, slip.rules[0]] }, '/rules'],
    [{ ...slip, ruleSets: ['Pricing'] }, '/rules/10/ruleSet'],
    [{ ...slip, document: { 'Risk/Details': {} } }, '/document/Risk~1Details'],
    [{ ...slip, document: { 'Risk\u202eDetails': {} } }, '/document/Risk\u202eDetails'],
    [{ ...slip, document: { Cover: choice('Yes', 'N\u200bo') } }, '/document/Cover/$field/options/1'],
    [
      { ...slip, document: { L: { $list: { entry: { C: choice('N\u200bo') }, entriesMax: 1 } } } },
      '/document/L/$list/entry/C/$field/options/0',
    ],
    [{ ...slip, title: 'A  B' }, '/title'],
    [{ ...slip, parties: [{ handle: 'a', name: 'A\n', role: 'leader' }], steps: [] }, '/parties/0/name'],
    [{}, ''],
  ] as const
  for (const [json, path] of places) {
    t.throws(() => loadScenario(json), { code: 'scenario_malformed', evidence: { path } }, path)
  }
  t.throws(() => loadScenario({ ...slip, document: { Cover: { $field: { type: 'colour' } } } }), ScenarioMalformed)
  t.throws(() => loadScenario({ ...slip, document: { Cover: 'text' } }), ScenarioMalformed)
  t.throws(() => loadScenario({}), { message: /^the scenario must have "title"/ })
})
