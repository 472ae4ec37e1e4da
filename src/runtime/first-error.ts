import type { TSchema } from 'typebox'
import { Check, ErrorContext, ErrorSchema, Stack } from 'typebox/schema'
import { Locale } from 'typebox/system'

/** Longest text of what is wrong with a value: the names in it are its sender's. */
export const ERROR_CHARACTERS_MAX = 200

export interface FormError {
  readonly keyword: string
  /** A JSON pointer (RFC 6901) to what is wrong. */
  readonly instancePath: string
  readonly message: string
  /** Where one of several texts has to stand there; of a name that has no place there those that have. */
  readonly options?: readonly string[]
}

/** A compiled form, as `typebox/compile` makes it. */
export interface Form {
  Check(value: unknown): boolean
  Type(): TSchema
}

/**
 * The first thing that is wrong with a value: of a choice between forms with the one that was meant, should that be plain. TypeBox's own `Errors` goes through all of the value, however much is wrong with it:
 * 4 MiB of zeros where none may stand take half a gigabyte. Requires a value that the form refuses.
 */
export function firstError(form: Form, value: unknown): FormError {
  const { path, schema, value: at } = meantIn(form.Type(), value)
  const options = constantsOf(schema)
  if (options !== undefined) {
    const message = `must be ${options.map((option) => JSON.stringify(option)).join(' or ')}`
    const isText = (option: unknown) => typeof option === 'string'
    return {
      keyword: 'enum',
      instancePath: shortened(path),
      message: shortened(message),
      ...(options.every(isText) && { options }),
    }
  }
  try {
    ErrorSchema(Stack({}, schema), new FirstErrorContext(), '#', path, schema, at)
  } catch (found) {
    if (!(found instanceof Found)) throw found
    const { error } = found
    const isRightBelow = error.instancePath.slice(0, error.instancePath.lastIndexOf('/')) === path
    const known = isRightBelow ? Object.keys((schema as JsonSchema).properties ?? {}) : []
    return {
      keyword: error.keyword,
      instancePath: shortened(error.instancePath),
      message: shortened(messageOf(error, known)),
      ...(isUnknown(error) && known.length > 0 && { options: known }),
    }
  }
  return { keyword: '', instancePath: '', message: 'is malformed' }
}

/** With the names that it is about. `known`: those that have a place where it is. */
function messageOf(error: RawError, known: readonly string[]): string {
  if (error.keyword === 'required') return `must have ${listed(error.params.requiredProperties ?? [])}`
  if (!isUnknown(error)) return Locale.Get()(error as never)
  return known.length === 0 ? 'is unknown there' : `is unknown there; what there can be is ${listed(known)}`
}

/** Whether it is a name that has no place there. */
function isUnknown({ keyword, schemaPath }: RawError): boolean {
  return keyword === 'boolean' && schemaPath.endsWith('/additionalProperties')
}

function listed(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ')
}

/** The same as one text. */
export function firstErrorText(form: Form, value: unknown): string {
  const { instancePath, message } = firstError(form, value)
  return `${instancePath} ${message}`
}

/** As far as it is looked at here. */
interface JsonSchema {
  readonly anyOf?: readonly JsonSchema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

interface Meant {
  readonly schema: TSchema
  readonly value: unknown
  readonly path: string
}

/** Where a value is refused for what stands in a choice between forms: the form that was meant there. Else the whole. */
function meantIn(schema: TSchema & JsonSchema, value: unknown, path = ''): Meant {
  const whole = { schema, value, path }
  if (schema.anyOf !== undefined) {
    const tag = unknownTag(schema.anyOf, whole)
    if (tag !== undefined) return tag
    const branch = branchMeant(schema.anyOf, value)
    return branch === undefined ? whole : meantIn(branch as TSchema, value, path)
  }
  const failing = failingIn(schema, value)
  if (failing === undefined) return whole
  const [step, below] = failing
  const meant = meantIn(below as TSchema, (value as Record<string, unknown>)[step], `${path}/${pointerStep(step)}`)
  const isChoice = meant.schema !== below || constantsOf(meant.schema) !== undefined
  return isChoice ? meant : whole
}

/** The first member, or item, that its own form refuses. */
function failingIn(
  { items, patternProperties, properties }: JsonSchema,
  value: unknown,
): [step: string, schema: JsonSchema] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) {
    const place = items === undefined ? -1 : value.findIndex((item) => !Check(items as TSchema, item))
    return place === -1 || items === undefined ? undefined : [String(place), items]
  }
  const members = value as Record<string, unknown>
  const found = Object.entries(properties ?? {}).find(
    ([name, schema]) => Object.hasOwn(members, name) && !Check(schema as TSchema, members[name]),
  )
  // Of a record whose names are all of one form.
  const [each, ...others] = Object.values(patternProperties ?? {})
  if (found !== undefined || each === undefined || others.length > 0 || properties !== undefined) return found
  const name = Object.keys(members).find((one) => !Check(each as TSchema, members[one]))
  return name === undefined ? undefined : [name, each]
}

/** The only one that has the value's own constant, such as its kind; else the only one that has a place for all members. */
function branchMeant(branches: readonly JsonSchema[], value: unknown): JsonSchema | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const members = value as Record<string, unknown>
  const names = Object.keys(members)
  const isNamed = ({ properties = {} }: JsonSchema) =>
    names.some(
      (name) =>
        Object.hasOwn(properties, name) &&
        properties[name]?.const !== undefined &&
        properties[name].const === members[name],
    )
  const takesAll = ({ properties = {} }: JsonSchema) => names.every((name) => Object.hasOwn(properties, name))
  for (const isIt of [isNamed, takesAll]) {
    const [found, ...others] = branches.filter(isIt)
    if (found !== undefined && others.length === 0) return found
  }
  return undefined
}

/** Where forms are told apart by a constant of the same name, such as `kind`, and the value has another one there. */
function unknownTag(branches: readonly JsonSchema[], { value, path }: Meant): Meant | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const members = value as Record<string, unknown>
  const name = Object.keys(branches[0]?.properties ?? {}).find(
    (one) =>
      Object.hasOwn(members, one) && branches.every(({ properties = {} }) => properties[one]?.const !== undefined),
  )
  if (name === undefined) return undefined
  const constants = branches.flatMap(({ properties = {} }) => properties[name] ?? [])
  if (constants.some((one) => one.const === members[name])) return undefined
  return { schema: { anyOf: constants } as TSchema, value: members[name], path: `${path}/${pointerStep(name)}` }
}

/** Undefined: it is something else than a choice between constants. */
function constantsOf({ anyOf, enum: listed }: JsonSchema): readonly unknown[] | undefined {
  if (listed !== undefined) return listed
  const constants = anyOf?.map((branch) => branch.const)
  return constants?.includes(undefined) === false ? constants : undefined
}

/** Of a JSON pointer (RFC 6901 §3). */
export function pointerStep(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** What is left out is seen to be. */
function shortened(text: string): string {
  if (text.length <= ERROR_CHARACTERS_MAX) return text.toWellFormed()
  return `${text.slice(0, ERROR_CHARACTERS_MAX - 1)}…`.toWellFormed()
}

interface RawError {
  readonly keyword: string
  readonly instancePath: string
  readonly schemaPath: string
  readonly params: {
    readonly requiredProperties?: readonly string[]
  }
}

class Found extends Error {
  readonly error: RawError

  constructor(error: RawError) {
    super()
    this.error = error
  }
}

class FirstErrorContext extends ErrorContext {
  override AddError(keyword: never, schemaPath: string, instancePath: string, params: never): false {
    throw new Found({ keyword, instancePath, params, schemaPath } as RawError)
  }

  override AddErrors([error]: never[]): false {
    throw new Found(error as unknown as RawError)
  }
}
