import t from 'tap'
import { valueFault } from '../../src/aggregates/contract/values/value-types.ts'
import { BuiltInTypeSchema, type FieldType } from '../../src/events/field-type.ts'
import {
  loadScenario,
  reinsuranceSlip,
  type Scenario,
  type ScenarioElement,
  ScenarioMalformed,
} from '../../src/scenario/scenario.ts'

const slip = reinsuranceSlip()

function fieldsOf(elements: readonly ScenarioElement[], prefix = ''): Map<string, FieldType> {
  return new Map(
    elements.flatMap((element): [string, FieldType][] =>
      element.kind === 'field'
        ? [[`${prefix}${element.name}`, element.field]]
        : [...fieldsOf(element.children, `${prefix}${element.name}/`)],
    ),
  )
}

const fields = fieldsOf(slip.document)
const PREMIUM = 'Risk Details/Premium/Minimum and Deposit Premium'

/** What stands after these steps, by path. */
function after(steps: Scenario['steps']): Record<string, unknown> {
  return Object.assign({}, ...steps.map(({ set }) => set))
}

function writersOf(path: string): string[] {
  return [...new Set<string>(slip.steps.filter(({ set }) => path in set).map(({ by }) => by))]
}

function amount(money: unknown): number {
  return Number((money as { amount: string }).amount)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Adjustment rates are quoted with three decimals. */
function thousandths(number: number): number {
  return Math.round(number * 1000) / 1000
}

t.test('a broker places the slip with a leader and a follower', async (t) => {
  t.same(
    slip.parties.map(({ role }) => role),
    ['broker', 'lead', 'follow'],
  )
})

t.test(
  'the slip has at least 60 fields, and fields of every type that is built in and needs no other contract',
  async (t) => {
    t.ok(fields.size >= 60, `${fields.size} fields`)
    const types = new Set<string>([...fields.values()].map(({ type }) => type))
    const all = BuiltInTypeSchema.anyOf.map(({ properties }) => properties.type.const as string)
    t.same([...types].sort(), all.filter((type) => type !== 'contract').sort())
  },
)

t.test('every step is by a party of it and writes fitting values to fields that are there', async (t) => {
  const handles = slip.parties.map(({ handle }) => handle as string)
  for (const { by, set } of slip.steps) {
    t.ok(handles.includes(by), by)
    for (const [path, value] of Object.entries(set)) {
      const type = fields.get(path)
      t.ok(type !== undefined && valueFault(type, value, (handle) => handles.includes(handle)) === undefined, path)
    }
  }
})

t.test('every field gets a value, and some are fought over', async (t) => {
  t.same(
    [...fields.keys()].filter((path) => writersOf(path).length === 0),
    [],
  )
  const foughtOver = [...fields.keys()].filter((path) => writersOf(path).length > 1)
  t.ok(foughtOver.includes(PREMIUM))
  t.ok(foughtOver.length >= 5, `${foughtOver.length} fields`)
})

t.test('each insurer writes its own line, and only the broker signs it', async (t) => {
  const insurers = { Leader: 'cornhill-re', Follower: 'northgate-re' }
  for (const [who, insurer] of Object.entries(insurers)) {
    const line = `Security Details/Line of the ${who}`
    t.same(writersOf(`${line}/Written Line`), [insurer])
    t.same(writersOf(`${line}/Signed Line`), ['thames-re-broking'])
  }
})

t.test('the written lines exceed the order, and are signed down to it in proportion', async (t) => {
  const document = after(slip.steps)
  const order = Number(document['Security Details/Order Hereon'])
  const lines = ['Leader', 'Follower'].map((who) => `Security Details/Line of the ${who}`)
  const written = lines.map((line) => Number(document[`${line}/Written Line`]))
  const signed = lines.map((line) => Number(document[`${line}/Signed Line`]))
  t.ok(sum(written) > order)
  t.equal(sum(signed), order)
  t.same(
    signed,
    written.map((line) => (line * order) / sum(written)),
  )
})

t.test('whenever the price is proposed, its figures fit each other', async (t) => {
  const priced = slip.steps.flatMap(({ set }, index) => (PREMIUM in set ? [after(slip.steps.slice(0, index + 1))] : []))
  t.equal(priced.length, 3, 'a quote, a counter-offer and an answer')
  for (const document of priced) {
    const premium = amount(document[PREMIUM])
    const percent = (path: string) => Number(document[`Risk Details/Premium/${path}`])
    const money = (path: string) => amount(document[`Risk Details/${path}`])
    t.equal(percent('Rate on Line'), (100 * premium) / money('Limits/Limit Any One Loss'))
    t.equal(percent('Adjustment Rate'), thousandths((100 * premium) / money('Premium/Estimated Subject Premium')))
    t.equal(
      money('Premium/Instalment Premium') * Number(document['Risk Details/Payment Terms/Instalments']),
      premium,
      'the instalments add up to the premium',
    )
  }
})

const choice = (...options: string[]) => ({ kind: 'field', name: 'Cover', field: { type: 'choice', options } })

t.test('a file of another form is refused with the place', async (t) => {
  const places = [
    [{ ...slip, steps: [{ by: 'NOT A HANDLE', say: 'x', set: {} }] }, '/steps/0/by'],
    [{ ...slip, document: [{ kind: 'block', name: 'Risk/Details', children: [] }] }, '/document/0/name'],
    [{ ...slip, document: [{ kind: 'block', name: 'Risk\u202eDetails', children: [] }] }, '/document/0/name'],
    [{ ...slip, document: [choice('Yes', 'N\u200bo')] }, '/document/0/field/options/1'],
    [{ ...slip, title: 'A  B' }, '/title'],
    [{ ...slip, parties: [{ handle: 'a', name: 'A\n', role: 'lead' }] }, '/parties/0/name'],
    [{ ...slip, parties: [{ handle: 'a', name: 'A', role: 'regulator' }] }, '/parties/0/role'],
    [{}, ''],
  ] as const
  for (const [json, path] of places) {
    t.throws(() => loadScenario(json), { code: 'scenario_malformed', evidence: { path } })
  }
  t.throws(() => loadScenario({}), ScenarioMalformed)
  t.throws(() => loadScenario({}), { message: /^the scenario must have required properties title/ })
})
