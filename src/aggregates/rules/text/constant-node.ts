import type { AstNode } from '../ast.ts'
import type { FaultCode } from '../fault.ts'
import { DateTime, formatDateTime, formatDuration, Months, TIME_OF_DAY, TimeSpan } from '../values/calendar.ts'
import { constantAt } from './range-text.ts'

/** The node that `@"…"` stands for, or why there is none. */
export function constantNode(text: string): AstNode | { readonly code: FaultCode; readonly message: string } {
  const value = constantAt(text)
  if (value instanceof DateTime) return ['date-time', formatDateTime(value)]
  if (value instanceof Months || value instanceof TimeSpan) return ['duration', formatDuration(value)]
  if (value !== undefined) return ['date', text]
  if (TIME_OF_DAY.test(text) || /T.*@/.test(text)) {
    return { code: 'expression_unsupported', message: 'the language has no time of day and no time zones by name' }
  }
  const message = `"${text}" is no date, no date and time and no duration (years run from 1 to 9999)`
  return { code: 'expression_constant_unfit', message }
}
