import { readFile, writeFile } from 'node:fs/promises'
import { withObstacles } from './obstacles-document.ts'

const page = new URL('../../docs/operations/obstacles.md', import.meta.url)
await writeFile(page, withObstacles(await readFile(page, 'utf8')))
