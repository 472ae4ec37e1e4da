import t, { type Test } from 'tap'
import type { Role } from '../../src/contracts/contract-ports.ts'
import { memoryGuard } from '../../src/contracts/guard.ts'
import { openPartyProcess } from '../../src/contracts/party-process.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { defaultTiming } from '../../src/gossip/gossip.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { INVITATIONS_STREAM, OUTBOX_STREAM } from '../../src/store/streams.ts'

/** The processes of a party without edges, on one store and one guard. */
function party(t: Test) {
  const signer = keySigner(generateKeyPair().privateKey)
  const keys = { signing: signer.publicKey, recovery: generateKeyPair().publicKey }
  const [store, guard] = [openMemoryStore(), memoryGuard()]
  const told: unknown[] = []
  let requests = 0
  t.teardown(() => store.close())
  const start = async (role: Role) => {
    const opened = await openPartyProcess({
      role,
      store,
      ...(role === 'serve' ? {} : { signer, guard }),
      clock: systemClock,
      random: systemRandom,
      card: { handle: 'ana' as Handle, did: 'did:web:ana.example', name: 'ana', keys },
      uidOf: (n) => String(n).padStart(26, '0') as Uid,
      newRequestId: () => `ana-${role}-${requests++}`,
      timing: defaultTiming,
      report: { unreachable: () => {}, refused: () => {} },
      failed: (error) => told.push(error),
    })
    opened.failed.catch((error: unknown) => t.fail(`${role} has ended: ${error}`))
    t.teardown(() => opened.close())
    return opened
  }
  return { store, told, start }
}

t.test(
  'what has no form in streams that serve may write to is told and passed over, before and after a start',
  async (t) => {
    const { store, told, start } = party(t)
    const nonsense = async () => {
      for (const type of ['IntentQueued', 'IntentSigned', 'Whatever']) {
        for (const data of ['{', '{}', '{"id":"x","contract":null,"ask":{"kind":"launch"}}']) {
          await store.events.append(OUTBOX_STREAM, 'any', [{ type, data }])
        }
      }
      await store.events.append(INVITATIONS_STREAM, 'any', [{ type: 'InvitationAccepted', data: 'no JSON' }])
    }
    await nonsense()
    const serve = await start('serve')
    await start('transmit')
    await start('receive')
    await nonsense()
    const { contract } = await serve.contracts.openContract('all the same')
    t.equal(contract.state.settling.agreed.isOpen, true)
    t.ok(told.length > 0)
    for (const error of told) t.match(error, { code: 'ask_malformed' })
  },
)
