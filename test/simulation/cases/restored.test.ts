import t from 'tap'
import { closedInvitationOf, memberOf } from '../../../src/aggregates/contract/state.ts'
import { OUTBOX_STREAM } from '../../../src/store/streams.ts'
import { Stage } from './stage.ts'

const SPLIT = ['serve', 'transmit', 'receive'] as const
const TWO_THAT_SIGN = ['receive', 'transmit', 'serve', 'transmit'] as const

t.test('a node that is set back without its guard after it has left waits for nobody', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
  const [ana, cleo] = stage.machines('ana', 'cleo')
  const { mark } = cleo.disk
  await stage.workload.submit(cleo, { type: 'Resign' })
  await stage.until(
    'cleo has left',
    async () => memberOf((await stage.live(ana)).state.settling.agreed, cleo.handle) === undefined,
  )
  await stage.run.pass(3_000)
  stage.cutOff(cleo)
  await stage.setBack(cleo, mark, true)
  const { state } = await stage.comesOf(stage.live(cleo))
  t.ok(memberOf(state.ledger.document, cleo.handle), 'it takes itself for a member, which nobody else does')
  await stage.ends()
  await stage.agrees(ana)
})

t.test('a node that is set back without its guard asks one whose invitation has come to nothing, too', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: {} }, {}, ['cleo'])
  const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
  const { network, contract } = stage.run
  const isClosed = async () =>
    closedInvitationOf((await stage.live(ben)).state.ledger.document, cleo.handle) !== undefined
  const said = async (at = ben) => (await stage.feedOf('ben', at)).length
  await stage.workload.submit(ben, { type: 'InviteParty', party: cleo.card })
  await stage.until('cleo is invited', () => cleo.contracts?.has(contract) ?? false)
  await stage.run.pass(3_000)
  const before = await said()
  await stage.workload.submit(ben, { type: 'WithdrawInvitation', party: 'cleo' })
  await stage.until('ben withdraws the invitation', async () => (await said()) > before)
  const { mark } = ben.disk
  const left = await said()
  await stage.until('ana has that', async () => (await said(ana)) === left)
  for (const { address } of [ben, cleo]) network.cut(address, ana.address)
  await stage.until('it has come to nothing', isClosed)
  await stage.until('cleo is shown what ben says on that', async () => (await said(cleo)) > left)
  t.equal(await said(ana), left, 'which ana is not')
  stage.cutOff(ben)
  await stage.setBack(ben, mark, true)
  t.equal(await said(), left, 'and ben has lost it')
  network.heal(true)
  stage.cutOff(cleo)
  await stage.until('ana tells it that the invitation has come to nothing', isClosed)
  await stage.workload.write(ben, '0.1')
  await stage.run.pass(10_000)
  t.equal(await said(), left, 'it signs nothing before it has heard of cleo')
  await stage.ends()
  t.notOk(stage.run.counts.accused)
  await stage.agrees(ben)
})

t.test('every process sees that the store of all of them was set back, and none signs', async (t) => {
  for (const roles of [SPLIT, TWO_THAT_SIGN]) {
    const stage = await Stage.with({ ana: {}, ben: { roles } })
    const ben = stage.machine('ben')
    const { mark } = ben.disk
    await stage.agrees(ben)
    const signed = (await stage.feedOf('ben', stage.machine('ana'))).length
    stage.cutOff(ben)
    await stage.setBack(ben, mark)
    const left = (await stage.feedOf('ben')).length
    t.ok(left < signed, `of ${signed} statements ${left} are left, and the guard knows better`)
    await stage.workload.write(ben, '0.1')
    await stage.run.pass(10_000)
    t.equal((await stage.feedOf('ben')).length, left, 'nothing is signed')
    await stage.ends()
    t.notOk(stage.run.counts.accused)
    t.ok((await stage.feedOf('ben')).length > signed)
  }
})

t.test('own statements that come back after a restore are looked through for what users have asked', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: { roles: SPLIT } })
  const [ana, ben] = stage.machines('ana', 'ben')
  const before = ben.disk.mark
  const statements = (await stage.feedOf('ben')).length
  const id = `ben ${stage.run.requests + 1}`
  await stage.workload.write(ben, '0.0')
  await stage.until('it is in the command queue', () => ben.disk.mark > before)
  const { mark } = ben.disk
  await stage.until('ana has it', async () =>
    (await stage.feedOf('ben', ana)).some(({ requests }) => requests.some((request) => request.id === id)),
  )
  await stage.run.pass(1_000)
  stage.cutOff(ben)
  await stage.setBack(ben, mark)
  t.equal((await stage.feedOf('ben')).length, statements, 'the statement is lost')
  t.ok(
    (await ben.disk.textsOf(OUTBOX_STREAM)).some((text) => text.includes(`"${id}"`)),
    'what was asked for is not',
  )
  await stage.ends()
  const requests = (await stage.feedOf('ben', ana)).flatMap((statement) => statement.requests)
  t.equal(requests.filter((request) => request.id === id).length, 1)
})
