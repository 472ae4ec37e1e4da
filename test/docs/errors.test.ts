import { readFile } from 'node:fs/promises'
import t from 'tap'
import { errorsDocument } from './errors-document.ts'

t.test('docs/errors.md is what the registries say', async (t) => {
  t.equal(await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8'), errorsDocument())
})
