import t from 'tap'
import { cutAt, parsePointInTime, RebuildUnfit } from '../../../src/projections/export/point-in-time.ts'

t.test('an index is the last entry that counts', async (t) => {
  t.same(parsePointInTime('0'), { index: 0 })
  const cut = cutAt(parsePointInTime('17'))
  t.notOk(cut({ index: 17, time: '9999-12-31T23:59:59.999Z' }))
  t.ok(cut({ index: 18, time: '0000-01-01T00:00:00.000Z' }))
})

t.test('a time is in the words of statements', async (t) => {
  t.same(parsePointInTime('2026-01-31'), { time: '2026-01-31T00:00:00.000Z' })
  t.same(parsePointInTime('2026-01-31T12:00:00+01:00'), { time: '2026-01-31T11:00:00.000Z' })
  t.same(parsePointInTime('2026-01-31T12:00:00.123987Z'), { time: '2026-01-31T12:00:00.123Z' }, 'as Python writes it')
  const cut = cutAt(parsePointInTime('2026-01-31T12:00:00Z'))
  t.notOk(cut({ index: 5, time: '2026-01-31T12:00:00.000Z' }))
  t.ok(cut({ index: 5, time: '2026-01-31T12:00:00.001Z' }))
  t.ok(cut({ index: 5, time: '9999-99-99T99:99:99.999Z' }), 'also what is no time, but has the form of one')
})

t.test('anything else is refused', async (t) => {
  for (const text of [
    '',
    'now',
    '-1',
    '01',
    '1.5',
    '1e3',
    '2026-13-01',
    '2026-02-30',
    '2026-01-31 12:00',
    '12:00',
    'Jan 1 2026',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00+24:00',
    '0000-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
  ]) {
    t.throws(() => parsePointInTime(text), RebuildUnfit, text)
  }
})
