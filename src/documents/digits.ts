import { WrittenNumber } from './written-number.ts'

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/
/** Far more than a decimal field takes, so that an exponent makes no text of any length. */
const DIGITS_MAX = 1_000

/**
 * The digits of a decimal as the wire has it, without an exponent: `1.10` stays `1.10`, `1e-7` is `0.0000001`, `1.20e1` is
 * `12.0`. Undefined: it is written otherwise, or too long.
 */
export function decimalDigits(text: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? []
  const shift = Number(exponent)
  if (whole === '' || whole.length + fraction.length + Math.abs(shift) > DIGITS_MAX) return undefined
  const digits = whole + fraction
  const scale = fraction.length - shift
  if (scale <= 0) return sign + withoutLeadingZeros(digits + '0'.repeat(-scale))
  const padded = digits.padStart(scale + 1, '0')
  return `${sign}${withoutLeadingZeros(padded.slice(0, -scale))}.${padded.slice(-scale)}`
}

function withoutLeadingZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '')
}

/** The digits that stood in the JSON; undefined: it is no number. */
export function writtenDigits(value: unknown): string | undefined {
  if (value instanceof WrittenNumber) return value.digits
  return typeof value === 'number' ? String(value) : undefined
}

/** An integer as the wire has it: beyond what a double keeps, its digits. Undefined: it is written otherwise. */
export function wireInteger(text: string): number | string | undefined {
  if (!/^-?(?:0|[1-9]\d*)$/.test(text)) return undefined
  const number = Number(text)
  // -0 is 0.
  return Number.isSafeInteger(number) ? number + 0 : text
}
