import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openNode } from '../../../src/index.ts'
import type { TracingSettings } from '../../../src/node/config/tracing-settings.ts'
import { configure, type NodeParty, newParty, until } from '../../support/node-party.ts'
import { type CollectedSpan, OtlpCollector } from '../../support/otlp-collector.ts'
import { sharedContract } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

/** Two parties on one contract, each with a collector of its own; `tracing`: of each, but for the endpoint. */
async function start(t: Test, tracing: readonly [TracingSettings, TracingSettings] = [{}, {}]) {
  const [anas, bens] = [await OtlpCollector.start(), await OtlpCollector.start()]
  const root = t.testdir()
  const [ana, ben] = [await newParty(join(root, 'a'), 'ana'), await newParty(join(root, 'b'), 'ben')]
  await configure(ana, { tracing: { endpoint: anas.endpoint, ...tracing[0] } })
  await configure(ben, { tracing: { endpoint: bens.endpoint, ...tracing[1] } })
  const nodes = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  let isOpen = true
  const close = async () => {
    if (isOpen) for (const node of nodes) await node.close()
    isOpen = false
  }
  t.teardown(async () => {
    await close()
    await Promise.all([anas.stop(), bens.stop()])
  })
  const contract = await sharedContract(t, ana, ben, 'traced')
  const at = `/api/Contract/${contract}`
  await until('ben is a member', async () => (await ana.call('GET', at)).body?.members?.length === 2)
  return { ana, ben, anas, bens, contract, close }
}

/** A PUT with a trace that the client has begun; the answer is its id. */
async function put({ api, token }: NodeParty, contract: string, values: object, flags = '01'): Promise<string> {
  const traceId = crypto.randomUUID().replaceAll('-', '')
  const response = await fetch(`${api}/new-api/${contract}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      traceparent: `00-${traceId}-${'b7'.repeat(8)}-${flags}`,
      tracestate: 'acme=secret-state',
      baggage: 'who=secret-baggage',
    },
    body: JSON.stringify(values),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return traceId
}

t.test('a write at one member is one trace with what the other member did for it', { timeout: 120_000 }, async (t) => {
  const { ana, anas, bens, contract, close } = await start(t)
  const traceId = await put(ana, contract, { Country: 'Valueland' })
  await close()
  const all = [...anas.spans, ...bens.spans].filter((span) => span.traceId === traceId)
  const one = (name: string) => {
    const found = all.filter((span) => span.name === name)
    t.ok(found.length > 0, `${name}: ${found.length}`)
    return found[0] as CollectedSpan
  }
  const call = one('POST /new-api/:uid')
  t.match(call, { party: 'ana', kind: 2, parentSpanId: 'b7'.repeat(8), isError: false })
  t.match(call.attributes, {
    'http.request.method': 'POST',
    'http.route': '/new-api/:uid',
    'http.response.status_code': 201,
  })
  const request = one('request')
  t.match(request, { party: 'ana', parentSpanId: call.spanId })
  t.match(request.attributes, {
    'concordata.contract': contract,
    'concordata.request': /^ana\.\d+\.0$/,
    'concordata.outcome': 'accepted',
    'concordata.tier': 3,
  })
  for (const name of ['sign', 'settle']) t.match(one(name), { party: 'ana', parentSpanId: request.spanId })
  const calls = all.filter(({ name }) => name === 'exchange call')
  t.ok(calls.length >= 2, 'answers, then heads')
  for (const { party, kind, parentSpanId, attributes } of calls) {
    t.same([party, kind, parentSpanId, attributes['concordata.peer']], ['ana', 3, request.spanId, 'ben'])
  }
  const answers = all.filter(({ name }) => name === 'exchange answer')
  t.ok(answers.length >= 2)
  for (const { party, kind, parentSpanId, attributes } of answers) {
    t.same([party, kind, attributes['concordata.peer']], ['ben', 2, 'ana'])
    t.ok(
      calls.some(({ spanId }) => spanId === parentSpanId),
      'each under the call that it answers',
    )
  }
  const signed = one('sign answer')
  t.match(signed, { party: 'ben', attributes: { 'concordata.contract': contract } })
  t.ok(answers.some(({ spanId }) => spanId === signed.parentSpanId))
  t.notMatch(anas.text + bens.text, /Valueland|Country|traced|secret/, 'no values, no names, nothing a client adds')
  t.notMatch(anas.text + bens.text, new RegExp(ana.token))
})

t.test('requests that go together share calls, and their traces are linked', { timeout: 120_000 }, async (t) => {
  const { ana, anas, contract, close } = await start(t)
  await put(ana, contract, { Zero: 'x' })
  const names = Array.from({ length: 8 }, (_, n) => `Field${n}`)
  const traceIds = await Promise.all(names.map((name) => put(ana, contract, { [name]: 'x' })))
  await close()
  const requests = anas.named('request')
  const ids = new Set(requests.map(({ spanId }) => spanId))
  const shared = anas.named('exchange call').filter(({ links }) => links.length > 0)
  t.ok(shared.length > 0)
  for (const { links, attributes } of shared) {
    t.ok(links.every((link) => ids.has(link)))
    t.equal(Number(attributes['concordata.requests']), links.length + 1)
  }
  for (const id of traceIds)
    t.ok(
      requests.some(({ traceId }) => traceId === id),
      'each request is in the trace of its call',
    )
})

t.test('another member does not choose how much this one records', { timeout: 120_000 }, async (t) => {
  const { ana, anas, bens, contract, close } = await start(t, [
    { othersPerSecond: 10_000 },
    { sampleRatio: 0, othersPerSecond: 0 },
  ])
  await put(ana, contract, { Country: 'x' })
  await close()
  t.ok(anas.named('exchange call').length > 0)
  t.same(bens.spans, [])
})

t.test('what a caller does not want recorded is not, and is not told to others', { timeout: 120_000 }, async (t) => {
  const { ana, anas, bens, contract, close } = await start(t)
  const traceId = await put(ana, contract, { Country: 'x' }, '00')
  await close()
  t.notMatch(anas.text + bens.text, new RegExp(traceId))
  t.same(anas.named('POST /new-api/:uid'), [])
  t.ok(anas.named('POST /api/Contract').length > 0, 'who says nothing of it is recorded')
})

t.test('of calls that begin a trace here a share is recorded', { timeout: 120_000 }, async (t) => {
  const { ana, anas, bens, contract, close } = await start(t, [{ sampleRatio: 0 }, { sampleRatio: 0 }])
  await ana.call('GET', `/new-api/${contract}`)
  await close()
  t.same([...anas.spans, ...bens.spans], [])
})

t.test(
  'a collector that hangs, or is not there, disturbs nothing, and does not hold up the end',
  { timeout: 120_000 },
  async (t) => {
    const { ana, anas, bens, contract, close } = await start(t)
    anas.hangs = true
    await bens.stop()
    await put(ana, contract, { Country: 'x' })
    t.equal((await ana.call('GET', `/new-api/${contract}`)).body.Country, 'x')
    const began = Date.now()
    await close()
    t.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`)
  },
)
