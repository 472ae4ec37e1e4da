import t from 'tap'
import { seal } from '../../src/events/seal.ts'
import { Stage } from './cases/stage.ts'
import { losingValues } from './lost-values.ts'
import type { Machine } from './machine.ts'
import { simulate } from './simulation.ts'
import { VALUE_SINS } from './sins.ts'

// A file of its own, as split.test.ts, so that both cores have something to do.
const SEEDS = 12

t.test(
  'what simulation.test.ts says holds where values get lost on the way, come late, or false, and nobody waits for good',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    const sins = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const layout = { split: seed % 3 === 0, passive: seed % 3 === 1 }
      const report = await simulate(seed, undefined, { losingValues: true, ...layout })
      for (const [name, count] of Object.entries(report.counts)) totals[name] = (totals[name] ?? 0) + count
      for (const sin of report.sins) sins.add(sin)
    }
    for (const sin of VALUE_SINS) {
      for (const seed of [1, 2]) {
        const { counts } = await simulate(seed, undefined, { losingValues: true, parties: 3, hostile: 1, sins: sin })
        for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
      }
      sins.add(sin)
    }
    for (const [name, count] of Object.entries({
      'asked for values': 5 * SEEDS,
      accepted: 5 * SEEDS,
      crashes: SEEDS,
      'set back': 1,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
    for (const sin of VALUE_SINS) t.ok(sins.has(sin), sin)
  },
)

t.test('what seals a value that reaches nobody is refused, and the contract goes on', async (t) => {
  const wait = { payloadWaitMs: 300 }
  const stage = await Stage.with({ ana: wait, ben: wait, cleo: wait }, { losingValues: true })
  const { run } = stage
  run.network.mangle = losingValues(run.sources.of('values'), { loss: 1, forgery: 0 })
  await stage.workload.write(stage.machine('ana'), '0.0')
  await stage.until('it is refused', () => run.counts['refused for want of a value'] === 1)
  t.ok((run.counts['asked for values'] ?? 0) > 0)
  run.network.mangle = (text) => text
  await stage.agrees(stage.machine('ben'))
  await stage.ends()
})

t.test('so is one that its author loses with its disk before anybody has it', async (t) => {
  for (const tentative of [false, true]) {
    const stage = await Stage.with({ ana: { payloadWaitMs: 300 }, ben: { payloadWaitMs: 300 } }, { losingValues: true })
    const { run } = stage
    const [ana, ben] = [stage.machine('ana'), stage.machine('ben')]
    const { mark } = ana.disk
    const { payload, seal: sealed } = seal('lost', new Uint8Array(16))
    run.network.mangle = losingValues(run.sources.of('values'), { loss: 1, forgery: 0 })
    const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
    await stage.workload.submit(ana, command, { payloads: { [sealed]: payload }, tentative })
    const lacks = async (machine: Machine) =>
      (await stage.live(machine)).wants.some(({ seals }) => seals.includes(sealed))
    await stage.until('ben lacks it', () => lacks(ben))
    // The guard has the line of what was signed last, with its values.
    await stage.setBack(ana, mark, true)
    run.network.mangle = (text) => text
    await stage.until('ana has the statement back, and not the value', () => lacks(ana))
    await stage.ends()
    const outcomes = (await stage.entriesAt(ben)).map(({ outcome }) => outcome.kind)
    t.ok(outcomes.some((kind) => kind === 'refused' || kind === 'withdrawn'))
    await stage.agrees(ana)
  }
})

t.test('who was hostile and has come to its senses refuses what has no values any more', async (t) => {
  const options = { split: true, losingValues: true, audiences: 0.3, crashes: 0.08, setBacks: 1 }
  const { counts, sins } = await simulate(3020024, undefined, options)
  t.match(counts, { 'set back': 1 })
  t.same([sins, counts['stopped for good']], [['withhold values'], undefined])
})

t.test(
  'a liar stops a contract for good with a value that it says it has and its author has lost, and it is said',
  async (t) => {
    const { counts } = await simulate(3001080, undefined, { losingValues: true, audiences: 0.3, attachments: 0.2 })
    t.match(counts, { 'set back': 1, 'stopped for good': 1 }, 'this seed comes to it')
  },
)

t.test(
  'a file that its author does not have is agreed by the author alone when all others have resigned',
  async (t) => {
    const { counts } = await simulate(6001042, undefined, { losingValues: true, audiences: 0.3, attachments: 0.2 })
    t.ok(counts['files that nobody was left to ask for'], 'this seed comes to it')
  },
)

t.test('an answer that a crash has left in the guard alone comes back before the values that it answers', async (t) => {
  const { counts } = await simulate(7001290, undefined, { losingValues: true })
  t.ok(counts.crashes, 'in the end they are there')
})
