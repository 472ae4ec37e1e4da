import t, { type Test } from 'tap'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

const takeoversIn = async (stage: Stage, handle: string, at?: Machine) =>
  (await stage.feedOf(handle, at)).filter(({ key }) => key !== undefined && 'revoke' in key)

for (const handles of [
  ['ana', 'ben'],
  ['ana', 'ben', 'cleo'],
]) {
  t.test(
    `two of ${handles.length} parties revoke their keys at one moment, and neither waits for the other`,
    async (t) => {
      const stage = await Stage.with(Object.fromEntries(handles.map((handle) => [handle, {}])))
      const [ana, ben] = stage.machines('ana', 'ben')
      for (const machine of stage.run.machines) stage.cutOff(machine)
      for (const machine of [ana, ben]) await stage.comesOf(machine.revoke(stage.run.contract))
      await stage.run.pass(3_000)
      for (const [machine, other] of [
        [ana, ben],
        [ben, ana],
      ] as const) {
        const { contract } = stage.run
        const words = machine.contracts?.wordsOn(contract).filter((word) => 'revocation' in word) ?? []
        t.same(
          words.map(({ revocation }) => revocation.party),
          [machine.handle],
          `${machine.handle} has revoked, and not heard of ${other.handle}`,
        )
      }
      await stage.ends()
      await goesOnUnderAnother(t, stage, ana)
      await goesOnUnderAnother(t, stage, ben)
    },
  )
}

t.test(
  'of a revoked feed one member holds more than another, and what the one let through is not held back again',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    const { network, contract } = stage.run
    for (const other of [ana, ben])
      for (const way of [other, cleo]) network.cut(way.address, way === cleo ? other.address : cleo.address)
    const before = (await stage.feedOf('ana')).length
    await stage.workload.write(ana, '0.0')
    await stage.until('ben has it', async () => (await stage.feedOf('ana', ben)).length > before)
    stage.cutOff(ana)
    await stage.comesOf(ana.revoke(contract))
    await stage.run.pass(100)
    const [word] = ana.contracts?.wordsOn(contract).filter((one) => 'revocation' in one) ?? []
    if (word === undefined) throw new Error('nothing is revoked')
    for (const machine of [ben, cleo]) await stage.comesOf(machine.contracts?.took(word))
    for (const machine of [ben, cleo]) await says(stage, machine, ana)
    const promised = await heldBy(stage, cleo, ana)
    t.ok((await heldBy(stage, ben, ana)) > promised, 'ben holds more of the feed than cleo')
    network.heal(true)
    stage.cutOff(ana)
    await stage.until('cleo lets it through', async () => (await stage.feedOf('ana', cleo)).length > promised + 1)
    await comesAgain(t, stage, cleo, ana)
    await stage.ends()
    await goesOnUnderAnother(t, stage, ana)
    t.same(await stage.feedOf('ana', ben), await stage.feedOf('ana', cleo))
  },
)

t.test(
  'what was let through of a revoked feed has a word on another revocation, comes again, and is not held back again',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {}, cleo: {}, dov: {} })
    const [ana, ben, cleo, dov] = stage.machines('ana', 'ben', 'cleo', 'dov')
    const { network } = stage.run
    const wordOf = async (machine: Machine) => {
      await stage.comesOf(machine.revoke(stage.run.contract))
      await stage.run.pass(100)
      const words = machine.contracts?.wordsOn(stage.run.contract) ?? []
      const word = words.find((one) => 'revocation' in one && one.revocation.party === machine.handle)
      if (word === undefined) throw new Error('nothing is revoked')
      return word
    }
    for (const machine of [ana, dov]) stage.cutOff(machine)
    const ofDov = await wordOf(dov)
    for (const machine of [ana, ben, cleo]) await stage.comesOf(machine.contracts?.took(ofDov))
    for (const machine of [ana, cleo]) await says(stage, machine, dov)
    const size = (await stage.feedOf('cleo')).length
    await stage.until('ben has it of cleo', async () => (await stage.feedOf('cleo', ben)).length === size)
    stage.cutOff(cleo)
    const ofCleo = await wordOf(cleo)
    for (const machine of [ana, ben]) {
      await stage.comesOf(machine.contracts?.took(ofCleo))
      await says(stage, machine, cleo)
    }
    network.heal(true)
    for (const machine of [cleo, dov]) stage.cutOff(machine)
    await stage.until('ana has what ben holds of cleo', async () => (await stage.feedOf('cleo', ana)).length >= size)
    const promised = await heldBy(stage, ana, cleo)
    const beyond = (await stage.feedOf('cleo', ana)).slice(promised + 1)
    t.ok(
      beyond.some(({ key }) => key !== undefined && 'hold' in key && key.hold.revocation.party === dov.handle),
      'beyond what ana has promised stands cleo’s word on the revocation of dov, which ana has promised as well',
    )
    await comesAgain(t, stage, ana, cleo)
    await stage.ends()
    await goesOnUnderAnother(t, stage, cleo)
    t.equal((await takeoversIn(stage, 'dov')).length, 1, 'dov has another key')
  },
)

t.test('a feed that one process has taken over goes on in the other one of two that sign', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: { roles: ['receive', 'transmit', 'serve', 'transmit'] } })
  const ben = stage.machine('ben')
  await stage.comesOf(ben.revoke(stage.run.contract))
  await stage.until('the feed is taken over', async () => (await takeoversIn(stage, 'ben')).length === 1)
  await stage.run.pass(2_000)
  // Whichever of the two has signed the takeover: each has to go on alone.
  for (const place of [1, 3]) {
    ben.crashProcess(place, 10_000)
    t.equal(ben.contractsAt(place), undefined)
    await stage.agrees(ben)
    await stage.until('it is back', () => ben.contractsAt(place) !== undefined)
  }
  await stage.ends()
  t.equal((await takeoversIn(stage, 'ben')).length, 1)
})

t.test('a node that is set back behind its takeover does not sign it a second time', async (t) => {
  for (const roles of [['node'], ['serve', 'transmit', 'receive']] as const) {
    const stage = await Stage.with({ ana: {}, ben: { roles }, cleo: {} })
    const ben = stage.machine('ben')
    const { mark } = ben.disk
    await stage.comesOf(ben.revoke(stage.run.contract))
    await stage.until(
      'cleo has the takeover',
      async () => (await takeoversIn(stage, 'ben', stage.machine('cleo'))).length === 1,
    )
    await stage.run.pass(1_000)
    stage.cutOff(ben)
    await stage.setBack(ben, mark)
    t.equal((await takeoversIn(stage, 'ben')).length, 0, 'it has lost its takeover')
    await stage.run.pass(2_000)
    await stage.ends()
    t.equal((await takeoversIn(stage, 'ben', stage.machine('ana'))).length, 1)
    t.notOk(stage.run.counts.accused)
  }
})

/** How far a machine has said that it holds a feed whose key is revoked; -1 where it has not said it. */
async function heldBy(stage: Stage, machine: Machine, revoked: Machine): Promise<number> {
  const { state } = await stage.comesOf(stage.live(machine))
  return state.keys.holds.get(revoked.handle)?.get(machine.handle)?.at(-1)?.upTo ?? -1
}

function says(stage: Stage, machine: Machine, revoked: Machine): Promise<void> {
  const what = `${machine.handle} says what it holds of ${revoked.handle}`
  return stage.until(what, async () => (await heldBy(stage, machine, revoked)) >= 0)
}

/** All that is held of a feed comes once more, as the network may bring it: nothing of it waits then. */
async function comesAgain(t: Test, stage: Stage, machine: Machine, { handle }: Machine): Promise<void> {
  const live = await stage.comesOf(stage.live(machine))
  await stage.comesOf(live.deliver(live.state.feeds.get(handle)?.kept ?? []))
  t.same(
    live.waitingOf(handle).map(({ statement }) => statement.seq),
    [],
    'what is held does not wait',
  )
}

/** The key was taken over once, and requests under the new one are agreed. */
async function goesOnUnderAnother(t: Test, stage: Stage, machine: Machine): Promise<void> {
  t.equal((await takeoversIn(stage, machine.handle)).length, 1, `${machine.handle} has another key`)
  await stage.agrees(machine)
}
