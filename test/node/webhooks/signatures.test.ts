import { verify } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { nextAttempt, pauseAfter, RETRIED_FOR_MS, retryAfterIn } from '../../../src/node/webhooks/retry-times.ts'
import { newSecret, type SigningSecret, secondsOf, signerWith } from '../../../src/node/webhooks/signatures.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { publicKeyFrom } from '../../support/webhook-key.ts'

const draw = (length: number) => systemRandom.bytes(length)

t.test('what is signed with v1 is what the package of the standard takes, whatever it says', async (t) => {
  const secret = newSecret('v1', draw)
  const receiver = new Webhook(secret.shown)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(1e9), (text, revision) => {
      const body = JSON.stringify({ type: 'contract.change', data: { value: text } })
      const id = `contract-x@${revision}#0`
      const at = Date.now()
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(secondsOf(at)) }
      const signature = signerWith([secret]).sign(id, at, body)
      receiver.verify(body, { ...headers, 'webhook-signature': signature })
      const other = signerWith([newSecret('v1', draw)]).sign(id, at, body)
      t.throws(() => receiver.verify(body, { ...headers, 'webhook-signature': other }))
      t.throws(() => receiver.verify(`${body} `, { ...headers, 'webhook-signature': signature }))
      t.throws(() => receiver.verify(body, { ...headers, 'webhook-id': `${id}1`, 'webhook-signature': signature }))
    }),
    { numRuns: 50 },
  )
})

t.test('what is signed with v1a is an Ed25519 signature that anybody can check who has the public key', (t) => {
  const secret = newSecret('v1a', draw)
  const signature = signerWith([secret]).sign('a@1#0', 1_700_000_000_999, '{"x":1}')
  const [version, base64 = ''] = signature.split(',')
  t.equal(version, 'v1a')
  const signed = Buffer.from('a@1#0.1700000000.{"x":1}')
  t.ok(verify(null, signed, publicKeyFrom(secret.shown), Buffer.from(base64, 'base64')))
  t.notOk(verify(null, signed.subarray(1), publicKeyFrom(secret.shown), Buffer.from(base64, 'base64')))
  t.end()
})

t.test('while a secret is changed both sign, the newest first, and then the new one alone', (t) => {
  const [old, next] = [{ ...newSecret('v1', draw), until: 2_000 }, newSecret('v1a', draw)] as [
    SigningSecret,
    SigningSecret,
  ]
  const signer = signerWith([next, old])
  t.match(signer.sign('a', 1_999, ''), /^v1a,\S+ v1,\S+$/)
  t.match(signer.sign('a', 2_000, ''), /^v1a,\S+$/)
  t.end()
})

t.test('a message is tried for three days, with longer and longer pauses that differ', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 100, maxLength: 100 }),
      (draws) => {
        let now = 1_000
        const first = now
        let attempts = 1
        let pause = 0
        for (const fraction of draws) {
          const next = nextAttempt({ attempts, first }, now, fraction, undefined)
          if (next === undefined) break
          t.ok(next - now >= 4_000 && next - now <= 2.4 * 3600_000)
          t.ok(next - now >= pause * 0.65 || pause >= 1.6 * 3600_000, 'it grows')
          pause = next - now
          now = next
          attempts++
        }
        t.ok(attempts > 30 && attempts < 60, `${attempts} attempts`)
        t.ok(now - first > RETRIED_FOR_MS - 2.5 * 3600_000 && now - first <= RETRIED_FOR_MS)
      },
    ),
    { numRuns: 20 },
  )
  t.not(
    nextAttempt({ attempts: 1, first: 0 }, 0, 0, undefined),
    nextAttempt({ attempts: 1, first: 0 }, 0, 0.9, undefined),
  )
  t.equal(nextAttempt({ attempts: 1, first: 0 }, 0, 0.5, 60_000), 60_000, 'who asks for a pause has it')
  t.equal(nextAttempt({ attempts: 1, first: 0 }, 0, 0.5, 1e15), 2 * 3600_000, 'no longer than any other')
  t.equal(pauseAfter(4, 0.5), 0)
  t.equal(pauseAfter(5, 0.5), 5_000)
  t.equal(pauseAfter(1_000, 0.5), 300_000)
  t.end()
})

t.test('Retry-After is seconds, or a date; whatever else says nothing', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  t.equal(retryAfterIn('120', now), 120_000)
  t.equal(retryAfterIn('Thu, 01 Jan 2026 00:01:00 GMT', now), 60_000)
  t.equal(retryAfterIn('Thu, 01 Jan 2015 00:01:00 GMT', now), 0)
  for (const nonsense of [undefined, '', 'soon', '-1', '9'.repeat(400), ['1', '2']])
    t.equal(retryAfterIn(nonsense, now), undefined)
  t.end()
})
