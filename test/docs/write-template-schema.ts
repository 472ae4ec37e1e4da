import { writeFile } from 'node:fs/promises'
import { SCHEMA_FILE, templateSchema } from './template-schema.ts'

await writeFile(SCHEMA_FILE, templateSchema())
