import { writeFile } from 'node:fs/promises'
import { tableSource } from './table-source.ts'

await writeFile(new URL('../../../src/aggregates/currencies/iso-4217.ts', import.meta.url), tableSource())
