import t from 'tap'
import { verifyContract } from '../../../src/audit/verify.ts'
import type { Handle } from '../../../src/events/ids.ts'
import type { Write } from '../../../src/store/port.ts'
import { feedStream } from '../../../src/store/streams.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

const isTo = (stream: string) => (write: Write) => write.kind === 'append' && write.stream === stream

/** What stands in the feeds of ana and ben on the disk of ben. */
async function sizesAt(stage: Stage, { disk }: Machine) {
  const sizeOf = async (handle: string) => (await disk.textsOf(feedStream(stage.run.contract, handle as Handle))).length
  return { ana: await sizeOf('ana'), ben: await sizeOf('ben'), cleo: await sizeOf('cleo') }
}

const audited = (stage: Stage, { disk }: Machine) =>
  verifyContract(disk.auditSource(stage.run.contract, 'ana' as Handle))

/** ben dies in the middle of the write that has its answer to what ana asks for: without one of the appends, and maybe before the guard. */
const crashes = [
  { lost: 'what it covers', isGuarded: true },
  { lost: 'what it covers', isGuarded: false },
  { lost: 'the answer', isGuarded: true },
] as const
for (const { lost, isGuarded } of crashes) {
  const guard = isGuarded ? 'guarded' : 'not guarded'
  t.test(`an answer stored beside what it covers: the crash leaves ${lost} out, ${guard}`, async (t) => {
    const stage = await Stage.with({ ana: {}, ben: { isPiecewise: true }, cleo: {} })
    const [ana, ben] = stage.machines('ana', 'ben')
    const before = await sizesAt(stage, ben)
    const isAnswer = lost === 'the answer'
    ben.disk.loses = isTo(feedStream(stage.run.contract, isAnswer ? ben.handle : ana.handle))
    ben.disk.losesGuard = !isGuarded
    await stage.workload.write(ana, '0.0')
    await stage.until('one of the two appends is done', async () => {
      const { ana, ben: own } = await sizesAt(stage, ben)
      return isAnswer ? ana > before.ana && own === before.ben : ana === before.ana && own > before.ben
    })
    await stage.run.pass(20)
    stage.faults.crash(ben)
    ben.disk.loses = undefined
    ben.disk.losesGuard = false
    const crashed = await sizesAt(stage, ben)
    const [signed] = (await ben.disk.textsOf(feedStream(stage.run.contract, ben.handle))).slice(before.ben)
    const { checks } = await audited(stage, ben)
    const remark = checks.find(({ name }) => name === 'statements')?.remark
    t.equal(remark !== undefined, !isAnswer, 'an auditor says that something is missing, and finds no damage')

    stage.cutOff(ben)
    await stage.faults.restart(ben)
    await stage.workload.write(ben, '0.1')
    await stage.run.pass(10_000)
    if (!isAnswer) {
      t.equal((await stage.comesOf(stage.live(ben))).obstacle, 'store_set_back')
      t.equal((await sizesAt(stage, ben)).ben, crashed.ben, 'nothing is signed in its place, or beyond it')
    }
    await stage.ends()
    t.notOk(stage.run.counts.accused)
    const own = await ben.disk.textsOf(feedStream(stage.run.contract, ben.handle))
    t.ok(own.length > crashed.ben)
    if (!isAnswer) t.equal(own[before.ben], signed, 'it is what ben has said')
    t.equal((await stage.comesOf(stage.live(ben))).obstacle, undefined)
  })
}

t.test('one process heals what a crash of several has left', async (t) => {
  const stage = await Stage.with({
    ana: {},
    ben: { isPiecewise: true, roles: ['serve', 'transmit', 'receive'] },
    cleo: {},
  })
  const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
  const before = await sizesAt(stage, ben)
  stage.cutOff(ben)
  await stage.workload.write(ana, '0.0')
  await stage.until('cleo has answered', async () => (await sizesAt(stage, cleo)).cleo > before.cleo)
  ben.disk.loses = isTo(feedStream(stage.run.contract, ana.handle))
  // ben hears of both from cleo, and of neither from ana.
  stage.run.network.heal(true)
  for (const [from, to] of [
    [ana, ben],
    [ben, ana],
  ] as const)
    stage.run.network.cut(from.address, to.address)
  await stage.until('cleo’s answer is stored without what it covers', async () => {
    const { ana, cleo } = await sizesAt(stage, ben)
    return cleo > before.cleo && ana === before.ana
  })
  await stage.run.pass(20)
  stage.faults.crash(ben)
  ben.disk.loses = undefined
  t.match((await audited(stage, ben)).damage, [])
  ben.runsAs(['node'])
  await stage.faults.restart(ben)
  t.ok(await stage.comesOf(stage.live(ben)), 'it is loaded')
  t.equal((await stage.comesOf(stage.live(ben))).obstacle, undefined)
  stage.run.network.heal(true)
  await stage.until('ben has what was missing', async () => (await sizesAt(stage, ben)).ana > before.ana)
  await stage.ends()
  t.notOk(stage.run.counts.accused)
})

t.test('several processes wait for what an answer covers that a crash of one process has left alone', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: { isPiecewise: true }, cleo: {} })
  const [ana, ben] = stage.machines('ana', 'ben')
  const before = await sizesAt(stage, ben)
  ben.disk.loses = isTo(feedStream(stage.run.contract, ana.handle))
  ben.disk.losesGuard = true
  await stage.workload.write(ana, '0.0')
  await stage.until('the answer is stored without what it covers', async () => {
    const { ana, ben: own } = await sizesAt(stage, ben)
    return ana === before.ana && own > before.ben
  })
  await stage.run.pass(20)
  stage.faults.crash(ben)
  ben.disk.loses = undefined
  ben.disk.losesGuard = false
  const crashed = await sizesAt(stage, ben)
  const [signed] = (await ben.disk.textsOf(feedStream(stage.run.contract, ben.handle))).slice(before.ben)
  stage.cutOff(ben)
  ben.runsAs(['serve', 'transmit', 'receive'])
  await stage.faults.restart(ben)
  await stage.workload.write(ben, '0.1')
  await stage.run.pass(1_000)
  t.equal((await stage.comesOf(ben.author(stage.run.contract)))?.obstacle, 'store_set_back')
  t.equal((await sizesAt(stage, ben)).ben, crashed.ben, 'nothing is signed in its place, or beyond it')
  await stage.ends()
  t.notOk(stage.run.counts.accused)
  const own = await ben.disk.textsOf(feedStream(stage.run.contract, ben.handle))
  t.equal(own[before.ben], signed, 'it is what ben has said')
  t.ok(own.length > crashed.ben)
})

t.test(
  'an append of unknown outcome that takes its place late is what was signed, whatever was about to be',
  async (t) => {
    for (const lateMs of [2, 4, 6, 9, 14]) {
      const stage = await Stage.with({ ana: {}, ben: { isPiecewise: true }, cleo: {} })
      const [ana, ben] = stage.machines('ana', 'ben')
      const own = feedStream(stage.run.contract, ben.handle)
      let isFirst = true
      ben.disk.lateMs = (write) => {
        if (!isFirst || !isTo(own)(write)) return undefined
        isFirst = false
        return lateMs
      }
      // Its own request is to be stored, and then there is what ana says to be answered.
      const asked = [stage.workload.write(ben, '0.1'), stage.workload.write(ana, '0.0')]
      await stage.until('the append fails', () => !isFirst)
      await stage.run.pass(10_000)
      await stage.comesOf(Promise.all(asked))
      t.equal((await stage.comesOf(stage.live(ben))).obstacle, undefined, `${lateMs} ms late`)
    }
  },
)
