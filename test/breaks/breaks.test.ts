import { readFileSync } from 'node:fs'
import t from 'tap'
import { breaks } from './breaks.ts'

t.test('what each break takes out stands in the code once, and what it puts there is something else', async (t) => {
  for (const { name, file, from, to } of breaks) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    t.equal(text.split(from).length, 2, `${name}: ${file}`)
    t.not(from, to, name)
  }
})
