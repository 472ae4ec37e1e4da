import type { Decimal } from 'decimal.js'
// This entry never hands over to a runtime's own Temporal, so that all members compute with the same code.
import { Temporal } from 'temporal-polyfill/implementation'
import type { ReasonCode } from '../reasons.ts'
import { Num, ZERO } from './numbers.ts'

/** Of years and months. */
export class Months {
  readonly count: number
  constructor(count: number) {
    this.count = count
  }
}

/** Of days and time, exact: a day has 24 hours. */
export class TimeSpan {
  readonly nanoseconds: bigint
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

/** A place on the calendar and the clock; `offset`: minutes ahead of UTC, undefined where nobody has said. */
export class DateTime {
  readonly plain: Temporal.PlainDateTime
  readonly offset: number | undefined
  constructor(plain: Temporal.PlainDateTime, offset: number | undefined) {
    this.plain = plain
    this.offset = offset
  }
}

const NANOSECONDS = 1_000_000_000n
const DAY = 86_400n * NANOSECONDS
/** A hundred thousand million years: what is longer is a mistake, and would fill memory. */
const MONTHS_MAX = 1_200_000_000_000
const NANOSECONDS_MAX = 10n ** 30n
/** As far as offsets are read from texts (ISO 8601 has no bound; no place on Earth goes beyond 14 hours). */
const OFFSET_MAX = 18 * 60

const DATE = /^(-?)(\d{4,9})-(\d\d)-(\d\d)$/
const DATE_TIME =
  /^(-?\d{4,9}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d\d):(\d\d)|(@[A-Za-z_/+-]+))?$/
const MONTHS = /^(-?)P(?:(\d{1,12})Y)?(?:(\d{1,12})M)?$/
const TIME_SPAN = /^(-?)P(?:(\d{1,18})D)?(?:T(?:(\d{1,18})H)?(?:(\d{1,18})M)?(?:(\d{1,18})(?:\.(\d{0,9}))?S)?)?$/
export const TIME_OF_DAY = /^\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d|@.*)?$/

export function parseDate(text: string): Temporal.PlainDate | ReasonCode {
  const match = DATE.exec(text)
  if (match === null) return TIME_OF_DAY.test(text) ? 'time_of_day' : 'text_unfit'
  const year = match[1] === '-' ? -Number(match[2]) : Number(match[2])
  // Five digits that begin with a zero are no year.
  if ((match[2] as string).length > 4 && (match[2] as string).startsWith('0')) return 'text_unfit'
  return dateOf(year, Number(match[3]), Number(match[4]))
}

export function dateOf(year: number, month: number, day: number): Temporal.PlainDate | ReasonCode {
  if (month < 1 || month > 12 || day < 1 || day > 31) return 'date_unfit'
  if (year < 1 || year > 9999) return 'year_outside'
  if (day > new Temporal.PlainDate(year, month, 1).daysInMonth) return 'date_unfit'
  return new Temporal.PlainDate(year, month, day)
}

export function parseDateTime(text: string): DateTime | ReasonCode {
  const match = DATE_TIME.exec(text)
  if (match === null) {
    const date = parseDate(text)
    return typeof date === 'string' ? date : midnight(date, undefined)
  }
  if (match[10] !== undefined) return 'zone_named'
  const date = parseDate(match[1] as string)
  if (typeof date === 'string') return date
  const [hour, minute, second] = [match[2], match[3], match[4]].map(Number) as [number, number, number]
  const fraction = Number((match[5] ?? '').padEnd(9, '0'))
  const offset = offsetOf(match[6], match[7], match[8], match[9])
  if (offset === null || minute > 59 || second > 59) return 'date_unfit'
  if (hour === 24 && minute === 0 && second === 0 && fraction === 0) return shifted(midnight(date, offset), DAY)
  if (hour > 23) return 'date_unfit'
  const milliseconds = Math.trunc(fraction / 1_000_000)
  const microseconds = Math.trunc(fraction / 1_000) % 1_000
  const time = new Temporal.PlainTime(hour, minute, second, milliseconds, microseconds, fraction % 1_000)
  return new DateTime(date.toPlainDateTime(time), offset)
}

/** Null: there is no such offset. */
function offsetOf(zulu?: string, sign?: string, hours?: string, minutes?: string): number | undefined | null {
  if (zulu !== undefined) return 0
  if (sign === undefined) return undefined
  const offset = Number(hours) * 60 + Number(minutes)
  if (Number(minutes) > 59 || offset > OFFSET_MAX) return null
  return sign === '-' ? -offset : offset
}

/** As a field of the contract has it: any offset, and always one. */
export function fieldDateTime(text: string): DateTime | ReasonCode {
  const match = /^(.*)([+-])(\d\d):(\d\d)$/.exec(text)
  if (match === null) return parseDateTime(text)
  const local = parseDateTime(match[1] as string)
  const offset = Number(match[3]) * 60 + Number(match[4])
  // Minus zero would be another zero.
  return typeof local === 'string' ? local : new DateTime(local.plain, match[2] === '-' ? 0 - offset : offset)
}

/** As a field of the contract has it: weeks too. One of months and days has no length that could be computed with. */
export function fieldDuration(text: string): Months | TimeSpan | ReasonCode {
  const weeks = /^(-?)P(?:(\d+)W)(?:(\d+)D)?(T.*)?$/.exec(text)
  if (weeks === null) return parseDuration(text)
  const days = Number(weeks[2]) * 7 + Number(weeks[3] ?? 0)
  return parseDuration(`${weeks[1]}P${days}D${weeks[4] ?? ''}`)
}

export function midnight(date: Temporal.PlainDate, offset: number | undefined): DateTime {
  return new DateTime(date.toPlainDateTime(), offset)
}

export function parseDuration(text: string): Months | TimeSpan | ReasonCode {
  const months = MONTHS.exec(text)
  if (months !== null && (months[2] ?? months[3]) !== undefined) {
    const count = Number(months[2] ?? 0) * 12 + Number(months[3] ?? 0)
    return monthsOf(months[1] === '-' ? -count : count)
  }
  const span = TIME_SPAN.exec(text)
  const [, sign, days, hours, minutes, seconds, fraction] = span ?? []
  if (span === null || (days ?? hours ?? minutes ?? seconds) === undefined || text.endsWith('T')) {
    return /^-?P[^T]*[YM].*[DWT]/.test(text) ? 'duration_mixed' : 'text_unfit'
  }
  const whole = ((BigInt(days ?? 0) * 24n + BigInt(hours ?? 0)) * 60n + BigInt(minutes ?? 0)) * 60n
  const nanoseconds = (whole + BigInt(seconds ?? 0)) * NANOSECONDS + BigInt((fraction ?? '').padEnd(9, '0'))
  return timeSpanOf(sign === '-' ? -nanoseconds : nanoseconds)
}

export function monthsOf(count: number): Months | ReasonCode {
  // Minus zero would be another zero.
  return Math.abs(count) > MONTHS_MAX ? 'duration_range' : new Months(count === 0 ? 0 : count)
}

export function timeSpanOf(nanoseconds: bigint): TimeSpan | ReasonCode {
  const isLong = nanoseconds > NANOSECONDS_MAX || nanoseconds < -NANOSECONDS_MAX
  return isLong ? 'duration_range' : new TimeSpan(nanoseconds)
}

/** Cut off towards zero: no month, and no nanosecond, that is not whole. */
export function scaled(duration: Months | TimeSpan, factor: Decimal): Months | TimeSpan | ReasonCode {
  const product = magnitudeOf(duration).times(factor)
  return product.isFinite() ? durationLike(duration, product) : 'duration_range'
}

export function divided(duration: Months | TimeSpan, divisor: Decimal): Months | TimeSpan | ReasonCode {
  const quotient = magnitudeOf(duration).div(divisor)
  return quotient.isFinite() ? durationLike(duration, quotient) : 'duration_range'
}

function durationLike(duration: Months | TimeSpan, magnitude: Decimal): Months | TimeSpan | ReasonCode {
  if (magnitude.abs().greaterThan(NANOSECONDS_MAX.toString())) return 'duration_range'
  const whole = magnitude.trunc().toFixed()
  return duration instanceof Months ? monthsOf(Number(whole)) : timeSpanOf(BigInt(whole))
}

/** In months, or in nanoseconds. */
export function magnitudeOf(duration: Months | TimeSpan): Decimal {
  if (duration instanceof Months) return new Num(duration.count)
  return duration.nanoseconds === 0n ? ZERO : new Num(duration.nanoseconds.toString())
}

/** Without a fraction of a second: FEEL compares by whole seconds. UTC where there is an offset. */
export function epochSeconds({ plain, offset }: DateTime): number {
  const time = plain.hour * 3600 + plain.minute * 60 + plain.second
  return epochDays(plain) * 86_400 + time - (offset ?? 0) * 60
}

/** Howard Hinnant's days_from_civil, for years from 1. */
export function epochDays({ year, month, day }: { year: number; month: number; day: number }): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** The time from `other` to `one`. Undefined: only one of them has an offset. */
export function between(one: DateTime, other: DateTime): TimeSpan | undefined {
  if ((one.offset === undefined) !== (other.offset === undefined)) return undefined
  const seconds = BigInt(epochSeconds(one) - epochSeconds(other))
  return new TimeSpan(seconds * NANOSECONDS + BigInt(fractionOf(one.plain) - fractionOf(other.plain)))
}

function fractionOf({ millisecond, microsecond, nanosecond }: Temporal.PlainDateTime): number {
  return millisecond * 1_000_000 + microsecond * 1_000 + nanosecond
}

export function shifted({ plain, offset }: DateTime, nanoseconds: bigint): DateTime | ReasonCode {
  const days = nanoseconds / DAY
  const rest = nanoseconds % DAY
  if (days > 4_000_000n || days < -4_000_000n) return 'year_outside'
  const [seconds, fraction] = [Number(rest / NANOSECONDS), Number(rest % NANOSECONDS)]
  const moved = plain.add({ days: Number(days) }).add({ seconds, nanoseconds: fraction })
  return isYear(moved.year) ? new DateTime(moved, offset) : 'year_outside'
}

/** A month that lacks the day takes its last one. */
export function shiftedByMonths(dateTime: DateTime, months: number): DateTime | ReasonCode {
  const date = dateShiftedByMonths(dateTime.plain.toPlainDate(), months)
  return typeof date === 'string'
    ? date
    : new DateTime(date.toPlainDateTime(dateTime.plain.toPlainTime()), dateTime.offset)
}

export function dateShiftedByMonths(date: Temporal.PlainDate, months: number): Temporal.PlainDate | ReasonCode {
  const count = date.year * 12 + date.month - 1 + months
  const year = Math.floor(count / 12)
  if (!isYear(year)) return 'year_outside'
  const first = new Temporal.PlainDate(year, count - year * 12 + 1, 1)
  return first.with({ day: Math.min(date.day, first.daysInMonth) })
}

function isYear(year: number): boolean {
  return year >= 1 && year <= 9999
}

/** Whole months from one day to the other: the day of the month has to be reached. */
export function monthsBetween(
  from: { year: number; month: number; day: number },
  to: { year: number; month: number; day: number },
): Months {
  const months = (to.year - from.year) * 12 + to.month - from.month
  if (months > 0 && to.day < from.day) return new Months(months - 1)
  if (months < 0 && to.day > from.day) return new Months(months + 1)
  return new Months(months)
}

export function formatDateTime({ plain, offset }: DateTime): string {
  if (offset === undefined) return plain.toString()
  if (offset === 0) return `${plain.toString()}Z`
  const minutes = Math.abs(offset)
  return `${plain.toString()}${offset < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** One written form of each duration: `P1Y2M`, `P1DT2H3M4.5S`; `P0M` and `PT0S` are nothing. */
export function formatDuration(duration: Months | TimeSpan): string {
  const parts = durationParts(duration)
  const isNegative = duration instanceof Months ? duration.count < 0 : duration.nanoseconds < 0n
  const sign = isNegative ? '-' : ''
  if ('months' in parts) {
    const years = parts.years === 0 ? '' : `${Math.abs(parts.years)}Y`
    const months = parts.months === 0 && years !== '' ? '' : `${Math.abs(parts.months)}M`
    return `${sign}P${years}${months}`
  }
  const [days, hours, minutes] = [parts.days, parts.hours, parts.minutes].map(Math.abs) as [number, number, number]
  const fraction = String(Math.abs(parts.nanoseconds)).padStart(9, '0').replace(/0+$/, '')
  const seconds = `${Math.abs(parts.seconds)}${fraction === '' ? '' : `.${fraction}`}`
  const time = `${hours === 0 ? '' : `${hours}H`}${minutes === 0 ? '' : `${minutes}M`}${seconds === '0' ? '' : `${seconds}S`}`
  if (days === 0 && time === '') return 'PT0S'
  return `${sign}P${days === 0 ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`
}

export type DurationParts =
  | { readonly years: number; readonly months: number }
  | {
      readonly days: number
      readonly hours: number
      readonly minutes: number
      readonly seconds: number
      readonly nanoseconds: number
    }

/** Each with the sign of the whole. */
export function durationParts(duration: Months | TimeSpan): DurationParts {
  if (duration instanceof Months) {
    const years = Math.trunc(duration.count / 12)
    return { years, months: duration.count - years * 12 }
  }
  const seconds = duration.nanoseconds / NANOSECONDS
  return {
    days: Number(seconds / 86_400n),
    hours: Number((seconds / 3_600n) % 24n),
    minutes: Number((seconds / 60n) % 60n),
    seconds: Number(seconds % 60n),
    nanoseconds: Number(duration.nanoseconds % NANOSECONDS),
  }
}
