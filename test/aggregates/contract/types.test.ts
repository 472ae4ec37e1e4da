import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { currentTypes, typeLike } from '../../../src/aggregates/contract/document/types.ts'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import { compareDecimals } from '../../../src/aggregates/contract/values/decimal-order.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { type Constraint, definitionHash, type TypeDefinition } from '../../../src/events/type-definition.ts'
import { countHashes } from '../../support/count-hashes.ts'
import { concurrently, type Document, given, openedBy } from '../../support/document.ts'
import { histories, play } from '../../support/document-histories.ts'
import { Party } from '../../support/document-party.ts'
import { documentFrom, snapshotOfDocument } from '../../support/snapshots-at-once.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const both = openedBy(broker, lead)
const percentage = { constraint: { minimum: '0', maximum: '100', decimals: 4 }, hints: { display: 'percent' } }

/** Of what the name stands for now. */
function hashOf(document: Document, name: string): Hash {
  const definition = typeLike(document.state.types, name)
  if (definition === undefined) throw new Error(`no ${name}`)
  return definitionHash(definition)
}

function customOf(document: Document, name: string) {
  return { type: 'custom', definition: hashOf(document, name) } as const
}

t.test(
  'a field of a custom type takes the values of its base that meet its constraint, and says which did not',
  async (t) => {
    const defined = given(both, broker.defines('Percentage', 'decimal', percentage))
    const document = defined.when(lead.addsField('Share', customOf(defined, 'Percentage')))
    const fate = (value: unknown) => document.when(lead.proposes('Share', value)).fate
    t.equal(fate('12.5'), 'accepted')
    t.same(fate('100.1'), { code: 'value_wrong_type', command: 0, with: ['decimal', 'maximum'] })
    t.same(fate('-0.1'), { code: 'value_wrong_type', command: 0, with: ['decimal', 'minimum'] })
    t.same(fate('1.00000'), { code: 'value_wrong_type', command: 0, with: ['decimal', 'decimals'] })
    t.same(fate(12), { code: 'value_wrong_type', command: 0, with: ['decimal'] })
  },
)

t.test('a redefinition is a new version: fields keep the definition that they were added with', async (t) => {
  const first = given(both, broker.defines('Share', 'decimal', { constraint: { maximum: '100' } }))
  const old = customOf(first, 'Share')
  const document = first.when(
    lead.addsField('A', old),
    lead.defines('Share', 'decimal', { constraint: { maximum: '1' } }),
  )
  t.not(hashOf(document, 'Share'), old.definition)
  const after = document.when(lead.addsField('B', customOf(document, 'Share')), lead.addsField('C', old))
  t.same(after.fates, ['accepted', 'accepted'], 'an old definition can be had as well')
  const fate = (path: string) => after.when(lead.proposes(path, '50')).fate
  t.equal(fate('A'), 'accepted')
  t.equal(fate('C'), 'accepted')
  t.match(fate('B'), { code: 'value_wrong_type' })
  const back = after.when(broker.defines('Share', 'decimal', { constraint: { maximum: '100' } }))
  t.equal(back.fate, 'accepted')
  t.equal(hashOf(back, 'Share'), old.definition, 'what was can be again')
  t.same(currentTypes(back.state.types).length, 1)
})

t.test('who adds a field names the definition that it has read, whatever is defined at the same moment', async (t) => {
  const defined = given(both, broker.defines('Share', 'decimal', percentage))
  const read = customOf(defined, 'Share')
  const document = defined.when(concurrently(broker.defines('Share', 'text'), lead.addsField('A', read)))
  t.same(document.fates, ['accepted', 'accepted'])
  t.equal(document.when(lead.proposes('A', '5')).fate, 'accepted')
})

t.test('one name has one type: the same again is told so, and what can be taken for it is refused', async (t) => {
  const document = given(both, broker.defines('Share', 'decimal', percentage))
  const hash = hashOf(document, 'Share')
  t.same(document.when(lead.defines('Share', 'decimal', percentage)).fate, {
    code: 'type_unchanged',
    command: 0,
    with: [hash],
  })
  t.same(document.when(lead.defines('Sh\u0430re', 'decimal')).fate, {
    code: 'name_confusable',
    command: 0,
    with: [hash],
  })
  t.same(document.when(lead.defines('Sh\u200bare', 'decimal')).fate, { code: 'name_unfit', command: 0 })
  const limited = given(broker.opens({ types: 1, nameCharacters: 5 }), broker.defines('Share', 'decimal'))
  t.same(limited.when(broker.defines('Share', 'text')).fate, { code: 'limit_exceeded', command: 0, with: ['types'] })
  const short = given(broker.opens({ nameCharacters: 4 }))
  t.same(short.when(broker.defines('Share', 'text')).fate, {
    code: 'limit_exceeded',
    command: 0,
    with: ['nameCharacters'],
  })
})

t.test('a constraint is one of its base, and some value meets it', async (t) => {
  const fate = (base: TypeDefinition['base'], constraint: Constraint) =>
    given(both).when(lead.defines('T', base, { constraint })).fate
  const fine: [TypeDefinition['base'], Constraint][] = [
    ['text', { lengthMin: 7, lengthMax: 7 }],
    ['integer', { minimum: '-5', maximum: '99999999999999999999' }],
    ['decimal', { minimum: '0.5', maximum: '0.50', decimals: 2 }],
    ['money', { currency: 'EUR', minimum: '0', maximum: '9.99' }],
    ['date', { minimum: '2026-01-01', maximum: '2026-12-31' }],
    ['choice', { options: ['a', 'b'] }],
    ['party', {}],
    ['contract', {}],
  ]
  for (const [base, constraint] of fine) t.equal(fate(base, constraint), 'accepted', base)
  const unfit: [TypeDefinition['base'], Constraint, string][] = [
    ['text', { minimum: '1' }, 'minimum'],
    ['text', { lengthMin: 8, lengthMax: 7 }, 'lengthMin'],
    ['integer', { minimum: '0.5' }, 'minimum'],
    ['integer', { decimals: 0 }, 'decimals'],
    ['decimal', { maximum: '1-' }, 'maximum'],
    ['decimal', { minimum: '1.1', maximum: '1.09' }, 'minimum'],
    ['money', { minimum: '0' }, 'minimum'],
    ['money', { currency: 'JPY', maximum: '0.5' }, 'maximum'],
    ['date', { minimum: '2026-02-30' }, 'minimum'],
    ['date', { minimum: '2026-02-02', maximum: '2026-02-01' }, 'minimum'],
    ['boolean', { options: ['a'] }, 'options'],
    ['choice', {}, 'options'],
  ]
  for (const [base, constraint, member] of unfit) {
    t.same(fate(base, constraint), { code: 'constraint_unfit', command: 0, with: [member] }, `${base}: ${member}`)
  }
  t.match(fate('choice', { options: ['a', 'a '] }), { code: 'option_unfit' })
  t.match(fate('money', { currency: 'XAU' }), { code: 'currency_unknown' })
})

t.test('a constraint judges each base by its own order', async (t) => {
  const cases: [TypeDefinition['base'], Constraint, unknown[], [unknown, string][]][] = [
    [
      'text',
      { lengthMin: 2, lengthMax: 3 },
      ['ab', '\u{1f4dc}\u{1f4dc}\u{1f4dc}'],
      [
        ['a', 'length'],
        ['abcd', 'length'],
      ],
    ],
    [
      'integer',
      { minimum: '-1', maximum: '9007199254740993' },
      [-1, 7, '9007199254740993'],
      [
        [-2, 'minimum'],
        ['9007199254740994', 'maximum'],
      ],
    ],
    [
      'money',
      { currency: 'EUR', maximum: '10' },
      [{ amount: '10.00', currency: 'EUR' }],
      [
        [{ amount: '10.01', currency: 'EUR' }, 'maximum'],
        [{ amount: '1', currency: 'USD' }, 'currency'],
      ],
    ],
    [
      'date',
      { minimum: '2026-01-01', maximum: '2026-12-31' },
      ['2026-01-01', '2026-12-31'],
      [
        ['2025-12-31', 'minimum'],
        ['2027-01-01', 'maximum'],
      ],
    ],
  ]
  for (const [base, constraint, fit, unfit] of cases) {
    const defined = given(both, broker.defines('T', base, { constraint }))
    const document = defined.when(lead.addsField('F', customOf(defined, 'T')))
    for (const value of fit) t.equal(document.when(lead.proposes('F', value)).fate, 'accepted', JSON.stringify(value))
    for (const [value, fault] of unfit) {
      t.match(document.when(lead.proposes('F', value)).fate, { code: 'value_wrong_type', with: [base, fault] })
    }
  }
})

t.test('decimals are compared as the numbers that they are', async (t) => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat(12))
  const written = ([digits, scale]: [bigint, number]) => {
    const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0')
    const point = text.length - scale
    return `${digits < 0n ? '-' : ''}${text.slice(0, point)}${scale === 0 ? '' : `.${text.slice(point)}`}`
  }
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      const [left, right] = [one[0] * 10n ** BigInt(12 - one[1]), other[0] * 10n ** BigInt(12 - other[1])]
      equal(Math.sign(compareDecimals(written(one), written(other))), left < right ? -1 : left > right ? 1 : 0)
    }),
    {
      numRuns: 2000,
      examples: [
        [
          [0n, 0],
          [0n, 3],
        ],
        [
          [1n, 0],
          [10n, 1],
        ],
      ],
    },
  )
  t.equal(compareDecimals('-0', '0.00'), 0)
  t.equal(compareDecimals('-0.0', '0'), 0)
})

t.test('a type among a thousand costs a hash for each level of the tree over them', async (t) => {
  let document = given(broker.opens())
  for (let place = 0; place < 300; place++) document = document.when(broker.defines(`T${place}`, 'text'))
  recordHash(document.state)
  const after = document.when(broker.defines('one more', 'text'))
  t.ok(countHashes(() => recordHash(after.state)).hashes <= 12)
})

t.test('a snapshot has the definitions in their order, and restores what each name stands for', async (t) => {
  fc.assert(
    fc.property(histories, (moves) => {
      const { state } = [...play(moves)].at(-1) ?? given(broker.opens())
      const restored = documentFrom(JSON.parse(JSON.stringify(snapshotOfDocument(state))))
      equal(recordHash(restored), recordHash(state))
      deepEqual(currentTypes(restored.types), currentTypes(state.types))
    }),
  )
  t.pass()
})

t.test('a key may be of a custom type, if its base may', async (t) => {
  const defined = given(
    both,
    broker.defines('Code', 'text', { constraint: { lengthMax: 4 } }),
    broker.defines('Share', 'decimal'),
  )
  const fate = (name: string) =>
    defined.when(lead.addsList('L', { key: { name: 'Key', field: customOf(defined, name) } })).fate
  t.equal(fate('Code'), 'accepted')
  t.match(fate('Share'), { code: 'key_unfit' })
})
