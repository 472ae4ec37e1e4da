import type { Temporal } from 'temporal-polyfill/implementation'
import { DATE_TIME, MONTHS } from '../types.ts'
import { DateTime, monthsBetween } from '../values/calendar.ts'
import { Num } from '../values/numbers.ts'
import type { Value } from '../values/values.ts'
import { type FunctionSpec, type FunctionTable, number, required, text } from './function-spec.ts'

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const MONTH_NAMES = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

export function dayOf(value: Value | undefined): Temporal.PlainDate {
  return value instanceof DateTime ? value.plain.toPlainDate() : (value as Temporal.PlainDate)
}

function ofDay(result: FunctionSpec['result'], call: (day: Temporal.PlainDate) => Value): readonly FunctionSpec[] {
  return [{ parameters: [required('date', 'day')], result, call: ([date]) => call(dayOf(date)) }]
}

/** When the request that is judged was made, by those who answered it. */
export const REQUEST_TIME = 'request time'

export const dayFunctions: FunctionTable = {
  [REQUEST_TIME]: [{ parameters: [], result: () => DATE_TIME, call: (_none, _charge, requestTime) => requestTime }],
  'day of year': ofDay(number, (day) => new Num(day.dayOfYear)),
  'day of week': ofDay(text, (day) => WEEKDAYS[day.dayOfWeek - 1] as string),
  'month of year': ofDay(text, (day) => MONTH_NAMES[day.month - 1] as string),
  'week of year': ofDay(number, (day) => new Num(day.weekOfYear as number)),
  'years and months duration': [
    {
      parameters: [required('from', 'day'), required('to', 'day')],
      result: () => MONTHS,
      call: ([from, to]) => monthsBetween(dayOf(from), dayOf(to)),
    },
  ],
}
