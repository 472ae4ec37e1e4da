import t from 'tap'
import { FeedTailer } from '../../../src/contracts/replica/inbound/feed-tailer.ts'
import { encodeStored, type SignedStatement } from '../../../src/events/statement-codec.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { feedStream } from '../../../src/store/streams.ts'
import { allOf, CONTRACT, market } from '../../support/market.ts'
import { reading } from '../../support/reading-store.ts'

t.test('what is heard of a feed is kept up to a bound, and beyond it read when it is needed', async (t) => {
  const [ana] = market('ana', 'ben')
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

t.test('what was read before what it covers is taken in with the next news of any feed', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const store = openMemoryStore()
  t.teardown(() => store.close())
  const stores = ({ statement: { party, seq }, text, signature }: SignedStatement) =>
    store.events.append(feedStream(CONTRACT, party), seq - 1, [
      { type: 'StatementMade', data: encodeStored(text, signature) },
    ])
  for (const one of allOf(cleo)) await stores(one)
  const before = cleo.state
  const covered = ana.says()
  ben.hears(covered)
  const covering = ben.says()
  const following = new FeedTailer(store, cleo.handle)
  await stores(covering)
  following.hears(ben.handle)
  t.match(await following.read(before), { taken: { length: 0 }, waiting: [{ hash: covering.hash }] })
  t.notOk(following.hasNews)
  t.equal(await following.read(before), undefined, 'nothing is read for it alone')
  await stores(covered)
  following.hears(ana.handle)
  const reception = await following.read(before)
  t.same(
    reception?.taken.map(({ hash }) => hash),
    [covered.hash, covering.hash],
  )
  following.hears(ana.handle)
  t.equal(await following.read(reception?.state ?? before), undefined)
})
