import type { ElementId } from '../../events/ids.ts'

/**
 * What the type check knows of a value. Any of them can be null. `any` is what only evaluation can tell, such as an element
 * of a list of mixed things.
 */
export type RuleType =
  | {
      readonly kind: 'any' | 'null' | 'number' | 'boolean' | 'date' | 'date-time' | 'party' | 'reference' | 'attachment'
    }
  /** `literals`: the constants that it can be, where nothing else. */
  | { readonly kind: 'text'; readonly literals?: readonly string[] }
  | { readonly kind: 'choice'; readonly options: readonly string[] }
  | { readonly kind: 'duration'; readonly unit?: 'months' | 'time' }
  | { readonly kind: 'money'; readonly currency?: string }
  | { readonly kind: 'range'; readonly of: RuleType }
  /** `key`: of a list of the document, the field that no two entries have the same value in. */
  | { readonly kind: 'list'; readonly of: RuleType; readonly key?: ElementId }
  /** The schema's block: under a list, that of the prototype. */
  | { readonly kind: 'block'; readonly id: ElementId }

export const ANY: RuleType = { kind: 'any' }
export const NULL: RuleType = { kind: 'null' }
export const TEXT: RuleType = { kind: 'text' }
export const NUMBER: RuleType = { kind: 'number' }
export const BOOLEAN: RuleType = { kind: 'boolean' }
export const DATE: RuleType = { kind: 'date' }
export const DATE_TIME: RuleType = { kind: 'date-time' }
export const DURATION: RuleType = { kind: 'duration' }
export const MONTHS: RuleType = { kind: 'duration', unit: 'months' }
export const TIME_SPAN: RuleType = { kind: 'duration', unit: 'time' }

const LITERALS_MAX = 100

export function listOf(of: RuleType): RuleType {
  return { kind: 'list', of }
}

/** Whether only evaluation tells what stands there. */
export function isOpen(type: RuleType): boolean {
  return type.kind === 'any' || type.kind === 'null'
}

/** Choices and parties are texts to every operation. */
export function isTextual(type: RuleType): boolean {
  return type.kind === 'text' || type.kind === 'choice' || type.kind === 'party'
}

/** As a person would say it. */
export function typeName(type: RuleType): string {
  switch (type.kind) {
    case 'any':
      return 'anything'
    case 'date-time':
      return 'date and time'
    case 'reference':
      return 'reference to a contract'
    case 'attachment':
      return 'file'
    case 'duration':
      if (type.unit === undefined) return 'duration'
      return type.unit === 'months' ? 'duration of years and months' : 'duration of days and time'
    case 'money':
      return type.currency === undefined ? 'money' : `money in ${type.currency}`
    case 'range':
      return isOpen(type.of) ? 'range' : `range of ${typeName(type.of)}`
    case 'list':
      return isOpen(type.of) ? 'list' : `list of ${typeName(type.of)}`
    default:
      return type.kind
  }
}

/** The narrowest type that has the values of both. */
export function unite(one: RuleType, other: RuleType): RuleType {
  if (one.kind === 'null') return other
  if (other.kind === 'null') return one
  if (one.kind === 'list' && other.kind === 'list') return listOf(unite(one.of, other.of))
  if (one.kind === 'range' && other.kind === 'range') return { kind: 'range', of: unite(one.of, other.of) }
  if (one.kind === 'text' && other.kind === 'text') {
    const literals = one.literals && other.literals ? [...new Set([...one.literals, ...other.literals])] : undefined
    return literals !== undefined && literals.length <= LITERALS_MAX ? { kind: 'text', literals } : TEXT
  }
  if (one.kind === 'duration' && other.kind === 'duration') return one.unit === other.unit ? one : DURATION
  if (one.kind === 'money' && other.kind === 'money') return one.currency === other.currency ? one : { kind: 'money' }
  if (one.kind === 'block' && other.kind === 'block') return one.id === other.id ? one : ANY
  if (one.kind === 'choice' && other.kind === 'choice' && one.options !== other.options) return TEXT
  if (one.kind === other.kind) return one
  return isTextual(one) && isTextual(other) ? TEXT : ANY
}

/** Whether `=` between the two can ever say anything but that they are different things. */
export function areComparable(one: RuleType, other: RuleType): boolean {
  if (isOpen(one) || isOpen(other)) return true
  if (isTextual(one) && isTextual(other)) return true
  if (one.kind === 'duration' && other.kind === 'duration') {
    return one.unit === undefined || other.unit === undefined || one.unit === other.unit
  }
  if (one.kind === 'money' && other.kind === 'money') {
    return one.currency === undefined || other.currency === undefined || one.currency === other.currency
  }
  if (one.kind === 'list' && other.kind === 'list') return areComparable(one.of, other.of)
  if (one.kind === 'range' && other.kind === 'range') return areComparable(one.of, other.of)
  return one.kind === other.kind && one.kind !== 'block'
}

/** Whether `<` has a meaning between two values of it. */
export function isOrdered(type: RuleType): boolean {
  return isTextual(type) || ['any', 'null', 'number', 'money', 'date', 'date-time', 'duration'].includes(type.kind)
}

/** The constants of a text that are none of a choice's options: a rule with one of them can never be true. */
export function notAmongOptions(
  one: RuleType,
  other: RuleType,
): { text: string; options: readonly string[] } | undefined {
  const [choice, text] = one.kind === 'choice' ? [one, other] : [other, one]
  if (choice.kind !== 'choice' || text.kind !== 'text') return undefined
  const stray = text.literals?.find((literal) => !choice.options.includes(literal))
  return stray === undefined ? undefined : { text: stray, options: choice.options }
}

/** Whether a value of the type can stand where one of `expected` is asked for; what only evaluation tells, can. */
export function fits(type: RuleType, expected: RuleType): boolean {
  if (isOpen(expected) || isOpen(type)) return true
  if (expected.kind === 'list') return fits(type.kind === 'list' ? type.of : type, expected.of)
  // FEEL takes a list of one for its only item.
  if (type.kind === 'list') return fits(type.of, expected)
  if (expected.kind === 'text') return isTextual(type)
  if (expected.kind === 'choice' || expected.kind === 'party') {
    return isTextual(type) && notAmongOptions(type, expected) === undefined
  }
  if (expected.kind === 'range') return type.kind === 'range' && fits(type.of, expected.of)
  return areComparable(type, expected)
}
