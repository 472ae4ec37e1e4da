import { equal } from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import t from 'tap'
import { assertAdmissibleKey, isAdmissibleKey, isValidSignature, KeyNotAdmissible } from '../../src/crypto/ed25519.ts'
import { generateKeyPair, sign } from '../../src/crypto/key-pair.ts'
import { native } from '../../src/crypto/native.ts'
import { installPrimitives, type Primitives } from '../../src/crypto/primitives.ts'
import { readVectors } from '../support/vectors.ts'

interface EdgeCase {
  readonly name: string
  readonly pub: string
  readonly msg: string
  readonly sig: string
  readonly zip215: boolean
  readonly native: boolean
}
const edgeCases = readVectors<EdgeCase[]>('ed25519/edge-cases.json')
const rfc8032 =
  readVectors<{ name: string; secret: string; public: string; message: string; signature: string }[]>(
    'ed25519/rfc8032.json',
  )

const { Point } = ed25519
const ORDER = Point.CURVE().n
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const text = (raw: Uint8Array) => `ed25519:${base64url(raw)}`
const base64url = (raw: Uint8Array) => Buffer.from(raw).toString('base64url')

/** The two ways to a verdict, each alone. */
function isValidNatively(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64url(publicKey) }, format: 'jwk' })
  return verify(null, message, key, signature)
}
function isValidUnderZip215(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && ed25519.verify(signature, message, publicKey, { zip215: true })
}

t.test('the edge cases have the verdict of ZIP 215', async (t) => {
  t.equal(edgeCases.length, 23)
  for (const { name, pub, msg, sig, zip215 } of edgeCases) {
    t.equal(isValidSignature(text(bytes(pub)), bytes(msg), text(bytes(sig))), zip215, name)
  }
})

t.test(
  'in the edge cases too, what Node accepts ZIP 215 accepts: so asking Node first changes no verdict',
  async (t) => {
    for (const { name, pub, msg, sig, zip215, native } of edgeCases) {
      const [key, message, signature] = [bytes(pub), bytes(msg), bytes(sig)]
      t.equal(isValidUnderZip215(key, message, signature), zip215, name)
      t.ok(zip215 || !isValidNatively(key, message, signature), `${name}: this Node`)
      t.ok(zip215 || !native, `${name}: an earlier Node`)
    }
  },
)

t.test('RFC 8032, test 1 to 3', async (t) => {
  for (const { name, secret, public: publicHex, message, signature } of rfc8032) {
    const publicKey = text(bytes(publicHex))
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: base64url(bytes(secret)), x: base64url(bytes(publicHex)) }
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
    t.equal(sign(privateKey, bytes(message)), text(bytes(signature)), name)
    t.ok(isValidSignature(publicKey, bytes(message), text(bytes(signature))))
    t.notOk(isValidSignature(publicKey, bytes(`${message}00`), text(bytes(signature))))
    t.ok(isAdmissibleKey(publicKey))
  }
})

/** A point of order 8: its multiples are all the points of small order. */
const TORSION = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
const scalar = fc.bigInt({ min: 1n, max: ORDER - 1n })
const message = fc.uint8Array({ maxLength: 40 })
const smallOrder = fc.integer({ min: 0, max: 7 }).map((times) => TORSION.multiplyUnsafe(BigInt(times)))

/** What a party can craft: a key and a signature off the prime-order subgroup, of which only ZIP 215 says it is valid. */
const crafted = fc.tuple(scalar, scalar, smallOrder, smallOrder, message).map(([a, r, atKey, atR, message]) => {
  const publicKey = Point.BASE.multiply(a).add(atKey).toBytes()
  const R = Point.BASE.multiply(r).add(atR).toBytes()
  const digest = createHash('sha512').update(R).update(publicKey).update(message).digest()
  const k = BigInt(`0x${digest.reverse().toString('hex')}`)
  const s = (r + k * a) % ORDER
  const S = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()
  return { publicKey, message, signature: Buffer.concat([R, S]) }
})

t.test('a crafted signature that Node accepts or not, as the message falls, is valid for all', async (t) => {
  const natively = { valid: 0, invalid: 0 }
  const law = fc.property(crafted, ({ publicKey, message, signature }) => {
    natively[isValidNatively(publicKey, message, signature) ? 'valid' : 'invalid']++
    equal(isValidSignature(text(publicKey), message, text(signature)), true)
  })
  t.doesNotThrow(() => fc.assert(law))
  t.ok(natively.valid > 0 && natively.invalid > 0, 'both paths have decided')
})

t.test('whatever comes as key and signature, the verdict is that of ZIP 215', async (t) => {
  const any = fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 64, maxLength: 64 }))
  const spoilt = fc.tuple(crafted, fc.nat({ max: 8 * 96 - 1 })).map(([{ publicKey, signature }, bit]) => {
    const both = Buffer.concat([publicKey, signature])
    both[bit >> 3] = (both[bit >> 3] as number) ^ (1 << (bit & 7))
    return [both.subarray(0, 32), both.subarray(32)] as [Uint8Array, Uint8Array]
  })
  const law = fc.property(fc.oneof(any, spoilt), message, ([publicKey, signature], message) => {
    const verdict = isValidUnderZip215(publicKey, message, signature)
    equal(isValidSignature(text(publicKey), message, text(signature)), verdict)
    if (isValidNatively(publicKey, message, signature)) equal(verdict, true)
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('what goes together, and what does not, is computed once', async (t) => {
  let computed = 0
  const acceptsSignature: Primitives['acceptsSignature'] = (...args) => {
    computed++
    return native.acceptsSignature(...args)
  }
  installPrimitives({ ...native, acceptsSignature })
  t.teardown(() => installPrimitives(native))
  const { publicKey, privateKey } = generateKeyPair()
  const [message, another] = [Buffer.from('message'), Buffer.from('another')]
  const signature = sign(privateKey, message)
  const verdicts = [1, 2, 3].flatMap(() =>
    [message, another].map((each) => isValidSignature(publicKey, each, signature)),
  )
  t.same(verdicts, [true, false, true, false, true, false])
  t.equal(computed, 2)
  t.ok(
    isValidSignature(publicKey, another, sign(privateKey, another)),
    'another signature of the same is another matter',
  )
})

t.test('only the tag and the canonical base64url of 32 and 64 bytes is a key and a signature', async (t) => {
  const { publicKey, privateKey } = generateKeyPair()
  const message = Buffer.from('message')
  const signature = sign(privateKey, message)
  t.match(publicKey, /^ed25519:[A-Za-z0-9_-]{43}$/)
  t.match(signature, /^ed25519:[A-Za-z0-9_-]{86}$/)
  t.ok(isValidSignature(publicKey, message, signature))
  // The last character has 2 bits in a key and 4 in a signature that stand for nothing: the next one is the same bytes.
  const next = (text: string) => text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1)
  const bytesOf = (text: string) => Buffer.from(text.slice('ed25519:'.length), 'base64url')
  t.same(bytesOf(next(publicKey)), bytesOf(publicKey))
  t.same(bytesOf(next(signature)), bytesOf(signature))
  for (const other of [
    next(publicKey),
    `${publicKey}=`,
    ` ${publicKey}`,
    publicKey.slice(0, -2),
    `${publicKey}AA`,
    '',
  ]) {
    t.notOk(isValidSignature(other, message, signature), `key '${other}'`)
    t.notOk(isAdmissibleKey(other), `key '${other}'`)
  }
  for (const other of [next(signature), `${signature}==`, signature.slice(0, -2), `${signature}AA`, '']) {
    t.notOk(isValidSignature(publicKey, message, other), `signature '${other}'`)
  }
})

t.test('a key that RFC 8032 would not make is not admissible', async (t) => {
  const admissible = new Set(edgeCases.filter(({ pub }) => isAdmissibleKey(text(bytes(pub)))).map(({ pub }) => pub))
  const honest = edgeCases.find(({ name }) => name === 'honest')?.pub as string
  t.same([...admissible], [honest], 'of the edge cases only the honest key')
  t.ok(isAdmissibleKey(text(bytes(honest))), 'and again')
  for (let times = 0; times < 8; times++) {
    const point = TORSION.multiplyUnsafe(BigInt(times))
    t.notOk(isAdmissibleKey(text(point.toBytes())), `small order, ${times}`)
    const mixed = Point.BASE.multiply(7n).add(point)
    t.equal(isAdmissibleKey(text(mixed.toBytes())), times === 0, `mixed order, ${times}`)
  }
  // y = p + 3 is another spelling of y = 3, and fits into 255 bits.
  t.notOk(isAdmissibleKey(text(bytes(`f0${'ff'.repeat(30)}7f`))), 'y beyond the prime')
  t.notOk(isAdmissibleKey(text(bytes(`02${'00'.repeat(31)}`))), 'no point has this y')
  t.ok(isAdmissibleKey(generateKeyPair().publicKey))
})

t.test('the error about a key says which one', async (t) => {
  const publicKey = text(TORSION.toBytes())
  t.doesNotThrow(() => assertAdmissibleKey(generateKeyPair().publicKey))
  t.throws(() => assertAdmissibleKey(publicKey), KeyNotAdmissible)
  t.throws(() => assertAdmissibleKey(publicKey), {
    name: 'KeyNotAdmissible',
    code: 'key_not_admissible',
    message: `the public key ${publicKey} is not canonical, is of small order, or is not torsion-free`,
    evidence: { publicKey },
  })
})
