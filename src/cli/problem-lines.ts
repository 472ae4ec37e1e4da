/** What of a problem tells a person what to mend, in the order in which it is read. */
const told = [
  'path',
  'expected',
  'options',
  'currency',
  'constraint',
  'limit',
  'role',
  'rule',
  'with',
  'by',
  'waitingFor',
  // The requests that were made all the same, of what was split.
  'parts',
]

/** A line for each member of a problem that its sentence does not have already: which rule, which role, which place. */
export function problemLines(evidence: Readonly<Record<string, unknown>>, sentence: string): string[] {
  return told.flatMap((name) => {
    const value = evidence[name]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
    if (typeof value === 'string' && sentence.includes(value)) return []
    return name === 'rule' ? ruleLines(value) : [`  ${name}: ${shown(value)}`]
  })
}

function ruleLines(rule: unknown): string[] {
  if (typeof rule !== 'object' || rule === null) return [`  rule: ${shown(rule)}`]
  const { number, at, says, inputs } = rule as Record<string, unknown>
  const read = Array.isArray(inputs) ? (inputs as { path?: unknown; value?: unknown }[]) : []
  return [
    `  rule: ${shown(number)}${at === undefined || at === '' ? '' : ` at ${shown(at)}`}: ${shown(says)}`,
    ...read.map(({ path, value }) => `    ${shown(path)}: ${shown(value)}`),
  ]
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value
  const isList = Array.isArray(value) && value.every((one) => typeof one !== 'object')
  return isList ? value.join(', ') : (JSON.stringify(value) ?? '')
}
