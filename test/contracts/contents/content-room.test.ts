import t from 'tap'
import { ContentRoom } from '../../../src/contracts/contents/content-room.ts'
import { ContentWaits } from '../../../src/contracts/contents/content-waits.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { CONTRACT } from '../../support/market.ts'

const names = [sha256('one'), sha256('two'), sha256('three')] as const

t.test('what is begun in all contracts is bounded, and the oldest goes', async (t) => {
  const room = new ContentRoom(100)
  const givenUp: number[] = []
  const begin = (n: 0 | 1 | 2, bytes: number) => room.begin(CONTRACT, names[n], bytes, () => givenUp.push(n))
  begin(0, 60)
  begin(1, 40)
  t.same(givenUp, [])
  begin(2, 30)
  t.same(givenUp, [0])
  room.end(CONTRACT, names[1])
  begin(0, 70)
  t.same(givenUp, [0], 'what is complete has made room')
  begin(1, 1_000)
  t.same(givenUp, [0, 2, 0], 'a single one is begun, however large')
})

t.test('a wait is prolonged by what comes, but not for ever', async (t) => {
  const clock = new VirtualClock()
  const over: number[] = []
  const waits = new ContentWaits(1_000, clock, () => over.push(clock.now()))
  const content = { name: names[0], hash: names[0], bytes: 64 * 1024 * 3 }
  t.equal(waits.isWaitingFor(content), true)
  const began = clock.now()
  for (let ms = 500; ms <= 10_000; ms += 500) {
    waits.progressed(names[0])
    await clock.runUntil(began + ms)
  }
  t.same(over, [began + 4_000], 'a second, and one for each 64 KiB')
  t.equal(waits.isWaitingFor(content), false)
  const other = { ...content, name: names[1] }
  t.equal(waits.isWaitingFor(other), true)
  const then = clock.now()
  await clock.runUntil(then + 1_000)
  t.equal(over.at(-1), then + 1_000, 'of what nobody brings it ends like that for a value')
  waits.close()
  t.equal(waits.isIdle, true)
})
