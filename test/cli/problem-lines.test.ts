import t from 'tap'
import { problemLines } from '../../src/cli/problem-lines.ts'

t.test('a problem says which place, which rule and which role it is about', async (t) => {
  const rule = {
    at: 'Terms',
    inputs: [{ path: 'Terms/Rate', value: '2' }],
    number: 3,
    says: { condition: 'Rate <= 1' },
  }
  t.same(problemLines({ code: 'rule_broken', command: 0, path: 'Terms/Rate', rule, status: 422, with: ['3', '0.1'] }), [
    '  path: Terms/Rate',
    '  rule: 3 at Terms: {"condition":"Rate <= 1"}',
    '    Terms/Rate: 2',
    '  with: 3, 0.1',
  ])
  t.same(problemLines({ role: 'voter' }), ['  role: voter'])
  t.same(problemLines({ expected: 'choice', limit: { max: 3, name: 'x' }, options: ['a', 'b'], waitingFor: [] }), [
    '  expected: choice',
    '  options: a, b',
    '  limit: {"max":3,"name":"x"}',
  ])
  t.same(problemLines({}), [])
})
