import { reasons } from '../../aggregates/rules/reasons.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { exceededBound } from '../../runtime/json-bounds.ts'
import { type Trial, tryExpression } from './trial.ts'
import type { TrialValue } from './trial-document.ts'
import { TrialDocument } from './trial-document.ts'
import { CaseMalformed, fromVector, toVector, typeFromVector } from './vector-form.ts'

const BOUNDS = { depthMax: 40, membersMax: 100_000 }

/** One case of `rule try --json`, as a line: `{"x", "in"?, "let"?, "inType"?, "type"?}` to a value or an error. Attacker-controlled: `line`. */
export function trialLine(line: string): string {
  try {
    return JSON.stringify(outcomeOf(caseIn(line)))
  } catch (error) {
    if (!(error instanceof ConcordataError)) throw error
    return JSON.stringify({ error: { code: error.code, message: error.message } })
  }
}

interface Case {
  readonly x: string
  readonly in: { readonly [name: string]: unknown }
  readonly let: { readonly [name: string]: string }
  readonly inType: { readonly [name: string]: unknown }
  readonly type?: unknown
}

function caseIn(line: string): Case {
  if (exceededBound(line, BOUNDS) !== undefined) throw malformed('the case has too many parts')
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    throw malformed('the line is no JSON')
  }
  const { x, type, ...others } = (isRecord(json) ? json : {}) as { x?: unknown; type?: unknown }
  if (typeof x !== 'string') throw malformed('a case has an expression x')
  const parts = { in: recordIn(others, 'in'), let: recordIn(others, 'let'), inType: recordIn(others, 'inType') }
  if (!Object.values(parts.let).every((text) => typeof text === 'string')) throw malformed('let has expressions')
  return { x, ...(parts as Omit<Case, 'x' | 'type'>), ...(type === undefined ? {} : { type }) }
}

function recordIn(parent: object, name: string): { readonly [key: string]: unknown } {
  const value = (parent as { readonly [key: string]: unknown })[name] ?? {}
  if (!isRecord(value)) throw malformed(`${name} is an object`)
  return value
}

function isRecord(json: unknown): json is { readonly [key: string]: unknown } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function malformed(message: string): CaseMalformed {
  return new CaseMalformed('rule_case_malformed', message)
}

function outcomeOf({ x, in: values, let: steps, inType, type }: Case): unknown {
  const document = new TrialDocument()
  for (const [name, json] of Object.entries(values)) {
    const declared = Object.hasOwn(inType, name) ? typeFromVector(inType[name]) : undefined
    document.add(name, fromVector(json) as TrialValue, declared)
  }
  for (const [name, text] of Object.entries(steps)) {
    const trial = tryExpression(text, document)
    document.add(name, trial.value, trial.type)
  }
  const trial = tryExpression(x, document, type === undefined ? undefined : typeFromVector(type))
  return { value: toVector(trial.value), ...reasonOf(trial) }
}

function reasonOf({ reason }: Trial): { readonly reason?: string } {
  return reason === undefined ? {} : { reason: `${reason.code}: ${reasons[reason.code]}` }
}
