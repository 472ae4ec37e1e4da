import t from 'tap'
import { leavesOf, refsOf } from '../../../src/contracts/contents/content-files.ts'
import { CONTENT_PIECE_BYTES, type NamedContent } from '../../../src/events/attachments/content.ts'
import { seal } from '../../../src/events/seal.ts'
import { contentOf, piecesOf } from '../../../src/merkle/content-tree.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

/** Behind the two fields and the list. */
const FILE = '0.3'
const PIECES = 6

/** So many pieces of it stand on its disk. */
async function piecesAt(stage: Stage, { disk }: Machine, content: NamedContent): Promise<number> {
  let held = 0
  for (const { group, seal: name } of refsOf(content.name, PIECES).slice(0, PIECES))
    if ((await disk.payload(stage.run.contract, { group, seal: name })) !== undefined) held++
  return held
}

t.test(
  'an attachment is cut off in the middle, its author and who fetches it die: it goes on where it was, and all have it',
  async (t) => {
    const wait = { payloadWaitMs: 60_000 }
    const stage = await Stage.with({ ana: wait, ben: wait, cleo: wait }, { attachments: 0.1 })
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    const bytes = new Uint8Array(PIECES * CONTENT_PIECE_BYTES).map((_, place) => place * 7 + (place >> 8))
    const { bytes: length, hash } = contentOf(bytes)
    const { seal: sealed, payload } = seal(
      { bytes: length, hash, name: 'slip.txt', type: 'text/plain' },
      new Uint8Array(16),
    )
    const content = { bytes: length, hash, name: sealed }
    const came: string[] = []
    stage.run.network.mangle = (text) =>
      text
        .split('\n')
        .filter((line) => !line.startsWith('{"bytes":') || came.push(line) <= PIECES / 2)
        .join('\n')
    await stage.comesOf((await stage.live(ana)).contents.keep(content, piecesOf(bytes)))
    const command = { type: 'ProposeValue', field: FILE, seal: sealed, basis: [] }
    await stage.workload.submit(ana, command, { payloads: { [sealed]: payload } })
    const held = () => piecesAt(stage, ben, content)
    stage.cutOff(cleo)
    await stage.until('it is cut off', () => came.length > PIECES / 2)
    await stage.run.pass(1_000)
    const before = await held()
    t.equal(before, PIECES / 2, 'given: ben has half of it')
    t.equal(await leavesOf(ben.disk.payloads, stage.run.contract, content), undefined)
    const { settled } = (await stage.live(ana)).state.settling
    for (const machine of [ana, ben]) stage.faults.crash(machine)
    const fetched: string[] = []
    stage.run.network.mangle = (text) => {
      for (const line of text.split('\n')) if (line.startsWith('{"bytes":')) fetched.push(line)
      return text
    }
    t.equal((await stage.live(cleo)).state.settling.settled, settled, 'nothing settles without it')
    for (const machine of [ana, ben]) await stage.faults.restart(machine)
    await stage.until('ben has it', async () => (await held()) === PIECES)
    t.equal(fetched.length, PIECES - before, 'what it had is not fetched again')
    stage.run.network.heal()
    await stage.until('all have it', async () => {
      for (const { disk } of [ana, ben, cleo])
        if ((await leavesOf(disk.payloads, stage.run.contract, content)) === undefined) return false
      return true
    })
    await stage.ends()
    for (const machine of [ana, ben, cleo]) {
      const entry = (await stage.entriesAt(machine)).findLast(({ author }) => author === 'ana')
      t.match(entry, { outcome: { kind: 'accepted' }, events: [{ type: 'ValueProposed', seal: sealed }, {}] })
    }
  },
)
