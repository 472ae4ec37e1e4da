import { readFile } from 'node:fs/promises'
import t from 'tap'
import { withObstacles } from './obstacles-document.ts'

t.test('docs/operations/obstacles.md has the table of obstacles as it is in the code', async (t) => {
  const page = await readFile(new URL('../../docs/operations/obstacles.md', import.meta.url), 'utf8')
  t.equal(page, withObstacles(page))
})
