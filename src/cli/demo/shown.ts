import { contractReferenceText, isContractReference } from '../../events/values/contract-reference.ts'

/** Names on the way to an element, as people read them. */
export function shownPath(path: string): string {
  return path.split('/').map(decodeURIComponent).join(' / ')
}

/** A value as people write it; null where there is none, or it is for others. */
export function shownValue(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value !== 'object') return String(value)
  if ('$sealed' in value) return null
  if ('currency' in value && 'amount' in value) return `${value.currency} ${value.amount}`
  return isContractReference(value) ? contractReferenceText(value) : JSON.stringify(value)
}
