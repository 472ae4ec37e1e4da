import { fits, type RuleType } from '../types.ts'
import { Nothing, nothing, typeOfValue, type Value } from './values.ts'

/** A result as its declared type takes it, with FEEL's conversions: a list of one is its item, and an item a list of one. */
export function conformed(value: Value, type: RuleType): Value {
  if (value instanceof Nothing || type.kind === 'any') return value
  const given = converted(value, type)
  return isOf(given, type) ? given : nothing('result_unfit')
}

/** What a condition or a field takes, which take no list: of a list of one its item, and null where it is empty. */
export function itemOf(value: Value): Value {
  if (!Array.isArray(value)) return value
  return value.length === 0 ? nothing('list_empty') : onlyItem(value)
}

function onlyItem(value: Value): Value {
  return Array.isArray(value) && value.length === 1 ? (value[0] as Value) : value
}

function converted(value: Value, type: RuleType): Value {
  if (type.kind !== 'list') return onlyItem(value)
  return Array.isArray(value) ? value : [value]
}

/** Each item has to fit, where the types of several may be too mixed to tell. */
function isOf(value: Value, type: RuleType): boolean {
  if (type.kind === 'list')
    return Array.isArray(value) && (value as readonly Value[]).every((item) => isOf(item, type.of))
  return !Array.isArray(value) && fits(typeOfValue(value), type)
}
