import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { faultCodes, type ProblemCode, statusesOf } from '../http/problems/problem.ts'
import { NoBody } from './common.ts'
import { ProblemSchema } from './problem.ts'

export interface RouteVariant {
  readonly url: string
  readonly schema: FastifySchema
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The problems that the route can answer, beside those that every route can. */
    problems?: readonly ProblemCode[]
    /** What the route is to clients: several, each with forms of its own beside those that stand at it. */
    variants?: readonly RouteVariant[]
  }
  interface FastifySchema {
    /** By which clients are generated: it does not change. */
    operationId?: string
    summary?: string
  }
}

const ofEvery: readonly ProblemCode[] = ['request_malformed', 'path_malformed', 'expectation_failed', ...faultCodes]
/** Of those that ask for a key. */
const ofGuarded: readonly ProblemCode[] = [
  'not_authorized',
  'token_invalid',
  'role_missing',
  'api_rate_limited',
  'api_too_many_calls',
  'issuer_unavailable',
  'store_unavailable',
  'store_closed',
]
const ofChange: readonly ProblemCode[] = [
  'access_log_failed',
  'body_too_large',
  'idempotency_key_in_use',
  'idempotency_key_reused',
]
const ofBody: readonly ProblemCode[] = ['body_malformed', 'body_encoded', 'media_type_unsupported']

const problems = new Map<string, TSchema>()

/** A problem document with one of these codes. Equal ones are one schema. */
function problemWith(codes: readonly ProblemCode[]): TSchema {
  const key = codes.join()
  const known = problems.get(key)
  if (known !== undefined) return known
  const schema = Type.Intersect([ProblemSchema, Type.Object({ code: Type.Enum([...codes]) })])
  problems.set(key, schema)
  return schema
}

function byStatus(codes: Iterable<ProblemCode>): Record<string, TSchema> {
  const found = new Map<number, ProblemCode[]>()
  for (const code of codes) {
    for (const status of statusesOf(code)) found.set(status, [...(found.get(status) ?? []), code])
  }
  return Object.fromEntries([...found].map(([status, some]) => [status, problemWith(some.sort())]))
}

/**
 * What a route answers is said by its `schema.response`, as far as it goes well, and `config.problems`; what every route can answer is
 * added here. Schemas are for whoever calls; tests hold every answer against them.
 */
export function describeAnswers(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { config, method, schema } = route
    const isChange = [method].flat().some((one) => one !== 'GET' && one !== 'HEAD')
    const codes = new Set<ProblemCode>([
      ...ofEvery,
      ...(config?.role === undefined ? [] : ofGuarded),
      ...(isChange ? ofChange : []),
      ...(config?.body === 'json' || config?.body === 'any' || config?.body === 'bytes'
        ? ofBody
        : ['body_unexpected' as const]),
      ...(config?.preconditions ? ['precondition_failed' as const] : []),
      ...(config?.problems ?? []),
    ])
    const own = (schema?.response ?? {}) as Record<string, TSchema>
    // What has a tag is not sent again to whoever has it (preconditions.ts).
    const unchanged = !isChange && '200' in own ? { 304: NoBody } : {}
    route.schema = { ...schema, response: { ...byStatus(codes), ...unchanged, ...own } }
  })
}

/** Gathers the routes that are registered from now on, with all that stands at them once they are; what only says 405 is none. */
export function gatherRoutes(app: FastifyInstance, routes: RouteOptions[]): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.body !== 'passed over') routes.push(route)
  })
}

/** The routes as clients are told of them: for one with variants, these. */
export function* toldRoutes(routes: Iterable<RouteOptions>): Generator<RouteOptions> {
  for (const route of routes) {
    const { config, schema } = route
    if (config?.variants === undefined) yield route
    for (const { schema: own, url } of config?.variants ?? []) {
      const response = { ...(schema?.response as object), ...(own.response as object) }
      yield { ...route, url, schema: { ...schema, params: undefined, ...own, response } }
    }
  }
}
