import { takesCount } from '../call-type.ts'
import type { FunctionSpec } from '../functions/function-spec.ts'
import { functions } from '../functions/function-table.ts'

/** Arguments in the order of the parameters: what is left out between two of them is null. Undefined: no function of that name takes them. */
export function inOrder(name: string, byName: ReadonlyMap<string, number>): (number | undefined)[] | undefined {
  const spec = functions.get(name)?.find((candidate) => takesNamed(candidate, byName))
  if (spec === undefined) return undefined
  const last = spec.parameters.findLastIndex((parameter) => byName.has(parameter.name))
  return spec.parameters.slice(0, last + 1).map((parameter) => byName.get(parameter.name))
}

/** As a message names them. */
export function parametersOf(name: string): string {
  const names = (functions.get(name) ?? []).map(({ parameters }) => parameters.map((each) => each.name).join(', '))
  return names.join(' or ')
}

/** Every name is a parameter's, and none is left out that has to be there. */
function takesNamed(spec: FunctionSpec, byName: ReadonlyMap<string, number>): boolean {
  const { parameters } = spec
  return (
    [...byName.keys()].every((name) => parameters.some((parameter) => parameter.name === name)) &&
    parameters.every((parameter) => parameter.isOptional || byName.has(parameter.name)) &&
    takesCount(spec, byName.size)
  )
}
