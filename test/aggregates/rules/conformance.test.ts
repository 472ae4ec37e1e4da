import { readFile } from 'node:fs/promises'
import t from 'tap'
import { formatDuration, parseDuration } from '../../../src/aggregates/rules/values/calendar.ts'
import { trialLine } from '../../../src/cli/rule/trial-lines.ts'

interface Case {
  readonly id: string
  readonly x: string
  readonly is: unknown
  readonly err?: 1
}
interface Outcome {
  readonly value?: unknown
  readonly reason?: string
  readonly error?: { readonly code: string; readonly message: string }
}

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')
const casesIn = async (file: string) => (JSON.parse(await read(`test/vectors/feel/${file}`)) as { cases: Case[] }).cases
const outcomeOf = (one: Case) => JSON.parse(trialLine(JSON.stringify(one))) as Outcome

/** As the runners of the TCK compare: numbers within 1e-8, durations by their length. */
function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, n) => isSame(item, other[n]))
  }
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return one === other
  const [[form, content], [otherForm, otherContent]] = [Object.entries(one)[0], Object.entries(other)[0]] as [
    [string, string],
    [string, string],
  ]
  if (form !== otherForm) return false
  if (form === 'num') {
    const [left, right] = [Number(content), Number(otherContent)]
    return Math.abs(left - right) <= 1e-8 * Math.max(1, Math.abs(left))
  }
  return form === 'dur' ? lengthOf(content) === lengthOf(otherContent) : content === otherContent
}

function lengthOf(text: string): string {
  const duration = parseDuration(text)
  return typeof duration === 'string' ? text : formatDuration(duration)
}

function isRefused({ value, reason, error }: Outcome): boolean {
  return error !== undefined || (value === null && reason !== undefined)
}

function passes(one: Case, outcome: Outcome): boolean {
  return one.err === 1 ? isRefused(outcome) : outcome.error === undefined && isSame(outcome.value, one.is)
}

/** Of docs/rules.md: each with the heading that it stands under. */
async function exceptions(): Promise<ReadonlyMap<string, string>> {
  const [, part = ''] = (await read('docs/rules.md')).split('## Exceptions to the TCK')
  const found = new Map<string, string>()
  let heading = ''
  for (const line of part.split('\n')) {
    if (line.startsWith('### ')) heading = line.slice(4)
    const id = /^- `([^`]+)`/.exec(line)?.[1]
    if (id !== undefined) found.set(id, heading)
  }
  return found
}

/** What a case that stands in docs/rules.md has to come to. */
const REASONS: { readonly [heading: string]: RegExp } = {
  'A static type that FEEL lacks': /^expression_type_unfit/,
  'An operation that is not correctly rounded': /^(expression_unsupported: (exp|log)|power_unfit)/,
  'A name that needs back-quotes': /did you mean `/,
  'A numeric index': /^expression_unsupported: a list has no positions/,
  'A year outside 1 to 9999': /^year_outside/,
}

t.test('every case of the TCK in the subset passes, or stands in docs/rules.md with the reason', async (t) => {
  const cases = await casesIn('vectors.json')
  const documented = await exceptions()
  const failing = cases.filter((one) => !passes(one, outcomeOf(one)))
  t.same(failing.map(({ id }) => id).sort(), [...documented.keys()].sort(), `${cases.length - failing.length} pass`)
  for (const one of failing) {
    const { error, reason } = outcomeOf(one)
    const said = error === undefined ? (reason ?? '') : `${error.code}: ${error.message}`
    t.match(said, REASONS[documented.get(one.id) ?? ''] ?? /^$/, one.id)
  }
})

t.test('what is outside the subset is refused clearly, or is what the TCK says', async (t) => {
  const cases = await casesIn('outside.json')
  // Texts stand there for numbers and for truth values: the TCK calls these cases non-compliant itself.
  const compliant = cases.filter(({ id }) => !id.includes('/0015-all-any/'))
  const given = compliant.filter((one) => !isRefused(outcomeOf(one)))
  t.same(
    given.filter((one) => !passes(one, outcomeOf(one))).map(({ id }) => id),
    [],
  )
  for (const one of compliant) {
    const { error } = outcomeOf(one)
    if (error !== undefined) t.match(error, { code: /^(expression|rule_case)_/, message: /./ }, one.id)
  }
  t.equal(compliant.length - given.length, 1121)
})
