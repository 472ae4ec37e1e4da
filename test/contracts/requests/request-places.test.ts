import t from 'tap'
import { keyedId, keyIn } from '../../../src/contracts/requests/keyed-id.ts'
import { RequestPlaces } from '../../../src/contracts/requests/request-places.ts'
import { market } from '../../support/market.ts'

const key = 'a'.repeat(22)
const id = keyedId(key, 'b'.repeat(22))
const known = keyIn(id) as string

t.test('only an id with a key has one', async (t) => {
  t.equal(known, `k.${key}`)
  for (const other of ['', 'k.', id.slice(1), `${id}x`, crypto.randomUUID()]) t.equal(keyIn(other), undefined, other)
})

t.test('what was asked for under a key is found in the own feed, wherever that comes from', async (t) => {
  const [ana] = market('ana')
  const command = { name: 'N', parent: '0', type: 'AddField', field: { type: 'text' } }
  ana.says({ requests: [{ ...ana.request([command]), id }, ana.request([{ ...command, name: 'M' }])] })
  const own = [...(ana.state.feeds.get(ana.handle) ?? [])]
  const seq = own.length - 1
  const place = { handle: ana.handle, index: 0, seq }
  const none = () => undefined
  const loaded = new RequestPlaces(own, none, { keepsIds: false })
  t.same(loaded.of(known), place, 'loaded')
  t.equal(loaded.of(id), undefined, 'and nothing that nobody asks for')
  const taken = new RequestPlaces([], none, { keepsIds: false })
  for (const held of own) taken.remember(held)
  t.same(taken.of(known), place, 'given back by others')
  t.same([...taken.before(seq + 1)], [[known, place]], 'kept before it is left out of memory')
  taken.forgetBefore(seq + 1)
  t.equal(taken.of(known), undefined)
  const kept = new RequestPlaces([], (name) => (name === known ? place : undefined), { keepsIds: false })
  t.same(kept.of(known), place, 'and found there')
  t.same(
    new RequestPlaces(own, none, { keepsIds: true }).of(id),
    place,
    'a process of several finds it by its whole id',
  )
})
