import { readFile } from 'node:fs/promises'
import t from 'tap'
import { lowerCase, upperCase } from '../../../src/aggregates/rules/values/letter-case.ts'
import { caseTablesSource } from './case-tables-source.ts'

t.test('the tables are what the package makes of them, to the byte', async (t) => {
  const file = new URL('../../../src/aggregates/rules/values/letter-case-15.1.ts', import.meta.url)
  t.equal(await readFile(file, 'utf8'), caseTablesSource())
})

t.test('letters are mapped whole, the rest stays', async (t) => {
  t.equal(upperCase('straße ﬃ é 🐎 1'), 'STRASSE FFI É 🐎 1')
  t.equal(lowerCase('ÀÉ ΣΑΣ İ 🐎'), 'àé σασ i̇ 🐎')
})
