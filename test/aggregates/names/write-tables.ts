import { writeFile } from 'node:fs/promises'
import { tablesSource } from './tables-source.ts'

await writeFile(new URL('../../../src/aggregates/names/unicode-15.1.ts', import.meta.url), tablesSource())
