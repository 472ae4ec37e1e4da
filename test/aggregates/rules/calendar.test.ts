import t from 'tap'

const untouched = new Proxy(
  {},
  {
    get() {
      throw new Error("the runtime's own Temporal is asked")
    },
  },
)

t.test("dates are computed by the code that is pinned, not by the runtime's own Temporal", async (t) => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'Temporal')
  Object.defineProperty(globalThis, 'Temporal', { value: untouched, configurable: true, writable: true })
  t.teardown(() => {
    if (own === undefined) Reflect.deleteProperty(globalThis, 'Temporal')
    else Object.defineProperty(globalThis, 'Temporal', own)
  })
  const calendar = await import('../../../src/aggregates/rules/values/calendar.ts')
  const { parseDate, parseDateTime, shifted, shiftedByMonths, formatDateTime, DateTime } = calendar
  const bound = parseDateTime('2024-02-29T23:59:59.999999999+05:30')
  if (!(bound instanceof DateTime)) return t.fail('no date and time')
  const [later, nextYear] = [shifted(bound, 1n), shiftedByMonths(bound, 12)]
  t.equal(typeof later === 'string' ? later : formatDateTime(later), '2024-03-01T00:00:00+05:30')
  t.equal(typeof nextYear === 'string' ? nextYear : formatDateTime(nextYear), '2025-02-28T23:59:59.999999999+05:30')
  t.equal(String(parseDate('0001-01-01')), '0001-01-01')
})

t.test('days are counted as the calendar does, from the first to the last year', async (t) => {
  const { epochDays } = await import('../../../src/aggregates/rules/values/calendar.ts')
  for (let days = -719_162; days <= 2_932_896; days += 9_973) {
    const date = new Date(days * 86_400_000)
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
    if (epochDays({ year, month, day }) !== days) t.fail(date.toISOString())
  }
  t.equal(epochDays({ year: 9999, month: 12, day: 31 }), 2_932_896)
})
