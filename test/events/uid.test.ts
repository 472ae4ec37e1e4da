import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { tagged } from '../../src/crypto/tagged.ts'
import { type Handle, UID_PATTERN } from '../../src/events/ids.ts'
import { blockOf, type Founder, isFoundedBy, uidOf } from '../../src/events/uid.ts'

interface Named {
  readonly about: string
  readonly handle: string
  readonly signing: string
  readonly uid: string
}
const { uids, refused } = JSON.parse(readFileSync(new URL('../vectors/uid/uids.json', import.meta.url), 'utf8')) as {
  readonly uids: readonly (Named & { readonly block: string })[]
  readonly refused: readonly (Named & { readonly result: 'unfit' | 'malformed' })[]
}

const founderOf = ({ handle, signing }: Named): Founder => ({
  handle: handle as Handle,
  signing: tagged(Buffer.from(signing, 'hex')),
})
const form = new RegExp(UID_PATTERN)

t.test('a UID follows from block, handle and key, as another implementation computes it', async (t) => {
  for (const vector of uids) {
    const founder = founderOf(vector)
    t.equal(uidOf(Buffer.from(vector.block, 'hex'), founder), vector.uid, vector.about)
    t.ok(form.test(vector.uid) && isFoundedBy(vector.uid, founder), vector.about)
    t.equal(Buffer.from(blockOf(vector.uid) as Uint8Array).toString('hex'), vector.block)
  }
})

t.test('what is another founder’s, or no UID at all, is not taken for its own', async (t) => {
  for (const vector of refused) {
    t.notOk(isFoundedBy(vector.uid, founderOf(vector)), vector.about)
    t.equal(form.test(vector.uid), vector.result === 'unfit', vector.about)
    t.equal(blockOf(vector.uid) !== undefined, vector.result === 'unfit', vector.about)
  }
})

t.test('no character of a UID can be changed, and no founder has another’s', async (t) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const founder = fc.record({
    handle: fc.stringMatching(/^[a-z0-9]{1,8}$/) as fc.Arbitrary<Handle>,
    signing: bytes(32).map(tagged),
  })
  fc.assert(
    fc.property(bytes(16), founder, founder, fc.nat(51), fc.nat(31), (block, mine, theirs, place, digit) => {
      const uid = uidOf(block, mine)
      const changed = uid.slice(0, place) + '0123456789abcdefghjkmnpqrstvwxyz'.charAt(digit) + uid.slice(place + 1)
      const isSame = mine.handle === theirs.handle && mine.signing === theirs.signing
      return (
        form.test(uid) &&
        isFoundedBy(uid, mine) &&
        isFoundedBy(uid, theirs) === isSame &&
        isFoundedBy(changed, mine) === (changed === uid)
      )
    }),
  )
  t.pass()
})
