import t from 'tap'
import { STAGED_MS, StagedFiles } from '../../src/documents/attachments/staged-files.ts'
import type { Attachment } from '../../src/events/attachments/attachment.ts'
import { VirtualClock } from '../simulation/virtual-clock.ts'
import { attached, bytesWith } from '../support/attachments.ts'
import { CONTRACT } from '../support/market.ts'

function given() {
  const clock = new VirtualClock()
  const files = new StagedFiles(clock)
  const dropped: string[] = []
  const bring = (salt: number) => {
    const { payload, seal, value } = attached(bytesWith(1), {}, salt)
    return files.add({ contract: CONTRACT, payload, seal, value: value as Attachment }, () => dropped.push(seal))
  }
  return { bring, clock, dropped, files }
}

t.test('so many files wait, so long, and no more', async (t) => {
  const { bring, clock, dropped, files } = given()
  const [first] = Array.from({ length: 64 }, (_, salt) => bring(salt))
  t.throws(() => bring(64), { code: 'requests_too_many' })
  const { seal = '' } = first ?? {}
  t.equal(files.find(CONTRACT, seal), first)
  await clock.runUntil(clock.now() + STAGED_MS)
  t.equal(dropped.length, 64)
  t.equal(files.find(CONTRACT, seal), undefined)
  t.equal(bring(64).until, clock.now() + STAGED_MS)
})

t.test('one that a request names belongs to it, or waits for another one if nothing was signed', async (t) => {
  const { bring, clock, dropped, files } = given()
  const { payload, seal, value } = bring(0)
  const named = { [seal]: payload }
  const asked: number[] = []
  const ask = (result: object) =>
    files.whileNamed(CONTRACT, named, async (bytes) => {
      asked.push(bytes)
      return result
    })
  await ask({ kind: 'unchanged' })
  await t.rejects(
    files.whileNamed(CONTRACT, named, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  t.ok(files.find(CONTRACT, seal))
  await ask({ request: 'ana.0.0' })
  await ask({ request: 'ana.1.0' })
  t.same(asked, [value.bytes, value.bytes, 0])
  t.equal(files.find(CONTRACT, seal), undefined)
  await clock.runUntil(clock.now() + STAGED_MS)
  t.same(dropped, [], 'what has been named is not dropped')
})

t.test(
  'one that is being named when its time is over is not dropped before it is known what comes of that',
  async (t) => {
    const { bring, clock, dropped, files } = given()
    const { payload, seal } = bring(0)
    const signed = Promise.withResolvers<object>()
    const asked = files.whileNamed(CONTRACT, { [seal]: payload }, () => signed.promise)
    await clock.runUntil(clock.now() + STAGED_MS)
    t.same(dropped, [])
    signed.resolve({ kind: 'unchanged' })
    await asked
    await clock.runUntil(clock.now() + STAGED_MS)
    t.same(dropped, [seal])
  },
)
