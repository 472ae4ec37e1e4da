import t from 'tap'
import { problemsMet } from '../docs/errors-document.ts'
import { unanswered } from './answered.ts'

const all = problemsMet()

t.test('what clients can meet is met, or it is said why not', async (t) => {
  t.ok(all.length > 150, 'they are found')
  t.same(unanswered(new Set(all), {}), [])
  const without = new Set(all.filter((one) => one !== '409 key_taken'))
  t.match(unanswered(without, {}), [/no test meets 409 key_taken over HTTP/])
  t.same(unanswered(without, { '409 key_taken': 'a reason' }), [])
})

t.test('an excuse for what is met, or is promised nowhere, is none', async (t) => {
  t.match(unanswered(new Set(all), { '409 key_taken': 'a reason' }), [/409 key_taken is excused/])
  t.match(unanswered(new Set(all), { '200 nothing': 'a reason' }), [/200 nothing is excused/])
})
