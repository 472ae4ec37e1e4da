import type { FaultCode } from './fault.ts'
import { type FunctionSpec, kindNames, takes, takesList } from './functions/function-spec.ts'
import { excludedFunctions, functions } from './functions/function-table.ts'
import { reasons } from './reasons.ts'
import { nearestName } from './text/suggest.ts'
import { listOf, NULL, type RuleType, typeName, unite } from './types.ts'
import { parseDate, parseDateTime } from './values/calendar.ts'

export interface CallFault {
  readonly code: FaultCode
  readonly message: string
  /** Which one is unfit. */
  readonly argument?: number
}

/** The type of what a function gives for arguments of these types, or why it cannot be called with them. */
export function callType(name: string, types: readonly RuleType[]): RuleType | CallFault {
  const specs = functions.get(name)
  if (specs === undefined) return unknownFunction(name)
  const spec = specs.find((candidate) => takesCount(candidate, types.length))
  if (spec === undefined) {
    const message = `${name} takes ${specs.map(parameterList).join(' or ')}; here are ${types.length} arguments`
    return { code: 'expression_arguments_unfit', message }
  }
  const given = gathered(spec, types)
  for (const [n, { kind, name: parameter }] of spec.parameters.entries()) {
    const type = given[n]
    if (type === undefined || takes(kind, type)) continue
    const message = `${parameter} of ${name} is a ${kindNames[kind]}; this is a ${typeName(type)}`
    return { code: 'expression_type_unfit', message, argument: n }
  }
  return foreignConstant(name, given) ?? spec.result(given)
}

/** A constant that is FEEL, but names what the language leaves out: it would be null wherever it stands. */
function foreignConstant(name: string, types: readonly RuleType[]): CallFault | undefined {
  const [from] = types
  if ((name !== 'date' && name !== 'date and time') || from?.kind !== 'text') return undefined
  for (const literal of from.literals ?? []) {
    const code = name === 'date' ? parseDate(literal) : parseDateTime(literal)
    if (code !== 'zone_named' && code !== 'time_of_day') continue
    return { code: 'expression_unsupported', message: reasons[code], argument: 0 }
  }
  return undefined
}

export function unknownFunction(name: string): CallFault {
  const why = excludedFunctions.get(name)
  if (why !== undefined) return { code: 'expression_unsupported', message: `${name}: ${why}` }
  const meant = nearestName(name, functions.keys())
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`
  return { code: 'expression_unknown_function', message: `there is no function ${name}${hint}` }
}

export function takesCount({ parameters, isVariadic }: FunctionSpec, count: number): boolean {
  const needed = parameters.filter(({ isOptional }) => !isOptional).length
  // What takes any number of items takes none as well, but where it is the only parameter.
  const least = isVariadic && parameters.length > 1 ? needed - 1 : needed
  return count >= least && (isVariadic || count <= parameters.length)
}

/** Whether the arguments of the last parameter are the list that it asks for, rather than one argument that is. */
export function areItems({ parameters, isVariadic }: FunctionSpec, count: number): boolean {
  if (!isVariadic) return false
  const last = parameters.at(-1)
  return parameters.length > 1 || (last !== undefined && takesList(last.kind) && count > 1)
}

/** One type for each parameter. */
function gathered(spec: FunctionSpec, types: readonly RuleType[]): readonly RuleType[] {
  if (!areItems(spec, types.length)) return types
  const before = spec.parameters.length - 1
  const items = types.slice(before)
  return [...types.slice(0, before), before === 0 ? listOf(items.reduce(unite, NULL)) : items.reduce(unite, NULL)]
}

function parameterList({ parameters, isVariadic }: FunctionSpec): string {
  const names = parameters.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name))
  return `(${names.join(', ')}${isVariadic ? ', …' : ''})`
}
