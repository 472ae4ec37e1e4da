import t from 'tap'
import { SINS } from './hostile.ts'
import { simulate } from './simulation.ts'

const SEEDS = 200

t.test(
  'whatever the network, the machines and one hostile member do, what has settled is one ledger that all have signed',
  { timeout: 600_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    const sins = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await simulate(seed)
      for (const [name, count] of Object.entries(report.counts)) totals[name] = (totals[name] ?? 0) + count
      for (const sin of report.sins) sins.add(sin)
    }
    // A simulation in which nothing goes wrong would prove nothing.
    const atLeast = { crashes: SEEDS, accepted: 5 * SEEDS, void: SEEDS, 'timed out': SEEDS / 2, withdrawn: SEEDS / 10 }
    for (const [name, count] of Object.entries({
      ...atLeast,
      refused: 20,
      'set back': 5,
      rotations: 20,
      revocations: 10,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
    t.same([...sins].sort(), [...SINS, 'twin'].sort(), 'every sin was committed')
  },
)

/** Each found a fault of the code before it; what it was. */
const found: readonly (readonly [number, string])[] = [
  [20174, 'two parties that revoked their keys at the same moment waited for each other for good'],
  [21585, 'of two that revoked at once each waited for the other’s word behind its own promise'],
  [25462, 'what another’s hold had let through was held back again, without end'],
  [27297, 'the same, in another way'],
  [147, 'who was set back without a guard after it had left waited for statements that nobody may show it'],
  [40023, 'an answer that fell due while a turn was under way was not given before something else happened'],
  [30748, 'a node set back without its guard did not ask one whose invitation had come to nothing'],
]

/** The same on machines of several processes. */
const foundSplit: readonly (readonly [number, string])[] = [
  [11, 'two processes that found a contract for one intent signed its opening twice'],
  [160, 'what a lock made void was asked for again by one process after another had got it'],
  [164, 'own statements that came back after a restore were not looked through for intents'],
  [1534, 'a process did not see that the store of all of them had been set back'],
  [2264, 'a feed was taken up by one process, and the guard’s old word kept the others silent'],
  [7872, 'a node that was set back took up its feed, which it had taken up before, a second time'],
]

/** The same where contracts come to rest. */
const foundResting: readonly (readonly [number, string])[] = [
  [3124, 'what others stored while a contract was at rest was taken in by the load and told to nobody'],
]

t.test('seeds that once failed', { timeout: 120_000 }, async (t) => {
  for (const [seed, fault] of found) await t.resolves(simulate(seed), `${seed}: ${fault}`)
  for (const [seed, fault] of foundSplit)
    await t.resolves(simulate(seed, undefined, { split: true }), `${seed}: ${fault}`)
  for (const [seed, fault] of foundResting) {
    await t.resolves(simulate(seed, undefined, { split: true, resting: true }), `${seed}: ${fault}`)
  }
})
