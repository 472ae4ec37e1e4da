import t from 'tap'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import type { Submission } from '../../../src/contracts/requests/submission.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { AgreedView } from '../../../src/documents/agreed-view.ts'
import { resultOf } from '../../../src/documents/request-result.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { until } from '../../support/node-party.ts'

async function open({ contracts }: PartyProcess): Promise<Uid> {
  const { contract, opened } = await contracts.openContract('of one party')
  await opened
  return contract.contract
}

function has({ state: { settling }, contract }: LiveContract, name: string): boolean {
  return new AgreedView(settling.agreed, contract, openMemoryStore().payloads).find([name]) !== undefined
}

/** Nobody says anything about anything here. */
const { payloads } = openMemoryStore()

/** As from a client that does not insist on an answer. */
function add(live: LiveContract, name: string, signedWithinMs: number): Submission {
  const command = { type: 'AddField', parent: '0', name, field: { type: 'text' } }
  return live.submit({ request: { commands: [command], id: name, tentative: true }, payloads: {}, signedWithinMs })
}

t.test('a node that must not sign says so, and what it was asked never comes to be', async (t) => {
  const ana = new EdgelessParty(t)
  const first = await ana.start()
  const contract = await open(first)
  await first.close()
  const { contracts } = await ana.start('node', { guard: memoryGuard() })
  await contracts.use(contract, async (live) => {
    t.equal(live.obstacle, 'nobody_to_ask')
    t.match(await resultOf(add(live, 'Dropped', 20), live, { payloads, turns: undefined }), {
      kind: 'timed out',
      request: undefined,
      waitingFor: ['ana'],
    })
    await live.goOn()
    t.match(await resultOf(add(live, 'Taken', 10_000), live, { payloads, turns: undefined }), {
      kind: 'pending',
      request: { handle: 'ana' },
    })
    await until('it is settled', async () => has(live, 'Taken'))
    t.notOk(has(live, 'Dropped'))
    await t.rejects(live.goOn(), { code: 'signing_not_blocked', evidence: { obstacle: null } })
  })
  t.same(ana.told, [])
})

t.test(
  'what serve has left in the outbox is carried out although whoever asked was told that nobody signs',
  async (t) => {
    const ana = new EdgelessParty(t)
    const before = await ana.start('transmit')
    const contract = await open(before)
    await before.close()
    const serve = await ana.start('serve')
    await serve.contracts.use(contract, async (live) => {
      await t.rejects(resultOf(add(live, 'Later', 20), live, { payloads, turns: undefined }), {
        code: 'transmitter_silent',
      })
      await ana.start('transmit')
      await until('it is carried out', async () => has(live, 'Later'))
    })
    t.same(ana.told, [])
  },
)
