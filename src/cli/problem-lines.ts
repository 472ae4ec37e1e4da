import type { CandidateFate } from '../documents/candidates/fates.ts'
import { textOf } from '../documents/field-text.ts'
import { ruleText } from '../documents/rules/rule-text.ts'
import type { Cell } from '../documents/tables/cell.ts'
import type { RuleWritten } from '../documents/written-rule.ts'

/** What of a problem tells a person what to mend, in the order in which it is read. */
const told = [
  'path',
  'cell',
  'expected',
  'options',
  'currency',
  'constraint',
  'limit',
  'role',
  'rule',
  'rules',
  'with',
  'by',
  'waitingFor',
  // The requests that were made all the same, of what was split.
  'parts',
  'candidates',
]

/** A line for each member of a problem that its sentence does not have already: which rule, which role, which place. */
export function problemLines(evidence: Readonly<Record<string, unknown>>, sentence: string): string[] {
  return told.flatMap((name) => {
    const value = evidence[name]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
    if (typeof value === 'string' && (sentence.includes(value) || sentence.includes(named(value)))) return []
    // What it is about says the rule, or the type, already.
    if (name === 'with' && ('rule' in evidence || 'expected' in evidence)) return []
    if (name === 'expected') return [`  expected: ${shown(value)}${formOf(evidence.example)}`]
    if (name === 'candidates') return (value as readonly CandidateFate[]).map(candidateLine)
    if (name === 'rule') return ruleLines(value)
    if (name === 'cell') return [cellLine(value as Cell)]
    return [`  ${name}: ${name === 'path' ? named(value) : shown(value)}`]
  })
}

/** How people write a value of the type. */
function formOf(example: unknown): string {
  return example === undefined ? '' : `, as ${textOf(example)}`
}

function cellLine({ column, row }: Cell): string {
  return `  row: ${row}${column === undefined ? '' : `, column ${named(column)}`}, where the head is row 1`
}

function candidateLine({ at, fate, waitsFor }: CandidateFate): string {
  const whom = waitsFor.length === 0 ? '' : `; it waits for ${waitsFor.join(', ')}`
  return `  candidate: ${named(at)}: ${fate.replaceAll('_', ' ')}${whom}`
}

function ruleLines(rule: unknown): string[] {
  if (typeof rule !== 'object' || rule === null) return [`  rule: ${shown(rule)}`]
  const { number, at, says, inputs } = rule as Record<string, unknown>
  const read = Array.isArray(inputs) ? (inputs as { path?: unknown; value?: unknown }[]) : []
  return [
    `  rule: ${shown(number)}${at === undefined || at === '' ? '' : ` at ${named(at)}`}: ${ruleWords(says, at)}`,
    ...read.map(({ path, value }) => `    ${named(path)}: ${shown(value)}`),
  ]
}

/** As `rule list` has it. */
function ruleWords(says: unknown, at: unknown): string {
  const isRule = typeof says === 'object' && says !== null && 'kind' in says
  return isRule ? ruleText(says as RuleWritten, String(at ?? '')) : shown(says)
}

/** A path as people type it; as it is where that is what is wrong with it. */
function named(path: unknown): string {
  if (typeof path !== 'string') return shown(path)
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value
  const isList = Array.isArray(value) && value.every((one) => typeof one !== 'object')
  return isList ? value.join(', ') : (JSON.stringify(value) ?? '')
}
