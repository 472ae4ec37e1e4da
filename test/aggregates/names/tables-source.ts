import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ignorable from '@unicode/unicode-15.1.0/Binary_Property/Default_Ignorable_Code_Point/ranges.mjs'
import control from '@unicode/unicode-15.1.0/General_Category/Control/ranges.mjs'
import format from '@unicode/unicode-15.1.0/General_Category/Format/ranges.mjs'
import lineSeparator from '@unicode/unicode-15.1.0/General_Category/Line_Separator/ranges.mjs'
import mark from '@unicode/unicode-15.1.0/General_Category/Mark/ranges.mjs'
import paragraphSeparator from '@unicode/unicode-15.1.0/General_Category/Paragraph_Separator/ranges.mjs'
import privateUse from '@unicode/unicode-15.1.0/General_Category/Private_Use/ranges.mjs'
import spaceSeparator from '@unicode/unicode-15.1.0/General_Category/Space_Separator/ranges.mjs'
import surrogate from '@unicode/unicode-15.1.0/General_Category/Surrogate/ranges.mjs'
import unassigned from '@unicode/unicode-15.1.0/General_Category/Unassigned/ranges.mjs'
import { packCodePoints, packMapping } from '../../../src/aggregates/names/packed-tables.ts'
import { packedLines } from '../../support/packed-lines.ts'

type Ranges = readonly { readonly begin: number; readonly end: number }[]

const CODE_POINTS = 0x110000
const SPACE = 0x20
/** Symbols that are drawn as nothing, though Unicode counts them neither as spaces nor as ignorable: U+2800, U+1D159. */
const blank: Ranges = [
  { begin: 0x2800, end: 0x2801 },
  { begin: 0x1d159, end: 0x1d15a },
]
const categories = [control, format, lineSeparator, paragraphSeparator, spaceSeparator, surrogate, privateUse]

/** What src/aggregates/names/unicode-15.1.ts must be: packed from the two packages. */
export function tablesSource(): string {
  const refused = members(...categories, unassigned, ignorable, blank)
  refused[SPACE] = 0
  return `import type { NameTables } from './name-rules.ts'

// Made by test/aggregates/names/write-tables.ts: general categories, marks and Default_Ignorable_Code_Point of Unicode 15.1.0
// from @unicode/unicode-15.1.0, confusables.txt of Unicode 13.0.0 from unhomoglyph 1.0.6.
export const unicode15_1: NameTables = {
  refused: ${packedLines(packCodePoints(boundsOf(refused)))},
  marks: ${packedLines(packCodePoints(boundsOf(members(mark))))},
  confusables: ${packedLines(packMapping(closedConfusables()))},
}
`
}

/** One for each code point of a range. */
function members(...all: Ranges[]): Uint8Array {
  const flags = new Uint8Array(CODE_POINTS)
  for (const { begin, end } of all.flat()) flags.fill(1, begin, end)
  return flags
}

function boundsOf(flags: Uint8Array): number[] {
  const bounds: number[] = []
  for (let at = 0, inside = 0; at < CODE_POINTS; at++) {
    if (flags[at] === inside) continue
    inside = 1 - inside
    bounds.push(at)
  }
  return bounds
}

/** The confusables as Unicode has them. */
export function confusables(): ReadonlyMap<string, string> {
  const file = fileURLToPath(import.meta.resolve('unhomoglyph/data.json'))
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>))
}

/**
 * Without those that NFD takes apart before they are looked up, and with targets that are mapped in turn until they stay: thirteen
 * of Unicode's do not (U+01C4 DŽ), so that its skeletons of two texts that look the same can differ.
 */
function closedConfusables(): [number, string][] {
  const mapping = confusables()
  const mapped = (text: string) => [...text.normalize('NFD')].map((each) => mapping.get(each) ?? each).join('')
  const closed = (text: string): string => {
    const next = mapped(text).normalize('NFD')
    return next === text ? text : closed(next)
  }
  return [...mapping.keys()]
    .filter((source) => source.normalize('NFD') === source && closed(source) !== source)
    .map((source): [number, string] => [source.codePointAt(0) as number, closed(source)])
    .sort(([one], [other]) => one - other)
}
