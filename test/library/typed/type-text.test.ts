import t from 'tap'
import ts from 'typescript'
import type { ElementSchema } from '../../../src/documents/elements/element-schema.ts'
import { canBeNamed, typeNameFor, typeText } from '../../../src/library/typed/type-text.ts'

const common = { element: '0' as ElementSchema['element'], owner: null, isActive: true, rules: [] }
const field = (name: string, type: object, more: object = {}) =>
  ({ ...common, kind: 'field', name, at: name, type, ...more }) as ElementSchema
const block = (name: string, ...children: ElementSchema[]) =>
  ({ ...common, kind: 'block', name, at: name, children }) as ElementSchema
const list = (name: string, entry: ElementSchema) =>
  ({ ...common, kind: 'list', name, at: name, entry, entriesMax: 3 }) as ElementSchema

t.test('each type of a field has one of TypeScript', async (t) => {
  const types = ['text', 'integer', 'decimal', 'money', 'date', 'boolean', 'party', 'contract', 'attachment'] as const
  const text = typeText(
    block(
      '',
      ...types.map((type) => field(type, { type })),
      field('Fee', { type: 'money', currency: 'GBP' }),
      field('Kind', { type: 'choice', options: ['A', "B's"] }),
      field('Share', { type: 'decimal' }, { audience: { parties: ['ana'] } }),
      list('Notes', field('', { type: 'text' })),
      list('Lines', block('', field('No. 1', { type: 'integer' }))),
      block('Nothing'),
    ),
    'Slip',
  )
  t.equal(
    text,
    `import type { Attachment, Decimal, Integer, Money, Reference, Sealed } from 'concordata'

export interface Slip {
  readonly text: string | null
  readonly integer: Integer | null
  readonly decimal: Decimal | null
  readonly money: Money | null
  /** date: 2027-01-31 */
  readonly date: string | null
  readonly boolean: boolean | null
  /** party: its handle */
  readonly party: string | null
  readonly contract: Reference | null
  readonly attachment: Attachment | null
  readonly Fee: Money<'GBP'> | null
  readonly Kind: 'A' | 'B\\'s' | null
  readonly Share: Decimal | null | Sealed
  readonly Notes: readonly (string | null)[]
  readonly Lines: readonly {
    readonly 'No. 1': Integer | null
  }[]
  readonly Nothing: {}
}
`,
  )
})

t.test('names say nothing but names, whoever has chosen them', async (t) => {
  const hostile = [
    "'; process.exit(1); '",
    '*/ x',
    '\\',
    "\\'",
    '"',
    '__proto__',
    'constructor',
    `\${x}`,
    '`',
    'a\u2028b',
    '日本',
    '1',
  ]
  const text = typeText(
    block('', ...hostile.map((name) => field(name, { type: 'choice', options: [name] }))),
    'Hostile',
  )
  const file = ts.createSourceFile('hostile.ts', text, ts.ScriptTarget.Latest, true)
  const [only, ...others] = file.statements
  t.equal(others.length, 0)
  if (only === undefined || !ts.isInterfaceDeclaration(only)) throw new Error('it is no interface')
  t.same(
    only.members.map((member) => (member.name as ts.StringLiteral).text),
    hostile,
  )
  const options = only.members.map(
    (member) => ((member as ts.PropertySignature).type as ts.UnionTypeNode).types[0] as ts.LiteralTypeNode,
  )
  t.same(
    options.map(({ literal }) => (literal as ts.StringLiteral).text),
    hostile,
  )
})

t.test('a title suggests a name', async (t) => {
  t.equal(typeNameFor('Corporate Rate Agreement 2027, Meridian'), 'CorporateRateAgreement2027Meridian')
  t.equal(typeNameFor('2027'), 'Contract2027')
  t.equal(typeNameFor('日本'), 'Contract')
  t.equal(typeNameFor('Money'), 'ContractMoney', 'fields may be of that type')
  for (const taken of ['Money', 'Sealed', 'class', 'any', 'x y', '1']) t.notOk(canBeNamed(taken), taken)
  for (const free of ['CarHire', '$', 'constructor']) t.ok(canBeNamed(free), free)
})
