import { readFile } from 'node:fs/promises'
import t from 'tap'
import { adviceAstray, errorsDocument } from './errors-document.ts'

t.test('docs/errors.md is what the registries say', async (t) => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  t.equal(page, errorsDocument(), '`node test/docs/write-errors.ts` makes it')
})

t.test('each code that a client can meet says whether to ask again', async (t) => {
  t.same(adviceAstray(), [])
})
