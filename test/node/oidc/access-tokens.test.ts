import { createHmac, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { CompactSign, exportSPKI, importJWK, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import type { OidcSettings } from '../../../src/node/config/oidc-settings.ts'
import { AccessTokens } from '../../../src/node/oidc/access-tokens.ts'
import type { ConcordataError } from '../../../src/runtime/errors.ts'
import { OidcIssuer } from '../../support/oidc-issuer.ts'
import { tlsIdentity } from '../../support/tls.ts'

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

async function start(t: Test, more: Partial<OidcSettings> = {}, issuer?: OidcIssuer) {
  const provider = issuer ?? (await OidcIssuer.start())
  let aheadMs = 0
  const clock = { now: () => Date.now() + aheadMs, after: () => () => {} }
  const failures: unknown[] = []
  const settings: OidcSettings = {
    issuer: provider.url,
    audience: 'concordata',
    rolesClaim: 'groups',
    roleMap: { readers: ['reader'], writers: ['reader', 'editor'], ops: ['operator'] },
    ...more,
  }
  const tokens = await AccessTokens.open(t.testdirName, settings, { clock, failed: (error) => failures.push(error) })
  t.teardown(async () => {
    await tokens.close()
    await provider.goDown().catch(() => {})
  })
  const refusal = (token: string) =>
    tokens.whoIs(token).then(
      (caller) => ({ let: caller }),
      ({ code, evidence }: ConcordataError) => [code, ...Object.values(evidence)].join(' '),
    )
  return { provider, tokens, refusal, failures, wait: (ms: number) => (aheadMs += ms) }
}

t.test('a token of the issuer says who calls, what that caller may do, and until when', async (t) => {
  const { provider, tokens } = await start(t)
  const exp = Math.floor(Date.now() / 1000) + 100
  const caller = await tokens.whoIs(await provider.token({ groups: ['writers', 'ops', 'golfers', 7], exp }))
  t.same(caller, {
    name: `ana@${new URL(provider.url).host}`,
    roles: ['reader', 'editor', 'operator'],
    until: (exp + 30) * 1000,
  })
  for (const groups of [[], ['golfers'], 'readers2', undefined, { readers: true }, ['__proto__', 'constructor']]) {
    t.same((await tokens.whoIs(await provider.token({ groups }))).roles, [], 'unknown roles are no roles')
  }
})

t.test('roles stand in a claim of any depth, as words of a string or as an array', async (t) => {
  const { provider, tokens } = await start(t, { rolesClaim: ['realm_access', 'roles'] })
  t.same((await tokens.whoIs(await provider.token({ realm_access: { roles: ['ops'] } }))).roles, ['operator'])
  t.same((await tokens.whoIs(await provider.token({ realm_access: { roles: 'openid readers ops' } }))).roles, [
    'reader',
    'operator',
  ])
  t.same((await tokens.whoIs(await provider.token({ realm_access: 'ops' }))).roles, [])
})

t.test('names are told apart, and stay on one line', async (t) => {
  const { provider, tokens, refusal } = await start(t)
  const nameOf = async (sub: string) => (await tokens.whoIs(await provider.token({ sub }))).name
  t.match(await nameOf('a\n{"who":"root"} b@c'), /^a%0A%7B%22who%22%3A%22root%22%7D%20b%40c@127\.0\.0\.1:\d+$/)
  for (const sub of ['', 'x'.repeat(256), '\ud800', 7 as unknown as string]) {
    t.equal(await refusal(await provider.token({ sub })), 'token_invalid subject')
  }
})

t.test('what is not good for this API is refused, and why', async (t) => {
  const { provider, refusal } = await start(t)
  const now = Math.floor(Date.now() / 1000)
  const cases: [string, Promise<string> | string][] = [
    ['expired', provider.token({ exp: now - 31 })],
    ['not_yet', provider.token({ nbf: now + 60 })],
    ['claim_aud', provider.token({ aud: 'another-api' })],
    ['claim_aud', provider.token({ aud: undefined as unknown as string })],
    ['claim_iss', provider.token({ iss: `${provider.url}/` })],
    ['claim_exp', provider.token({ exp: undefined as unknown as number })],
    ['claim_exp', provider.token({ exp: '9999999999' as unknown as number })],
    ['claim_sub', provider.token({ sub: undefined as unknown as string })],
    ['type', provider.token({}, { typ: 'logout+jwt' })],
    ['type', provider.token({}, { typ: 'dpop+jwt' })],
    [
      'malformed',
      provider.token({}, { crit: ['x'], x: 1 }).catch(() => 'eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdLCJ4IjoxfQ.e30.AA'),
    ],
    ['malformed', 'eyJ.e30.AA'],
    ['too_long', provider.token({ padding: 'x'.repeat(9000) })],
  ]
  for (const [reason, token] of cases) t.equal(await refusal(await token), `token_invalid ${reason}`, reason)
  t.match(await refusal(await provider.token({ exp: now - 20 })), { let: {} }, 'clocks may be 30 s apart')
  t.match(await refusal(await provider.token({}, { typ: 'JWT' })), { let: {} }, 'plain providers write JWT')
})

t.test('only what calls itself an access token is taken where that is asked for', async (t) => {
  const { provider, refusal } = await start(t, { accessTokensOnly: true })
  t.equal(await refusal(await provider.token({}, { typ: 'JWT' })), 'token_invalid type')
  t.match(await refusal(await provider.token({}, { typ: 'application/at+jwt' })), { let: {} })
})

t.test('nobody makes a token by confusing algorithms', async (t) => {
  const { provider, refusal } = await start(t)
  await provider.rotate({ alg: 'RS256', forget: false })
  const [ec, rsa] = provider.keys
  const claims = {
    iss: provider.url,
    aud: 'concordata',
    sub: 'eve',
    exp: Math.floor(Date.now() / 1000) + 60,
    groups: ['ops'],
  }
  const forged = (header: object, signature = '') => {
    const input = `${base64(header)}.${base64(claims)}`
    return `${input}.${signature}`
  }
  t.equal(await refusal(forged({ alg: 'none', typ: 'at+jwt' })), 'token_invalid algorithm')
  t.equal(await refusal(forged({ alg: 'None', kid: ec?.kid })), 'token_invalid algorithm')
  const publicKeys = [JSON.stringify(rsa?.jwk), await exportSPKI((await importJWK(rsa?.jwk ?? {}, 'RS256')) as never)]
  for (const secret of [...publicKeys, '']) {
    const input = `${base64({ alg: 'HS256', kid: rsa?.kid })}.${base64(claims)}`
    const token = `${input}.${createHmac('sha256', secret || ' ')
      .update(input)
      .digest('base64url')}`
    t.equal(await refusal(token), 'token_invalid algorithm', 'a public key is no secret')
  }
  t.equal(await refusal(await provider.token({}, { kid: ec?.kid as string })), 'token_invalid key', 'of another kind')
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = { typ: 'at+jwt', alg: 'ES256', kid: ec?.kid as string, jwk: publicKey.export({ format: 'jwk' }) as never }
  const withOwnKey = await new SignJWT(claims)
    .setProtectedHeader({ ...own, jku: 'https://eve.example/keys' })
    .sign(privateKey)
  t.equal(await refusal(withOwnKey), 'token_invalid signature', 'a key in the token itself counts for nothing')
  const good = await provider.token({}, {}, ec)
  const [head, , signature] = good.split('.')
  t.equal(await refusal(`${head}.${base64(claims)}.${signature}`), 'token_invalid signature')
  t.equal(await refusal(`${head}.${good.split('.')[1]}.`), 'token_invalid signature')
})

t.test('a secret among the published keys is passed over, and algorithms can be narrowed', async (t) => {
  const { provider, refusal } = await start(t, { algorithms: ['PS256', 'ES256'] })
  const secret = Buffer.from('a secret of thirty-two characters')
  provider.instead.set('/keys', (_, response) => {
    const oct = { kty: 'oct', kid: 'oct', k: secret.toString('base64url'), alg: 'HS256' }
    response.end(JSON.stringify({ keys: [oct, ...provider.keys.map(({ jwk }) => jwk)] }))
  })
  t.match(await refusal(await provider.token()), { let: {} })
  const signed = await new SignJWT({ iss: provider.url }).setProtectedHeader({ alg: 'HS256', kid: 'oct' }).sign(secret)
  t.equal(await refusal(signed), 'token_invalid algorithm')
  await provider.rotate({ alg: 'RS256', forget: false })
  t.equal(await refusal(await provider.token()), 'token_invalid algorithm', 'not among those that are allowed')
})

t.test('new keys are found when a token names them, and old ones are forgotten with the issuer', async (t) => {
  const { provider, refusal, wait } = await start(t)
  const old = await provider.token()
  t.match(await refusal(old), { let: {} })
  await provider.rotate()
  wait(11_000)
  t.match(await refusal(await provider.token()), { let: {} })
  t.equal(await refusal(old), 'token_invalid key')
})

t.test('whoever makes up names of keys does not make the node ask the issuer each time', async (t) => {
  const { provider, refusal, wait } = await start(t)
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => refusal(await provider.token({}, { kid: `made-up-${n}` }))),
  )
  t.equal(provider.asked.get('/keys'), 1)
  wait(11_000)
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => refusal(await provider.token({}, { kid: `made-up-${n}` }))),
  )
  t.equal(provider.asked.get('/keys'), 2)
})

t.test('without the issuer nobody is let in who is not known, and with it again everybody is', async (t) => {
  const { provider, refusal, failures, wait } = await start(t)
  const token = await provider.token({ exp: Math.floor(Date.now() / 1000) + 100_000 })
  await provider.goDown()
  t.equal(await refusal(token), 'issuer_unavailable')
  await provider.comeBack()
  t.equal(await refusal(token), 'issuer_unavailable', 'it is left alone for a moment')
  wait(2_001)
  t.match(await refusal(token), { let: {} })
  await provider.goDown()
  wait(11 * 60_000)
  t.match(await refusal(token), { let: {} }, 'keys that are known go on being trusted for a while')
  const unknown = await provider.token({ exp: 9_999_999_999 }, { kid: 'unknown' })
  t.equal(await refusal(unknown), 'issuer_unavailable', 'it may be the newest')
  t.ok(failures.length <= 1)
  wait(60 * 60_000)
  t.equal(await refusal(token), 'issuer_unavailable', 'and not for ever')
})

t.test('what an issuer serves is taken only if it is what it has to be', async (t) => {
  const discovery = '/.well-known/openid-configuration'
  const { provider, refusal, wait } = await start(t)
  const token = await provider.token()
  const document = { issuer: provider.url, jwks_uri: `${provider.url}/keys` }
  const serves = (path: string, text: string, status = 200, headers = {}) =>
    provider.instead.set(path, (_, response) => response.writeHead(status, headers).end(text))
  const bad: [string, string, number?, object?][] = [
    [discovery, JSON.stringify({ ...document, issuer: 'https://eve.example' })],
    [discovery, JSON.stringify({ ...document, jwks_uri: 'http://eve.example/keys' })],
    [discovery, JSON.stringify({ ...document, jwks_uri: 'file:///etc/passwd' })],
    [discovery, '', 302, { location: `${provider.url}/elsewhere` }],
    [discovery, 'no JSON'],
    ['/keys', JSON.stringify({ keys: 'none' })],
    ['/keys', '{}', 500],
    ['/keys', `{"keys":[], "padding": "${'x'.repeat(300_000)}"}`],
  ]
  for (const [path, text, status, headers] of bad) {
    serves(path, text, status, headers)
    t.equal(await refusal(token), 'issuer_unavailable', text.slice(0, 60))
    provider.instead.clear()
    wait(2_001)
  }
  t.match(await refusal(token), { let: {} })
})

t.test('an issuer behind TLS is believed by its authority, or not at all', async (t) => {
  const tls = tlsIdentity('issuer')
  const provider = await OidcIssuer.start(tls)
  const dir = t.testdir({})
  await writeFile(join(dir, 'issuer-ca.pem'), tls.certificate)
  const token = await provider.token()
  const stranger = await start(t, {}, provider)
  t.equal(await stranger.refusal(token), 'issuer_unavailable')
  const known = await start(t, { ca: join(dir, 'issuer-ca.pem'), jwksUri: `${provider.url}/keys` }, provider)
  t.match(await known.refusal(token), { let: {} })
  t.notOk(provider.asked.has('/.well-known/openid-configuration'), 'it was told where the keys are')
})

t.test('whatever a token says, signed or not, it names a caller or is refused with a code', async (t) => {
  const { provider, refusal } = await start(t)
  const good = await provider.token()
  const claims = JSON.parse(Buffer.from(good.split('.')[1] as string, 'base64url').toString())
  const isFit = (found: unknown) =>
    typeof found === 'string'
      ? found.startsWith('token_invalid ')
      : /^[^\s"]+@127/.test((found as { let: { name: string } }).let.name)
  const change = fc.record({ claim: fc.constantFrom(...Object.keys(claims), 'nbf'), value: fc.jsonValue() })
  await fc.assert(
    fc.asyncProperty(change, async ({ claim, value }) => {
      const signed = new CompactSign(Buffer.from(JSON.stringify({ ...claims, [claim]: value })))
      signed.setProtectedHeader({ alg: provider.newest.alg, kid: provider.newest.kid, typ: 'at+jwt' })
      return isFit(await refusal(await signed.sign(provider.newest.privateKey)))
    }),
    { numRuns: 200 },
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.string({ maxLength: 3 }), async (at, text) =>
      isFit(await refusal(good.slice(0, at) + text + good.slice(at + text.length))),
    ),
    { numRuns: 300 },
  )
})

t.test('whatever an issuer serves as keys, nobody gets in by it, and nothing breaks', async (t) => {
  const { provider, refusal, wait } = await start(t)
  const good = await provider.token({ exp: 9_999_999_999 })
  const { jwk } = provider.newest
  const change = fc.record({ member: fc.constantFrom(...Object.keys(jwk)), value: fc.jsonValue() })
  await fc.assert(
    fc.asyncProperty(change, async ({ member, value }) => {
      provider.instead.set('/keys', (_, response) =>
        response.end(JSON.stringify({ keys: [{ ...jwk, [member]: value }] })),
      )
      wait(61 * 60_000)
      const found = await refusal(good)
      return found === 'issuer_unavailable' || String(found).startsWith('token_invalid ') || typeof found === 'object'
    }),
    { numRuns: 60 },
  )
})
