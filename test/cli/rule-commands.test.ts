import { spawn } from 'node:child_process'
import t from 'tap'
import { formatValue } from '../../src/aggregates/rules/values/format-value.ts'
import { documentFrom } from '../../src/cli/rule/plain-form.ts'
import { tryExpression } from '../../src/cli/rule/trial.ts'

// Each start of the program takes seconds of a busy machine.
t.setTimeout(120_000)
t.jobs = 4

const PROGRAM = new URL('../../bin/concordata.js', import.meta.url).pathname

interface Ended {
  readonly status: number | null
  readonly output: string
  readonly errors: string
}

function rule(args: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, 'rule', 'try', ...args])
  let [output, errors] = ['', '']
  child.stdout.on('data', (piece) => {
    output += piece
  })
  child.stderr.on('data', (piece) => {
    errors += piece
  })
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output, errors })))
}

t.test('an expression is tried with values: its value, its type, what it costs', async (t) => {
  const values = '{"Rate": 0.1000000000000000055511151231257827, "Premium": {"amount": "200.00", "currency": "GBP"}}'
  const { status, output, errors } = await rule(['Premium * Rate', '--with', values])
  t.same({ status, errors }, { status: 0, errors: '' })
  t.match(output, /^value {2}20\.00000000000000111022302462515654 GBP\n/, 'the digits are no double')
  t.match(output, /type {3}money in GBP\ncost {3}3 of 100000 steps\n$/)
})

t.test('what is wrong stands under the place, with what was probably meant', async (t) => {
  const { status, output, errors } = await rule(['2 * Terms and Conditions', '--with', '{"Terms and Conditions": 3}'])
  t.same({ status, output }, { status: 1, output: '' })
  t.match(
    errors,
    'there is no Terms here: did you mean `Terms and Conditions`?\n  2 * Terms and Conditions\n      ^^^^^\n',
  )
  t.match(errors, /\[expression_unknown_name\]\n$/)
  t.notMatch(errors, /at .*\.ts/)
})

t.test('dates, blocks and lists come from JSON as people write it', async (t) => {
  const document = documentFrom(
    '{"Start": "@2026-01-31", "Lines": [{"Name": "a", "Signed": 1}, {"Name": "b", "Signed": 2.50}], "Home": {"City": "Rome"}}',
  )
  const resultOf = (text: string) => formatValue(tryExpression(text, document).value)
  t.equal(resultOf('Start + @"P1M"'), '2026-02-28')
  t.equal(resultOf('sum(Lines.Signed)'), '3.5')
  t.equal(resultOf('Home.City'), 'Rome')
  t.same(tryExpression('1 / 0', document).reason, { code: 'division_by_zero', node: 2 })
  t.throws(() => documentFrom('[1'), { code: 'rule_case_malformed', message: /no JSON/ })
  t.throws(() => documentFrom('[1]'), { code: 'rule_case_malformed', message: /names and their values/ })
  t.throws(() => documentFrom('{"a": 1e99999}'), { code: 'rule_case_malformed' })
  t.throws(() => documentFrom(`{"a": ${'['.repeat(50)}${']'.repeat(50)}}`), { code: 'rule_case_malformed' })
})

t.test('cases on standard input come out in their order, whatever one of them is', async (t) => {
  const cases = [
    '{"x": "A + B", "in": {"A": {"num": "0.1"}}, "let": {"B": "A * 2"}}',
    'no JSON',
    '{"x": 1}',
    '',
    '{"x": "1 +"}',
    '{"x": "[A]", "in": {"A": {"date": "2026-02-29"}}}',
    '{"x": "date(\\"2026-02-29\\")"}',
    '{"x": "\\"ü\\" + A", "in": {"A": "\\u202e"}}',
    '{"x": "[10]", "type": "number"}',
    '{"x": "@\\"P1Y6M\\" * 2"}',
  ]
  const { status, output, errors } = await rule(['--json'], cases.join('\n'))
  t.same({ status, errors }, { status: 0, errors: '' })
  const lines = output.trimEnd().split('\n')
  t.match(lines[7], '\\u202e', 'what nobody can see is escaped')
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { value: { num: '0.3' } },
      { error: { code: 'rule_case_malformed', message: 'the line is no JSON' } },
      { error: { code: 'rule_case_malformed' } },
      { error: { code: 'rule_case_malformed' } },
      { error: { code: 'expression_syntax' } },
      { error: { code: 'rule_case_malformed' } },
      { value: null, reason: /^date_unfit: / },
      { value: 'ü\u202e' },
      { value: { num: '10' } },
      { value: { dur: 'P3Y' } },
    ],
  )
})

t.test('whoever reads no further ends it', async (t) => {
  const child = spawn(process.execPath, [PROGRAM, 'rule', 'try', '--json'])
  let errors = ''
  child.stderr.on('data', (piece) => {
    errors += piece
  })
  child.stdin.on('error', () => {})
  child.stdout.once('data', () => child.stdout.destroy())
  child.stdin.end('{"x": "1"}\n'.repeat(20_000))
  const status = await new Promise((resolve) => child.on('close', resolve))
  t.same({ status, errors }, { status: 0, errors: '' })
})

t.test('with nothing to try, the usage is said', async (t) => {
  t.match(await rule([]), { status: 2, errors: /an expression is missing/ })
})
