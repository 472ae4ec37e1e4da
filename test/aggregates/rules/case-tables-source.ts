import simpleLower from '@unicode/unicode-15.1.0/Simple_Case_Mapping/Lowercase/code-points.mjs'
import simpleUpper from '@unicode/unicode-15.1.0/Simple_Case_Mapping/Uppercase/code-points.mjs'
import specialLower from '@unicode/unicode-15.1.0/Special_Casing/Lowercase/code-points.mjs'
import specialUpper from '@unicode/unicode-15.1.0/Special_Casing/Uppercase/code-points.mjs'
import { packMapping } from '../../../src/aggregates/names/packed-tables.ts'
import { packedLines } from '../../support/packed-lines.ts'

type Mapping = ReadonlyMap<number, number | readonly number[]>

/** What src/aggregates/rules/values/letter-case-15.1.ts must be: Unicode's full mappings without conditions. */
export function caseTablesSource(): string {
  return `// Made by test/aggregates/rules/write-case-tables.ts from @unicode/unicode-15.1.0: UnicodeData.txt and the unconditional
// entries of SpecialCasing.txt of Unicode 15.1.0.
export const letterCase15_1 = {
  upper: ${packedLines(packMapping(merged(simpleUpper, specialUpper)))},
  lower: ${packedLines(packMapping(merged(simpleLower, specialLower)))},
} as const
`
}

/** Special casing goes before the simple one. */
function merged(simple: Mapping, special: Mapping): [number, string][] {
  return [...new Map([...simple, ...special])]
    .map(([from, to]): [number, string] => [from, String.fromCodePoint(...[to].flat())])
    .filter(([from, to]) => String.fromCodePoint(from) !== to)
    .sort(([one], [other]) => one - other)
}
