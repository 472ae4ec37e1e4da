import { pino } from 'pino'
import t from 'tap'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type ApiPorts, createApi } from '../../src/api/app.ts'
import { voidCodes } from '../../src/events/outcome.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { errorCodes } from '../../src/runtime/errors.ts'
import { codesUnasked } from '../docs/errors-document.ts'
import { type RegisteredRoute, watchRegistered } from '../support/watch-routes.ts'

/** Nothing is asked for: routes are registered only. */
const nothing = {
  contracts: { listen: () => () => {} },
  clock: systemClock,
  behindProxy: false,
  logger: pino({ level: 'silent' }),
} as unknown as ApiPorts

const routes = new Map<string, RegisteredRoute>()
const stop = watchRegistered(routes)
const app = await createApi(nothing)
stop()
t.teardown(() => app.close())

t.test('at each route stand its role, its name, its request and what it answers', async (t) => {
  const names = new Map<string, string>()
  for (const [route, { config, schema }] of routes) {
    const {
      operationId,
      response = {},
      summary,
      ...request
    } = (schema ?? {}) as Readonly<Record<string, object>> & {
      operationId?: string
      summary?: string
    }
    if (!/^GET \/(?:health|ready|explorer(?:\/.*)?)$/.test(route)) t.ok(config?.role, `${route} says its role`)
    t.match(operationId, /^[a-z][A-Za-z]+$/, `${route} has a name`)
    t.equal(names.get(operationId ?? ''), undefined, `${route} has a name of its own`)
    names.set(operationId ?? '', route)
    t.match(summary, /^.{5,}[^.]$/, `${route} says what it does`)
    const takesParams = /[:*]/.test(route)
    t.equal('params' in request, takesParams, `${route} says what stands in its path`)
    if (/^(POST|PUT|PATCH) /.test(route)) {
      t.equal('body' in request, config?.body === 'json', `${route} says what body it takes, or that it takes none`)
    }
    const isWell = Object.keys(response).some((status) => /^[123]/.test(status))
    t.ok(isWell || route === 'GET /live', `${route} says what it answers where all goes well`)
    if (config?.role !== undefined) t.match(response, { 400: {}, 401: {}, 403: {}, 429: {}, 500: {}, 503: {} }, route)
  }
})

t.test('routes name each void code, but those of which docs/errors.md says that no call is answered with them', (t) => {
  const named = new Set([...routes.values()].flatMap(({ config }) => config?.problems ?? []) as string[])
  const unasked = codesUnasked()
  const codes = Object.keys(voidCodes).filter((code) => !(code in errorCodes))
  const missing = codes.filter((code) => !named.has(code) && !unasked.has(code))
  const needless = codes.filter((code) => named.has(code) && unasked.has(code))
  t.same(missing, [], 'each is in a group of src/api/answers/problems.ts, or `unasked` in test/docs/errors-document.ts')
  t.same(needless, [], 'none that a route names is `unasked` in test/docs/errors-document.ts')
  t.end()
})

/** Where a schema leaves an object open: at which of these titles it may. */
const free = new Set(['AnyValue', 'Command'])

t.test('no answer has an object that may hold anything, but where a document is free', (t) => {
  const open = new Set<string>()
  const look = (schema: unknown, at: string): void => {
    if (typeof schema !== 'object' || schema === null) return
    if (Array.isArray(schema)) {
      for (const [index, one] of schema.entries()) look(one, `${at}/${index}`)
      return
    }
    const { additionalProperties, allOf, patternProperties, properties, title, type } = schema as Record<
      string,
      unknown
    >
    if (free.has(title as string)) return
    if (allOf !== undefined) {
      look((allOf as unknown[])[0], at)
      return
    }
    const isMap = patternProperties !== undefined || (typeof additionalProperties === 'object' && additionalProperties)
    if (type === 'object' && additionalProperties !== false && !isMap) open.add(at)
    const isAnything = Object.keys(schema).length === 0
    if (isAnything && /(properties|items|schema|patternProperties\/[^/]*)(\/[^/]*)?$/.test(at)) open.add(at)
    for (const [name, below] of Object.entries(schema)) {
      if (name === 'properties')
        for (const [member, one] of Object.entries(properties as object)) look(one, `${at}.${member}`)
      else if (typeof below === 'object') look(below, `${at}/${name}`)
    }
  }
  for (const [route, { schema }] of routes) look(schema?.response, route)
  t.same([...open], [])
  t.end()
})

t.test('a problem has a code that its route names, and no member that no schema names', (t) => {
  const { schema } = routes.get('GET /api/Contract/:uid/Lock') as { schema: { response: Record<number, TSchema> } }
  const form = Compile(schema.response[404] as TSchema)
  const problem = {
    type: 'urn:concordata:no_such_contract',
    title: 'no such contract',
    status: 404,
    code: 'no_such_contract',
    detail: 'x',
  }
  t.ok(form.Check(problem))
  t.ok(form.Check({ ...problem, contract: 'x' }))
  t.notOk(form.Check({ ...problem, code: 'no_such_path' }))
  t.notOk(form.Check({ ...problem, anything: 'x' }))
  t.end()
})
