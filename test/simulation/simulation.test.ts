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

/** Each found a fault once; what it was. */
const found: readonly (readonly [number, string])[] = [
  [14, 'a wrong head cut a party that had left off from the end of the contract'],
  [15, 'a node set back without its guard, when it was alone, signed a second time'],
  [36, 'an invitee spoke in a view, limited by a question, that did not have its invitation'],
  [44, 'a node set back refused by rule, so waited, and never got its own feed back'],
  [66, 'a node set back to nothing was believed to hold what it had held'],
  [220, 'a node set back without its guard did not ask an invitee that it did not know of any more'],
  [305, 'two revocations of one key stood in each other’s way'],
  [370, 'who had left did not take its feed over, and the others waited'],
]

t.test('seeds that once failed', { timeout: 120_000 }, async (t) => {
  for (const [seed, fault] of found) await t.resolves(simulate(seed), `${seed}: ${fault}`)
})
