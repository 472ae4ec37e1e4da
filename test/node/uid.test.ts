import fc from 'fast-check'
import t from 'tap'
import type { Hash } from '../../src/crypto/hash.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { UID_PATTERN, type Uid } from '../../src/events/ids.ts'
import { UID_SECRET_BYTES, UidCodec } from '../../src/node/uid.ts'

const secret = fc.uint8Array({ minLength: UID_SECRET_BYTES, maxLength: UID_SECRET_BYTES })
const fingerprint = fc.string().map((text) => sha256(text))
const number = fc.maxSafeNat()

t.test('the node reads back the numbers of its own UIDs', async (t) => {
  fc.assert(
    fc.property(secret, fingerprint, number, (secret, fingerprint, number) => {
      const uids = new UidCodec(secret, fingerprint)
      const uid = uids.encode(number)
      return new RegExp(UID_PATTERN).test(uid) && uids.decode(uid) === number
    }),
  )
  t.pass()
})

t.test(
  'no two nodes give out the same UID: other secrets, other parties and other numbers never collide',
  async (t) => {
    const node = fc.record({ secret, fingerprint })
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 1, maxLength: 8 }),
        fc.array(number, { minLength: 1, maxLength: 8 }),
        (nodes, numbers) => {
          const sources = new Set<string>()
          const uids = new Set<Uid>()
          for (const { secret, fingerprint } of nodes) {
            for (const number of numbers) {
              sources.add(`${Buffer.from(secret).toString('hex')} ${fingerprint.slice(0, 16)} ${number}`)
              uids.add(new UidCodec(secret, fingerprint).encode(number))
            }
          }
          return uids.size === sources.size
        },
      ),
    )
    t.pass()
  },
)

t.test('nobody else reads them: another secret, or another party with the same one, finds nothing', async (t) => {
  fc.assert(
    fc.property(secret, secret, fingerprint, number, (mine, theirs, fingerprint, number) => {
      fc.pre(!Buffer.from(mine).equals(Buffer.from(theirs)))
      const uid = new UidCodec(mine, fingerprint).encode(number)
      const other = sha256(`not ${fingerprint}`)
      return (
        new UidCodec(theirs, fingerprint).decode(uid) === undefined &&
        new UidCodec(mine, other).decode(uid) === undefined
      )
    }),
  )
  t.pass()
})

t.test('UIDs stay what they are', async (t) => {
  const uids = new UidCodec(Buffer.alloc(UID_SECRET_BYTES, 7), '3fc9b689459d738f'.repeat(4) as Hash)
  t.equal(uids.encode(7), '6bfp6e7bfq270g4sq0y7sxt0xs', 'the example of the doc comment')
  const others = new UidCodec(Buffer.alloc(UID_SECRET_BYTES, 7), 'ab'.repeat(32) as Hash)
  t.equal(others.encode(0), '0q7btv0y0cnb3vvhswbtknqzx0')
  t.equal(others.encode(1), '4x5ddjb5eddahmd5kbzf4bw30m')
})

t.test('what no node gave out', async (t) => {
  const uids = new UidCodec(Buffer.alloc(UID_SECRET_BYTES, 7), 'ab'.repeat(32) as Hash)
  t.equal(uids.decode('0'.repeat(26) as Uid), undefined)
  t.equal(uids.decode('z'.repeat(26) as Uid), undefined, 'more than 128 bits')
})

t.test('what is no record number', async (t) => {
  const uids = new UidCodec(Buffer.alloc(UID_SECRET_BYTES), 'ab'.repeat(32) as Hash)
  for (const number of [-1, 1.5, 2 ** 53, Number.NaN]) {
    t.throws(() => uids.encode(number), { message: 'a native record number is a natural number' })
  }
  t.throws(() => new UidCodec(Buffer.alloc(16), 'ab'.repeat(32) as Hash), { message: 'a uid secret has 32 bytes' })
})
