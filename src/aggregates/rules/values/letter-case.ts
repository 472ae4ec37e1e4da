import { unpackMapping } from '../../names/packed-tables.ts'
import { letterCase15_1 } from './letter-case-15.1.ts'

const upper = unpackMapping(letterCase15_1.upper)
const lower = unpackMapping(letterCase15_1.lower)

/** Unicode's full mapping, whatever stands beside a character and whatever language the text is in. */
export function upperCase(text: string): string {
  return mapped(text, upper)
}

export function lowerCase(text: string): string {
  return mapped(text, lower)
}

function mapped(text: string, mapping: ReadonlyMap<string, string>): string {
  let result = ''
  for (const character of text) result += mapping.get(character) ?? character
  return result
}
