import t from 'tap'
import { Connection } from '../../../src/api/routes/live/connection.ts'
import { States } from '../../../src/api/routes/live/states.ts'
import { ANY } from '../../../src/api/routes/live/subject.ts'
import { Telling } from '../../../src/api/routes/live/telling.ts'
import { Documents } from '../../../src/documents/documents.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { EventLoopTurns } from '../../../src/runtime/event-loop-turns.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { allOf, CONTRACT, market, type Player } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'

t.test('whoever watches all contracts is told of one that was at rest, from what stands in the store', async (t) => {
  const [ana] = market('ana') as [Player]
  ana.proposes('0.0', 'agreed while nobody looked')
  const party = new EdgelessParty(t, 'ben')
  const { contracts } = await party.start()
  await contracts.begin(CONTRACT, allOf(ana), ana.handle)
  await contracts.use(CONTRACT, (live) => live.deliver(allOf(ana)))
  const { store } = party
  const turns = new EventLoopTurns()
  const salt = () => new Uint8Array(16)
  const documents = new Documents({
    clock: systemClock,
    contracts,
    newRequestId: () => '',
    newSalt: salt,
    store,
    turns,
  })
  const ports = { contracts, documents, store, turns }
  const told: object[] = []
  const sink = {
    isOpen: true,
    send: (message: object) => void told.push(message),
    end: () => {},
  }
  const states = new States({ clock: systemClock, contracts, obstacles: () => [], questionsOf: async () => [] })
  const connection = new Connection(sink, new Telling(ports), ports, states)
  t.teardown(() => connection.close())
  await connection.begin({ contract: ANY, kind: 'changes', names: [] }, '/new-api/*', undefined)
  connection.settled(CONTRACT, ana.settled - 1, undefined)
  await until('it is told', async () => told.length > 1)
  t.match(told, [
    { subscribed: '/new-api/*' },
    { change: 'ProposalAgreed', subject: `/new-api/${CONTRACT}/A`, value: 'agreed while nobody looked' },
  ])
})
