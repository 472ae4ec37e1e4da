import t, { type Test } from 'tap'
import { type PartyCard, partyFingerprint } from '../../../src/events/parties/party-card.ts'
import { PeerClient } from '../../../src/gossip/transport/peer-client.ts'
import { PeerRefused, PeerWrongCertificate } from '../../../src/gossip/transport/peer-errors.ts'
import { openReceiver } from '../../../src/gossip/transport/receiver.ts'
import { Directory } from '../../../src/node/directory/directory.ts'
import { fetchIntroduction } from '../../../src/node/directory/discovery.ts'
import { introductionDocument } from '../../../src/node/directory/introduction.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { testParty } from '../../support/party.ts'
import { type TlsIdentity, tlsIdentity } from '../../support/tls.ts'

const TIMEOUT_MS = 5000

interface TestNode {
  readonly endpoint: string
  readonly card: PartyCard
  readonly tls: TlsIdentity
  readonly directory: Directory
}

/**
 * The outward half of a node, all of it real: keys, directory, Receiver. An exchange says who has called.
 * `shown`: the certificate that it has, should that not be the one that its introduction names.
 */
async function outwardNode(t: Test, handle: string, shown?: TlsIdentity): Promise<TestNode> {
  const party = testParty(handle)
  const tls = tlsIdentity(handle)
  const store = openMemoryStore()
  const directory = await Directory.open(store.events, systemClock)
  let document = ''
  const receiver = await openReceiver({
    endpoint: 'https://127.0.0.1:0',
    tls: shown ?? tls,
    introduction: () => document,
    introduced: async () => {},
    self: handle,
    isKnown: (certificate) => directory.certificates().has(certificate),
    authenticate: (certificate, name) => directory.caller(certificate, name),
    exchange: async ({ card }, body) => `${handle} heard ${card.handle} say ${body}`,
    failed: (error) => t.fail('a receiver failed', { error }),
  })
  t.teardown(async () => {
    await receiver.close()
    await store.close()
  })
  const { endpoint } = receiver
  document = introductionDocument(await party.introduce({ endpoint }, tls))
  return { endpoint, card: party.card, tls, directory }
}

/** What two people do: one looks the other up, they compare the fingerprint by telephone, the first approves. */
async function add(who: TestNode, whom: TestNode): Promise<void> {
  const signed = await fetchIntroduction(whom.endpoint, TIMEOUT_MS)
  await who.directory.introduce(signed)
  await who.directory.approve(whom.card.handle, partyFingerprint(whom.card))
}

function clientOf(t: Test, from: TestNode, to: TestNode): PeerClient {
  const party = from.directory.byHandle(to.card.handle)
  if (party === undefined) throw new Error('not approved')
  const { endpoint, certificate } = party
  const client = new PeerClient({
    self: from.card.handle,
    peer: to.card.handle,
    endpoint,
    certificate,
    tls: from.tls,
  })
  t.teardown(() => client.close())
  return client
}

t.test('two nodes introduce each other, and exchange once both have approved', async (t) => {
  const acme = await outwardNode(t, 'acme-re')
  const zurich = await outwardNode(t, 'zurich')
  await add(acme, zurich)
  const toZurich = clientOf(t, acme, zurich)
  await t.rejects(
    toZurich.exchange('hello', { timeoutMs: TIMEOUT_MS }),
    PeerRefused,
    'zurich does not know acme-re yet',
  )
  await add(zurich, acme)
  t.equal(await toZurich.exchange('hello', { timeoutMs: TIMEOUT_MS }), 'zurich heard acme-re say hello')
  const toAcme = clientOf(t, zurich, acme)
  t.equal(await toAcme.exchange('hello', { timeoutMs: TIMEOUT_MS }), 'acme-re heard zurich say hello')
  await zurich.directory.block(acme.card.handle)
  await t.rejects(
    toZurich.exchange('hello', { timeoutMs: TIMEOUT_MS }),
    PeerRefused,
    'blocked, on a kept connection too',
  )
})

t.test('what is fetched is what the node says of itself', async (t) => {
  const { endpoint, card, tls } = await outwardNode(t, 'acme-re')
  const { introduction } = await fetchIntroduction(endpoint, TIMEOUT_MS)
  t.strictSame(introduction, { card, endpoint, certificate: tls.fingerprint, serial: 0 })
})

t.test('nobody stands between with the document of another', async (t) => {
  const between = tlsIdentity('mallory')
  const { endpoint, tls } = await outwardNode(t, 'acme-re', between)
  await t.rejects(fetchIntroduction(endpoint, TIMEOUT_MS), PeerWrongCertificate)
  await t.rejects(fetchIntroduction(endpoint, TIMEOUT_MS), {
    code: 'peer_wrong_certificate',
    message: `${endpoint} shows another certificate than its introduction names: somebody may stand between`,
    evidence: { endpoint, expected: tls.fingerprint, presented: between.fingerprint },
  })
})

t.test('who is between with a document of its own has another fingerprint to read out', async (t) => {
  const acme = await outwardNode(t, 'acme-re')
  const zurich = await outwardNode(t, 'zurich')
  const mallory = await outwardNode(t, 'zurich')
  const signed = await fetchIntroduction(mallory.endpoint, TIMEOUT_MS)
  await acme.directory.introduce(signed)
  await t.rejects(acme.directory.approve(zurich.card.handle, partyFingerprint(zurich.card)), {
    code: 'party_wrong_fingerprint',
  })
})

t.test('a host that serves something else', async (t) => {
  const receiver = await openReceiver({
    endpoint: 'https://127.0.0.1:0',
    tls: tlsIdentity('other'),
    introduction: () => '{"id":"did:web:other.example"}',
    introduced: async () => {},
    self: 'other',
    isKnown: () => false,
    authenticate: () => undefined,
    exchange: async () => '',
    failed: () => {},
  })
  t.teardown(() => receiver.close())
  await t.rejects(fetchIntroduction(receiver.endpoint, TIMEOUT_MS), { code: 'introduction_malformed' })
})
