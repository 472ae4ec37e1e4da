import { Validator } from '@seriousme/openapi-schema-validator'
import { pino } from 'pino'
import t from 'tap'
import manifest from '../../package.json' with { type: 'json' }
import { type ApiPorts, createApi } from '../../src/api/app.ts'
import { contractDocument } from '../../src/api/openapi/contract.ts'
import { EXAMPLES } from '../../src/api/openapi/examples.ts'
import { type ElementSchema, elementSchema } from '../../src/documents/elements/element-schema.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { VERSION } from '../../src/runtime/version.ts'
import { reinsuranceSlip } from '../../src/scenario/worked-contracts.ts'
import { UID } from '../support/document.ts'
import { type RegisteredRoute, watchRegistered } from '../support/watch-routes.ts'
import { workedDocument } from '../support/worked-document.ts'

/** Nothing is asked of contracts: what the API says of itself it says without them. */
const nothing = {
  contracts: { listen: () => () => {} },
  clock: systemClock,
  behindProxy: false,
  logger: pino({ level: 'silent' }),
  whoIs: async () => ({ name: 'reader', roles: ['reader'] }),
} as unknown as ApiPorts

interface Operation {
  readonly operationId: string
  readonly security: readonly Record<string, readonly string[]>[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>
}
interface Document {
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const routes = new Map<string, RegisteredRoute>()
const stop = watchRegistered(routes)
const app = await createApi(nothing)
stop()
t.teardown(() => app.close())
const asked = await app.inject('/openapi.json')
const document = asked.json() as Document

/** References that lead nowhere. */
function lost(whole: unknown): string[] {
  const found: string[] = []
  JSON.stringify(whole, (name, value) => {
    if (name !== '$ref') return value
    const steps = (value as string).slice(2).split('/')
    const isThere = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], whole)
    if (isThere === undefined) found.push(value)
    return value
  })
  return found
}

t.test('the service says what it is in OpenAPI 3.1', async (t) => {
  t.equal(asked.statusCode, 200)
  const validator = new Validator()
  const { errors, valid } = await validator.validate(asked.json())
  t.ok(valid, JSON.stringify(errors)?.slice(0, 2_000))
  t.equal(validator.version, '3.1')
  t.same(lost(document), [])
  t.equal(VERSION, manifest.version)
  const again = await app.inject({ url: '/openapi.json', headers: { 'if-none-match': String(asked.headers.etag) } })
  t.equal(again.statusCode, 304)
})

t.test('it has every route, with role, name, and each problem by its code', (t) => {
  const known = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  )
  const told = [...routes].flatMap(([route, { config, schema }]) => {
    const [method] = route.split(' ')
    if (config?.variants === undefined) return [{ route, config, schema }]
    return config.variants.map((one) => {
      const response = { ...(schema?.response as object), ...(one.schema.response as object) }
      return { route: `${method} ${one.url}`, config, schema: { ...one.schema, response } }
    })
  })
  t.equal(known.length, told.length)
  for (const { route, config, schema } of told) {
    const [method = '', url = ''] = route.split(' ')
    const path = url.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')
    const operation = document.paths[path]?.[method.toLowerCase()]
    t.equal(operation?.operationId, schema?.operationId, route)
    t.same(operation?.security, config?.role === undefined ? [] : [{ bearer: [config.role] }], route)
    t.same(Object.keys(operation?.responses ?? {}), Object.keys(schema?.response ?? {}), route)
  }
  const lock = document.paths['/api/Contract/{uid}/Lock']?.post?.responses['409']?.content
  t.match(JSON.stringify(lock?.['application/problem+json']), /#\/components\/schemas\/Problem.*"lock_held"/)
  t.end()
})

t.test('a page has a name for each group of routes, and shows for a text of a form one that has it', async (t) => {
  const { components, tags } = document as Document & { components: { schemas: Record<string, unknown> } }
  t.same(
    tags.filter(({ name }) => name === ''),
    [],
  )
  t.ok(tags.some(({ name }) => name === 'Model'))
  for (const [pattern, example] of EXAMPLES) t.match(example, new RegExp(pattern, 'u'))
  t.equal(EXAMPLES.size, 8)
  t.match(components.schemas.VoteFate, { properties: { proposal: { examples: ['acme-re.7.0.0'] } } })
  t.match(components.schemas.RequestKey, { examples: ['acme-re.7.0'] })
})

t.test('a contract says what stands in it: the reinsurance slip, by its own paths and types', async (t) => {
  const { state } = workedDocument(reinsuranceSlip())
  const root = elementSchema(state.document, state)
  const described = contractDocument({ contract: UID, root, title: state.title }, VERSION) as Document
  const { errors, valid } = await new Validator().validate(JSON.parse(JSON.stringify(described)))
  t.ok(valid, JSON.stringify(errors)?.slice(0, 2_000))
  t.same(lost(described), [])
  const below = root.kind === 'block' ? root.children.map(({ name }) => name) : []
  t.same(described.tags, [{ name: 'the document' }, ...below.map((name) => ({ name }))])
  const countOf = (element: ElementSchema): number =>
    1 +
    (element.kind === 'block' ? element.children : element.kind === 'list' ? [element.entry] : [])
      .map(countOf)
      .reduce((sum, count) => sum + count, 0)
  t.equal(Object.keys(described.paths).length, countOf(root), 'each element has a path')
  const names = Object.values(described.paths).flatMap((operations) =>
    Object.values(operations).flatMap(({ operationId }) => operationId ?? []),
  )
  t.equal(new Set(names).size, names.length, 'each operation has a name of its own')
})

t.test('of a contract with more elements than a person reads, the first are described', (t) => {
  const field = (place: number): ElementSchema => ({
    element: `0.${place}` as ElementId,
    at: `f${place}`,
    name: `f${place}`,
    kind: 'field',
    owner: null,
    isActive: true,
    rules: [],
    type: { type: 'text' },
  })
  const children = Array.from({ length: 5_000 }, (_, place) => field(place))
  const root: ElementSchema = {
    element: '0' as ElementId,
    at: '',
    name: '',
    kind: 'block',
    owner: null,
    isActive: true,
    rules: [],
    children,
  }
  const described = contractDocument({ contract: UID, root, title: 'long' }, VERSION)
  t.match(described, { info: { description: /It has more than 2000 elements/ } })
  t.equal(Object.keys((described as Document).paths).length, 2_000)
  t.end()
})

t.test('/live says what it is in AsyncAPI 3', async (t) => {
  const live = (await app.inject('/asyncapi.json')).json()
  t.match(live, { asyncapi: '3.0.0', channels: { live: { address: '/live' } } })
  t.same(lost(live), [])
})
