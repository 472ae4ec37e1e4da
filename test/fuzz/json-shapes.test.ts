import t from 'tap'
import { BodyMalformed, parseExactly } from '../../src/api/http/exact-json.ts'
import { jsonShapes } from './seeds.ts'

/** JSON, and refused here: U+0000, and a member twice (docs/api.md, "Exactness"). */
const REFUSED_HERE = ['{"foo\\u0000bar": 42}', '["\\u0000"]', '{"a":"b","a":"c"}', '{"a":"b","a":"b"}']

/** Throws what is no refusal with a code. */
function isRead(text: string): boolean {
  try {
    parseExactly(text)
    return true
  } catch (error) {
    if (error instanceof BodyMalformed) return false
    throw error
  }
}

t.test('what is no JSON is refused, and what is JSON is read', async (t) => {
  t.same(jsonShapes.n.filter(isRead), [])
  const unread = jsonShapes.y.filter((text) => !isRead(text))
  t.same(unread.toSorted(), REFUSED_HERE.toSorted())
})

t.test('what may be either is read, or refused with a code', async (t) => {
  for (const text of jsonShapes.i) t.type(isRead(text), 'boolean')
})
