import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import t from 'tap'
import { certificateFingerprint, generateTlsKey, selfSignedCertificate } from '../../src/crypto/certificate.ts'

const key = generateTlsKey()
const did = 'did:web:node.example.com%3A7443'
const now = Date.parse('2026-11-23T12:00:00Z')
const certificateFor = (host: string, at = now) =>
  new X509Certificate(selfSignedCertificate(key, { commonName: 'acme-re', host, did }, at))

t.test('OpenSSL reads what was meant', async (t) => {
  const certificate = certificateFor('node.example.com')
  t.equal(certificate.subject, 'CN=acme-re')
  t.equal(certificate.issuer, 'CN=acme-re')
  t.equal(certificate.subjectAltName, `DNS:node.example.com, URI:${did}`)
  t.strictSame(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'], 'serverAuth, clientAuth')
  t.equal(certificate.ca, false)
  t.ok(certificate.verify(createPublicKey(key)), 'signed by its own key')
  t.ok(certificate.checkPrivateKey(key))
  t.strictSame(certificate.publicKey.asymmetricKeyDetails, { namedCurve: 'prime256v1' })
})

t.test('the host is a name or an address', async (t) => {
  t.equal(certificateFor('node.example.com').checkHost('node.example.com'), 'node.example.com')
  t.equal(certificateFor('localhost').checkHost('localhost'), 'localhost')
  const addresses = {
    '127.0.0.1': '127.0.0.1',
    '[::1]': '::1',
    '[::]': '::',
    '[2001:db8::7:0:1]': '2001:db8::7:0:1',
    '1::': '1::',
    '1:2:3:4:5:6:7:8': '1:2:3:4:5:6:7:8',
    '::ffff:10.1.2.3': '::ffff:10.1.2.3',
  }
  for (const [host, address] of Object.entries(addresses)) {
    t.equal(certificateFor(host).checkIP(address), address)
    t.notOk(certificateFor(host).checkIP('10.9.9.9'))
  }
})

t.test('it is valid for two years, and for clocks that are a day behind', async (t) => {
  const validity = (at: string) => {
    const { validFromDate, validToDate } = certificateFor('localhost', Date.parse(at))
    return [validFromDate.toISOString(), validToDate.toISOString()]
  }
  t.strictSame(validity('2026-11-23T12:00:00.123Z'), ['2026-11-22T12:00:00.000Z', '2028-11-23T12:00:00.000Z'])
  t.strictSame(
    validity('2049-06-01T00:00:00Z'),
    ['2049-05-31T00:00:00.000Z', '2051-06-01T00:00:00.000Z'],
    'both forms of time',
  )
})

t.test('no two certificates have the same serial number', async (t) => {
  const numbers = Array.from({ length: 50 }, () => certificateFor('localhost').serialNumber)
  t.equal(new Set(numbers).size, 50)
  for (const number of numbers) t.match(number, /^[4-7][0-9A-F]{31}$/, 'positive, 16 bytes')
})

t.test('the fingerprint is SHA-256 of the DER, as browsers and openssl show it', async (t) => {
  const certificate = certificateFor('localhost')
  const expected = createHash('sha256').update(certificate.raw).digest('hex')
  t.equal(certificateFingerprint(certificate.toString()), expected)
  t.equal(certificateFingerprint(certificate.raw), expected)
  t.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), expected)
  t.throws(() => certificateFingerprint('no certificate'))
})
