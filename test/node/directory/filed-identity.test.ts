import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import type { TlsCredentials } from '../../../src/gossip/transport/protocol.ts'
import { didDocument, readDidDocument } from '../../../src/node/directory/did-document.ts'
import { type FiledIdentity, readFiledIdentity, verifyFiled } from '../../../src/node/directory/filed-identity.ts'
import { introductionDocument } from '../../../src/node/directory/introduction.ts'
import { didWebUrl } from '../../../src/node/identity/did-web.ts'
import { newAuthority } from '../../support/authority.ts'
import { testParty } from '../../support/party.ts'
import { webServer } from '../../support/web-server.ts'

const TIMEOUT_MS = 5000
const ENDPOINT = 'https://node.acme.example:7443'
const authority = newAuthority('An authority of the test')
const acme = testParty('acme')
const localhost = authority.issue('localhost')

/** Reads what a server at `localhost` answers, from whoever its certificate is. */
async function read(t: Test, answer: RequestListener, tls: TlsCredentials = localhost, timeoutMs = TIMEOUT_MS) {
  const did = `did:web:localhost%3A${await webServer(t, tls, answer)}`
  return readFiledIdentity(did, didWebUrl(did) as URL, { ca: authority.certificate, timeoutMs })
}

const filed = (did: string) => JSON.stringify(didDocument({ did, keys: acme.card.keys }, ENDPOINT))
const didAsked = (host = '') => `did:web:${host.replace(':', '%3A')}`

t.test('keys and endpoint are read where the DID stands for, with who vouches for what', async (t) => {
  const asked: unknown[] = []
  const identity = await read(t, ({ method, url, headers }, answer) => {
    asked.push([method, url])
    answer.end(filed(didAsked(headers.host)))
  })
  t.strictSame(asked, [['GET', '/.well-known/did.json']], 'nothing else is asked')
  t.match(identity, { keys: acme.card.keys, endpoint: ENDPOINT })
  const { validFrom, validTo, ...vouching } = identity.vouching
  t.match(vouching, {
    domain: /^localhost:\d+$/,
    issuer: 'CN=An authority of the test',
    root: 'CN=An authority of the test',
    address: /^(127\.0\.0\.1|::1)$/,
  })
  t.ok(Date.parse(validFrom) < Date.now() && Date.parse(validTo) > Date.now())
})

t.test('without an authority that is trusted, for that name and now, nothing is sent, let alone read', async (t) => {
  const cases: [string, TlsCredentials, RegExp][] = [
    ['another authority', newAuthority('Another').issue('localhost'), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
    ['another of the same name', newAuthority('An authority of the test').issue('localhost'), /SIGNATURE|VERIFY/],
    ['the certificate of another domain', authority.issue('mallory.example'), /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['one that has expired', authority.issue('localhost', { from: -30, to: -1 }), /CERT_HAS_EXPIRED/],
    ['one that is not valid yet', authority.issue('localhost', { from: 1 }), /CERT_NOT_YET_VALID/],
  ]
  for (const [name, tls, reason] of cases) {
    let calls = 0
    const reading = read(
      t,
      ({ headers }, answer) => {
        calls++
        answer.end(filed(didAsked(headers.host)))
      },
      tls,
    )
    await t.rejects(reading, { code: 'did_untrusted', evidence: { reason } }, name)
    t.equal(calls, 0, name)
  }
})

t.test('no other place is asked, and no answer is waited for or read without bound', async (t) => {
  let elsewhere = 0
  const other = await webServer(t, localhost, (_, answer) => {
    elsewhere++
    answer.end('{}')
  })
  const cases: [string, RequestListener, { code: string; message?: RegExp; evidence?: object }, number?][] = [
    [
      'a redirect',
      (_, answer) => answer.writeHead(302, { location: `https://localhost:${other}/` }).end(),
      { code: 'did_unavailable', message: /status 302, and redirects are not followed/, evidence: { status: 302 } },
    ],
    [
      'a permanent one, with a body that would do',
      ({ headers }, answer) =>
        answer.writeHead(308, { location: `https://localhost:${other}/` }).end(filed(didAsked(headers.host))),
      { code: 'did_unavailable', evidence: { status: 308 } },
    ],
    [
      'not there',
      (_, answer) => answer.writeHead(404).end('{}'),
      { code: 'did_unavailable', evidence: { status: 404 } },
    ],
    [
      'without end',
      (_, answer) => {
        const more = () => answer.write('x'.repeat(65_536), more)
        more()
      },
      { code: 'did_unavailable', evidence: { reason: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' } },
    ],
    ['never', () => {}, { code: 'did_unavailable', evidence: { reason: 'peer_timeout' } }, 300],
    [
      'a byte at a time',
      (_, answer) => {
        const timer = setInterval(() => answer.write(' '), 20)
        answer.on('close', () => clearInterval(timer))
      },
      { code: 'did_unavailable', evidence: { reason: 'peer_timeout' } },
      300,
    ],
    [
      'compressed',
      (_, answer) => answer.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      { code: 'did_unavailable' },
    ],
    ['no HTTP', (request) => request.socket.end('SSH-2.0\r\n'), { code: 'did_unavailable' }],
    ['cut off', (request) => request.socket.destroy(), { code: 'did_unavailable' }],
  ]
  for (const [name, answer, refused, timeoutMs] of cases)
    await t.rejects(read(t, answer, localhost, timeoutMs), refused, name)
  t.equal(elsewhere, 0)
})

t.test('a document that does not say, once, which keys and which endpoint, is none', async (t) => {
  const did = 'did:web:acme.example'
  const good = didDocument({ did, keys: acme.card.keys }, ENDPOINT)
  const [signing, recovery] = good.verificationMethod
  const [service] = good.service
  const bytes = (document: unknown) => Buffer.from(JSON.stringify(document))
  const documents: [string, unknown][] = [
    ['null', null],
    ['an array', []],
    ['of another DID', { ...good, id: 'did:web:mallory.example' }],
    ['no signing key', { ...good, verificationMethod: [recovery] }],
    ['no recovery key', { ...good, verificationMethod: [signing] }],
    ['two signing keys', { ...good, verificationMethod: [signing, signing, recovery] }],
    ['a key of another kind', { ...good, verificationMethod: [{ ...signing, publicKeyJwk: { kty: 'EC' } }, recovery] }],
    ['a private key', { ...good, verificationMethod: [{ ...signing, publicKeyJwk: 'secret' }, recovery] }],
    [
      'a key with bits too many',
      {
        ...good,
        verificationMethod: [
          { ...signing, publicKeyJwk: { ...signing?.publicKeyJwk, x: signing?.publicKeyJwk.x.replace(/.$/, 'B') } },
          recovery,
        ],
      },
    ],
    ['a signing key that is not for assertions', { ...good, assertionMethod: [`${did}#recovery`] }],
    ['no service', { ...good, service: [] }],
    ['two services', { ...good, service: [service, service] }],
    ['a service of another type', { ...good, service: [{ ...service, type: 'LinkedDomains' }] }],
    ...([
      'http://node.acme.example/exchange',
      'https://node.acme.example/',
      'https://me@node.acme.example/exchange',
      'https://NODE.acme.example/exchange',
      'https://node.acme.example:443/exchange',
      'https://node.acme.example:99999/exchange',
      'https:///exchange',
      ['https://node.acme.example/exchange'],
      null,
    ].map((serviceEndpoint) => [
      `the endpoint ${serviceEndpoint}`,
      { ...good, service: [{ ...service, serviceEndpoint }] },
    ]) as [string, unknown][]),
    ['members without end', { ...good, more: Array.from({ length: 3000 }, () => 0) }],
    ['too deep', { ...good, more: JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) }],
  ]
  for (const [name, document] of documents)
    t.throws(() => readDidDocument(did, bytes(document)), { code: 'did_document_malformed' }, name)
  for (const text of ['', '{', '<html>', `\ufeff${JSON.stringify(good)}`])
    t.throws(() => readDidDocument(did, Buffer.from(text)), { code: 'did_document_malformed' }, text)
  t.throws(() => readDidDocument(did, Buffer.of(0x7b, 0xff, 0x7d)), { code: 'did_document_malformed' })
  const small = { ...signing, publicKeyJwk: { kty: 'OKP', crv: 'Ed25519', x: `AQ${'A'.repeat(41)}` } }
  const withSmall = bytes({ ...good, verificationMethod: [small, recovery] })
  t.throws(() => readDidDocument(did, withSmall), { code: 'key_not_admissible' })

  const read = { keys: acme.card.keys, endpoint: ENDPOINT }
  t.strictSame(readDidDocument(did, bytes(good)), read)
  const relative = [signing, recovery].map((method) => ({ ...method, id: method?.id.slice(did.length) }))
  const wider = {
    ...good,
    alsoKnownAs: ['https://acme.example'],
    verificationMethod: [{ id: '#other', type: 'Multikey' }, ...relative],
    assertionMethod: [{ id: '#embedded' }, '#signing'],
    service: [
      { id: '#web', type: 'LinkedDomains' },
      { ...service, type: ['ConcordataExchange', 'Other'] },
    ],
  }
  t.strictSame(readDidDocument(did, bytes(wider)), read, 'what else a company files there does not matter')
  const own = introductionDocument(await acme.introduce({ endpoint: ENDPOINT }))
  t.strictSame(readDidDocument(acme.card.did, Buffer.from(own)), read, 'what a node serves would do as well')
})

t.test('the node has to say the same as what is filed', async (t) => {
  const { did, keys } = acme.card
  const identity = { did, keys, endpoint: ENDPOINT } as FiledIdentity
  const [{ introduction }, mallory] = [await acme.introduce({ endpoint: ENDPOINT }), testParty('mallory')]
  t.doesNotThrow(() => verifyFiled(identity, introduction))
  const elsewhere = 'https://node.mallory.example:7443'
  const others: [string, Partial<FiledIdentity>][] = [
    ['DID', { did: 'did:web:mallory.example' }],
    ['signing key', { keys: { ...keys, signing: mallory.card.keys.signing } }],
    ['recovery key', { keys: { ...keys, recovery: mallory.card.keys.recovery } }],
    ['endpoint', { endpoint: elsewhere }],
    ['endpoint', { endpoint: 'https://node.acme.example' }],
  ]
  for (const [claim, other] of others) {
    const { endpoint = ENDPOINT } = other
    t.throws(() => verifyFiled({ ...identity, ...other }, introduction), {
      code: 'did_mismatch',
      message: `the ${claim} of the node at ${endpoint} is not what is filed for ${other.did ?? did}`,
      evidence: { endpoint, claim },
    })
  }
})

t.test('an endpoint is the same however it is written', async (t) => {
  const { did, keys } = acme.card
  const filed = (endpoint: string) => ({ did, keys, endpoint }) as FiledIdentity
  const said = async (endpoint: string) => (await acme.introduce({ endpoint })).introduction
  const shouted = await said('https://NODE.acme.example:7443')
  t.doesNotThrow(() => verifyFiled(filed(ENDPOINT), shouted))
  const byDefault = await said('https://node.acme.example:443')
  t.doesNotThrow(() => verifyFiled(filed('https://node.acme.example'), byDefault))
  const none = await said('https://:7443')
  t.throws(() => verifyFiled(filed(ENDPOINT), none), { code: 'did_mismatch' }, 'what is no URL is none of them')
})
