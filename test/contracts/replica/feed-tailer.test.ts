import t from 'tap'
import { FeedTailer } from '../../../src/contracts/replica/inbound/feed-tailer.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { feedStream } from '../../../src/store/streams.ts'
import { CONTRACT, market, type Player } from '../../support/market.ts'
import { reading } from '../../support/reading-store.ts'

t.test('what is heard of a feed is kept up to a bound, and beyond it read when it is needed', async (t) => {
  const [ana] = market('ana', 'ben') as [Player]
  const inner = openMemoryStore()
  t.teardown(() => inner.close())
  const read: string[] = []
  const store = reading(inner, (stream, events) => {
    read.push(stream)
    return events
  })
  const mebi = 1024 * 1024
  const following = new FeedTailer(store, ana.handle)
  const first = ana.seq
  const hear = (place: number) => following.heard(ana.handle, first + place, 'x'.repeat(mebi))
  for (let place = 0; place < 4; place++) hear(place)
  // They are looked at, and are no statements.
  await t.rejects(following.read(ana.state), { code: 'contract_damaged' })
  t.same(read, [])
  t.equal(await following.read(ana.state), undefined, 'after that the store is asked, which has nothing of it')
  t.same(read, [feedStream(CONTRACT, ana.handle)])

  read.length = 0
  for (let place = 0; place < 5; place++) hear(place)
  t.equal(await following.read(ana.state), undefined)
  t.same(read, [feedStream(CONTRACT, ana.handle)])
})
