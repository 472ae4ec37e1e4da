import { Decimal } from 'decimal.js'

/** FEEL's numbers: 34 digits, half-even, and every operation that is used here is correctly rounded. */
export const Num = Decimal.clone({
  defaults: true,
  precision: 34,
  rounding: Decimal.ROUND_HALF_EVEN,
  minE: -6144,
  maxE: 6144,
  toExpNeg: -7,
  toExpPos: 40,
})
/** For moving the point only: its exponent has no bound that a number can reach. */
const Wide = Decimal.clone({ defaults: true, precision: 34, rounding: Decimal.ROUND_HALF_EVEN })

export const ZERO = new Num(0)
export const ONE = new Num(1)

/** A power is computed exactly before it is rounded once: this bounds its digits. */
const POWER_DIGITS_MAX = 40_000
/** Beyond 34 and a digit for the tie: what is cut off behind them is told by one digit more. */
const GUARDED_DIGITS = 40

export function isNumber(value: unknown): value is Decimal {
  return value instanceof Decimal
}

/** Undefined: its form is none, or it has more digits or another magnitude than a number has. */
export function parseNumber(text: string): Decimal | undefined {
  const match = /^-?(?:(\d+)(?:\.(\d+))?|\.(\d+))(?:[eE][+-]?\d{1,5})?$/.exec(text)
  if (match === null) return undefined
  const digits = `${match[1] ?? ''}${match[2] ?? match[3] ?? ''}`.replace(/^0+/, '').replace(/0+$/, '')
  if (digits.length > 34) return undefined
  const number = new Num(text)
  // Beyond the exponents there is no number, and what is too small would become zero without a word.
  return number.isFinite() && (number.isZero() ? digits === '' : true) ? positiveZero(number) : undefined
}

/** There is one zero: -0 would be written in another way. */
export function positiveZero(number: Decimal): Decimal {
  return number.isZero() ? ZERO : number
}

/** No exponent, no trailing zeros: the one written form of a field's number. */
export function plainNumber(number: Decimal): string {
  return number.isZero() ? '0' : number.toFixed()
}

/** As a constant stands in a tree: the plain form, or scientific where that would be long. */
export function constantNumber(number: Decimal): string {
  return number.isZero() ? '0' : number.toString()
}

/** Of `coefficient · 10^exponent`. The coefficient has no trailing zero. Requires a finite number that is not zero. */
export function partsOf(number: Decimal): { coefficient: bigint; exponent: number } {
  const [mantissa, exponent] = number.toExponential().split('e') as [string, string]
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?]
  return { coefficient: BigInt(`${whole}${fraction}`), exponent: Number(exponent) - fraction.length }
}

/** Rounds once. `isInexact`: something other than zero was cut off behind the coefficient's last digit. Undefined: out of range. */
export function roundedOf(coefficient: bigint, exponent: number, isInexact: boolean): Decimal | undefined {
  const digits = isInexact ? `${coefficient}1` : `${coefficient}`
  const number = new Num(`${digits}e${exponent - (isInexact ? 1 : 0)}`).toSignificantDigits(34)
  if (!number.isFinite() || (number.isZero() && coefficient !== 0n)) return undefined
  return positiveZero(number)
}

/** What a power takes beside its step: exact digits are multiplied, which grows with their square. */
export function powerSteps(base: Decimal, exponent: Decimal): number {
  const digits = exponent.isInteger() ? base.precision() * exponent.abs().toNumber() : 0
  return digits > POWER_DIGITS_MAX ? 0 : stepsOfDigits(digits)
}

/** The most that it takes for any base. `exponent`: undefined for any. */
export function powerStepsMax(exponent: Decimal | undefined): number {
  const digits = exponent === undefined ? POWER_DIGITS_MAX : 34 * exponent.abs().toNumber()
  return stepsOfDigits(Math.min(digits, POWER_DIGITS_MAX))
}

function stepsOfDigits(digits: number): number {
  return (digits >> 6) + ((digits * digits) >> 18)
}

/** The exact power, rounded once. Undefined: no integer exponent, too many digits, or out of range. Requires base ≠ 0 or exponent ≥ 0. */
export function power(base: Decimal, exponent: Decimal): Decimal | 'range' | undefined {
  if (!exponent.isInteger()) return undefined
  if (exponent.isZero()) return ONE
  if (base.isZero()) return ZERO
  const times = exponent.abs().toNumber()
  const { coefficient, exponent: scale } = partsOf(base)
  const magnitude = coefficient < 0n ? -coefficient : coefficient
  if (magnitude !== 1n && `${magnitude}`.length * times > POWER_DIGITS_MAX) return undefined
  if (magnitude === 1n && scale !== 0 && Math.abs(scale) * times > 10_000) return 'range'
  const raised = magnitude === 1n ? 1n : magnitude ** BigInt(times)
  const sign = coefficient < 0n && !exponent.mod(2).isZero() ? -1n : 1n
  const shifted = scale === 0 ? 0 : scale * times
  if (exponent.isPositive()) return roundedOf(sign * raised, shifted, false) ?? 'range'
  const shift = `${raised}`.length + GUARDED_DIGITS
  const numerator = 10n ** BigInt(shift)
  return roundedOf(sign * (numerator / raised), -shifted - shift, numerator % raised !== 0n) ?? 'range'
}

/** Correctly rounded: the integer root of enough digits, and whether it is exact. Requires a number that is not negative. */
export function squareRoot(number: Decimal): Decimal {
  if (number.isZero()) return ZERO
  const { coefficient, exponent } = partsOf(number)
  const shift = 2 * GUARDED_DIGITS + (Math.abs(exponent) % 2)
  const radicand = coefficient * 10n ** BigInt(shift)
  const root = integerRoot(radicand)
  return roundedOf(root, (exponent - shift) / 2, root * root !== radicand) as Decimal
}

/** Newton's method from above. */
function integerRoot(radicand: bigint): bigint {
  let root = 10n ** BigInt((`${radicand}`.length >> 1) + 1)
  for (;;) {
    const next = (root + radicand / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/** What a remainder takes beside its step: one for each 128 digits between its two numbers. At most MODULO_STEPS_MAX. */
export function moduloSteps(dividend: Decimal, divisor: Decimal): number {
  return Math.abs(dividend.e - divisor.e) >> 7
}

export const MODULO_STEPS_MAX = (2 * Num.maxE) >> 7

/** The remainder with the sign of the divisor: exact, rounded once. Requires a divisor that is not zero. */
export function modulo(dividend: Decimal, divisor: Decimal): Decimal | undefined {
  if (dividend.isZero()) return ZERO
  const one = partsOf(dividend)
  const other = partsOf(divisor)
  const scale = Math.min(one.exponent, other.exponent)
  const [whole, part] = [one, other].map(
    ({ coefficient, exponent }) => coefficient * 10n ** BigInt(exponent - scale),
  ) as [bigint, bigint]
  const rest = whole % part
  return roundedOf(rest !== 0n && rest < 0n !== part < 0n ? rest + part : rest, scale, false)
}

/** To `scale` digits behind the point, before it where negative. Requires an integer scale. Undefined: out of range. */
export function rounded(number: Decimal, scale: number, mode: Decimal.Rounding): Decimal | undefined {
  if (number.isZero()) return ZERO
  const moved = new Wide(number).times(new Wide(`1e${scale}`))
  const whole = moved.toDecimalPlaces(0, mode)
  const back = new Num(whole.times(new Wide(`1e${-scale}`)))
  return back.isFinite() ? positiveZero(back) : undefined
}
