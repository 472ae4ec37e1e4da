import t from 'tap'
import { fitsType } from '../../src/aggregates/contract/field-value.ts'
import { ELEMENT_NAME_PATTERN } from '../../src/events/commands.ts'
import type { FieldType } from '../../src/events/field-type.ts'
import { loadScenario, reinsuranceSlip, type ScenarioElement, ScenarioMalformed } from '../../src/scenario/scenario.ts'

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

t.test('the slip has at least 60 fields, of every type, with names that a document takes', async (t) => {
  t.ok(fields.size >= 60, `${fields.size} fields`)
  const types = new Set([...fields.values()].map(({ type }) => type))
  t.same([...types].sort(), [
    'boolean',
    'choice',
    'date',
    'date-time',
    'decimal',
    'duration',
    'integer',
    'money',
    'party',
    'text',
  ])
  const names = [...fields.keys()].flatMap((path) => path.split('/'))
  t.same(
    names.filter((name) => !new RegExp(ELEMENT_NAME_PATTERN).test(name)),
    [],
  )
})

t.test('every step is by a party of it and writes fitting values to fields that are there', async (t) => {
  const handles = slip.parties.map(({ handle }) => handle as string)
  for (const { by, set } of slip.steps) {
    t.ok(handles.includes(by), by)
    for (const [path, value] of Object.entries(set)) {
      const type = fields.get(path)
      t.ok(type !== undefined && fitsType(type, value, (handle) => handles.includes(handle)), path)
    }
  }
})

t.test('every field gets a value, and some are fought over', async (t) => {
  const writers = new Map<string, Set<string>>()
  for (const { by, set } of slip.steps) {
    for (const path of Object.keys(set)) writers.set(path, (writers.get(path) ?? new Set()).add(by))
  }
  t.same(
    [...fields.keys()].filter((path) => !writers.has(path)),
    [],
  )
  t.ok([...writers.values()].filter((by) => by.size > 1).length >= 5)
})

t.test('the signed lines add up to the order', async (t) => {
  const last = new Map(slip.steps.flatMap(({ set }) => Object.entries(set)))
  const lines = ['Leader', 'Follower'].map((who) => Number(last.get(`Security Details/Line of the ${who}/Signed Line`)))
  t.equal(
    lines.reduce((sum, line) => sum + line, 0),
    Number(last.get('Security Details/Order Hereon')),
  )
})

t.test('a file of another form is refused with the place', async (t) => {
  t.throws(() => loadScenario({ ...slip, steps: [{ by: 'NOT A HANDLE', say: 'x', set: {} }] }), ScenarioMalformed)
  t.throws(() => loadScenario({}), { code: 'scenario_malformed' })
})
