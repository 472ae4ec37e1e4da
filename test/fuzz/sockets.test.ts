import t from 'tap'
import { roleOf } from '../../src/api/access.ts'
import * as protocol from '../../src/gossip/transport/protocol.ts'
import { fuzz } from './fuzz.ts'
import { inwardRequests } from './inward-targets.ts'
import { outwardRequests } from './outward-targets.ts'
import { socketTargets } from './socket-targets.ts'

/** Other inputs each day would make a red test a matter of luck: for those there is `npm run fuzz`. */
const SEED = 20_261_128
const RUNS = 24

const { world, targets } = await socketTargets()
t.teardown(() => world.close())

t.test('every route that the app has is a target, and nothing else', async (t) => {
  t.same(Object.keys(inwardRequests).toSorted(), world.routes.toSorted())
  const open = ['GET /health', 'GET /ready']
  t.same(Object.keys(roleOf).toSorted(), world.routes.filter((route) => !open.includes(route)).toSorted())
})

t.test('every path that faces outward is one, for parties and for strangers', async (t) => {
  const paths = Object.entries(protocol).flatMap(([name, path]) => (name.endsWith('_PATH') ? [path] : []))
  const covered = Object.keys(outwardRequests(world)).map((route) => route.split(' ')[1])
  t.same([...new Set(covered)].toSorted(), paths.toSorted())
})

for (const target of targets) {
  t.test(`${target.name} has an answer with a known code, and a refusal changes nothing`, async (t) => {
    await fuzz(target, RUNS, SEED)
    t.pass(`${RUNS} inputs, seed ${SEED}`)
  })
}

t.test('no fault of the software was logged', async (t) => {
  t.strictSame(world.faults, [])
})
