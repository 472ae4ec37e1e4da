import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../../src/crypto/hash.ts'
import { formatFingerprint, parseFingerprint } from '../../../src/node/identity/fingerprint.ts'

const abc = sha256('abc')

t.test('a fingerprint is shown in groups of four', async (t) => {
  t.equal(formatFingerprint(abc), 'ba78 16bf 8f01 cfea 4141 40de 5dae 2223 b003 61a3 9617 7a9c b410 ff61 f200 15ad')
})

t.test('what is shown can be typed in', async (t) => {
  fc.assert(fc.property(fc.string().map(sha256), (hash) => parseFingerprint(formatFingerprint(hash)) === hash))
  t.equal(parseFingerprint(` ${abc.toUpperCase().replace(/..(?=.)/g, '$&:')}\n`), abc)
  for (const wrong of ['', abc.slice(1), `${abc}0`, abc.replace('b', 'g')]) t.equal(parseFingerprint(wrong), undefined)
})
