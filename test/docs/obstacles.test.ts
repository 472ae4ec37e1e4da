import { readFile } from 'node:fs/promises'
import t from 'tap'
import { withObstacles } from './obstacles-document.ts'

t.test('docs/operations.md has the table of obstacles as it is in the code', async (t) => {
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  t.equal(page, withObstacles(page))
})
