import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { isValidSignature } from '../../src/crypto/ed25519.ts'
import { generateKeyPair, sign } from '../../src/crypto/key-pair.ts'
import { native } from '../../src/crypto/native.ts'
import { portable } from '../../src/crypto/portable.ts'
import { installPrimitives, type Primitives, primitives } from '../../src/crypto/primitives.ts'
import { untagged } from '../../src/crypto/tagged.ts'
import { codePoint } from '../support/code-point.ts'

const bytes = fc.uint8Array({ maxLength: 300 })
/** Lone surrogates, too. */
const text = fc
  .string({ unit: codePoint, maxLength: 100 })
  .chain((text) => fc.constantFrom(text, `${text}\ud800`, `\udc00${text}`))
/** Nearly base64: of both alphabets, with padding and foreign symbols in any place. */
const spelling = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'AQgw+/-_=f9é '), maxLength: 12 }),
  bytes.map((bytes) => native.base64(bytes)),
  bytes.map((bytes) => native.base64url(bytes)),
)
const array = (bytes: Uint8Array | undefined) => bytes && [...bytes]

t.test('without Node all hashes and encodings are the same to the byte', async () => {
  const inputs: Record<keyof Primitives & string, fc.Arbitrary<unknown>> = {
    sha256: fc.oneof(bytes, text),
    sha256Hex: fc.oneof(bytes, text),
    utf8: text,
    utf8Length: text,
    hex: bytes,
    fromHex: bytes.map((bytes) => native.hex(bytes)),
    base64: bytes,
    base64url: bytes,
    fromBase64: spelling,
    fromBase64url: spelling,
    acceptsSignature: fc.constant(undefined),
  }
  const { acceptsSignature: _, ...compared } = inputs
  for (const [name, input] of Object.entries(compared)) {
    const call = (of: Primitives, argument: unknown) => {
      const result = (of[name as keyof Primitives] as (argument: unknown) => unknown)(argument)
      return result instanceof Uint8Array ? [...result] : result
    }
    fc.assert(
      fc.property(input, (argument) => assert.deepEqual(call(portable, argument), call(native, argument), name)),
      { numRuns: 200 },
    )
  }
})

t.test('one spelling alone of some bytes is read', async (t) => {
  for (const { fromBase64, fromBase64url } of [portable, native]) {
    t.same(array(fromBase64('AQ==')), [1])
    for (const other of ['AQ', 'AQ=', 'AR==', 'AQ==\n', 'AQ==AQ==', 'A===', '====', ' AQ=='])
      t.equal(fromBase64(other), undefined, other)
    t.same(array(fromBase64url('-_8')), [251, 255])
    for (const other of ['+/8', '-_8=', '-_9', '-_8A_', 'A']) t.equal(fromBase64url(other), undefined, other)
  }
})

t.test('whoever has keys has what is fast', async (t) => t.equal(primitives, native))

t.test('without Node the same signatures are valid', async (t) => {
  t.teardown(() => installPrimitives(native))
  const { publicKey, privateKey } = generateKeyPair()
  for (const [at, implementation] of [native, portable].entries()) {
    installPrimitives(implementation)
    const message = Uint8Array.of(at)
    const signature = sign(privateKey, message)
    t.ok(isValidSignature(publicKey, message, signature))
    t.notOk(isValidSignature(publicKey, Uint8Array.of(at, 0), signature))
    t.equal(untagged(`${signature.slice(0, -1)}B`, 64), undefined)
  }
})
