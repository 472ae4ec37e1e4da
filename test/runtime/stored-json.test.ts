import t from 'tap'
import { parseStored } from '../../src/runtime/stored-json.ts'
import { busyTime } from '../support/event-loop.ts'

t.test('what is stored is read as it is, and a megabyte of brackets takes no time', (t) => {
  const long = JSON.stringify({ text: '[{'.repeat(100_000), all: Array.from({ length: 1_000 }, (_, n) => [n]) })
  t.same(parseStored(long), JSON.parse(long))
  t.same(parseStored('{"a":[1]}'), { a: [1] })
  t.throws(() => parseStored('no JSON'), SyntaxError)
  for (const brackets of ['[', '{"a":[']) {
    const deep = brackets.repeat(500_000)
    const busyMs = busyTime()
    t.throws(() => parseStored(deep), { message: 'it is deeper than anything that is stored' })
    t.ok(busyMs() < 200)
  }
  t.end()
})
