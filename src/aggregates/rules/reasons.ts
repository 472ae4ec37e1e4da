import type { ElementId } from '../../events/ids.ts'

/** Why an operation has no value. docs/rules.md says what each means. */
export const reasons = {
  empty: 'a field that is read has no value',
  operand_null: 'an operand is null',
  kinds_differ: 'the operation has no meaning between values of these kinds',
  argument_unfit: 'an argument is not of the kind that the function takes',
  division_by_zero: 'a division by zero',
  number_range: 'the number is too large, or too close to zero',
  power_unfit: 'a power with an exponent that is no integer, or with too many digits',
  scale_unfit: 'the scale lies outside -6111 to 6176',
  text_unfit: 'the text does not have the form that the function reads',
  date_unfit: 'there is no such date',
  year_outside: 'the year lies outside 1 to 9999',
  zone_named: 'the language has no time zones by name',
  time_of_day: 'the language has no time of day',
  offsets_differ: 'one date and time has an offset, the other has none',
  duration_mixed: 'a duration of months and days has no fixed length',
  duration_range: 'the duration is too long',
  currencies_differ: 'amounts in different currencies',
  currency_unknown: 'ISO 4217 has no such currency',
  position_outside: 'the list has no such position',
  list_empty: 'the list has too few items',
  several_entries: 'several entries have this key',
  property_missing: 'the value has no such property',
  result_unfit: 'the result does not fit the declared type',
} as const
export type ReasonCode = keyof typeof reasons

/** `node`: of the tree, where it arose. `element`: the field that was empty. */
export interface Reason {
  readonly code: ReasonCode
  readonly node?: number
  readonly element?: ElementId
}
