import fc from 'fast-check'
import t from 'tap'
import { tagged } from '../../../src/crypto/tagged.ts'
import { type Handle, UID_PATTERN, type Uid } from '../../../src/events/ids.ts'
import { type PartyCard, partyFingerprint } from '../../../src/events/parties/party-card.ts'
import { isFoundedBy } from '../../../src/events/uid.ts'
import { UID_SECRET_BYTES, UidCodec } from '../../../src/node/identity/uid.ts'
import { nobodysUid } from '../../support/uid.ts'

type Founding = Pick<PartyCard, 'handle' | 'did' | 'keys'>

const secret = fc.uint8Array({ minLength: UID_SECRET_BYTES, maxLength: UID_SECRET_BYTES })
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => tagged(bytes))
const card: fc.Arbitrary<Founding> = fc.record({
  handle: fc.stringMatching(/^[a-z0-9]{1,8}$/) as fc.Arbitrary<Handle>,
  did: fc.stringMatching(/^did:web:[a-z]{1,8}$/),
  keys: fc.record({ signing: key, recovery: key }),
})
const number = fc.maxSafeNat()

const keyOf = (byte: number) => tagged(Buffer.alloc(32, byte))
const acme: Founding = {
  handle: 'acme-re' as Handle,
  did: 'did:web:acme.example',
  keys: { signing: keyOf(1), recovery: keyOf(2) },
}

t.test('the node reads back the numbers of its own UIDs, under which its party can open contracts', async (t) => {
  fc.assert(
    fc.property(secret, card, number, (secret, card, number) => {
      const uids = new UidCodec(secret, card)
      const uid = uids.encode(number)
      const founder = { handle: card.handle, signing: card.keys.signing }
      return new RegExp(UID_PATTERN).test(uid) && uids.decode(uid) === number && isFoundedBy(uid, founder)
    }),
  )
  t.pass()
})

t.test(
  'no two nodes give out the same UID: other secrets, other parties and other numbers never collide',
  async (t) => {
    const node = fc.record({ secret, card })
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 1, maxLength: 8 }),
        fc.array(number, { minLength: 1, maxLength: 8 }),
        (nodes, numbers) => {
          const sources = new Set<string>()
          const uids = new Set<Uid>()
          for (const { secret, card } of nodes) {
            for (const number of numbers) {
              sources.add(`${Buffer.from(secret).toString('hex')} ${JSON.stringify(card)} ${number}`)
              uids.add(new UidCodec(secret, card).encode(number))
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
    fc.property(secret, secret, card, card, number, (mine, theirs, card, other, number) => {
      fc.pre(!Buffer.from(mine).equals(Buffer.from(theirs)) && JSON.stringify(card) !== JSON.stringify(other))
      const uid = new UidCodec(mine, card).encode(number)
      return new UidCodec(theirs, card).decode(uid) === undefined && new UidCodec(mine, other).decode(uid) === undefined
    }),
  )
  t.pass()
})

t.test('UIDs stay what they are', async (t) => {
  const uids = new UidCodec(Buffer.alloc(UID_SECRET_BYTES, 7), acme)
  t.equal(partyFingerprint(acme).slice(0, 16), 'ee5205a3c49b50aa', 'the example of the doc comment')
  t.equal(uids.encode(7), '0k96zdbr94jjvq71cxext2qn9m353y9k8twv2n656ae5031ynz04', 'the example of the doc comment')
  t.equal(uids.encode(0), '1hrfadmf7vjjdk8v44aa91dj3gnnvsnb314bk6j3f4egme0we9ex')
  t.equal(uids.encode(1), '0c4pwf0b99wy0z40zgayb1afrqn2taraqdepcwp884hrs76y2te5')
})

t.test('what no node gave out', async (t) => {
  const uids = new UidCodec(Buffer.alloc(UID_SECRET_BYTES, 7), acme)
  t.equal(uids.decode(nobodysUid()), undefined)
  t.equal(uids.decode('z'.repeat(52) as Uid), undefined, 'more than 256 bits')
  const own = uids.encode(7)
  const last = own.endsWith('0') ? '1' : '0'
  t.equal(uids.decode(`${own.slice(0, -1)}${last}` as Uid), undefined, 'its block, bound to nobody')
})

t.test('what is no record number', async (t) => {
  const uids = new UidCodec(Buffer.alloc(UID_SECRET_BYTES), acme)
  for (const number of [-1, 1.5, 2 ** 53, Number.NaN]) {
    t.throws(() => uids.encode(number), { message: 'a native record number is a natural number' })
  }
  t.throws(() => new UidCodec(Buffer.alloc(16), acme), { message: 'a uid secret has 32 bytes' })
})
