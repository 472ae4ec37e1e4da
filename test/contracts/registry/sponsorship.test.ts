import t from 'tap'
import { Contracts } from '../../../src/contracts/registry/contracts.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import { generateKeyPair, sign } from '../../../src/crypto/key-pair.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { type Acceptance, acceptanceBytes, type SignedAcceptance } from '../../../src/events/parties/acceptance.ts'
import { type Decline, declineBytes } from '../../../src/events/parties/decline.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { settleMicrotasks, VirtualClock } from '../../simulation/virtual-clock.ts'
import { fullState } from '../../support/full-state.ts'
import { foundedBy } from '../../support/uid.ts'

const anas = { signing: generateKeyPair(), recovery: generateKeyPair() }
const bens = { signing: generateKeyPair(), recovery: generateKeyPair() }
const cardOf = (handle: string, { signing, recovery }: typeof anas) => ({
  handle: handle as Handle,
  did: `did:web:${handle}.example`,
  name: handle,
  keys: { signing: signing.publicKey, recovery: recovery.publicKey },
})

/** Ana's node, the same to the byte each time, with a contract to which she has invited ben. */
async function sponsor() {
  const store = openMemoryStore()
  let requests = 0
  const contracts = await Contracts.open({
    store,
    signer: keySigner(anas.signing.privateKey),
    guard: memoryGuard(),
    clock: new VirtualClock(),
    random: { bytes: (size) => new Uint8Array(size), fraction: () => 0 },
    card: cardOf('ana', anas),
    uidOf: (n) => foundedBy(cardOf('ana', anas), n),
    newRequestId: () => `ana-${requests++}`,
  })
  t.teardown(async () => {
    await contracts.close()
    await store.close()
  })
  const { contract: live, opened } = await contracts.openContract('test')
  await opened
  const asks = (command: { type: string; [member: string]: unknown }) =>
    live.submit({ request: { id: `test ${requests++}`, commands: [command] }, payloads: {} }).verdict
  await asks({ type: 'InviteParty', party: cardOf('ben', bens) })
  const { agreed, settled } = live.state.settling
  const { index: invitation } = agreed.parties.invitations[0] as { index: number }
  return {
    live,
    asks,
    /** Ben's word, or what he passes off as one. */
    accepts(change: Partial<Acceptance> = {}): SignedAcceptance {
      const acceptance: Acceptance = {
        contract: live.contract,
        invitation,
        handle: 'ben' as Handle,
        keys: cardOf('ben', bens).keys,
        charter: agreed.charter,
        head: {
          size: settled,
          root: fullState(live.state).ledger.log.rootAt(settled),
          record: sha256('not looked at'),
        },
        lastIndex: 1000,
        ...change,
      }
      return { acceptance, signature: sign(bens.signing.privateKey, acceptanceBytes(acceptance)) }
    },
    declines() {
      const decline: Decline = { contract: live.contract, invitation, handle: 'ben' as Handle }
      return { decline, signature: sign(bens.signing.privateKey, declineBytes(decline)) }
    },
    async hears(...words: Parameters<Contracts['took']>[0][]): Promise<void> {
      for (const word of words) await contracts.took(word)
      for (let n = 0; n < 20; n++) await settleMicrotasks()
    },
    /** How many entries there are since ben was invited, and who is a member. */
    get outcome() {
      const { agreed: now, settled: size } = live.state.settling
      return { entries: size - settled, members: now.parties.members.map(({ card }) => card.handle) }
    },
  }
}

t.test('an acceptance that would not take effect is no entry of the ledger', async (t) => {
  const ana = await sponsor()
  const { head } = ana.accepts().acceptance
  await ana.hears(
    ...Array.from({ length: 20 }, (_, n) => ana.accepts({ head: { ...head, root: sha256('made up') }, lastIndex: n })),
    ana.accepts({ lastIndex: head.size - 1 }),
    ana.accepts({ keys: { signing: bens.recovery.publicKey, recovery: bens.signing.publicKey } }),
    { ...ana.accepts(), signature: `ed25519:${'A'.repeat(86)}` },
  )
  t.same(ana.outcome, { entries: 0, members: ['ana'] })
  t.ok(ana.live.requests.queue.isIdle)
  await ana.hears(ana.accepts())
  t.same(ana.outcome, { entries: 1, members: ['ana', 'ben'] }, 'nor does it stand in the way of one that would')
})

t.test('of many that would, the first is brought in, and the rest with it come to nothing', async (t) => {
  const ana = await sponsor()
  await ana.hears(...Array.from({ length: 20 }, (_, n) => ana.accepts({ lastIndex: 1000 + n })), ana.declines())
  t.same(ana.outcome, { entries: 1, members: ['ana', 'ben'] })
})

t.test('declines are brought in once, too', async (t) => {
  const ana = await sponsor()
  await ana.hears(ana.declines(), ana.declines(), ana.accepts())
  t.same(ana.outcome, { entries: 1, members: ['ana'] })
})

t.test('an acceptance of a ledger that the sponsor does not have yet is brought in when it comes again', async (t) => {
  const [ana, ahead] = [await sponsor(), await sponsor()]
  const command = { type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } }
  await ahead.asks(command)
  const size = ahead.live.state.settling.settled
  const root = fullState(ahead.live.state).ledger.log.rootAt(size)
  const early = ana.accepts({ head: { size, root, record: sha256('not looked at') } })
  await ana.hears(early)
  t.same(ana.outcome, { entries: 0, members: ['ana'] })
  await ana.asks(command)
  t.equal(fullState(ana.live.state).ledger.log.rootAt(size), root, 'the two are the same')
  await ana.hears(early)
  t.same(ana.outcome, { entries: 2, members: ['ana', 'ben'] })
})
