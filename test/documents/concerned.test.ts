import { randomUUID } from 'node:crypto'
import t from 'tap'
import { Documents } from '../../src/documents/documents.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { EdgelessParty } from '../support/edgeless-party.ts'

t.test('a write reads of a large document the values that it names, and of lists that it replaces all', async (t) => {
  const party = new EdgelessParty(t, 'ana')
  const { contracts } = await party.start()
  let read = 0
  const { payloads } = party.store
  const documents = new Documents({
    clock: systemClock,
    contracts,
    newRequestId: () => randomUUID(),
    newSalt: () => systemRandom.bytes(16),
    store: {
      ...party.store,
      payloads: {
        ...payloads,
        get: (uid, refs) => {
          read += refs.length
          return payloads.get(uid, refs)
        },
      },
    },
  })
  const { contract, opened } = await contracts.openContract('large')
  await opened
  const uid = contract.contract
  const readBy = async (path: string, json: unknown, how: { adds: boolean; merges?: true } = { adds: false }) => {
    read = 0
    const { kind } = await documents.propose(
      uid,
      path === '' ? [] : path.split('/'),
      { ...how, json },
      { timeoutMs: 9000 },
    )
    return [kind, read]
  }
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`Note ${n}`, `text ${n}`]))
  await readBy(
    '',
    { ...many, Terms: { Premium: '1', Limit: '2' }, Lines: [{ A: '1' }, { A: '2' }, { A: '3' }] },
    { adds: true },
  )
  t.same(await readBy('', { 'One more': 'x' }, { adds: true }), ['settled', 0])
  t.same(await readBy('', { Terms: { Premium: '1' } }), ['unchanged', 1])
  t.same(await readBy('', { Terms: { Premium: '5' }, 'Note 3': 'other' }, { adds: false, merges: true }), [
    'settled',
    2,
  ])
  t.same(await readBy('Terms', { Limit: '2', Premium: '5' }), ['unchanged', 2])
  t.same(await readBy('', { Lines: [{ A: '4' }] }, { adds: true }), ['settled', 0])
  t.same(await readBy('Lines', [{ A: '1' }, { A: '2' }, { A: '3' }, { A: '4' }]), ['unchanged', 4])
  read = 0
  t.match(await documents.remove(uid, ['Terms'], { timeoutMs: 9000 }), { kind: 'settled' })
  t.equal(read, 0)
})
