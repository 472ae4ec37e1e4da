import { writeFile } from 'node:fs/promises'
import { caseTablesSource } from './case-tables-source.ts'

await writeFile(
  new URL('../../../src/aggregates/rules/values/letter-case-15.1.ts', import.meta.url),
  caseTablesSource(),
)
