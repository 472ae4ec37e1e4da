import fc from 'fast-check'
import t, { type Test } from 'tap'
import { receive } from '../../../src/agreement/receive.ts'
import { emptyAgreement } from '../../../src/agreement/state.ts'
import { extendLedger, loadEvidence, readFeed, writesFor } from '../../../src/contracts/replica/journal.ts'
import { loadContract } from '../../../src/contracts/replica/opening/load.ts'
import { writeBeyond } from '../../../src/contracts/replica/races.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { decodeSigned, type SignedStatement } from '../../../src/events/statement-codec.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { groupOf } from '../../../src/store/payload-group.ts'
import type { Write } from '../../../src/store/port.ts'
import { contractStream, evidenceStream } from '../../../src/store/streams.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { allOf, CONTRACT, market, owes, type Player, talk } from '../../support/market.ts'
import { all } from '../../support/store-conformance/harness.ts'

// EventStoreDB takes 1 MiB in one append, all or nothing.
async function fresh(t: Test) {
  const server = await startServer(t.testdir())
  const store = await openEventStoreDbStore({ url: server.url })
  t.teardown(async () => {
    await store.close()
    server.close()
  })
  return store
}

t.test('what a newcomer takes in at once may be more than one append of EventStoreDB', async (t) => {
  const store = await fresh(t)
  const [ana] = market('ana', 'ben')
  for (let n = 0; n < 8; n++) ana.requests({ type: 'NotKnown', filler: 'x'.repeat(200_000) })
  const before = emptyAgreement(CONTRACT)
  const { taken } = receive(before, allOf(ana))
  await store.write(writesFor({ before, held: taken, settled: [], equivocations: [], divergences: [] }))
  const { state: loaded } = await loadContract(store, CONTRACT, ana.handle)
  t.equal(loaded.feeds.get(ana.handle)?.size, ana.seq)
})

t.test('so may the entries that a process has to add to the ledger, some of which stand there', async (t) => {
  const store = await fresh(t)
  const texts = Array.from({ length: 12 }, (_, index) => JSON.stringify({ index, filler: 'x'.repeat(250_000) }))
  await extendLedger(store, CONTRACT, 0, texts.slice(0, 2))
  await extendLedger(store, CONTRACT, 0, texts)
  const standing = await all(store.events.read(contractStream(CONTRACT)))
  t.same(
    standing.map(({ data }) => data === texts[JSON.parse(data).index]),
    texts.map(() => true),
  )
})

t.test(
  'of what a turn writes, that which another process has stored of it is left out, and nothing else',
  async (t) => {
    for (const store of [openMemoryStore(), await fresh(t)]) {
      const events = (...names: string[]) => names.map((data) => ({ type: 'StatementMade', data }))
      const append = (stream: string, first: number, ...names: string[]) =>
        ({ kind: 'append', stream, expectedRevision: first - 1, events: events(...names) }) as const
      const standing = async (stream: string) => (await all(store.events.read(stream))).map(({ data }) => data)
      await store.write([append('one', 0, 'a', 'b', 'c')])
      await writeBeyond(store, [append('one', 1, 'b', 'c', 'd'), { ...append('two', 0, 'x'), withPrevious: true }])
      t.same([await standing('one'), await standing('two')], [['a', 'b', 'c', 'd'], ['x']])
      await writeBeyond(store, [append('one', 2, 'c'), append('two', 1, 'y')])
      t.same(
        [await standing('one'), await standing('two')],
        [
          ['a', 'b', 'c', 'd'],
          ['x', 'y'],
        ],
        'all of the first',
      )
      const others = [append('one', 3, 'd', 'e'), append('two', 1, 'z', 'e')]
      await t.rejects(writeBeyond(store, others), { code: 'store_wrong_revision' }, 'another stands there')
      const ahead = append('one', 9, 'e')
      await t.rejects(writeBeyond(store, [ahead]), { code: 'store_wrong_revision' }, 'nothing stands there')
      t.same(await standing('two'), ['x', 'y'])
    }
  },
)

t.test('what the store has lost of one statement is not held because another one seals the same value', async (t) => {
  const store = openMemoryStore()
  const [ana] = market('ana', 'ben')
  const [kept, lost] = ['0.0', '0.1'].map((field) => ana.proposes(field, 'the same')) as [
    SignedStatement,
    SignedStatement,
  ]
  const [seal] = Object.keys(kept.payloads) as [Hash]
  t.ok(lost.payloads[seal], 'given: both seal it')
  const before = emptyAgreement(CONTRACT)
  const { taken } = receive(before, allOf(ana))
  await store.write(writesFor({ before, held: taken, settled: [], equivocations: [], divergences: [] }))
  const group = groupOf({ handle: ana.handle, seq: lost.statement.seq })
  await store.payloads.erase(CONTRACT, [{ group, seal }])
  const held = (await readFeed(store, CONTRACT, ana.handle)).filter(
    ({ statement }) => statement.seq >= kept.statement.seq,
  )
  t.same(
    held.map(({ payloads }) => Object.keys(payloads)),
    [[seal], []],
  )
})

t.test('a proof of two statements as large as they may be is kept, and still proves', async (t) => {
  const store = await fresh(t)
  const [ana, ben] = market('ana', 'ben')
  const large = (letter: string) => ({ type: 'NotKnown', filler: letter.repeat(522_000) })
  const other = ana.forges(ana.requests(large('a')), (statement) => {
    statement.requests = [{ id: 'other', commands: [large('b')] }]
  })
  ben.hears(...allOf(ana))
  const { equivocations } = ben.hears(decodeSigned(other))
  t.equal(equivocations.length, 1)
  await store.write(writesFor({ before: ben.state, held: [], settled: [], equivocations, divergences: [] }))
  t.equal(await store.events.lastRevision(evidenceStream(CONTRACT)), 0)
  t.match(await loadEvidence(store, ben.state), [{ party: 'ana' }])
})

t.test(
  'what is written at once depends on nothing in it, or on what others bring again: whatever a crash leaves of it, the contract can be loaded',
  async (t) => {
    const players = market('ana', 'ben', 'cleo', 'dan') as [Player, ...Player[]]
    const [ana] = players
    for (const player of players) player.proposes('0.0', player.handle)
    talk(players, owes)
    const before = emptyAgreement(CONTRACT)
    const { taken, settled } = receive(before, allOf(ana))
    const change = { before, held: taken, settled, equivocations: [], divergences: [] }
    const isOthers = ({ statement }: SignedStatement) => statement.party !== ana.handle
    const stepsOf = (writes: readonly Write[]) => {
      const steps: Write[][] = []
      for (const write of writes) {
        if (write.kind === 'append' && write.withPrevious) steps.at(-1)?.push(write)
        else steps.push([write])
      }
      return steps
    }
    const inOrder = writesFor(change)
    t.ok(
      stepsOf(inOrder).some((step) => step.length >= 3),
      'answers of several to one request are independent',
    )
    const shared = writesFor(change, { values: isOthers, covered: isOthers })
    t.ok(stepsOf(shared).length < stepsOf(inOrder).length, 'where others bring it again less is waited for')
    for (const [sharing, writes] of [
      ['alone', inOrder],
      ['alone', writesFor(change, { values: isOthers, covered: () => false })],
      ['shared', shared],
    ] as const) {
      const steps = stepsOf(writes)
      await fc.assert(
        fc.asyncProperty(fc.nat(steps.length), fc.infiniteStream(fc.boolean()), async (done, draws) => {
          const store = openMemoryStore()
          const begun = (steps[done] ?? []).filter(() => draws.next().value)
          await store.write([...steps.slice(0, done).flat(), ...begun])
          await loadContract(store, CONTRACT, ana.handle, sharing)
          // The entries follow from them.
          await store.write(
            writes.filter((write) => write.kind === 'payloads' || write.stream !== contractStream(CONTRACT)),
          )
          const { state } = await loadContract(store, CONTRACT, ana.handle)
          return state.settling.settled === ana.settled
        }),
        { numRuns: 40 },
      )
    }
  },
)
