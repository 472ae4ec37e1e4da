import { readFile } from 'node:fs/promises'
import t from 'tap'
import { AT_ROOT, compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import { evaluate } from '../../../src/aggregates/rules/evaluate.ts'
import { formatValue } from '../../../src/aggregates/rules/values/format-value.ts'
import { SampleDocument } from './sample-document.ts'

interface Case {
  readonly x: string
  readonly is: string
}

t.test("every digit is the one of Python's decimal", async (t) => {
  const file = new URL('../../vectors/feel/arithmetic.json', import.meta.url)
  const { cases } = JSON.parse(await readFile(file, 'utf8')) as { cases: readonly Case[] }
  const document = new SampleDocument()
  const differing = cases.filter(({ x, is }) => {
    const compiled = compile(x, document, AT_ROOT)
    if (!isCompiled(compiled)) return true
    const outcome = evaluate(compiled.program, document, 10_000)
    return outcome.kind !== 'value' || formatValue(outcome.value) !== is
  })
  t.same(differing, [])
  t.ok(cases.length > 700, `${cases.length} expressions`)
})
