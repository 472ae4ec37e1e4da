import { createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto'
import t from 'tap'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import { certificateFingerprint, selfSignedCertificate } from '../../../src/crypto/certificate.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import {
  IntroductionBadlySigned,
  IntroductionMalformed,
  introductionDocument,
  type SignedIntroduction,
  verifyIntroduction,
} from '../../../src/node/directory/introduction.ts'
import { testParty } from '../../support/party.ts'
import { type TlsIdentity, tlsIdentity } from '../../support/tls.ts'

const acme = testParty('acme-re')
const SMALL_ORDER_KEY = 'ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

/** The genuine document with some members changed or, where undefined, left out; canonical, but for that as it was. */
async function forged(changes: Record<string, unknown>): Promise<string> {
  const document = JSON.parse(introductionDocument(await acme.introduce())) as Record<string, unknown>
  const merged = Object.entries({ ...document, ...changes }).filter(([, value]) => value !== undefined)
  return canonicalJson(Object.fromEntries(merged))
}

t.test('what a party says of itself comes back from the document', async (t) => {
  const signed = await acme.introduce({ serial: 3 })
  t.strictSame(verifyIntroduction(introductionDocument(signed)), signed)
})

t.test('tools that know nothing but did:web find key and endpoint', async (t) => {
  const signed = await acme.introduce()
  const document = JSON.parse(introductionDocument(signed))
  t.equal(document.id, 'did:web:acme-re.example')
  const [method] = document.verificationMethod
  t.match(method, { id: 'did:web:acme-re.example#signing', type: 'JsonWebKey', controller: document.id })
  t.strictSame(document.assertionMethod, [method.id])
  t.match(document.verificationMethod[1], { id: 'did:web:acme-re.example#recovery', type: 'JsonWebKey' })
  t.match(document.service, [{ serviceEndpoint: 'https://acme-re.example:7443/exchange' }])
  const { proof, der, possession, ...unsigned } = document
  const bytes = Buffer.from(`concordata/v1/introduction\n${canonicalJson(unsigned)}`)
  const key = createPublicKey({ key: method.publicKeyJwk, format: 'jwk' })
  t.ok(
    verify(null, bytes, key, Buffer.from(proof.slice('ed25519:'.length), 'base64url')),
    'the proof, made over again by other means',
  )
  const { publicKey } = new X509Certificate(Buffer.from(der, 'base64url'))
  const held = Buffer.from(`concordata/v1/possession\n${canonicalJson(unsigned)}`)
  const signature = Buffer.from(possession.slice('es256:'.length), 'base64url')
  t.ok(verify('sha256', held, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature), 'and that of the certificate')
})

t.test('whatever is changed is noticed', async (t) => {
  const { introduction } = await acme.introduce()
  const { card } = introduction
  const mallory = testParty('mallory')
  const inside = (changes: object) => ({ concordata: { ...introduction, ...changes } })
  const malformed: [string, Record<string, unknown>][] = [
    ['another id', { id: 'did:web:mallory.example' }],
    ['another key beside it', { verificationMethod: [] }],
    ['another service', { service: [] }],
    ['something more', { alsoKnownAs: ['did:web:mallory.example'] }],
    ['another endpoint inside alone', inside({ endpoint: 'https://mallory.example' })],
    ['no card', { concordata: {} }],
    ['no proof', { proof: undefined }],
    ['an endpoint without TLS', inside({ endpoint: 'http://acme-re.example' })],
    ['an endpoint with a path', inside({ endpoint: 'https://acme-re.example/path' })],
    ['a serial below zero', inside({ serial: -1 })],
    ['a member that is not known', inside({ more: 1 })],
  ]
  for (const [name, changes] of malformed) {
    const text = await forged(changes)
    t.throws(() => verifyIntroduction(text), IntroductionMalformed, name)
    t.throws(
      () => verifyIntroduction(text),
      { code: 'introduction_malformed', message: /^this is no introduction: / },
      name,
    )
  }
  const genuine = await acme.introduce()
  const badlySigned = [
    { ...genuine, introduction: { ...genuine.introduction, serial: 1 } },
    { ...genuine, introduction: { ...genuine.introduction, certificate: sha256('mallory') } },
    { ...genuine, proof: (await mallory.introduce()).proof },
    { ...genuine, introduction: { ...introduction, card: { ...card, keys: mallory.card.keys } } },
  ]
  for (const signed of badlySigned) {
    const text = introductionDocument(signed)
    t.throws(() => verifyIntroduction(text), IntroductionBadlySigned)
    t.throws(() => verifyIntroduction(text), {
      code: 'introduction_badly_signed',
      message: 'the introduction of did:web:acme-re.example is not signed with the key that it names',
      evidence: { did: card.did },
    })
  }
})

t.test('who has seen a certificate has not got its key', async (t) => {
  const victim = tlsIdentity('victim')
  const mallory = tlsIdentity('mallory')
  const own = await acme.introduce({}, victim)
  const claimed = await acme.introduce({}, { ...victim, key: mallory.key })
  const { possession: ofAnother } = await testParty('zurich').introduce({}, victim)
  const { possession: ofEarlier } = await acme.introduce({ serial: 7 }, victim)
  const badlySigned: [string, SignedIntroduction][] = [
    ['with another key', claimed],
    ['with what the owner signed for its own introduction', { ...own, possession: ofAnother }],
    ['with what it signed for an earlier one', { ...own, possession: ofEarlier }],
    ['with nothing', { ...own, possession: `es256:${'A'.repeat(86)}` }],
    ['of a certificate on another curve', await acme.introduce({}, anotherCurve())],
    ['of PEM', await naming(Buffer.from(victim.certificate), victim)],
    ['of a certificate with a byte more', await naming(Buffer.concat([derOf(victim), Buffer.of(0)]), victim)],
    ['of what is no certificate', await naming(Buffer.from('certificate'), victim)],
  ]
  for (const [name, signed] of badlySigned) {
    const text = introductionDocument(signed)
    t.throws(() => verifyIntroduction(text), IntroductionBadlySigned, name)
    t.throws(() => verifyIntroduction(text), {
      code: 'introduction_badly_signed',
      message:
        'the introduction of did:web:acme-re.example is not signed with the key of the certificate that it names',
      evidence: { did: acme.card.did },
    })
  }
  const malformed: [string, Record<string, unknown>][] = [
    ['no signature of the certificate', { possession: undefined }],
    ['no certificate', { der: undefined }],
    ['another certificate', { der: derOf(mallory).toString('base64url') }],
    ['a signature without its tag', { possession: 'A'.repeat(86) }],
  ]
  for (const [name, changes] of malformed) {
    const text = await forged(changes)
    t.throws(() => verifyIntroduction(text), { code: 'introduction_malformed' }, name)
  }
})

const derOf = ({ certificate }: TlsIdentity) => new X509Certificate(certificate).raw

/** An introduction that gives these bytes out as its certificate. */
async function naming(der: Buffer, tls: TlsIdentity): Promise<SignedIntroduction> {
  return { ...(await acme.introduce({ certificate: sha256(der) }, tls)), der: der.toString('base64url') }
}

function anotherCurve(): TlsIdentity {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const subject = { commonName: 'acme-re', host: '127.0.0.1', did: acme.card.did }
  const certificate = selfSignedCertificate(privateKey, subject, Date.now())
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { key, certificate, fingerprint: certificateFingerprint(certificate), commonName: 'acme-re' }
}

t.test('bytes that are not the document', async (t) => {
  const text = introductionDocument(await acme.introduce())
  const { introduction, proof } = await acme.introduce()
  const loneSurrogate = text.replace('The acme-re company', '\\ud800')
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const more = `${text.slice(0, -1)},"z":${deep}}`
  for (const wrong of [
    '',
    'null',
    '[]',
    '{',
    `${text} `,
    text.replace('{', '{ '),
    loneSurrogate,
    more,
    JSON.stringify({ concordata: introduction, proof }),
  ]) {
    t.throws(() => verifyIntroduction(wrong), { code: 'introduction_malformed' }, wrong.slice(0, 40))
  }
})

t.test('a name that forges what stands beside it, or cannot be read in one way only', async (t) => {
  const names: [string, string][] = [
    ['Ben Re (ben)\nfingerprint  1234', 'U+000A at place 13'],
    ['Ben Re\u001b[8m', 'U+001B at place 7'],
    ['Ben\u202eeR', 'U+202E at place 4'],
    ['Zu\u0308rich Re', 'U+0075 at place 2'],
    ['Ben  Re', 'U+0020 at place 5'],
  ]
  for (const [name, where] of names) {
    const text = introductionDocument(await acme.introduce({ card: { ...acme.card, name } }))
    const refused = {
      code: 'introduction_malformed',
      message: new RegExp(`the name on its card .*: ${where.replace('+', '.')}$`),
    }
    t.throws(() => verifyIntroduction(text), refused, where)
  }
})

t.test('an LEI is claimed, or the introduction is none', async (t) => {
  const claiming = async (lei: string) => introductionDocument(await acme.introduce({ card: { ...acme.card, lei } }))
  const genuine = await claiming('506700GE1G29325QX363')
  t.equal(verifyIntroduction(genuine).introduction.card.lei, '506700GE1G29325QX363')
  const misspelt = await claiming('506700GE1G29325QX364')
  t.throws(() => verifyIntroduction(misspelt), { code: 'introduction_malformed', message: /check digits of the LEI/ })
  const short = await claiming('506700GE1G29325QX3')
  t.throws(() => verifyIntroduction(short), { code: 'introduction_malformed' })
})

t.test('keys that must not be taken', async (t) => {
  const { signing, recovery } = acme.card.keys
  const withKeys = async (keys: { signing: string; recovery: string }) =>
    introductionDocument(await acme.introduce({ card: { ...acme.card, keys } }))
  const smallRecovery = await withKeys({ signing, recovery: SMALL_ORDER_KEY })
  t.throws(() => verifyIntroduction(smallRecovery), { code: 'key_not_admissible' })
  const smallSigning = await withKeys({ signing: SMALL_ORDER_KEY, recovery })
  t.throws(() => verifyIntroduction(smallSigning), { code: 'key_not_admissible' })
  const same = await withKeys({ signing, recovery: signing })
  t.throws(() => verifyIntroduction(same), {
    code: 'introduction_malformed',
    message: 'this is no introduction: signing key and recovery key are the same',
  })
})
