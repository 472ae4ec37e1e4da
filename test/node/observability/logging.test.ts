import { mkdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Running, startProcess } from '../../../src/cli/demo/party-process.ts'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { openIdentity } from '../../../src/node/identity/identity.ts'
import { accessLogPath } from '../../../src/node/inward/access-log.ts'
import { openLogger } from '../../../src/node/observability/logging.ts'
import { ConcordataError } from '../../../src/runtime/errors.ts'
import { ask } from '../../support/https.ts'
import { configure, type NodeParty, newParty, until } from '../../support/node-party.ts'
import { OidcIssuer } from '../../support/oidc-issuer.ts'
import { OtlpCollector } from '../../support/otlp-collector.ts'
import { runCommand } from '../../support/run-command.ts'
import { addEachOther } from '../../support/shared-contract.ts'

/** What is written into documents, and what is shown as a key, in this test: it must turn up nowhere. */
const VALUE = 'Zanzibarvalue'
const SECRET = 'Quetzalsecret'

t.test('of what is logged, keys are blotted out and errors cut down to what is safe', async (t) => {
  const lines: string[] = []
  const logger = openLogger({ logLevel: 'trace' }, { party: 'ana' }, { write: (line) => void lines.push(line) })
  const key = `concordata_${'A'.repeat(43)}`
  const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'
  logger.info(
    { path: `/live?token=${SECRET}` },
    `GET /live?from=1&token=${SECRET}&x=1 with Bearer ${SECRET}, ${key} and ${jwt}`,
  )
  const parsing = (() => {
    try {
      return JSON.parse(`{"Country": ${VALUE}}`)
    } catch (error) {
      return error
    }
  })()
  const raw = Object.assign(new Error('Parse Error'), {
    rawPacket: Buffer.from(VALUE),
    code: 'HPE_INVALID',
    headers: { a: VALUE },
  })
  const own = new ConcordataError('store_corrupt', 'line one\n    at line two', { revision: 3 }, { cause: parsing })
  for (const err of [parsing, raw, own]) logger.error({ err }, 'failed')
  logger.error(raw)
  logger.error({
    req: { method: 'GET', url: `/x?token=${SECRET}`, headers: { authorization: SECRET } },
    res: { statusCode: 500 },
  })
  const [info, first, second, third, fourth, fifth] = lines.map((line) => JSON.parse(line))
  t.notMatch(lines.join(''), new RegExp(`${VALUE}|${SECRET}|AAAAA|c2ln|${[...Buffer.from(VALUE)].join(',')}`))
  t.match(info, { path: '/live', msg: 'GET /live?from=1&token=…&x=1 with Bearer … … and …', party: 'ana' })
  t.match(first.err, { type: 'SyntaxError', message: 'cannot be parsed', stack: /^ {4}at / })
  t.match(second.err, { type: 'Error', code: 'HPE_INVALID', message: 'Parse Error' })
  t.match(third.err, { code: 'store_corrupt', evidence: { revision: 3 }, cause: { message: 'cannot be parsed' } })
  t.notMatch(third.err.stack, /line two/)
  t.match(fourth.err, { message: 'Parse Error' })
  t.same([fifth.req, fifth.res], [{ method: 'GET' }, { statusCode: 500 }])
})

async function start(t: Test) {
  process.env.CONCORDATA_LOG_LEVEL = 'trace'
  const [issuer, collector] = [await OidcIssuer.start(), await OtlpCollector.start()]
  const root = t.testdir()
  const parties = [await newParty(join(root, 'a'), 'ana'), await newParty(join(root, 'b'), 'ben')] as const
  const oidc = {
    issuer: issuer.url,
    audience: 'concordata',
    rolesClaim: 'groups',
    roleMap: { readers: ['reader'] },
  } as const
  const processes: Running[] = []
  for (const party of parties) {
    await configure(party, { oidc: oidc as never, tracing: { endpoint: collector.endpoint } })
    processes.push(await startProcess(party.data, 'node'))
  }
  let isOpen = true
  const stop = async () => {
    if (isOpen) for (const running of processes) await running.stop()
    isOpen = false
  }
  t.teardown(async () => {
    await stop()
    await issuer.goDown().catch(() => {})
    await collector.stop()
  })
  const [ana, ben] = parties
  await addEachOther(ana, ben)
  await until('both know each other', async () => {
    const known = await Promise.all(parties.map(async (party) => (await party.call('GET', '/api/Party')).body))
    return known.every((list) => list.some(({ status }: { status: string }) => status === 'approved'))
  })
  return { ana, ben, issuer, collector, stop }
}

/** Bytes as a broken or hostile client sends them. */
async function raw({ api }: NodeParty, text: string): Promise<void> {
  const socket = connect(Number(new URL(api).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.end(text)
  await new Promise((resolve) => socket.once('close', resolve))
}

async function websocket({ api }: NodeParty, path: string, says?: string): Promise<void> {
  const socket = new WebSocket(`${api.replace('http', 'ws')}${path}`)
  await new Promise((resolve) => {
    socket.addEventListener('error', resolve)
    socket.addEventListener('close', resolve)
    socket.addEventListener('message', () => socket.close())
    socket.addEventListener('open', () => (says === undefined ? socket.close() : socket.send(says)))
  })
}

t.test('a node that tells all it can tells no values and no secrets', { timeout: 240_000 }, async (t) => {
  const { ana, ben, issuer, collector, stop } = await start(t)
  const { contract } = (await ana.call('POST', '/api/Contract', { title: VALUE })).body
  await ana.call('POST', `/api/Contract/${contract}/Invitations`, { party: 'ben' })
  await until(
    'ben is invited',
    async () => (await ben.call('GET', `/api/Contract/${contract}`)).body?.standing === 'invited',
  )
  await ben.call('POST', `/api/Contract/${contract}/Acceptance`)
  await until(
    'ben is a member',
    async () => (await ana.call('GET', `/api/Contract/${contract}`)).body?.members?.length === 2,
  )

  const at = `/new-api/${contract}`
  t.equal((await ana.call('POST', at, { Country: VALUE, Sum: 7, Claim: { Note: VALUE } })).status, 200)
  const from = async (token: string, method: string, path: string, body?: string, type = 'application/json') => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type, prefer: 'wait=5' }
    const response = await fetch(`${ana.api}${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
    await response.text()
    return response.status
  }
  // Writes that are refused, by this node and by the rules.
  const writes: [string, string, string | undefined, string?][] = [
    ['PUT', `${at}/Sum`, JSON.stringify(VALUE)],
    ['PUT', `${at}/Sum`, VALUE, 'text/plain'],
    ['PUT', `${at}/Nowhere/Below`, JSON.stringify(VALUE)],
    ['PUT', at, `{"Country": ${VALUE}`],
    ['PUT', at, `{"$proto": {"x": "${VALUE}"}}`],
    ['PUT', at, VALUE, 'application/xml'],
    ['POST', at, JSON.stringify({ New: { $field: { type: VALUE }, $value: VALUE } })],
    ['POST', `/api/Contract/${contract}/Invitations`, JSON.stringify({ party: VALUE })],
    ['POST', `/api/Contract/${contract}/Lock`, JSON.stringify({ note: VALUE })],
    ['PATCH', at, JSON.stringify({ Sum: VALUE })],
    ['GET', `/api/FullContract?ContractId=${VALUE}`, undefined],
  ]
  for (const [method, path, body, type] of writes) {
    const status = await from(ana.token, method, path, body, type)
    t.ok(status >= 400, `${method} ${path} ${status}`)
  }
  // Its body is refused by its length, which may end the connection before the answer is read.
  t.ok([413, 0].includes(await from(ana.token, 'POST', at, JSON.stringify(VALUE.repeat(400_000))).catch(() => 0)))
  // Keys and tokens: good ones, bad ones, in the wrong places.
  const token = await issuer.token()
  t.equal(await from(token, 'GET', at), 200)
  for (const bad of [
    SECRET,
    `concordata_${SECRET}`,
    `eyJ${SECRET}.${SECRET}.${SECRET}`,
    await issuer.token({ aud: SECRET }),
  ]) {
    t.equal(await from(bad, 'GET', at), 401)
    await websocket(ana, `/live?token=${bad}`)
    await websocket(ana, `/nowhere?token=${bad}`)
  }
  for (const good of [ana.token, token]) {
    await websocket(ana, `/live?token=${good}`, JSON.stringify({ subscribe: at, from: 0 }))
    await websocket(ana, `/live?token=${good}`, `${VALUE} is no JSON`)
    await websocket(ana, `/nowhere?token=${good}`)
    t.equal(await from('', 'GET', `/metrics?token=${good}`), 401)
    t.equal(await from('', 'GET', `/nowhere?token=${good}`), 401)
  }
  const key = (await runCommand('api-key', 'add', 'erp', '--role', 'reader', '--data', ana.data)).output.trim()
  t.equal(await from(key, 'PUT', at, JSON.stringify({ Country: VALUE })), 403)
  // What is no HTTP.
  await raw(
    ana,
    `PUT ${at} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SECRET}\r\nContent-Length: nonsense ${VALUE}\r\n\r\n`,
  )
  await raw(ana, `${VALUE} ${SECRET}\r\n\r\n`)
  await raw(ana, `GET /live?token=${SECRET} HTTP/1.1\r\nHost: x\r\nX: ${VALUE.repeat(2_000)}\r\n\r\n`)
  await raw(
    ana,
    `PUT ${at} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ana.token}\r\nContent-Length: 999\r\n\r\n{"Country": "${VALUE}`,
  )
  // A hostile member, and a stranger.
  const environment = readEnvironment(process.env)
  const { tls } = await openIdentity(await readConfiguration(ben.data, environment), environment)
  const header = JSON.stringify({ contracts: { [contract]: {} }, v: 1 })
  for (const line of [VALUE, `{"signature":"${VALUE}","statement":{"party":"${VALUE}"}}`, `{"${VALUE}":"${VALUE}"}`]) {
    await ask(ana.endpoint, tls, { from: 'ben', to: 'ana', body: `${header}\n${line}` })
    await ask(ana.endpoint, undefined, { from: 'ben', to: 'ana', body: `${header}\n${line}` })
  }
  await ask(ana.endpoint, tls, {
    from: 'ben',
    to: 'ana',
    body: `${header}\n`,
    headers: { 'content-type': 'application/x-ndjson', traceparent: VALUE },
  })
  await ask(ana.endpoint, undefined, { path: '/.well-known/did.json', body: `{"introduction": "${VALUE}"}` })
  // A fault of the node itself, and a provider that is away.
  await rm(accessLogPath(ana.data))
  await mkdir(accessLogPath(ana.data))
  t.equal(await from(ana.token, 'PUT', at, JSON.stringify({ Country: VALUE })), 503)
  await rm(accessLogPath(ana.data), { recursive: true })
  await issuer.goDown()
  t.equal(await from(await issuer.token({}, { kid: SECRET }), 'GET', at), 401, 'keys were looked up a moment ago')
  t.equal(await from(ana.token, 'PUT', at, JSON.stringify({ Country: `${VALUE} again` })), 200)

  const metrics = await (
    await fetch(`${ana.api}/metrics`, { headers: { authorization: `Bearer ${ana.token}` } })
  ).text()
  await stop()
  const told = {
    'log of ana': await readFile(join(ana.data, 'node.log'), 'utf8'),
    'log of ben': await readFile(join(ben.data, 'node.log'), 'utf8'),
    'access.log': await readFile(accessLogPath(ana.data), 'utf8'),
    metrics,
    traces: collector.text,
  }
  const marks = [
    VALUE,
    [...Buffer.from(VALUE)].join(','),
    SECRET,
    ana.token,
    ben.token,
    key,
    token,
    token.split('.')[2] as string,
  ]
  for (const [what, text] of Object.entries(told)) {
    t.ok(text.length > 0, what)
    for (const mark of marks) {
      const found = text.indexOf(mark)
      t.equal(found, -1, `${what}: ${found === -1 ? '' : text.slice(Math.max(0, found - 300), found + 100)}`)
    }
  }
  t.match(told['log of ana'], /"level":10/, 'it was told to tell all')
  t.match(told['log of ana'], /statements were refused|request failed/)
})
