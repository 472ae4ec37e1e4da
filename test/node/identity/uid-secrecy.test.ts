import { createHash } from 'node:crypto'
import t from 'tap'
import '../../../src/crypto/native.ts'
import { tagged } from '../../../src/crypto/tagged.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { blockOf } from '../../../src/events/uid.ts'
import { UID_SECRET_BYTES, UidCodec } from '../../../src/node/identity/uid.ts'
import { giveaways, scoresOf } from '../../support/uid-statistics.ts'

const COUNT = 1 << 14
/** Record numbers as a node gives them out: the place of the contract in its list, and 20 drawn bits (contracts.ts). */
const DRAWN = 2 ** 20
const keyOf = (byte: number) => tagged(Buffer.alloc(32, byte))
const acme = {
  handle: 'acme-re' as Handle,
  did: 'did:web:acme.example',
  keys: { signing: keyOf(1), recovery: keyOf(2) },
}

const codec = (seed: number) => new UidCodec(Buffer.alloc(UID_SECRET_BYTES, seed), acme)

/** The bits that the number is in, as anybody can read them: the rest follows from these and from what everybody knows. */
const bitsOf = (uid: Uid) => blockOf(uid) as Uint8Array

const numbersFrom = (first: number) => Array.from({ length: COUNT }, (_, index) => first + index)
const random = numbersFrom(0).map((n) => createHash('sha256').update(`random ${n}`).digest().subarray(0, 16))
const told = (blocks: Uint8Array[], first = 0) => giveaways(scoresOf(blocks, first, random))

t.test('a sample of random blocks passes: the tests find nothing where there is nothing', async (t) => {
  const other = numbersFrom(0).map((n) => createHash('sha256').update(`other ${n}`).digest().subarray(0, 16))
  t.strictSame(told(other), [])
})

t.test('neither counter nor order nor volume can be read from UIDs', async (t) => {
  for (const seed of [1, 2]) {
    const first = seed === 1 ? 0 : 1_000_000
    const blocks = numbersFrom(first).map((number) => bitsOf(codec(seed).encode(number)))
    t.strictSame(told(blocks, first), [], `consecutive numbers from ${first}, the hardest case; secret ${seed}`)
  }
  const uids = codec(3)
  const given = numbersFrom(0).map((place) => bitsOf(uids.encode(place * DRAWN + ((place * 7919) % DRAWN))))
  t.strictSame(told(given), [], 'numbers as a node gives them out')
})

t.test('what hides less is found out', async (t) => {
  const block = (number: number, low = 0x3fc9b689459d738fn) => {
    const bytes = Buffer.alloc(16)
    bytes.writeBigUInt64BE(BigInt(number))
    bytes.writeBigUInt64BE(low & (2n ** 64n - 1n), 8)
    return bytes
  }
  const pad = createHash('sha256').update('pad').digest().subarray(0, 16)
  const wide = (value: bigint) => Buffer.from((value % 2n ** 128n).toString(16).padStart(32, '0'), 'hex')
  const odd = BigInt(`0x${pad.toString('hex')}`) | 1n
  const naive: Record<string, (number: number) => Uint8Array> = {
    'the number as it is': (number) => block(number),
    'the number under a constant pad': (number) => block(number).map((byte, i) => byte ^ (pad[i] as number)),
    'a product with a secret odd number': (number) => wide(BigInt(number) * odd),
    'a hash of all but the lowest bit of the number': (number) => {
      const hash = createHash('sha256')
        .update(String(number >> 1))
        .digest()
        .subarray(0, 16)
      return hash.map((byte, i) => (i === 0 ? (byte & 0xfe) | (number & 1) : byte))
    },
    'random bits behind the number of the thousand': (number) =>
      Buffer.concat([Buffer.of(number >> 10), (random[number] as Buffer).subarray(1)]),
    'random bits that lean by 3 percent in one place': (number) => {
      const bytes = Buffer.from(random[number] as Buffer)
      if (number % 16 === 0) bytes[15] = (bytes[15] as number) | 1
      return bytes
    },
  }
  for (const [name, encode] of Object.entries(naive)) {
    const found = told(numbersFrom(0).map(encode))
    t.not(found.length, 0, `${name}: ${found.join(', ')}`)
  }
})

t.test('no UID comes twice, and the node alone reads all of them back', async (t) => {
  const mine = codec(1)
  const other = codec(2)
  const seen = new Set<Uid>()
  let wrong = 0
  for (let number = 0; number < 100_000; number++) {
    const uid = mine.encode(number)
    seen.add(uid)
    if (number % 10 !== 0) continue
    if (mine.decode(uid) !== number || other.decode(uid) !== undefined) wrong++
  }
  t.equal(seen.size, 100_000)
  t.equal(wrong, 0)
})

t.test('the cipher is AES-128 of one block under a key by HKDF, as another implementation computes it', async (t) => {
  // python3's hmac for HKDF (RFC 5869, no salt), and `openssl enc -aes-128-ecb -nopad` for the block.
  t.equal(Buffer.from(bitsOf(codec(7).encode(7))).toString('hex'), '4d26fb57849252ddce1675ddd0af54d0')
})
