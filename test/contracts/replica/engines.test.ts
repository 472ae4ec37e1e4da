import t, { type Test } from 'tap'
import type { Engines } from '../../../src/aggregates/contract/engines.ts'
import { verifyContract } from '../../../src/audit/verify.ts'
import { auditSourceOf } from '../../../src/cli/audit/audit-source.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { both, NAME_RESERVED, onlyFirst } from '../../support/engine-2.ts'
import { engineBehindAValue } from '../../support/engine-behind-a-value.ts'
import { statementsIn } from '../../support/full-state.ts'
import { allOf, CONTRACT } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { Link, together } from '../../support/two-parties.ts'

const adds = (name: string) => ({ type: 'AddField', parent: '0', name, field: { type: 'text' } })
const upgrade = { type: 'UpgradeEngine', to: 2 }

let requests = 0
const asks = ({ contracts }: PartyProcess, contract: Uid, command: { type: string; [member: string]: unknown }) =>
  contracts.use(contract, (live) => live.submit(requestOf(command)).verdict)
const requestOf = (command: { type: string }) => ({
  request: { id: `asked ${requests++}`, commands: [command] },
  payloads: {},
})

async function twoParties(t: Test, anasEngines: Engines, bensEngines: Engines) {
  const [ana, ben] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const one = await ana.start('node', { engines: anasEngines })
  const other = await ben.start('node', { engines: bensEngines })
  new Link([one, ana], [other, ben])
  return { ana, ben, one, other, contract: await together(one, other) }
}

const engineIn = ({ contracts }: PartyProcess, contract: Uid) =>
  contracts.use(contract, ({ state }) => state.settling.agreed.engine)

t.test('a node refuses the others’ vote for an engine that it lacks; the contract goes on in its own', async (t) => {
  const { one, other, contract } = await twoParties(t, both, onlyFirst)
  t.match(await asks(one, contract, upgrade), {
    kind: 'settled',
    outcome: { kind: 'refused', by: [{ handle: 'ben', code: 'engine_unknown' }] },
  })
  t.match(await asks(one, contract, adds('x-A')), { outcome: { kind: 'accepted' } })
  t.match(await asks(other, contract, adds('x-B')), { outcome: { kind: 'accepted' } })
  await one.contracts.use(contract, ({ obstacle, state }) => {
    t.equal(obstacle, undefined)
    t.same(state.settling.agreed.engineVotes, [])
  })
})

t.test('it signs no vote of its own for one: nothing of it is in the feed', async (t) => {
  const { one, contract } = await twoParties(t, onlyFirst, both)
  await one.contracts.use(contract, (live: LiveContract) => {
    const before = statementsIn(live.state)
    t.throws(() => live.submit(requestOf(upgrade)), { code: 'engine_unknown', evidence: { engine: 2, engines: [1] } })
    t.equal(statementsIn(live.state), before)
  })
})

t.test('two that have it vote; after that another void code counts, over a restart too', async (t) => {
  const { ana, one, other, contract } = await twoParties(t, both, both)
  t.match(await asks(one, contract, adds('x-Before')), { outcome: { kind: 'accepted' } })
  t.match(await asks(one, contract, upgrade), { outcome: { kind: 'accepted' } })
  t.equal(await engineIn(one, contract), 1)
  t.match(await asks(other, contract, upgrade), { outcome: { kind: 'accepted' } })
  t.equal(await engineIn(other, contract), 2)
  t.match(await asks(other, contract, adds('x-After')), { outcome: { kind: 'void', reason: { code: NAME_RESERVED } } })
  t.match(await asks(one, contract, adds('After')), { outcome: { kind: 'accepted' } })
  const headOf = ({ contracts }: PartyProcess) =>
    contracts.use(contract, ({ state: { ledger, settling } }) => ({
      root: ledger.log.root(),
      record: ledger.engines.recordHash(settling.agreed),
    }))
  const before = await headOf(one)
  await one.close()
  const again = await ana.start('node', { engines: both })
  t.same(await headOf(again), before)
  const report = await verifyContract(auditSourceOf(ana.store, contract, ana.card.handle), both)
  t.match(report, before)

  await t.test('an auditor that lacks the engine says so', async (t) => {
    const audit = verifyContract(auditSourceOf(ana.store, contract, ana.card.handle), onlyFirst)
    await t.rejects(audit, { code: 'engine_unknown', evidence: { engine: 2 } })
  })

  await t.test('an older version on the same store leaves that contract alone, and goes on with others', async (t) => {
    await again.close()
    const told: unknown[] = []
    const older = await ana.start('node', { engines: onlyFirst, failed: (error) => told.push(error) })
    t.match(told, [{ code: 'engine_unknown', evidence: { engine: 2 } }])
    await t.rejects(
      older.contracts.use(contract, () => {}),
      { code: 'engine_unknown' },
    )
    t.same(await older.contracts.summaries(), [])
    const { opened } = await older.contracts.openContract('another')
    t.match(await opened, { outcome: { kind: 'accepted' } })
  })
})

t.test(
  'an invitee that lacks the engine takes in what went before, says what it lacks, and signs nothing',
  async (t) => {
    const { ana, one, other, contract } = await twoParties(t, both, both)
    const cleo = new EdgelessParty(t, 'cleo')
    t.match(await asks(one, contract, { type: 'InviteParty', party: cleo.card }), { outcome: { kind: 'accepted' } })
    for (const process of [one, other]) await asks(process, contract, upgrade)
    const third = await cleo.start('node', { engines: onlyFirst })
    const unknown: unknown[] = []
    third.contracts.listen({ engineUnknown: (_, { evidence }) => unknown.push(evidence) })
    new Link([one, ana], [third, cleo])
    one.gossip.carry(contract)
    await until('cleo to hold it', async () => third.contracts.has(contract))
    await third.contracts.use(contract, async (live) => {
      await until('cleo to see where it ends', async () => live.engineUnknown !== undefined)
      t.match(live, { obstacle: 'engine_unknown', engineUnknown: 2 })
      t.equal(live.state.feeds.get(cleo.card.handle), undefined, 'it has signed nothing')
      t.equal(live.state.ledger.document.engine, 1)
      await t.rejects(live.goOn(), { code: 'signing_not_blocked' })
    })
    t.same(unknown, [{ engine: 2, engines: [1] }], 'it is told once')
    t.same(cleo.told, [], 'nobody is blamed for it')
  },
)

t.test(
  'a late value behind which the ledger goes on in an engine that is not here is left out, and said',
  async (t) => {
    const { ana, cleo, asked, upgrade, answers } = engineBehindAValue()
    const store = openMemoryStore()
    const guard = memoryGuard()
    t.teardown(() => store.close())
    const open = () =>
      LiveContract.open(CONTRACT, cleo.handle, ana.handle, {
        store,
        guard,
        clock: new VirtualClock(),
        random: systemRandom,
        signer: keySigner(cleo.privateKey),
        engines: onlyFirst,
      })
    const live = await open()
    const told: unknown[] = []
    live.listen({ engineUnknown: (_, { engine }) => told.push(engine) })
    await live.deliver(allOf(cleo))
    await live.deliver([{ ...asked, payloads: {} }, upgrade, ...answers])
    const { party, seq } = asked.statement
    const before = { size: live.state.ledger.log.size, own: live.state.feeds.get(cleo.handle)?.size }
    t.equal(live.engineUnknown, undefined)
    await live.deliver([], undefined, [{ party, payloads: asked.payloads, seq }])
    t.match(live, { obstacle: 'engine_unknown', engineUnknown: 2 })
    t.same(told, [2])
    t.same(
      { size: live.state.ledger.log.size, own: live.state.feeds.get(cleo.handle)?.size },
      before,
      'nothing is signed on it',
    )
    await live.close()
    const again = await open()
    t.teardown(() => again.close())
    t.equal(again.state.ledger.log.size, before.size, 'nor stored: it starts again')
  },
)
