import t, { type Test } from 'tap'
import { answerFor } from '../../src/api/verdict.ts'
import type { Role } from '../../src/contracts/contract-ports.ts'
import { memoryGuard, type SigningGuard } from '../../src/contracts/guard.ts'
import type { LiveContract } from '../../src/contracts/live-contract.ts'
import { openPartyProcess, type PartyProcess } from '../../src/contracts/party-process.ts'
import type { Submission } from '../../src/contracts/submission.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { defaultTiming } from '../../src/gossip/gossip.ts'
import { AgreedView } from '../../src/projections/agreed-view.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { memorySnapshots } from '../../src/store/snapshots.ts'
import { until } from '../support/node-party.ts'

/** The processes of a party that is alone, on one store. */
function party(t: Test) {
  const signer = keySigner(generateKeyPair().privateKey)
  const keys = { signing: signer.publicKey, recovery: generateKeyPair().publicKey }
  const store = openMemoryStore()
  let requests = 0
  // Timers of a node keep no process alive by themselves.
  const alive = setInterval(() => {}, 1000)
  t.teardown(async () => {
    clearInterval(alive)
    await store.close()
  })
  return async (role: Role, guard: SigningGuard) => {
    const opened = await openPartyProcess({
      role,
      store,
      ...(role === 'serve' ? {} : { signer, signerOf: () => signer, guard }),
      clock: systemClock,
      random: systemRandom,
      card: { handle: 'ana' as Handle, did: 'did:web:ana.example', name: 'ana', keys },
      uidOf: (n) => String(n).padStart(26, '0') as Uid,
      newRequestId: () => `ana-${role}-${requests++}`,
      timing: defaultTiming,
      report: { unreachable: () => {}, refused: () => {} },
      failed: (error) => t.fail(String(error)),
      snapshots: memorySnapshots(),
    })
    t.teardown(() => opened.close())
    return opened
  }
}

async function open({ contracts }: PartyProcess): Promise<Uid> {
  const { contract, opened } = await contracts.openContract('of one party')
  await opened
  return contract.contract
}

function has({ state: { settling }, contract }: LiveContract, name: string): boolean {
  return new AgreedView(settling.agreed, contract, openMemoryStore().payloads).find([name]) !== undefined
}

/** As from a client that does not insist on an answer. */
function add(live: LiveContract, name: string, signedWithinMs: number): Submission {
  const command = { type: 'AddField', parent: '0', name, field: { type: 'text' } }
  return live.submit({ request: { commands: [command], id: name, tentative: true }, payloads: {}, signedWithinMs })
}

t.test('a node that must not sign says so, and what it was asked never comes to be', async (t) => {
  const start = party(t)
  const first = await start('node', memoryGuard())
  const contract = await open(first)
  await first.close()
  const { contracts } = await start('node', memoryGuard())
  await contracts.use(contract, async (live) => {
    t.equal(live.obstacle, 'nobody can say what was signed')
    t.match(await answerFor(add(live, 'Dropped', 20), contract), {
      status: 504,
      body: { code: 'not_unanimous_in_time', waitingFor: ['ana'], detail: /could not sign/ },
    })
    await live.goOn()
    t.match(await answerFor(add(live, 'Taken', 10_000), contract), { status: 202, body: { request: /^ana\./ } })
    await until('it is settled', async () => has(live, 'Taken'))
    t.notOk(has(live, 'Dropped'))
    await t.rejects(live.goOn(), { code: 'not_silenced', evidence: { obstacle: null } })
  })
})

t.test(
  'what serve has left in the outbox is carried out although whoever asked was told that nobody signs',
  async (t) => {
    const start = party(t)
    const guard = memoryGuard()
    const before = await start('transmit', guard)
    const contract = await open(before)
    await before.close()
    const serve = await start('serve', guard)
    await serve.contracts.use(contract, async (live) => {
      await t.rejects(answerFor(add(live, 'Later', 20), contract), { code: 'transmitter_silent' })
      await start('transmit', guard)
      await until('it is carried out', async () => has(live, 'Later'))
    })
  },
)
