import t from 'tap'
import { childNamed } from '../../../src/aggregates/contract/document/element.ts'
import { type Exported, exportingTemplate } from '../../../src/aggregates/contract/templates/export-template.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import { completed } from '../../../src/runtime/turns.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

/** What the founder has drawn up; `second` is the same later on. */
async function drawnUp(stage: Stage, ana: Machine): Promise<{ first: Exported; second: Exported }> {
  const taken = async () => {
    const { ledger } = (await stage.live(ana)).state
    const slip = childNamed(ledger.document.document, 'Slip')?.id as ElementId
    return completed(
      exportingTemplate(ledger.document, {
        element: slip,
        root: ledger.log.root(),
        size: ledger.log.size,
      }),
    ) as Exported
  }
  await stage.does(ana, { type: 'AddBlock', parent: '0', name: 'Slip', owner: null })
  const slip = childNamed((await stage.live(ana)).state.ledger.document.document, 'Slip')?.id as ElementId
  const field = (name: string) => ({ type: 'AddField', parent: slip, name, field: { type: 'text' } })
  await stage.does(ana, field('Sum'))
  const first = await taken()
  await stage.does(ana, field('Inception'))
  return { first, second: await taken() }
}

const piece = ({ hash, text }: Exported, from = 0, end = text.length) => {
  return { type: 'BringTemplate', bytes: text.length, from, hash, text: text.slice(from, end) }
}
const importOf = ({ hash }: Exported, name: string) => ({ type: 'ImportTemplate', at: '0', hash, name, roles: {} })

async function templatesAt(stage: Stage, machine: Machine) {
  return (await stage.live(machine)).state.settling.agreed.templates
}

t.test(
  'two import at one place at once, one dies; an upgrade is voted while a value changes; who is set back ends alike',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    const { first, second } = await drawnUp(stage, ana)
    await stage.does(ana, piece(first))
    const { mark } = cleo.disk
    // Neither has seen the other's.
    stage.cutOff(ana)
    const signed = (await stage.feedOf('ana')).length
    await stage.workload.submit(ana, importOf(first, 'Ours'))
    await stage.workload.submit(ben, importOf(first, 'Ours'))
    await stage.until('both have signed theirs', async () => (await stage.feedOf('ana')).length > signed)
    stage.faults.crash(ana)
    await stage.ends()
    for (const machine of [ana, ben, cleo]) {
      t.equal((await templatesAt(stage, machine)).uses.length, 1, 'one of them is there, the other names it')
    }
    const [{ element }] = (await templatesAt(stage, ana)).uses as unknown as [{ element: ElementId }]
    await stage.does(ben, piece(second))
    const upgrade = { type: 'UpgradeTemplate', element, from: first.hash, roles: {}, to: second.hash }
    for (const machine of [ana, ben]) await stage.does(machine, upgrade)
    stage.cutOff(cleo)
    await stage.workload.submit(cleo, upgrade)
    await stage.workload.write(ben, `${element}.0`)
    await stage.run.pass(100)
    await stage.setBack(cleo, mark)
    await stage.ends()
    // What cleo had not told anybody is gone with its disk: it votes once more, if it has to.
    if ((await templatesAt(stage, cleo)).uses[0]?.template === first.hash) await stage.does(cleo, upgrade)
    await stage.ends()
    for (const machine of [ana, ben, cleo]) {
      t.match((await templatesAt(stage, machine)).uses, [
        { template: second.hash, upgrades: [{ from: first.hash }], votes: [] },
      ])
      const { document } = (await stage.live(machine)).state.settling.agreed
      const ours = childNamed(document, 'Ours')
      t.ok(ours && childNamed(ours, 'Inception'))
    }
  },
)

t.test(
  'the rest of a template is withheld, and nobody waits; whoever has it brings it, and a value below it is erased',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {} }, { erasures: 0.1 })
    const [ana, ben] = stage.machines('ana', 'ben')
    const { first } = await drawnUp(stage, ana)
    await stage.does(ana, piece(first, 0, 80))
    const voids = stage.run.counts.void ?? 0
    await stage.workload.submit(ben, importOf(first, 'Ours'))
    await stage.until('nothing is imported', () => (stage.run.counts.void ?? 0) > voids)
    await stage.agrees(ben)
    await stage.does(ben, piece(first))
    await stage.does(ben, importOf(first, 'Ours'))
    const [{ element }] = (await templatesAt(stage, ben)).uses as unknown as [{ element: ElementId }]
    const accepted = stage.run.counts.accepted ?? 0
    await stage.workload.write(ana, `${element}.0`)
    await stage.until('a value stands below it', () => (stage.run.counts.accepted ?? 0) > accepted)
    const { document } = (await stage.live(ana)).state.settling.agreed
    const ours = childNamed(document, 'Ours')
    const sum = ours && childNamed(ours, 'Sum')
    const seals = sum?.kind === 'field' && sum.agreed !== null ? [sum.agreed.seal] : []
    t.equal(seals.length, 1)
    for (const machine of [ana, ben]) await stage.does(machine, { type: 'EraseValues', seals })
    await stage.ends()
    for (const machine of [ana, ben]) {
      const { agreed } = (await stage.live(machine)).state.settling
      t.same([agreed.erasures.erased, agreed.templates.uses.length], [seals, 1])
      t.same(agreed.templates.arriving, [])
    }
  },
)
