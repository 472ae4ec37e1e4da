import t from 'tap'
import { type Configuration, propose } from './configuration.ts'
import { configurations } from './configurations.ts'
import { explore } from './explore.ts'

/** Those that take seconds, with a little less than the states that they have; `main.ts` walks through all. */
const statesMin = {
  collision: 100,
  patience: 3000,
  resignation: 2500,
  lock: 2000,
  'lock let go of, or broken': 2000,
  'one of three': 600,
  'two of three, in a row': 2500,
  equivocation: 2000,
  'a rule is voted and published beside a value that breaks it': 1200,
  'a change set that waits for a vote, beside a value': 1300,
  'a value is confided past somebody': 380,
  'a value is confided while the audience changes': 400,
}

for (const [name, min] of Object.entries(statesMin)) {
  t.test(`every state of "${name}" obeys the laws`, async (t) => {
    const configuration = configurations.find((one) => one.name === name) as Configuration
    const { states, isComplete } = explore(configuration)
    t.ok(isComplete)
    t.ok(states >= min, `${states} states`)
  })
}

t.test('a walk that reaches its limit says that it is not complete', async (t) => {
  const { isComplete, states } = explore(configurations[0] as Configuration, 50)
  t.notOk(isComplete)
  t.ok(states > 50 && states < 60)
})

t.test('a machine that publishes what it has not written is found out, with a shortest way to it', async (t) => {
  const careless: Configuration = {
    name: 'careless',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [propose('0.0', 'Mexico'), propose('0.1', 'red')], crashes: 1, trustsMemory: true },
      { name: 'ben', plan: [] },
    ],
    delivery: 'statement',
  }
  t.throws(() => explore(careless), {
    name: 'Violation',
    law: 'in the end no request is open',
    trace: ['ana submits ana 0', 'ana -> ben: ana 4', 'ana crashes', 'ana submits ana 1', 'ben speaks'],
  })
})
