import type { TypeDefinition } from '../../../events/type-definition.ts'
import { compareDecimals } from './decimal-order.ts'

/** What of a value a constraint does not let through. */
export type ConstraintFault = 'minimum' | 'maximum' | 'decimals' | 'length'

/** Requires a value of the base of the type. */
export function constraintFault({ base, constraint }: TypeDefinition, value: unknown): ConstraintFault | undefined {
  const { minimum, maximum, decimals, lengthMin, lengthMax } = constraint
  if (lengthMin !== undefined || lengthMax !== undefined) {
    const length = [...String(value)].length
    if (length < (lengthMin ?? 0) || length > (lengthMax ?? length)) return 'length'
  }
  if (decimals !== undefined && decimalsIn(String(value)) > decimals) return 'decimals'
  if (minimum === undefined && maximum === undefined) return undefined
  const size = base === 'money' ? (value as { amount: string }).amount : String(value)
  if (minimum !== undefined && compareBounds(base, size, minimum) < 0) return 'minimum'
  return maximum !== undefined && compareBounds(base, size, maximum) > 0 ? 'maximum' : undefined
}

/** Below 0: the first is the lesser. Requires values of the base, of money amounts, of integers their digits. */
export function compareBounds(base: TypeDefinition['base'], one: string, other: string): number {
  if (base !== 'date') return compareDecimals(one, other)
  // Years have four digits.
  if (one === other) return 0
  return one < other ? -1 : 1
}

export function decimalsIn(decimal: string): number {
  const point = decimal.indexOf('.')
  return point < 0 ? 0 : decimal.length - point - 1
}
