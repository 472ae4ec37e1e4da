import t from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { formCheck } from '../../src/api/http/validation.ts'
import { SignedSchema } from '../../src/events/statement.ts'
import { ERROR_CHARACTERS_MAX, firstError, firstErrorText } from '../../src/runtime/first-error.ts'
import { busyTime } from '../support/event-loop.ts'

const form = Compile(
  Type.Object(
    {
      names: Type.Array(Type.String({ maxLength: 3 })),
      either: Type.Optional(Type.Union([Type.Object({ a: Type.Literal(1) }), Type.Object({ b: Type.Literal(2) })])),
    },
    { additionalProperties: false },
  ),
)

t.test('it is the error that TypeBox finds first', async (t) => {
  for (const value of [
    null,
    [],
    {},
    { names: 1 },
    { names: ['a', 'long', 'longer'] },
    { names: [], extra: 1 },
    { names: [], either: 5 },
  ]) {
    const [expected] = form.Errors(value)
    const { instancePath, keyword } = firstError(form, value)
    t.match(expected, { instancePath, keyword }, JSON.stringify(value))
  }
})

t.test('of a choice between forms it is the error of the one that was meant', async (t) => {
  const rule = Type.Union([
    Type.Object({ kind: Type.Literal('single') }, { additionalProperties: false }),
    Type.Object(
      {
        kind: Type.Literal('constraint'),
        condition: Type.String(),
        severity: Type.Optional(Type.Union([Type.Literal('reject'), Type.Literal('warn')])),
      },
      { additionalProperties: false },
    ),
  ])
  const change = Type.Union([
    Type.Object({ at: Type.String(), set: Type.Unknown() }, { additionalProperties: false }),
    Type.Object({ at: Type.String(), remove: Type.Literal(true) }, { additionalProperties: false }),
  ])
  const either = Compile(Type.Object({ says: Type.Optional(rule), changes: Type.Optional(Type.Array(change)) }))
  const cases: [object, path: string, message: RegExp][] = [
    [{ says: { kind: 'constraint' } }, '/says', /^must have "condition"$/],
    [{ says: { kind: 'nothing', condition: 'x' } }, '/says/kind', /^must be "single" or "constraint"$/],
    [{ says: { kind: 'single', why: 1 } }, '/says/why', /^is unknown there; what there can be is "kind"$/],
    [{ says: { kind: 'constraint', condition: 5 } }, '/says/condition', /must be string/],
    [
      { says: { kind: 'constraint', condition: 'x', severity: 'hard' } },
      '/says/severity',
      /must be "reject" or "warn"/,
    ],
    [
      {
        changes: [
          { at: '', set: 1 },
          { at: 5, remove: true },
        ],
      },
      '/changes/1/at',
      /must be string/,
    ],
    [
      {
        changes: [
          { at: '', set: 1 },
          { at: '', remove: false },
        ],
      },
      '/changes/1/remove',
      /constant/,
    ],
  ]
  for (const [value, instancePath, message] of cases) t.match(firstError(either, value), { instancePath, message })
})

t.test('nothing after the first error is looked at', async (t) => {
  let looked = 0
  const names = new Proxy(['long', ...Array<string>(1_000).fill('longer')], {
    get(target, name, receiver) {
      if (typeof name === 'string' && /^\d+$/.test(name)) looked++
      return Reflect.get(target, name, receiver)
    },
  })
  t.match(firstError(form, { names }), { instancePath: '/names/0' })
  // TypeBox asks for it a few times.
  t.ok(looked < 10, String(looked))
})

t.test('a form of which everything is wrong takes neither time nor memory, and its text is short', async (t) => {
  const zeros = Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`m${at}`, 0]))
  const signed = Compile(SignedSchema)
  const busyMs = busyTime()
  t.match(firstErrorText(signed, { payloads: zeros, signature: '', statement: {} }), /^\/payloads/)
  t.ok(busyMs() < 2_000)
  const { instancePath } = firstError(form, { names: [], ['x'.repeat(1_000_000)]: 1 })
  t.ok(instancePath.length <= ERROR_CHARACTERS_MAX)
  const wide = Compile(
    Type.Object(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`member ${n}`, Type.Optional(Type.Null())])), {
      additionalProperties: false,
    }),
  )
  t.match(firstError(wide, { other: 1 }).message, /…$/, 'what is left out is seen to be')
})

t.test('in a record it is the error of the member', async (t) => {
  const roles = Type.Record(Type.String(), Type.Array(Type.Union([Type.Literal('reader'), Type.Literal('editor')])))
  t.match(firstError(Compile(Type.Object({ roles })), { roles: { some: ['reader'], all: ['reader', 'king'] } }), {
    instancePath: '/roles/all/1',
    message: 'must be "reader" or "editor"',
    options: ['reader', 'editor'],
  })
})

t.test('what takes one of several texts names them', async (t) => {
  const asked = Type.Object({ state: Type.Enum(['pending', 'void']), place: Type.Optional(Type.Enum([1, 2])) })
  const told = { instancePath: '/state', message: 'must be "pending" or "void"', options: ['pending', 'void'] }
  t.match(firstError(Compile(asked), { state: 'queued' }), told)
  t.notOk('options' in firstError(Compile(asked), { state: 'void', place: 3 }))
  const names = Array.from({ length: 40 }, (_, place) => `attribute${place}`)
  const wide = Compile(
    Type.Object(Object.fromEntries(names.map((name) => [name, Type.Optional(Type.String())])), {
      additionalProperties: false,
    }),
  )
  t.match(firstError(wide, { atribute7: 'x' }), { instancePath: '/atribute7', options: names }, 'however many')
  const checked = formCheck(asked, 'querystring')({ state: 'queued' })
  t.match(checked, { error: { evidence: { path: '/state', options: ['pending', 'void'] } } })
})
