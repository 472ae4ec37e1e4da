import { type ReasonCode, reasons } from '../../aggregates/rules/reasons.ts'
import {
  ANY,
  BOOLEAN,
  DATE,
  DATE_TIME,
  listOf,
  MONTHS,
  NUMBER,
  type RuleType,
  TEXT,
  TIME_SPAN,
} from '../../aggregates/rules/types.ts'
import {
  DateTime,
  formatDateTime,
  formatDuration,
  Months,
  parseDate,
  parseDateTime,
  parseDuration,
  TimeSpan,
} from '../../aggregates/rules/values/calendar.ts'
import { formatValue } from '../../aggregates/rules/values/format-value.ts'
import { isNumber, parseNumber, plainNumber } from '../../aggregates/rules/values/numbers.ts'
import { isDate, Money, NOTHING, Nothing, Range, type Value } from '../../aggregates/rules/values/values.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { TrialBlock, type TrialValue } from './trial-document.ts'

/** A case of `rule try --json` that cannot be read. */
export class CaseMalformed extends ConcordataError {}

/** A value as the vectors of the DMN TCK have it here: test/vectors/feel. Throws CaseMalformed. Attacker-controlled: `json`. */
export function fromVector(json: unknown): TrialValue {
  if (json === null) return NOTHING
  if (typeof json === 'string' || typeof json === 'boolean') return json
  if (Array.isArray(json)) return json.map(fromVector) as TrialValue
  const [entry, ...others] = typeof json === 'object' ? Object.entries(json as object) : []
  if (entry === undefined || others.length > 0) throw malformed('a number is {"num": "…"}, a date {"date": "…"}')
  const [form, content] = entry as [string, unknown]
  if (form === 'ctx' && typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return new TrialBlock(new Map(Object.entries(content).map(([name, value]) => [name, fromVector(value)])))
  }
  if (typeof content !== 'string') throw malformed(`{"${form}": …} takes a text`)
  switch (form) {
    case 'num':
      return parseNumber(content) ?? refuse('number_range')
    case 'date':
      return orRefuse(parseDate(content))
    case 'dt':
      return orRefuse(parseDateTime(content))
    case 'dur':
      return orRefuse(parseDuration(content))
    case 'time':
      return refuse('time_of_day')
    default:
      throw malformed(`there is no form ${form}`)
  }
}

function malformed(message: string): CaseMalformed {
  return new CaseMalformed('rule_case_malformed', message)
}

function orRefuse<T extends Value>(result: T | ReasonCode): T {
  return typeof result === 'string' ? refuse(result as ReasonCode) : result
}

function refuse(code: ReasonCode): never {
  throw malformed(`a value cannot be read: ${reasons[code]}`)
}

/** The same form. What the vectors have no form for, is `{"range": "[1..2]"}` and `{"money": {"amount", "currency"}}`. */
export function toVector(value: Value): unknown {
  if (value instanceof Nothing) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return (value as readonly Value[]).map(toVector)
  if (isNumber(value)) return { num: plainNumber(value) }
  if (isDate(value)) return { date: value.toString() }
  if (value instanceof DateTime) return { dt: formatDateTime(value) }
  if (value instanceof Months || value instanceof TimeSpan) return { dur: formatDuration(value) }
  if (value instanceof Money) return { money: { amount: plainNumber(value.amount), currency: value.currency } }
  return value instanceof Range ? { range: formatValue(value) } : formatValue(value)
}

const TYPES: { readonly [name: string]: RuleType } = {
  string: TEXT,
  number: NUMBER,
  boolean: BOOLEAN,
  date: DATE,
  'date and time': DATE_TIME,
  'years and months duration': MONTHS,
  'days and time duration': TIME_SPAN,
  any: ANY,
  Any: ANY,
}

/** A type as the vectors declare it: a name, or `{"t": name, "list": true}`. Throws CaseMalformed. */
export function typeFromVector(json: unknown): RuleType {
  if (typeof json === 'string') return TYPES[json] ?? unknownType(json)
  if (typeof json !== 'object' || json === null) throw malformed('a type is a name, or {"t": name, "list": true}')
  const { t, list } = json as { t?: unknown; list?: unknown }
  const of = typeof t === 'string' ? (TYPES[t] ?? unknownType(t)) : ANY
  return list === true ? listOf(of) : of
}

function unknownType(name: string): never {
  throw malformed(`there is no type ${name}`)
}
