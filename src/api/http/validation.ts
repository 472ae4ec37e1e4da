import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { ConcordataError } from '../../runtime/errors.ts'
import { firstError } from '../../runtime/first-error.ts'

/** A parameter of the path, the query, or the body does not have its form. */
export class RequestMalformed extends ConcordataError {}

/** Any query may carry it, since whoever looks for the caller reads it there. */
export const TokenInQuery = { token: Type.Optional(Type.String()) }
/** Of a write: with it nothing is signed, and the answer says what would happen. */
export const DryRunQuery = Type.Object(
  {
    'dry-run': Type.Optional(Type.Union([Type.Literal(''), Type.Literal('true'), Type.Literal('false')])),
    ...TokenInQuery,
  },
  { additionalProperties: false },
)
const NoQuery = Type.Object(TokenInQuery, { additionalProperties: false })

/** Of routes to come: one that says nothing of its query takes nothing there. */
export function refuseUnknownQueries(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.schema = { querystring: NoQuery, ...route.schema }
  })
}

/**
 * Forms are checked as they stand: nothing is converted, filled in, or dropped. Only in the query, which is all text,
 * what is to be an integer is read as one.
 */
export function validateExactly(app: FastifyInstance): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => formCheck(schema, httpPart))
}

export type Checked = { readonly value: unknown } | { readonly error: RequestMalformed }

/** The check of one part of requests, as of a route. */
export function formCheck(schema: TSchema, httpPart: string | undefined): (value: unknown) => Checked {
  // When it is needed first: a node has many forms, and most of its calls the same few.
  let form: Validator | undefined
  const integers = httpPart === 'querystring' ? integersIn(schema) : []
  return (value) => {
    form ??= Compile(schema)
    const read = integers.length === 0 ? value : withIntegers(integers, value as Record<string, unknown>)
    if (form.Check(read)) return { value: read }
    const { instancePath: path, message: expected, options } = firstError(form, read)
    const isMissing = httpPart === 'body' && (read === undefined || read === null)
    const what = isMissing
      ? `the body is missing, or null: it ${expected}, {} where nothing is to be said`
      : `${parts[httpPart ?? ''] ?? 'the request'}${path === '' ? '' : ` at ${path}`} ${expected}`
    const evidence = { path, expected, ...(options && { options }) }
    return { error: new RequestMalformed('request_malformed', what, evidence) }
  }
}

const parts: Readonly<Record<string, string>> = { body: 'the body', params: 'the path', querystring: 'the query' }

const INTEGER = /^(?:0|-?[1-9]\d{0,14})$/

function integersIn(schema: TSchema): string[] {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  return Object.keys(properties).filter((name) => properties[name]?.type === 'integer')
}

function withIntegers(names: readonly string[], query: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read = { ...query }
  for (const name of names) {
    const { [name]: value } = read
    if (typeof value === 'string' && INTEGER.test(value)) read[name] = Number(value)
  }
  return read
}
