import { STATUS_CODES } from 'node:http'
import type { RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { AnyValue } from '../answers/common.ts'
import { WebhookMessageSchemas } from '../answers/webhooks.ts'
import { mediaTypes } from '../http/forms/accept.ts'
import { Components, isNoBody } from './components.ts'
import { summariesOfPosted } from './live.ts'

/** What stands at a route. */
export type DescribedRoute = Pick<RouteOptions, 'method' | 'url' | 'config' | 'schema'>

interface Form {
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly required?: readonly string[]
}
type Response = TSchema & { readonly content?: Readonly<Record<string, { readonly schema: TSchema }>> }

const BINARY = { type: 'string', format: 'binary' }
const PROBLEM_TYPE = 'application/problem+json'
const ELEMENT =
  'Names from the document on with slashes between them, each escaped as in a URL: the slashes stay as they are.'
const PREFER =
  'How long the answer is waited for, and for what (RFC 7240), each once: `wait=<seconds>`, `respond-async`, `handling=strict`, `handling=lenient`, `handling=record`, `handling=dry-run`, `retry`.'

const PRECONDITIONS = ['If-Match', 'If-None-Match']
const IDEMPOTENCY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'What is asked for again under it is answered as it was before, and done once; where nothing is remembered it is refused.',
}

/** OpenAPI 3.1 of what these routes take and answer. */
export function serviceDocument(routes: Iterable<DescribedRoute>, version: string): object {
  const components = new Components()
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = pathOf(route.url)
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue
      paths[path] = { ...paths[path], [method.toLowerCase()]: operation(route, components) }
    }
  }
  const sorted = Object.entries(paths).sort(([one], [other]) => (one < other ? -1 : 1))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Concordata, the inward API',
      version,
      description:
        'One shared contract document among companies. docs/api.md says what each route does, docs/errors.md what each code means.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(sorted.map(([path]) => tagOf(path)))].map((name) => ({ name })),
    paths: Object.fromEntries(sorted),
    webhooks: webhooksOf(components),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A key of `concordata api-key add`, or an access token of the OpenID provider. What it may do are its roles.',
        },
      },
      schemas: components.schemas(),
    },
  }
}

/** What is posted to those who have asked for it (`POST /api/Webhook`). */
function webhooksOf(components: Components): object {
  const header = (name: string, description: string) => ({
    name,
    in: 'header',
    required: true,
    description,
    schema: { type: 'string' },
  })
  const parameters = [
    header('webhook-id', 'The same for the same message, however often it is sent.'),
    header('webhook-timestamp', 'When it was sent, in seconds since the Unix epoch.'),
    header(
      'webhook-signature',
      '`v1,…` or `v1a,…` (Standard Webhooks 1.0); several, with spaces between, while a secret is changed.',
    ),
  ]
  return Object.fromEntries(
    Object.entries(WebhookMessageSchemas).map(([type, schema]) => [
      type,
      {
        post: {
          operationId: `on.${type}`,
          summary: summariesOfPosted[type as keyof typeof WebhookMessageSchemas],
          tags: ['Webhook'],
          security: [],
          parameters,
          requestBody: { required: true, content: { 'application/json': { schema: components.refer(schema) } } },
          responses: {
            '2XX': { description: 'It was taken' },
            410: { description: 'Nothing more is wanted: the webhook ends' },
            default: { description: 'It is sent again, for three days' },
          },
        },
      },
    ]),
  )
}

function operation({ config, method, schema, url }: DescribedRoute, components: Components): object {
  const { operationId, params, querystring, response = {}, summary } = schema ?? {}
  const role = config?.role
  const takes = bodyOf(config?.body, schema?.body, components)
  return {
    operationId,
    summary,
    tags: [tagOf(pathOf(url))],
    // Of a bearer, OpenAPI 3.1 has roles here.
    security: role === undefined ? [] : [{ bearer: role === 'any' ? [] : [role] }],
    parameters: [
      ...parameters('path', params, components),
      ...parameters('query', querystring, components),
      ...parameters('header', schema?.headers, components),
      ...(isWrite(method) ? [{ ...IDEMPOTENCY, schema: { type: 'string' } }] : []),
      ...(config?.preconditions
        ? PRECONDITIONS.map((name) => ({ name, in: 'header', required: false, schema: { type: 'string' } }))
        : []),
      ...('202' in (response as object) && takesWait(url)
        ? [{ name: 'Prefer', in: 'header', required: false, description: PREFER, schema: { type: 'string' } }]
        : []),
    ],
    ...(takes !== undefined && { requestBody: takes }),
    responses: Object.fromEntries(
      Object.entries(response as Readonly<Record<string, Response>>).map(([status, one]) => [
        status,
        responseOf(Number(status), one, components),
      ]),
    ),
  }
}

function isWrite(method: string | readonly string[]): boolean {
  return [method].flat().every((one) => one !== 'GET' && one !== 'HEAD')
}

function takesWait(url: string): boolean {
  return !url.startsWith('/api/Keys')
}

function parameters(place: 'path' | 'query' | 'header', form: unknown, components: Components): object[] {
  const { properties = {}, required = [] } = (form ?? {}) as Form
  return Object.entries(properties).flatMap(([name, schema]) => {
    // Only of a WebSocket, which cannot send the header.
    if (place === 'query' && name === 'token') return []
    const isPath = place === 'path' && (name === '*' || name === 'element')
    return {
      name: name === '*' ? 'path' : name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(isPath && { description: ELEMENT }),
      schema: components.refer(schema),
    }
  })
}

function bodyOf(taken: string | undefined, form: unknown, components: Components): object | undefined {
  switch (taken) {
    case 'json':
      return { required: true, content: { 'application/json': { schema: components.refer(form) } } }
    case 'any':
      return {
        required: true,
        description: 'JSON, the text of a field, XML, or a table.',
        content: {
          'application/json': { schema: components.refer(AnyValue) },
          'text/plain': { schema: { type: 'string' } },
          'application/xml': { schema: { type: 'string' } },
          'text/csv': { schema: { type: 'string' } },
          [mediaTypes.xlsx]: { schema: BINARY },
        },
      }
    case 'bytes':
      return { required: true, content: { '*/*': { schema: BINARY } } }
    default:
      return undefined
  }
}

function responseOf(status: number, response: Response, components: Components): object {
  const description = STATUS_CODES[status] ?? 'An answer'
  if (isNoBody(response)) return { description }
  const content = response.content ?? {
    [status >= 400 && isProblem(response) ? PROBLEM_TYPE : 'application/json']: { schema: response },
  }
  return {
    description,
    content: Object.fromEntries(
      Object.entries(content).map(([type, { schema }]) => [type, { schema: components.refer(schema) }]),
    ),
  }
}

function isProblem(schema: TSchema): boolean {
  const [first] = (schema as { readonly allOf?: readonly TSchema[] }).allOf ?? []
  return (first as { readonly title?: string } | undefined)?.title === 'Problem'
}

/** As a client writes it: `/api/Contract/{uid}`. */
function pathOf(url: string): string {
  return url.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')
}

function tagOf(path: string): string {
  const [, first = '', second = ''] = path.split('/')
  if (first === 'new-api') return 'Document'
  // At `/api` alone stands the model of the entities.
  return first === 'api' ? second || 'Model' : 'Operation'
}
