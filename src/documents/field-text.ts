import { isAttachment } from '../events/attachments/attachment.ts'
import type { BuiltInType } from '../events/field-type.ts'
import {
  contractReferenceFrom,
  contractReferenceText,
  isContractReference,
} from '../events/values/contract-reference.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { decimalDigits, wireInteger } from './digits.ts'

/** A text cannot be read as a value of the field's type. */
export class ValueUnreadable extends ConcordataError {}

/** A value as naive clients see it in text: `Mexico`, `USD 1250000.00`, `true`, `2026-01-31`; of an attachment the name of the file, of a reference `<uid>/<path>?at=<index>`. */
export function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'amount' in value && 'currency' in value) {
    return `${value.currency} ${value.amount}`
  }
  if (isAttachment(value)) return value.name
  return isContractReference(value) ? contractReferenceText(value) : String(value)
}

/** The value that a text stands for in a field of this type; whether it fits in full is for the contract to say. */
export function valueFromText(type: BuiltInType, text: string): unknown {
  switch (type.type) {
    case 'text':
      return text
    case 'integer':
      return wireInteger(text.trim()) ?? text.trim()
    case 'decimal':
      return decimalDigits(text.trim()) ?? text.trim()
    case 'boolean':
      if (text.trim() === 'true') return true
      if (text.trim() === 'false') return false
      throw new ValueUnreadable('value_unreadable', 'a boolean is written true or false', {
        expected: 'boolean',
        options: ['true', 'false'],
      })
    case 'money': {
      const match = /^\s*([A-Z]{3})\s+(\S+)\s*$/.exec(text)
      if (match === null)
        throw new ValueUnreadable(
          'value_unreadable',
          'money is written as a currency code and an amount, such as USD 100.00',
          { expected: 'money' },
        )
      const [, currency = '', amount = ''] = match
      return { amount: decimalDigits(amount) ?? amount, currency }
    }
    case 'contract':
      return contractReferenceFrom(text.trim()) ?? text.trim()
    default:
      return text.trim()
  }
}
