import { textLiteral } from '../text/text-literal.ts'
import { DateTime, formatDateTime, formatDuration, Months, TimeSpan } from './calendar.ts'
import { isNumber, plainNumber } from './numbers.ts'
import { isDate, Money, Nothing, Opaque, Range, type Value } from './values.ts'

/** As `string` writes it: a text as it is, but in quotation marks inside a list. */
export function formatValue(value: Value): string {
  if (typeof value === 'string') return value
  let text = ''
  const rest: (Value | { readonly mark: string })[] = [value]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'object' && 'mark' in next) text += next.mark
    else if (Array.isArray(next)) {
      rest.push({ mark: ']' })
      for (const [n, item] of (next as readonly Value[]).toReversed().entries()) {
        rest.push(item)
        if (n < next.length - 1) rest.push({ mark: ', ' })
      }
      rest.push({ mark: '[' })
    } else if (next instanceof Range) {
      if (next.operator !== undefined) {
        rest.push(next.operator.startsWith('<') ? next.high : next.low)
        rest.push({ mark: `${next.operator} ` })
      } else {
        rest.push({ mark: next.isHighIn ? ']' : ')' }, next.high, { mark: '..' }, next.low)
        rest.push({ mark: next.isLowIn ? '[' : '(' })
      }
    } else text += formatAtom(next as Exclude<Value, readonly Value[] | Range>)
  }
  return text
}

function formatAtom(value: Exclude<Value, readonly Value[] | Range>): string {
  if (value instanceof Nothing) return 'null'
  if (typeof value === 'string') return textLiteral(value)
  if (typeof value === 'boolean') return String(value)
  if (isNumber(value)) return plainNumber(value)
  if (value instanceof Money) return `${plainNumber(value.amount)} ${value.currency}`
  if (value instanceof DateTime) return formatDateTime(value)
  if (value instanceof Months || value instanceof TimeSpan) return formatDuration(value)
  if (isDate(value)) return value.toString()
  return value instanceof Opaque ? value.text : value.id
}
