import t from 'tap'
import { isValidSignature } from '../../src/crypto/ed25519.ts'
import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import { keySigner } from '../../src/crypto/signer.ts'

t.test('what a signer signs is valid under the key that it names, and under no other', async (t) => {
  const { privateKey, publicKey } = generateKeyPair()
  const signer = keySigner(privateKey)
  const bytes = Buffer.from('concordata/v1/statement\n{}')
  const signature = await signer.sign(bytes)
  t.equal(signer.publicKey, publicKey)
  t.ok(isValidSignature(signer.publicKey, bytes, signature))
  t.notOk(isValidSignature(generateKeyPair().publicKey, bytes, signature))
  t.equal(await signer.sign(bytes), signature, 'deterministic')
})
