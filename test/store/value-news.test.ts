import t from 'tap'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Uid } from '../../src/events/ids.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { PayloadGroup } from '../../src/store/payload-group.ts'
import { tellingValueNews } from '../../src/store/value-news.ts'

const CONTRACT = 'c'.repeat(52) as Uid
const GROUP = 'ana.1' as PayloadGroup
const seal = 'a'.repeat(64) as Hash
const entries = [{ seal, text: '{"salt":"","value":1}' }]

t.test('whoever keeps what it has read hears of each change of values, before it and after it', async (t) => {
  const inner = openMemoryStore()
  let isDone = false
  const told: boolean[] = []
  const store = tellingValueNews(inner, (contract) => {
    t.equal(contract, CONTRACT)
    told.push(isDone)
  })
  const toldTwice = async (what: string, work: () => Promise<unknown>) => {
    isDone = false
    told.length = 0
    await work().then(
      () => {},
      () => {},
    )
    t.same(told, [false, true], what)
  }
  const done = async (work: Promise<unknown>) => {
    try {
      await work
    } finally {
      isDone = true
    }
  }
  const { erase, put } = inner.payloads
  Object.assign(inner.payloads, {
    put: (...given: Parameters<typeof put>) => done(put(...given)),
    erase: (...given: Parameters<typeof erase>) => done(erase(...given)),
  })
  const { write } = inner
  inner.write = (batch) => done(write.call(inner, batch))
  await toldTwice('put', () => store.payloads.put(CONTRACT, GROUP, entries))
  await toldTwice('erase', () => store.payloads.erase(CONTRACT, [{ group: GROUP, seal }]))
  const append = { kind: 'append', stream: 'x', expectedRevision: 'any', events: [{ type: 'A', data: '1' }] } as const
  const payloads = { kind: 'payloads', contract: CONTRACT, group: GROUP, entries } as const
  await toldTwice('a write with values', () => store.write([append, payloads]))
  await store.write([append])
  t.equal(told.length, 2, 'not of what has none')
  await inner.close()
  await toldTwice('one that fails', () => store.payloads.put(CONTRACT, GROUP, entries))
})
