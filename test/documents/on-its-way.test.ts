import t from 'tap'
import { isOnItsWayTo } from '../../src/documents/requests/on-its-way.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { market, type Player } from '../support/market.ts'

const block = { name: 'Block', parent: '0', type: 'AddBlock' }
const field = { field: { type: 'text' }, name: 'Field', parent: '#0', type: 'AddField' }

t.test('what is on its way to an element, or to what is below it, is seen; what is beside it is not', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const settled = [ana.state, ben.state] as const
  const isOnItsWay = (id: string, queued: Parameters<typeof isOnItsWayTo>[2] = []) =>
    isOnItsWayTo(id as ElementId, ana.state, queued)
  t.notOk(isOnItsWay('0'))
  const queued = [{ payloads: {}, request: ana.request([block, field]) }]
  t.ok(isOnItsWay('0', queued), 'asked for here, and not signed')
  t.notOk(isOnItsWay('0.0', queued), 'what is added is beside it')

  const says = (author: Player, ...commands: Parameters<Player['requests']>) => {
    ;[ana.state, ben.state] = settled
    const said = author.requests(...commands)
    if (author !== ana) ana.hears(said)
  }
  const emptied = { basis: [], field: '0.0', type: 'EmptyField' }
  says(ben, emptied)
  t.ok(isOnItsWay('0.0') && isOnItsWay('0'), 'asked for by another party')
  t.notOk(isOnItsWay('0.1'))
  says(ana, { element: '0.0', type: 'RemoveElement' })
  t.ok(isOnItsWay('0.0.3.1'), 'what is above it goes')
  says(ana, { name: 'C', element: '0.1', type: 'RenameElement' })
  t.ok(isOnItsWay('0.1'))
  t.notOk(isOnItsWay('0.0'))
  says(ana, { purpose: 'review', type: 'LockRecord' })
  t.notOk(isOnItsWay('0'), 'a lock is about no element')

  says(ana, { name: 'C', element: '0.1', type: 'RenameElement' })
  const [own] = [...(ana.state.feeds.get(ana.handle) ?? [])].slice(-1)
  ben.hears(ana.says())
  t.ok(own !== undefined && isOnItsWay('0.1'), 'and still as long as it has not settled')
})
