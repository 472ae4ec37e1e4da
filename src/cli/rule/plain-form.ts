import { constantAt } from '../../aggregates/rules/text/range-text.ts'
import { parseNumber } from '../../aggregates/rules/values/numbers.ts'
import { Money, NOTHING } from '../../aggregates/rules/values/values.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { exceededBound } from '../../runtime/json-bounds.ts'
import { TrialBlock, TrialDocument, type TrialValue } from './trial-document.ts'

/** What stands behind --with cannot be read. */
export class ValuesMalformed extends ConcordataError {}

const BOUNDS = { depthMax: 40, membersMax: 100_000 }

/** A number as it is written: a double would have other digits. */
class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown

/**
 * A document from `--with`: JSON as people write it. An object is a block, but `{"amount", "currency"}`, which is money; a list of
 * objects has entries; a text that begins with `@` is what FEEL reads behind it, such as `"@2026-01-31"`. Throws ValuesMalformed.
 */
export function documentFrom(text: string): TrialDocument {
  if (exceededBound(text, BOUNDS) !== undefined) throw malformed('has too many parts')
  const json = parseExactly(text)
  if (typeof json !== 'object' || json === null || Array.isArray(json) || json instanceof Digits) {
    throw malformed('is an object: names and their values')
  }
  const document = new TrialDocument()
  for (const [name, value] of Object.entries(json)) document.add(name, trialValue(value))
  return document
}

function parseExactly(text: string): unknown {
  try {
    return (JSON.parse as Parse)(text, (_, value, { source }) => {
      return typeof value === 'number' && source !== undefined ? new Digits(source) : value
    })
  } catch {
    throw malformed('is no JSON')
  }
}

function trialValue(json: unknown): TrialValue {
  if (json === null) return NOTHING
  if (json instanceof Digits) return numberIn(json)
  if (typeof json === 'boolean') return json
  if (typeof json === 'string') return json.startsWith('@') ? (constantAt(json.slice(1)) ?? json) : json
  if (Array.isArray(json)) return json.map(trialValue) as TrialValue
  const { amount, currency, ...others } = json as { amount?: unknown; currency?: unknown }
  if (typeof currency === 'string' && amount !== undefined && Object.keys(others).length === 0) {
    return new Money(numberIn(amount instanceof Digits ? amount : new Digits(String(amount))), currency)
  }
  return new TrialBlock(new Map(Object.entries(json as object).map(([name, value]) => [name, trialValue(value)])))
}

function numberIn({ text }: Digits) {
  const number = parseNumber(text)
  if (number === undefined) throw malformed(`has the number ${text}: there is none of more than 34 digits`)
  return number
}

function malformed(what: string): ValuesMalformed {
  return new ValuesMalformed('rule_case_malformed', `what stands behind --with ${what}`)
}
