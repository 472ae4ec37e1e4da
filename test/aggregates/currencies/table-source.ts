import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PUBLISHED = /<ISO_4217 Pblshd="([0-9-]+)">/
const ENTRY = /<CcyNtry>[\s\S]*?<\/CcyNtry>/g
const CODES_PER_LINE = 27

/** What has come to ISO 4217 since the list in the package: its amendment 176, in force from 2025-03-31 on (the Caribbean guilder). */
const amendments: readonly Currency[] = [{ code: 'XCG', decimals: '2' }]

interface Currency {
  readonly code: string
  readonly decimals: string
}

/** What src/aggregates/currencies/iso-4217.ts must be: all of the list that has a minor unit. */
export function tableSource(): string {
  const text = readFileSync(fileURLToPath(import.meta.resolve('currency-codes/iso-4217-list-one.xml')), 'utf8')
  const listed = [...listedIn(text), ...amendments].filter(({ decimals }) => /^\d$/.test(decimals))
  const groups = [...new Set(listed.map(({ decimals }) => decimals))].sort()
  const codesOf = (group: string) => [
    ...new Set(listed.filter(({ decimals }) => decimals === group).map(({ code }) => code)),
  ]
  return `import type { CodesByDecimals } from './currency-table.ts'

// Made by test/aggregates/currencies/write-table.ts: list one of ISO 4217 as published on ${PUBLISHED.exec(text)?.[1]}, from currency-codes
// 2.2.0, and its amendment 176 (XCG). Without what has no minor unit: precious metals, units of account, codes for tests.
export const iso4217: CodesByDecimals = {
${groups.map((group) => `  ${group}: ${lines(codesOf(group).sort())},`).join('\n')}
}
`
}

function listedIn(xml: string): Currency[] {
  const entries = xml.match(ENTRY) ?? []
  // Countries without a currency of their own have no code: Antarctica, Palestine, South Georgia.
  return entries.flatMap((entry) => {
    const code = within(entry, 'Ccy')
    return code === undefined ? [] : [{ code, decimals: within(entry, 'CcyMnrUnts') ?? '' }]
  })
}

function within(entry: string, tag: string): string | undefined {
  return new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(entry)?.[1]
}

/** As Biome formats it. */
function lines(codes: readonly string[]): string {
  if (codes.length <= CODES_PER_LINE) return `'${codes.join(' ')}'`
  const parts: string[] = []
  for (let at = 0; at < codes.length; at += CODES_PER_LINE) {
    parts.push(`    '${codes.slice(at, at + CODES_PER_LINE).join(' ')}',`)
  }
  return `[\n${parts.join('\n')}\n  ].join(' ')`
}
