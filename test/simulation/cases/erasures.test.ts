import t from 'tap'
import { find, memberOf } from '../../../src/aggregates/contract/state.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { type ElementId, ROOT } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
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

t.test(
  'what a rule has computed is erased with what it read, while one dies; who is set back to before, and who comes in afterwards, end alike',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {} }, { erasures: 0.1, rules: 0.1 }, ['cleo'])
    const [ana, ben, cleo] = ['ana', 'ben', 'cleo'].map((handle) => stage.machine(handle)) as [
      Machine,
      Machine,
      Machine,
    ]
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
