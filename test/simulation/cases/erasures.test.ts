import t from 'tap'
import { find, memberOf } from '../../../src/aggregates/contract/state.ts'
import type { Policy } from '../../../src/contracts/approvals/policy.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { type ElementId, ROOT } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { losingValues } from '../lost-values.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

const FIRST = '0.0' as ElementId
const COMPUTED = '0.3' as ElementId

async function sealAt(stage: Stage, machine: Machine, id: ElementId): Promise<Hash> {
  const field = find((await stage.live(machine)).state.settling.agreed, id)
  const of = field?.kind === 'field' ? field.agreed?.seal : undefined
  if (!of) throw new Error(`the situation is not reached: a value stands at ${id}`)
  return of
}

/** Whether it stands anywhere on its disk. */
async function keeps(stage: Stage, { disk }: Machine, seals: readonly Hash[]): Promise<boolean> {
  for await (const { entries } of disk.payloads.groups(stage.run.contract))
    if (entries.some(([of]) => seals.includes(of))) return true
  return false
}

async function headAt(stage: Stage, machine: Machine): Promise<readonly unknown[]> {
  const { ledger } = (await stage.live(machine)).state
  return [ledger.log.size, ledger.log.root()]
}

/**
 * Of two values that a member proposes one is erased, the other is lost: no value of that member comes any more to whoever is let in
 * then; entries do.
 */
async function letInBehindErasure(stage: Stage, member: Machine): Promise<{ gone: Hash; lost: Hash }> {
  const proposes = async (text: string) => {
    const { seal: sealed, payload } = seal(text, new Uint8Array(16))
    await stage.does(member, { type: 'ProposeValue', field: FIRST, seal: sealed, basis: [] }, { [sealed]: payload })
    return sealed
  }
  const [gone, lost] = [await proposes('to be forgotten'), await proposes('to be lost')]
  await stage.does(member, { type: 'EraseValues', seals: [gone] })
  stage.run.network.mangle = losingValues(stage.run.sources.of('network', 'values'), { loss: 1, forgery: 0 })
  await stage.letIn()
  return { gone, lost }
}

t.test(
  'what a rule has computed is erased with what it read, while one dies; who is set back to before, and who comes in afterwards, end alike',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {} }, { erasures: 0.1, rules: 0.1 }, ['cleo'])
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    stage.run.machines.pop()
    await stage.publishes([
      {
        at: ROOT,
        body: { kind: 'assignment', target: COMPUTED, expression: await stage.expression('`field 0` + "!"') },
      },
    ])
    stage.run.machines.push(cleo)
    const { seal: sealed, payload } = seal('to be forgotten', new Uint8Array(16))
    const proposes = { type: 'ProposeValue', field: FIRST, seal: sealed, basis: [] }
    await stage.does(ana, proposes, { [sealed]: payload })
    const computed = await sealAt(stage, ana, COMPUTED)
    const gone = [sealed, computed]
    await stage.until('ben has both', async () => (await stage.live(ben)).state.settling.settled > 0)
    await stage.run.pass(1_000)
    for (const machine of [ana, ben]) t.ok(await keeps(stage, machine, gone), 'given: it is there')
    const { mark } = ben.disk
    // ana dies with the vote that was the last, and before it has erased anything.
    await stage.does(ana, { type: 'EraseValues', seals: [sealed] })
    await stage.workload.submit(ben, { type: 'EraseValues', seals: [sealed] })
    await stage.until('ben has erased', async () => !(await keeps(stage, ben, gone)))
    stage.faults.crash(ana)
    await stage.faults.restart(ana)
    await stage.until('ana has erased', async () => !(await keeps(stage, ana, gone)))

    stage.cutOff(ben)
    await stage.setBack(ben, mark)
    t.ok(await keeps(stage, ben, gone), 'given: a backup has it again')
    stage.run.network.heal()
    await stage.until('ben has erased once more', async () => !(await keeps(stage, ben, gone)))

    await stage.letIn()
    t.ok(memberOf((await stage.live(ana)).state.settling.agreed, cleo.handle), 'given: one comes in afterwards')
    t.ok((await stage.live(cleo)).state.ledger.known.size > 0, 'and takes what it cannot judge')
    await stage.ends()
    const [head] = await Promise.all([ana, ben, cleo].map((machine) => headAt(stage, machine)))
    for (const machine of [ana, ben, cleo]) {
      t.same(await headAt(stage, machine), head)
      t.same((await stage.live(machine)).state.settling.agreed.erasures.erased, gone.toSorted())
      t.equal(await keeps(stage, machine, gone), false)
    }
  },
)

t.test(
  'all processes of who comes in afterwards go past what is erased; what was lost on the way then, and nobody has erased, is asked for',
  async (t) => {
    const stage = await Stage.with({ ana: {} }, { erasures: 0.1, split: true }, ['cleo'])
    const [ana, cleo] = stage.machines('ana', 'cleo')
    cleo.runsAs(['serve', 'transmit', 'receive'])
    stage.faults.crash(cleo)
    await stage.faults.restart(cleo)
    const { gone, lost } = await letInBehindErasure(stage, ana)
    const sizes = () =>
      [0, 1, 2].map((place) => cleo.contractsAt(place)?.find(stage.run.contract)?.state.ledger.log.size)
    const { size } = (await stage.live(ana)).state.ledger.log
    t.same(sizes(), [size, size, size])
    t.equal(await keeps(stage, cleo, [lost]), false, 'given: it has not come')
    stage.run.network.mangle = (text) => text
    await stage.until('it has come', () => keeps(stage, cleo, [lost]))
    t.equal(await keeps(stage, cleo, [gone]), false)
    await stage.ends()
  },
)

t.test(
  'who comes in afterwards goes past what is erased where requests were withdrawn and refused in between',
  async (t) => {
    const policy: Policy = [{ commands: ['AddBlock'], answer: 'refuse', reason: 'not now' }]
    const stage = await Stage.with({ ana: {}, ben: { policy } }, { erasures: 0.1 }, ['cleo'])
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    const { counts, network } = stage.run
    const { seal: gone, payload } = seal('to be forgotten', new Uint8Array(16))
    const proposes = { type: 'ProposeValue', field: FIRST, seal: gone, basis: [] }
    await stage.does(ana, proposes, { [gone]: payload })
    await stage.workload.submit(ana, { type: 'AddBlock', parent: ROOT, name: 'Terms' })
    await stage.until('one request is refused', () => counts.refused === 1)
    stage.cutOff(ben)
    await stage.workload.submit(
      ana,
      { type: 'AddField', parent: ROOT, name: 'F', field: { type: 'text' } },
      { tentative: true, timeoutMs: 500 },
    )
    await stage.until('one is withdrawn', () => counts['timed out'] === 1)
    network.heal()
    for (const machine of [ana, ben]) await stage.does(machine, { type: 'EraseValues', seals: [gone] })
    const between = (await stage.entriesAt(ana)).map(({ outcome }) => outcome.kind)
    t.ok(between.includes('refused') && between.includes('withdrawn'), 'given: both are in the ledger')
    await stage.letIn()
    t.ok((await stage.live(cleo)).state.ledger.known.size > 0, 'it has taken what it cannot judge')
    await stage.ends()
    t.same(await headAt(stage, cleo), await headAt(stage, ana))
  },
)

t.test(
  'who was given entries, and has stored them, has them again when it reads its store: also those whose values are lost, and not erased',
  async (t) => {
    const stage = await Stage.with({ ana: {} }, { erasures: 0.1 }, ['cleo'])
    const [ana, cleo] = stage.machines('ana', 'cleo')
    const { lost } = await letInBehindErasure(stage, ana)
    const { size } = (await stage.live(ana)).state.ledger.log
    const isWhole = async () => (await stage.live(cleo)).state.settling.settled === size
    await stage.until('cleo has all', isWhole)
    t.equal(await keeps(stage, cleo, [lost]), false, 'given: it has not come')
    stage.cutOff(cleo)
    stage.faults.crash(cleo)
    await stage.faults.restart(cleo)
    await stage.until('cleo is up', async () => (await cleo.live(stage.run.contract)) !== undefined)
    t.ok(await isWhole(), 'from its own store alone')
    const wanted = (await stage.live(cleo)).wants.flatMap(({ seals }) => seals)
    t.same(wanted, [lost], 'and it is still asked for')
    stage.run.network.heal()
    stage.run.network.mangle = (text) => text
    await stage.until('it has come', () => keeps(stage, cleo, [lost]))
    await stage.ends()
  },
)

t.test(
  'who was given an entry without what a rule has computed in it reads its store again all the same, and asks for that',
  async (t) => {
    const stage = await Stage.with({ ana: {} }, { erasures: 0.1, rules: 0.1 }, ['cleo'])
    const [ana, cleo] = stage.machines('ana', 'cleo')
    stage.run.machines.pop()
    await stage.publishes([
      {
        at: ROOT,
        body: { kind: 'assignment', target: COMPUTED, expression: await stage.expression('`field 0` + "!"') },
      },
    ])
    stage.run.machines.push(cleo)
    const proposes = async (text: string) => {
      const { seal: sealed, payload } = seal(text, new Uint8Array(16))
      const standing = find((await stage.live(ana)).state.settling.agreed, FIRST)
      const basis = standing?.kind === 'field' && standing.agreed !== null ? [standing.agreed.id] : []
      await stage.does(ana, { type: 'ProposeValue', field: FIRST, seal: sealed, basis }, { [sealed]: payload })
      return sealed
    }
    const gone = await proposes('to be forgotten')
    await proposes('to be lost')
    const computed = await sealAt(stage, ana, COMPUTED)
    await stage.does(ana, { type: 'EraseValues', seals: [gone] })
    // Neither values nor what was computed comes to cleo; entries do.
    stage.run.network.mangle = losingValues(stage.run.sources.of('network', 'values'), { loss: 1, forgery: 0 })
    await stage.letIn()
    const { erasures } = (await stage.live(cleo)).state.settling.agreed
    t.ok(erasures.erased.includes(gone), 'given: it has erased something, and read its store again')
    t.notOk(erasures.erased.includes(computed), 'given: nothing says that this is erased')
    t.equal(await keeps(stage, cleo, [computed]), false, 'given: it has not come')
    stage.run.network.mangle = (text) => text
    t.same((await stage.live(cleo)).wantsEntries?.computed.length, 1, 'it is asked for')
    await stage.until('it has come', () => keeps(stage, cleo, [computed]))
    await stage.ends()
  },
)

t.test(
  'who comes in afterwards goes past what is erased at both ends of a statement with more requests than one message has entries',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {} }, { erasures: 0.1 }, ['cleo'])
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    const gone: Hash[] = []
    const proposes = (text: string, field: string) => {
      const { seal: sealed, payload } = seal(text, new Uint8Array(16))
      gone.push(sealed)
      return stage.workload.submit(
        ana,
        { type: 'ProposeValue', field, seal: sealed, basis: [] },
        { payloads: { [sealed]: payload } },
      )
    }
    const block = { type: 'AddBlock', parent: '0.0', name: 'in a field' }
    const between = Array.from({ length: 300 }, () => stage.workload.submit(ana, block))
    await Promise.all([proposes('the first', FIRST), ...between, proposes('the last', '0.1')])
    await stage.until('all have settled', () => stage.run.counts['accepted ProposeValue'] === 2)
    const [first, last] = (await stage.entriesAt(ana)).filter(({ events }) =>
      events.some(({ type }) => type === 'ValueProposed'),
    )
    t.equal(last?.statement, first?.statement, 'given: one statement has both')
    for (const machine of [ana, ben]) await stage.does(machine, { type: 'EraseValues', seals: gone.toSorted() })
    await stage.letIn()
    const { known } = (await stage.live(cleo)).state.ledger
    t.ok(known.has(first?.index as number) && known.has(last?.index as number), 'it has taken what it cannot judge')
    await stage.ends()
    t.same(await headAt(stage, cleo), await headAt(stage, ana))
  },
)
