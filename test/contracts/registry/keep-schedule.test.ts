import t from 'tap'
import type { VerifiedStatement } from '../../../src/agreement/verified-statement.ts'
import { KeepSchedule } from '../../../src/contracts/registry/keep-schedule.ts'

const MEGA = 1024 * 1024

/** With so many characters of its own, and a value of so many. */
const statement = (own: number, value: number) =>
  ({
    text: 'x'.repeat(own),
    payloads: { seal: { salt: '', value: 'x'.repeat(value) } },
  }) as unknown as VerifiedStatement

t.test('a contract is kept after many statements, or few with much in them', async (t) => {
  const schedule = new KeepSchedule<object>()
  const [small, large, made] = [{}, {}, {}] as const
  for (const contract of [small, large, made]) schedule.kept(contract)
  const some = { made: undefined, taken: Array.from({ length: 999 }, () => statement(300, 200)) }
  t.notOk(schedule.isDue(small, some))
  t.ok(schedule.isDue(small, { made: statement(300, 200), taken: [] }), 'the thousandth')
  schedule.kept(small)
  t.notOk(schedule.isDue(small, { made: undefined, taken: [statement(300, 200)] }), 'it begins anew')

  const news = { made: undefined, taken: [statement(MEGA, 4 * MEGA)] }
  t.same(
    [1, 2, 3, 4].map(() => schedule.isDue(large, news)),
    [false, false, false, true],
    'values count',
  )
})
