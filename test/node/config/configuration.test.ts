import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import {
  ConfigurationInvalid,
  ConfigurationMissing,
  checkConfiguration,
  createConfiguration,
  DEFAULT_API,
  DEFAULT_ENDPOINT,
  readConfiguration,
  readEnvironment,
} from '../../../src/node/config/configuration.ts'

const settings = {
  handle: 'acme-re' as Handle,
  name: 'Acme Re',
  endpoint: DEFAULT_ENDPOINT,
  api: DEFAULT_API,
}

t.test('the environment', async (t) => {
  t.strictSame(readEnvironment({}), { logLevel: 'info' })
  t.strictSame(readEnvironment({ CONCORDATA_PASSPHRASE: '', CONCORDATA_LOG_LEVEL: '' }), { logLevel: 'info' })
  t.strictSame(readEnvironment({ CONCORDATA_PASSPHRASE: ' s ', CONCORDATA_LOG_LEVEL: 'debug', HOME: '/' }), {
    passphrase: ' s ',
    logLevel: 'debug',
  })
  t.throws(() => readEnvironment({ CONCORDATA_LOG_LEVEL: 'loud' }), ConfigurationInvalid)
  t.throws(() => readEnvironment({ CONCORDATA_LOG_LEVEL: 'loud' }), {
    code: 'configuration_invalid',
    message: 'CONCORDATA_LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
  })
})

t.test('each process has its own user of the store, from its environment', async (t) => {
  const variables = { CONCORDATA_STORE_USER: 'serve', CONCORDATA_STORE_PASSWORD_FILE: 'pw' }
  const environment = readEnvironment(variables)
  t.same(environment.storeUser, { user: 'serve', passwordFile: 'pw' })
  t.throws(() => readEnvironment({ CONCORDATA_STORE_USER: 'serve' }), { code: 'configuration_invalid' })
  t.throws(() => readEnvironment({ CONCORDATA_STORE_PASSWORD_FILE: 'pw' }), { code: 'configuration_invalid' })
  const dir = t.testdir()
  const url = 'esdb://127.0.0.1:2113'
  const settings = { handle: 'ana' as Handle, name: 'ana', endpoint: DEFAULT_ENDPOINT, api: DEFAULT_API }
  const store = { url, user: 'node', passwordFile: 'other' }
  await createConfiguration(dir, { ...settings, store })
  t.same((await readConfiguration(dir, environment)).store, { url, user: 'serve', passwordFile: 'pw' })
  t.same((await readConfiguration(dir, readEnvironment({}))).store, store)
  const without = t.testdir({ none: {} })
  await createConfiguration(without, settings)
  await t.rejects(readConfiguration(without, environment), { code: 'configuration_invalid' })
})

t.test('a name that other parties cannot read alike is refused, and a decomposed one composed', async (t) => {
  t.equal(checkConfiguration('f', { ...settings, name: 'Zu\u0308rich Re' }).name, 'Zürich Re')
  t.throws(() => checkConfiguration('f', { ...settings, name: 'Ben Re\nfingerprint' }), {
    code: 'configuration_invalid',
    message:
      'f: name is not one that other parties can read: it has a character that is not taken (a control, invisible, private, unknown to Unicode 15.1, or with a meaning in paths): U+000A at place 7',
    evidence: { setting: 'name' },
  })
})

t.test('what is written is read', async (t) => {
  const dir = t.testdir()
  await createConfiguration(dir, settings)
  const read = await readConfiguration(dir, { logLevel: 'warn' })
  const defaults = { acknowledgement: [], contractsInMemory: 256, payloadWaitMs: 10_000 }
  t.strictSame(read, { dir, ...defaults, ...settings, logLevel: 'warn' })
  t.match(await readFile(join(dir, 'concordata.json'), 'utf8'), /^\{\n {2}"handle": "acme-re",\n/, 'for people to edit')
  await t.rejects(createConfiguration(dir, settings), { code: 'EEXIST' })
})

t.test('no data directory', async (t) => {
  const dir = t.testdir()
  await t.rejects(readConfiguration(dir, { logLevel: 'info' }), ConfigurationMissing)
  await t.rejects(readConfiguration(dir, { logLevel: 'info' }), {
    code: 'configuration_missing',
    message: `${dir} is no data directory (ENOENT: ${dir}/concordata.json); \`concordata init\` makes one`,
    evidence: { dir },
  })
})

t.test('URLs are taken in one form', async (t) => {
  const endpointFrom = (endpoint: string) => checkConfiguration('test', { ...settings, endpoint }).endpoint
  t.equal(endpointFrom('https://Node.Example.com:443/'), 'https://node.example.com')
  t.equal(endpointFrom('https://[::1]:7443'), 'https://[::1]:7443')
})

t.test('what is no configuration, and where it is wrong', async (t) => {
  const url = (setting: string, protocol: string, given: string) =>
    `test: ${setting} must be a URL of the form ${protocol}//host:port, not ${JSON.stringify(given)}`
  const cases = [
    { change: { handle: 'Acme Re' }, setting: 'handle', message: /^test: handle must match pattern/ },
    { change: { name: '' }, setting: 'name', message: /^test: name must not have fewer than 1 characters$/ },
    { change: { colour: 'red' }, setting: 'colour', message: 'test: colour is no setting' },
    ...[
      'http://127.0.0.1:7443',
      'https://127.0.0.1:7443/path',
      'https://u:p@host',
      'https://host?q',
      '127.0.0.1:7443',
      '',
    ].map((endpoint) => ({ change: { endpoint }, setting: 'endpoint', message: url('endpoint', 'https:', endpoint) })),
    {
      change: { store: { url: 'esdb://admin:hunter2@localhost:2113' } },
      setting: 'store/url',
      message: 'test: store/url must be without user and password: see `passwordFile`',
    },
    { change: { api: 'https://127.0.0.1' }, setting: 'api', message: url('api', 'http:', 'https://127.0.0.1') },
  ]
  for (const { change, setting, message } of cases) {
    t.throws(() => checkConfiguration('test', { ...settings, ...change }), {
      code: 'configuration_invalid',
      message,
      evidence: { source: 'test', setting },
    })
  }
  const dir = t.testdir()
  const path = join(dir, 'concordata.json')
  await writeFile(path, '{"handle":')
  await t.rejects(readConfiguration(dir, { logLevel: 'info' }), {
    code: 'configuration_invalid',
    message: new RegExp(`^${path} is not JSON: `),
  })
})

t.test('bounds on what others may take', async (t) => {
  const outwardLimits = { partyCallsPerSecond: 50, allConnectionsMax: 100 }
  t.match(checkConfiguration('test', { ...settings, outwardLimits }), { outwardLimits })
  for (const wrong of [{ partyCallsPerSecond: 0 }, { partyCallsPerSecond: 1.5 }, { callsPerSecond: 1 }]) {
    t.throws(() => checkConfiguration('test', { ...settings, outwardLimits: wrong }), { code: 'configuration_invalid' })
  }
})

t.test('the inward API goes beyond loopback only where somebody has said that TLS is in front of it', async (t) => {
  const takes = (change: object) => checkConfiguration('test', { ...settings, ...change })
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '[::1]'])
    t.doesNotThrow(() => takes({ api: `http://${host}:7480` }))
  const status = { receive: 'http://node.acme.example:7482' }
  for (const change of [
    { api: 'http://0.0.0.0:7480' },
    { api: 'http://[::]:7480' },
    { api: 'http://10.0.0.7' },
    { status },
  ]) {
    t.throws(() => takes(change), {
      code: 'configuration_invalid',
      message: /must be on loopback: .* "apiBehindProxy": true$/,
    })
    t.match(takes({ ...change, apiBehindProxy: true }), change)
  }
})

t.test('webhooks go to origins, and networks are such', async (t) => {
  const takes = (receivers: unknown, networks?: unknown) =>
    checkConfiguration('test', { ...settings, webhooks: { receivers, ...(networks !== undefined && { networks }) } })
  const good = [
    'https://hooks.example.com',
    'https://*.example.com:8443',
    'https://*',
    'http://10.0.0.1',
    'https://[::1]:9',
  ]
  t.same(takes(good, ['10.0.0.0/8', '::1', 'fd00::/8']).webhooks?.receivers, good)
  const bad = [
    'hooks.example.com',
    'https://a/b',
    'https://A.example',
    'ftp://a',
    'https://a:0',
    'https://u@a',
    'https://a*',
    '',
  ]
  for (const receiver of bad)
    t.throws(() => takes([receiver]), { code: 'configuration_invalid', evidence: { setting: 'webhooks/receivers/0' } })
  t.throws(() => takes([]), { code: 'configuration_invalid', evidence: { setting: 'webhooks/receivers' } })
  for (const network of ['10.0.0.0/33', '::1/129', '10.0.0', 'a.example', '10.0.0.0/8/8', 'fe80::1%lo'])
    t.throws(() => takes(good, [network]), {
      code: 'configuration_invalid',
      evidence: { setting: 'webhooks/networks/0' },
    })
})

t.test('where traces go, from the file or from the variables that OpenTelemetry has for it', async (t) => {
  const [file, env] = ['http://127.0.0.1:4318/v1/traces', 'http://collector:4318']
  const dir = t.testdir()
  const tracing = { endpoint: file, sampleRatio: 0.1 }
  await createConfiguration(dir, { ...settings, tracing })
  const read = async (variables: object) => (await readConfiguration(dir, readEnvironment({ ...variables }))).tracing
  t.same(await read({}), tracing)
  t.same(await read({ OTEL_EXPORTER_OTLP_ENDPOINT: `${env}/` }), { ...tracing, endpoint: `${env}/v1/traces` })
  const both = { OTEL_EXPORTER_OTLP_ENDPOINT: env, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${env}/elsewhere` }
  t.same(await read(both), { ...tracing, endpoint: `${env}/elsewhere` })
  t.throws(() => readEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }), {
    code: 'configuration_invalid',
    evidence: { setting: 'OTEL_EXPORTER_OTLP_ENDPOINT' },
  })
  const takes = (change: object) => checkConfiguration('test', { ...settings, tracing: change })
  for (const endpoint of [
    'grpc://collector:4317',
    'http://u:p@collector',
    'http://collector/?key=secret',
    'collector',
  ]) {
    t.throws(() => takes({ endpoint }), { code: 'configuration_invalid', evidence: { setting: 'tracing/endpoint' } })
  }
  t.throws(() => takes({ sampleRatio: 2 }), {
    evidence: { setting: 'tracing/sampleRatio' },
    code: 'configuration_invalid',
  })
})

t.test('whose access tokens are taken', async (t) => {
  const oidc = {
    issuer: 'https://login.acme.example/realms/acme',
    audience: 'concordata',
    rolesClaim: ['realm_access', 'roles'],
    roleMap: { 'contract-desk': ['reader', 'editor'] },
  }
  const takes = (change: object) => checkConfiguration('test', { ...settings, oidc: { ...oidc, ...change } })
  t.match(takes({ algorithms: ['ES256'], accessTokensOnly: true }), { oidc })
  t.match(takes({ issuer: 'http://127.0.0.1:8080', jwksUri: 'https://keys.acme.example/' }), {
    oidc: { audience: 'concordata' },
  })
  const wrong: [object, string][] = [
    [{ issuer: 'http://login.acme.example' }, 'oidc/issuer'],
    [{ issuer: 'https://u:p@login.acme.example' }, 'oidc/issuer'],
    [{ issuer: 'https://login.acme.example?x' }, 'oidc/issuer'],
    [{ jwksUri: 'http://login.acme.example/keys' }, 'oidc/jwksUri'],
    [{ algorithms: ['HS256'] }, 'oidc/algorithms/0'],
    [{ algorithms: ['none'] }, 'oidc/algorithms/0'],
    [{ roleMap: { all: ['king'] } }, 'oidc/roleMap/all/0'],
    [{ clockToleranceSeconds: 3600 }, 'oidc/clockToleranceSeconds'],
    [{ secret: 'x' }, 'oidc/secret'],
  ]
  for (const [change, setting] of wrong) {
    t.throws(() => takes(change), { code: 'configuration_invalid', evidence: { setting } }, JSON.stringify(change))
  }
  t.throws(() => takes({ roleMap: { all: ['king'] } }), {
    message: /must be "reader" or "editor" or "voter" or "operator"/,
  })
})
