import t from 'tap'
import { problemLines } from '../../src/cli/problem-lines.ts'

const linesOf = (evidence: Record<string, unknown>) => problemLines(evidence, 'it cannot be')

t.test('a problem says which place, which rule and which role it is about', async (t) => {
  const rule = {
    at: 'Terms%20(A)',
    inputs: [{ path: 'Terms%20(A)/Rate', value: '2' }],
    number: 3,
    says: { kind: 'constraint', condition: 'Rate <= 1', severity: 'reject' },
  }
  t.same(linesOf({ code: 'rule_broken', command: 0, path: 'Terms/Rate', rule, status: 422, with: ['3', '0.1'] }), [
    '  path: Terms/Rate',
    '  rule: 3 at Terms (A): this holds, or the request is void: Rate <= 1',
    '    Terms (A)/Rate: 2',
  ])
  t.same(linesOf({ role: 'voter' }), ['  role: voter'])
  t.same(linesOf({ expected: 'choice', limit: { max: 3, name: 'x' }, options: ['a', 'b'], waitingFor: [] }), [
    '  expected: choice',
    '  options: a, b',
    '  limit: {"max":3,"name":"x"}',
  ])
  const fate = { at: 'Terms/Sum%20insured', fate: 'turned_down', proposal: 'ana.1.0.0', votes: [], waitsFor: [] }
  t.same(linesOf({ candidates: [fate, { ...fate, fate: 'open', waitsFor: ['ben'] }] }), [
    '  candidate: Terms/Sum insured: turned down',
    '  candidate: Terms/Sum insured: open; it waits for ben',
  ])
  const example = { amount: '100.00', currency: 'GBP' }
  t.same(linesOf({ currency: 'GBP', example, expected: 'money', with: ['money', 'currency'] }), [
    '  expected: money, as GBP 100.00',
    '  currency: GBP',
  ])
  t.same(linesOf({ example: '2027-01-31', expected: 'date', with: ['date'] }), ['  expected: date, as 2027-01-31'])
  t.same(linesOf({ with: ['ben'] }), ['  with: ben'])
  t.same(linesOf({ cell: { row: 3, column: 'Sum%20insured' } }), [
    '  row: 3, column Sum insured, where the head is row 1',
  ])
  t.same(linesOf({ cell: { row: 3 }, rules: [1, 6] }), ['  row: 3, where the head is row 1', '  rules: 1, 6'])
  t.same(linesOf({ parts: ['ana.4.0', 'ana.5.0'] }), ['  parts: ana.4.0, ana.5.0'], 'what stands all the same')
  t.same(linesOf({}), [])
  t.same(problemLines({ path: '/etc', role: 'voter' }, 'there is no /etc'), ['  role: voter'], 'nothing is said twice')
})
