import t, { type Test } from 'tap'
import { readIntroduction } from '../../../src/gossip/transport/introduction-client.ts'
import { INTRODUCTION_BYTES_MAX } from '../../../src/gossip/transport/protocol.ts'
import { openReceiver } from '../../../src/gossip/transport/receiver.ts'
import { tlsIdentity } from '../../support/tls.ts'

const own = tlsIdentity('own')
const TIMEOUT_MS = 5000

async function introducing(t: Test, introduction: () => string): Promise<string> {
  const receiver = await openReceiver({
    endpoint: 'https://127.0.0.1:0',
    tls: own,
    introduction,
    introduced: async () => {},
    self: 'own',
    isKnown: () => false,
    authenticate: () => undefined,
    exchange: async () => '',
    failed: () => {},
  })
  t.teardown(() => receiver.close())
  return receiver.endpoint
}

t.test('a stranger reads the document, and learns which certificate the host holds', async (t) => {
  const endpoint = await introducing(t, () => '{"name":"Zürich"}')
  const { time, ...read } = await readIntroduction(endpoint, TIMEOUT_MS)
  t.strictSame(read, { text: '{"name":"Zürich"}', certificate: own.fingerprint })
  t.ok(time !== undefined && Math.abs(time - Date.now()) < 60_000, 'and what time it is there')
})

t.test('a document without end is not read to its end', async (t) => {
  t.match(await readIntroduction(await introducing(t, () => 'x'.repeat(INTRODUCTION_BYTES_MAX)), TIMEOUT_MS), {
    text: /^x+$/,
  })
  const endpoint = await introducing(t, () => 'x'.repeat(INTRODUCTION_BYTES_MAX + 1))
  await t.rejects(readIntroduction(endpoint, TIMEOUT_MS), { code: 'peer_malformed', evidence: { endpoint } })
})

t.test('a node that has no introduction to give', async (t) => {
  const endpoint = await introducing(t, () => {
    throw new Error('not yet')
  })
  await t.rejects(readIntroduction(endpoint, TIMEOUT_MS), {
    code: 'peer_refused',
    message: `${endpoint} has no introduction to read: status 500`,
    evidence: { endpoint, status: 500 },
  })
})

t.test('nobody there', async (t) => {
  await t.rejects(readIntroduction('https://127.0.0.1:1', TIMEOUT_MS), { code: 'peer_unreachable' })
})
