import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { hear } from '../support/event-source.ts'
import { configure, newParty, until } from '../support/node-party.ts'
import { SchemaArbitraries } from '../support/schema-arbitraries.ts'
import { webhookReceiver } from '../support/webhook-receiver.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

type Json = Readonly<Record<string, unknown>>
interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: Json
}
interface Operation {
  readonly operationId: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >
}

/** Other inputs each day would make a red test a matter of luck. */
const SEED = 20_261_129
const CALLS_EACH = 4
/** After these there would be nothing left to ask, or a node that waits. */
const LEFT_OUT = new Set(['resign', 'rotateKey', 'prepareRevocation', 'openLive'])

const JSON_TYPE = 'application/json'

t.test('what the documents say of the API is so', { timeout: 240_000 }, async (t) => {
  const ana = await newParty(t.testdir(), 'ana')
  const receiver = await webhookReceiver(t)
  await configure(ana, { webhooks: { receivers: [receiver.origin], networks: ['127.0.0.1'] } })
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const { uid } = await node.open('described')
  const root = `/new-api/${uid}`
  await ana.call('POST', root, {
    Text: 'as it was',
    Block: { Field: 'x', Number: { $field: { type: 'decimal' }, $value: 1.5 } },
    List: { $list: { entry: { Share: { $field: { type: 'decimal' } } }, entriesMax: 9 } },
  })
  const headers = { authorization: `Bearer ${ana.token}` }
  const get = async (path: string) => (await fetch(`${ana.api}${path}`, { headers })).json() as Promise<Json>
  const [document, live] = [await get('/openapi.json'), await get('/asyncapi.json')]
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false })
  ajv.addSchema(document, 'openapi')
  ajv.addSchema(live, 'asyncapi')
  const complaint = (where: string, value: unknown): string | undefined => {
    const check = ajv.getSchema(where) ?? ajv.compile({ $ref: where })
    return check(value) ? undefined : ajv.errorsText(check.errors)
  }
  const pointer = (...steps: string[]) =>
    steps
      .map((one) => one.replaceAll('~', '~0').replaceAll('/', '~1'))
      .map(encodeURIComponent)
      .join('/')

  const told = await Promise.all(
    ['/new-api/*', `/api/Contract/${uid}/Requests`, '/api/Contract', `/api/Contract/*/Questions`].map((subject) =>
      hear(`${ana.api}/live?subject=${encodeURIComponent(subject)}`, headers),
    ),
  )
  for (const subject of ['/new-api/*', `/api/Contract/${uid}/Requests`, '/api/Contract'])
    t.equal((await ana.call('POST', '/api/Webhook', { url: `${receiver.origin}/x`, subject })).status, 201)

  const arbitraries = new SchemaArbitraries(document)
  const names = fc.oneof(
    fc.constantFrom('Text', 'Block', 'Block/Field', 'Block/Number', 'List', 'List/1', 'New'),
    fc.string({ maxLength: 12 }),
  )
  const known: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    uid: fc.constant(uid),
    path: names,
    element: names,
    contract: fc.constant(uid),
    wait: fc.constant(0),
    // Else two of three writes would change nothing.
    'dry-run': fc.constantFrom('false', 'false', 'true'),
  }
  const inPath = (name: string, value: unknown) =>
    name === 'path' || name === 'element'
      ? String(value).split('/').map(encodeURIComponent).join('/')
      : encodeURIComponent(String(value))

  function callsOf(path: string, { parameters, requestBody }: Operation) {
    const of = (place: Parameter['in']) => parameters.filter((one) => one.in === place)
    const values = (some: readonly Parameter[]) =>
      fc.record(Object.fromEntries(some.map(({ name, schema }) => [name, known[name] ?? arbitraries.of(schema)])), {
        requiredKeys: some.filter(({ required }) => required).map(({ name }) => name),
      })
    const schema = requestBody?.content[JSON_TYPE]?.schema
    return fc
      .record({
        path: values(of('path')),
        query: values(of('query')),
        body: schema === undefined ? fc.constant(undefined) : arbitraries.of(schema),
      })
      .map(({ body, path: steps, query }) => {
        const filled = Object.entries(steps).reduce(
          (url, [name, value]) => url.replace(`{${name}}`, inPath(name, value)),
          path,
        )
        const asked = new URLSearchParams(
          Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
        )
        return { url: asked.size === 0 ? filled : `${filled}?${asked}`, body }
      })
  }

  const send = (method: string, url: string, body: unknown) =>
    fetch(`${ana.api}${url}`, {
      method: method.toUpperCase(),
      headers: { ...headers, prefer: 'wait=5', ...(body !== undefined && { 'content-type': JSON_TYPE }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>
  const statuses = new Map<number, number>()
  await t.test('each answer to a generated call is one that its operation describes', async (t) => {
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (LEFT_OUT.has(operation.operationId)) continue
        for (const { body, url } of fc.sample(callsOf(path, operation), { seed: SEED, numRuns: CALLS_EACH })) {
          const answer = await send(method, url, body)
          const text = await answer.text()
          const where = `${method} ${url} ${JSON.stringify(body) ?? ''}: ${answer.status} ${text}`.slice(0, 1_000)
          if (answer.status === 500) t.fail(where)
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
          // A path that was made up may be that of another operation.
          const isElsewhere = answer.status === 404 && text.includes('"no_such_route"')
          const described = operation.responses[String(answer.status)]
          if (described === undefined) {
            if (!isElsewhere && answer.status !== 405) t.fail(where)
            continue
          }
          if (text === '' || isElsewhere) continue
          const type = String(answer.headers.get('content-type')).split(';', 1)[0] as string
          const at = described.content?.[type]
          if (at === undefined) {
            if (described.content?.['*/*'] === undefined) t.fail(`${type} is not described: ${where}`)
            continue
          }
          if (!type.endsWith('json')) continue
          const steps = ['paths', path, method, 'responses', String(answer.status), 'content', type, 'schema']
          const wrong = complaint(`openapi#/${pointer(...steps)}`, JSON.parse(text))
          if (wrong !== undefined) t.fail(`${wrong}: ${where}`)
        }
      }
    }
    const all = [...statuses.values()].reduce((sum, count) => sum + count, 0)
    t.ok(all > 300, `${all} calls`)
    const good = [...statuses].reduce((sum, [status, count]) => sum + (status < 300 ? count : 0), 0)
    t.ok(good > all / 10, `${good} of ${all} went well`)
  })

  await t.test('a member that a body does not have is refused', async (t) => {
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const schema = operation.requestBody?.content[JSON_TYPE]?.schema
        if (schema === undefined || LEFT_OUT.has(operation.operationId)) continue
        const [call] = fc.sample(callsOf(path, operation), { seed: SEED, numRuns: 1 })
        const { body, url } = call as { body: unknown; url: string }
        const whole = typeof schema.$ref === 'string' ? arbitraries.resolve(schema.$ref) : schema
        if (whole.additionalProperties !== false) continue
        const answer = await send(method, url, { ...(body as object), unexpected: 1 })
        t.equal(answer.status, 400, `${method} ${url}`)
        await answer.body?.cancel()
      }
    }
  })

  await t.test('what is told live, and posted, is as AsyncAPI says', async (t) => {
    const other = (await ana.call('POST', '/api/Contract', { title: 'at the end' })).body.contract
    t.equal((await ana.call('POST', `/new-api/${other}`, { Text: 'at last' })).status, 201)
    await until('the end', async () =>
      [
        told[0]?.events.some(({ data }) => data.value === 'at last'),
        receiver.at('/x').some(({ message }) => message.data.value === 'at last'),
      ].every(Boolean),
    )
    const messages = Object.keys((live.components as { messages: object }).messages)
    const fits = (value: unknown, those: readonly string[]) =>
      those.filter((name) => complaint(`asyncapi#/components/messages/${pointer(name)}/payload`, value) === undefined)
    const events = told.flatMap((one) => one.events)
    const seen = new Set<string>()
    for (const { data } of events) {
      const found = fits(data, ['change', 'request', 'state', 'subscribed', 'problem'])
      t.equal(found.length, 1, `${found} ${JSON.stringify(data)}`)
      for (const one of found) seen.add(one)
    }
    t.same([...seen].sort(), ['change', 'state', 'subscribed'])
    for (const { message } of receiver.at('/x'))
      t.same(
        fits(
          message,
          messages.filter((one) => one.includes('.')),
        ),
        [message.type],
      )
    t.ok(receiver.at('/x').length > 10)
    for (const one of told) one.close()
  })
})
