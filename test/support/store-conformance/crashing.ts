import fc from 'fast-check'
import type { Test } from 'tap'
import type { Many, OpenStore } from '../event-store-conformance.ts'
import { startProcess } from '../store-process.ts'
import { type Acknowledged, acknowledge, assertUntorn } from './crash-trail.ts'

const ROUNDS = 12
const ACKNOWLEDGED_MAX = 120

/** The process that writes is killed with SIGKILL, again and again, after some number of acknowledgements. */
export async function crashing(t: Test, open: OpenStore, opener: URL, atomic: boolean, many: Many): Promise<void> {
  const directory = t.testdir()
  const seed = Date.now() >>> 0
  t.comment(`seed ${seed}`)
  const acknowledgements = fc.sample(fc.integer({ min: 0, max: many(ACKNOWLEDGED_MAX) }), {
    numRuns: many(ROUNDS),
    seed,
  })
  const acknowledged: Acknowledged = new Map()
  for (const [round, wanted] of acknowledgements.entries()) {
    await t.test(`round ${round}: killed after ${wanted} acknowledgements`, async (t) => {
      const writer = startProcess(t, 'store-crasher.ts', [opener.href, directory])
      t.equal(await writer.nextLine(), 'ready')
      let heard = 0
      for (; heard < wanted; heard++) acknowledge(acknowledged, (await writer.nextLine()) ?? '')
      writer.kill()
      for (let line = await writer.nextLine(); line !== undefined; line = await writer.nextLine()) {
        if (line.endsWith('}')) acknowledge(acknowledged, line)
      }
      t.equal(await writer.ended, null)
      const store = await open(directory)
      t.teardown(() => store.close())
      await assertUntorn(t, store, acknowledged, atomic)
    })
  }
}
