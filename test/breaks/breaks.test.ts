import { readFileSync } from 'node:fs'
import t from 'tap'
import { breaks } from './breaks.ts'
import { commandBreaks, DECIDE } from './command-breaks.ts'

t.test('what each break takes out stands in the code once, and what it puts there is something else', async (t) => {
  for (const { name, file, from, to } of breaks) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    t.equal(text.split(from).length, 2, `${name}: ${file}`)
    t.not(from, to, name)
  }
})

t.test('of every command there is a break in which it does nothing', async (t) => {
  const decide = readFileSync(new URL(`../../${DECIDE}`, import.meta.url), 'utf8')
  const decided = decide.slice(decide.indexOf('function decideUnlocked'))
  const functions = new Set(
    [...decided.matchAll(/(?:return|\?|:) (\w+)\([^)]*(?:state|command)[^)]*\)/g)].map(([, name]) => name),
  )
  const broken = commandBreaks.map(({ from }) => /(\w+)\(/.exec(from)?.[1])
  // Without a contract nothing else could be seen either.
  functions.delete('openContract')
  functions.delete('unreachable')
  t.same([...functions].sort(), [...new Set(broken)].sort())
})
