import { readFile } from 'node:fs/promises'
import t from 'tap'
import { SCHEMA_FILE, templateSchema } from './template-schema.ts'

t.test('the published schema of templates is the one by which they are judged', async (t) => {
  t.same(JSON.parse(await readFile(SCHEMA_FILE, 'utf8')), JSON.parse(templateSchema()))
})
