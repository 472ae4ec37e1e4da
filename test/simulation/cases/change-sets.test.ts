import t from 'tap'
import { find } from '../../../src/aggregates/contract/state.ts'
import type { ContractEvent } from '../../../src/events/contract-events.ts'
import type { ElementId, RequestRef } from '../../../src/events/ids.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

const FIELD = '0.1' as ElementId

/** All but the author must vote on a value of the second field. */
async function ruled(): Promise<Stage> {
  const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
  const ben = stage.machine('ben')
  await stage.publishes([{ at: FIELD, body: { kind: 'validation', who: { parties: [], fields: [] } } }])
  await stage.until('rules are in force', async () => (await stage.live(ben)).state.settling.agreed.phase === 'live')
  return stage
}

async function endorses(stage: Stage, machine: Machine): Promise<RequestRef> {
  const accepted = stage.run.counts.accepted ?? 0
  await stage.workload.endorse(machine, FIELD)
  await stage.until(`${machine.handle} endorses`, () => (stage.run.counts.accepted ?? 0) > accepted)
  const { changeSets } = (await stage.live(machine)).state.settling.agreed
  const set = changeSets.findLast(({ request }) => request.handle === machine.handle)
  if (set === undefined) throw new Error('the situation is not reached: the change set waits')
  return set.request
}

async function eventsAt(stage: Stage, machine: Machine): Promise<ContractEvent[]> {
  return (await stage.entriesAt(machine)).flatMap(({ events }) => events)
}

async function childrenAt(stage: Stage, machine: Machine): Promise<number> {
  const { document } = (await stage.live(machine)).state.settling.agreed
  return [...document.children].length
}

t.test('a change set that holds structure, whose last voter dies with its vote', async (t) => {
  const stage = await ruled()
  const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
  const children = await childrenAt(stage, ana)
  const request = await endorses(stage, ana)
  await stage.does(ben, { type: 'CastVote', request, vote: 'yes' })
  for (const machine of [ana, ben, cleo]) t.equal(await childrenAt(stage, machine), children, 'nothing of it is there')
  stage.cutOff(cleo)
  const signed = (await stage.feedOf('cleo')).length
  await stage.workload.submit(cleo, { type: 'CastVote', request, vote: 'yes' })
  await stage.until('the vote is signed, and told to nobody', async () => (await stage.feedOf('cleo')).length > signed)
  stage.faults.crash(cleo)
  t.same((await stage.live(ana)).state.settling.agreed.changeSets.length, 1, 'it waits at the others')
  await stage.ends()
  for (const machine of [ana, ben, cleo]) {
    t.equal(await childrenAt(stage, machine), children + 1)
    const { agreed } = (await stage.live(machine)).state.settling
    t.match(find(agreed, FIELD), { agreed: { id: `ana.${request.seq}.${request.index}.2` } })
    t.same(agreed.changeSets, [])
  }
})

t.test('the author of a change set leaves while its last vote is on its way, and is never seen again', async (t) => {
  const stage = await ruled()
  const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
  const children = await childrenAt(stage, ana)
  const request = await endorses(stage, ben)
  await stage.does(ana, { type: 'CastVote', request, vote: 'yes' })
  // Neither has heard of the other: of who leaves the others hear first.
  stage.cutOff(cleo)
  const signed = (await stage.feedOf('cleo')).length
  await stage.workload.submit(cleo, { type: 'CastVote', request, vote: 'yes' })
  await stage.workload.submit(ben, { type: 'Resign' })
  await stage.until('the vote is signed', async () => (await stage.feedOf('cleo')).length > signed)
  const hasLeft = async (state: { at: Machine }) =>
    (await stage.feedOf('ben', state.at)).some(({ requests }) =>
      requests.some(({ commands }) => commands[0]?.type === 'Resign'),
    )
  await stage.until('ana has heard that ben leaves', () => hasLeft({ at: ana }))
  t.notOk(await hasLeft({ at: cleo }), 'cleo has not')
  stage.run.network.heal()
  await stage.until('ben is no member', async () =>
    (await stage.live(ana)).state.settling.agreed.parties.members.every(({ card }) => card.handle !== 'ben'),
  )
  stage.faults.crash(ben)
  await stage.until('nothing waits', async () => (await stage.live(ana)).state.settling.agreed.changeSets.length === 0)
  await stage.ends()
  for (const machine of [ana, cleo]) {
    const fates = (await eventsAt(stage, machine)).filter(({ type }) => type.startsWith('ChangeSet'))
    t.match(fates.at(-1), { type: 'ChangeSetAgreed', request: { handle: 'ben' } })
    t.equal(await childrenAt(stage, machine), children + 1)
  }
})

t.test(
  'a last YES on a stale basis: of two sets for one field the later to be voted falls whole, everywhere',
  async (t) => {
    const stage = await ruled()
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    await stage.does(ana, { type: 'AddBlock', parent: '0', name: 'before' })
    const children = await childrenAt(stage, ana)
    const [first, second] = [await endorses(stage, ana), await endorses(stage, ben)]
    await stage.does(cleo, { type: 'CastVote', request: first, vote: 'yes' })
    await stage.does(cleo, { type: 'CastVote', request: second, vote: 'yes' })
    // Both last votes are on their way at once: neither has seen the other.
    stage.cutOff(ana)
    await stage.workload.submit(ben, { type: 'CastVote', request: first, vote: 'yes' })
    await stage.workload.submit(ana, { type: 'CastVote', request: second, vote: 'yes' })
    const signed = async () => [(await stage.feedOf('ana')).at(-1), (await stage.feedOf('ben')).at(-1)]
    await stage.until('both votes are signed', async () =>
      (await signed()).every((statement) =>
        statement?.requests.some(({ commands }) => commands[0]?.type === 'CastVote'),
      ),
    )
    await stage.ends()
    for (const machine of [ana, ben, cleo]) {
      const events = await eventsAt(stage, machine)
      const fates = events.filter(({ type }) => type === 'ChangeSetAgreed' || type === 'ChangeSetEnded')
      t.match(fates, [{ type: 'ChangeSetAgreed' }, { type: 'ChangeSetEnded', why: 'conflict' }], 'one takes effect')
      t.equal(await childrenAt(stage, machine), children + 1, 'and nothing of the other')
    }
  },
)
