import t from 'tap'
import { brokenIn, flooded, lineOf } from './flooding.ts'
import { floods } from './floods.ts'
import { Ground } from './ground.ts'

t.setTimeout(240_000)

/** Other tests run beside these, and take the processor as well: `npm run flood` asks for a second. */
const STALL_BESIDE_OTHERS_MAX_MS = 4_000

for (const onServer of [false, true]) {
  const where = onServer ? 'EventStoreDB' : 'SQLite'
  t.test(`nothing stalls or grows beyond its bound, and honest changes settle, on ${where}`, async (t) => {
    const ground = await Ground.open(onServer)
    t.teardown(() => ground.close())
    for (const flood of floods.filter((one) => (one.onServer ?? false) === onServer)) {
      const outcome = await flooded(ground, flood, 1)
      t.comment(lineOf(outcome))
      t.ok(
        [...outcome.did.values()].some((count) => count > 0),
        flood.name,
      )
      t.same(brokenIn(outcome, STALL_BESIDE_OTHERS_MAX_MS), [], flood.name)
    }
  })
}
