import t from 'tap'
import { EntriesContradicted } from '../../../src/contracts/replica/inbound/intake.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Handle, LedgerIndex } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { ENTRY_LINE_START } from '../../../src/gossip/known-entry-line.ts'
import { fullState } from '../../support/full-state.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

/** The line as who lies about that entry gives it: nothing came of it. */
function withLie(line: string, index: LedgerIndex | undefined): string {
  if (!isOf(line, index)) return line
  const said = JSON.parse(line)
  return canonicalJson({ ...said, entry: { ...said.entry, events: [] } })
}

function isOf(line: string, index: LedgerIndex | undefined): boolean {
  return line.startsWith(ENTRY_LINE_START) && line.includes(`"index":${index},`)
}

/** The machines of members, and of who comes in afterwards with a process for each role. */
async function staged(...members: string[]) {
  const stage = await Stage.with(
    Object.fromEntries(members.map((handle) => [handle, {}])),
    { erasures: 0.1, split: true },
    ['cleo'],
  )
  const cleo = stage.machine('cleo')
  cleo.runsAs(['serve', 'transmit', 'receive'])
  stage.faults.crash(cleo)
  await stage.faults.restart(cleo)
  const statesOfCleo = () => [1, 2].map((place) => cleo.contractsAt(place)?.find(stage.run.contract)?.state)
  return { stage, cleo, machines: stage.machines(...members), statesOfCleo }
}

/** Both processes have found out, and then all end alike. */
async function endsAlike(stage: Stage): Promise<boolean> {
  const told = stage.run.violations.splice(0)
  await stage.ends()
  return told.length > 0 && told.every((error) => error instanceof EntriesContradicted)
}

t.test('a false entry that is kept until more is given is forgotten once the heads contradict it', async (t) => {
  const { stage, machines, statesOfCleo } = await staged('ana')
  const [ana] = machines as [Machine]
  const gone = ['one', 'other'].map((text) => seal(text, new Uint8Array(16)))
  const proposals = gone.map(({ seal: sealed, payload }, place) => {
    const proposes = { type: 'ProposeValue', field: `0.${place}`, seal: sealed, basis: [] }
    return stage.workload.submit(ana, proposes, { payloads: { [sealed]: payload } })
  })
  await Promise.all(proposals)
  await stage.does(ana, { type: 'EraseValues', seals: gone.map(({ seal: sealed }) => sealed).toSorted() })
  const [one, other] = (await stage.entriesAt(ana)).filter(({ events }) => events[0]?.type === 'ValueProposed')
  t.ok(one !== undefined && one.statement === other?.statement, 'given: one statement has both')
  let isBelieved = false
  // The first comes false and the other not at all, until both processes have taken it for now.
  stage.run.network.mangle = (text) => {
    isBelieved ||= statesOfCleo().every(
      (state) => state?.ledger.known.get(one?.index as LedgerIndex)?.entry.events.length === 0,
    )
    if (isBelieved) return text
    const lines = text.split('\n').filter((line) => !isOf(line, other?.index))
    return lines.map((line) => withLie(line, one?.index)).join('\n')
  }
  await stage.letIn()
  t.ok(isBelieved, 'given: both have believed it')
  t.ok(await endsAlike(stage))
})

t.test('a false entry that was taken, and shows only when more is held, is forgotten as well', async (t) => {
  const { stage, cleo, machines, statesOfCleo } = await staged('ana', 'ben', 'dan')
  const [ana, ben, dan] = machines as [Machine, Machine, Machine]
  const { network } = stage.run
  const { seal: gone, payload } = seal('to be forgotten', new Uint8Array(16))
  // Neither of those who answer covers the other, so that nobody's answer says what the request has come to.
  network.cut(ben.address, dan.address)
  network.cut(dan.address, ben.address)
  await stage.does(ana, { type: 'ProposeValue', field: '0.0', seal: gone, basis: [] }, { [gone]: payload })
  network.heal()
  for (const machine of machines) await stage.does(machine, { type: 'EraseValues', seals: [gone] })
  await stage.run.pass(1_000)
  const entry = (await stage.entriesAt(ana)).find(({ events }) => events[0]?.type === 'ValueProposed')
  const { feeds } = fullState((await stage.live(ana)).state)
  const shown = new Map<Handle, number>()
  for (const { handle } of [ben, dan]) {
    const seq = entry?.request.seq as number
    const answer = [...(feeds.get(handle) ?? [])].find(({ past }) => (past.get(ana.handle) ?? -1) >= seq)
    for (const [of, last] of answer?.past ?? []) shown.set(of, Math.max(shown.get(of) ?? -1, last))
  }
  stage.cutOff(cleo)
  await stage.workload.submit(ana, { type: 'InviteParty', party: cleo.card })
  await stage.run.pass(3_000)
  network.heal()
  const isShown = (line: string) => {
    const { statement } = line.includes('"signature"') ? JSON.parse(line) : {}
    return statement === undefined || (shown.get(statement.party) ?? -1) >= statement.seq
  }
  network.mangle = (text) => {
    const lines = text.split('\n').filter(isShown)
    return lines.map((line) => withLie(line, entry?.index)).join('\n')
  }
  await stage.until('both have taken it', () =>
    statesOfCleo().every((state) => state !== undefined && state.ledger.takenUntil > state.settling.settled),
  )
  network.mangle = (text) => text
  await stage.letIn()
  t.ok(await endsAlike(stage))
})
