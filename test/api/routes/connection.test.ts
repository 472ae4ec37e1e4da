import t from 'tap'
import { LiveConnection } from '../../../src/api/routes/live/connection.ts'
import { States } from '../../../src/api/routes/live/states.ts'
import { ANY } from '../../../src/api/routes/live/subject.ts'
import { Telling } from '../../../src/api/routes/live/telling.ts'
import { ToldOfAll } from '../../../src/api/routes/live/told-of-all.ts'
import type { Contracts } from '../../../src/contracts/registry/contracts.ts'
import { settledFrom } from '../../../src/contracts/replica/find-settled.ts'
import { Documents } from '../../../src/documents/documents.ts'
import type { LedgerEntry } from '../../../src/events/ledger-entry.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { EventLoopTurns } from '../../../src/runtime/event-loop-turns.ts'
import type { Store } from '../../../src/store/port.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { allOf, CONTRACT, market } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'

function portsOf(contracts: Contracts, store: Store) {
  const turns = new EventLoopTurns()
  const documents = new Documents({
    clock: systemClock,
    contracts,
    newRequestId: () => '',
    newSalt: () => new Uint8Array(16),
    store,
    turns,
  })
  return { contracts, documents, store, turns }
}

t.test('whoever watches all contracts is told of one that was at rest, from what stands in the store', async (t) => {
  const [ana] = market('ana')
  ana.proposes('0.0', 'agreed while nobody looked')
  const party = new EdgelessParty(t, 'ben')
  const { contracts } = await party.start()
  await contracts.begin(CONTRACT, allOf(ana), ana.handle)
  await contracts.use(CONTRACT, (live) => live.deliver(allOf(ana)))
  const { store } = party
  const ports = portsOf(contracts, store)
  const told: object[] = []
  const sink = {
    isOpen: true,
    send: (message: object) => void told.push(message),
    end: () => {},
  }
  const states = new States({ clock: systemClock, contracts, obstacles: () => [], questionsOf: async () => [] })
  const connection = new LiveConnection(sink, new Telling(ports), ports, states)
  t.teardown(() => connection.close())
  await connection.begin({ contract: ANY, kind: 'changes', names: [] }, '/new-api/*', undefined)
  connection.settled(CONTRACT, ana.settled - 1, undefined)
  await until('it is told', async () => told.length > 1)
  t.match(told, [
    { subscribed: '/new-api/*' },
    { change: 'ProposalAgreed', subject: `/new-api/${CONTRACT}/A`, value: 'agreed while nobody looked' },
  ])
})

t.test('what settles while it is looked up where to go on is told in its turn, once', async (t) => {
  const [ana] = market('ana')
  for (const value of ['first', 'second', 'third']) ana.proposes('0.0', value)
  const party = new EdgelessParty(t, 'ben')
  const { contracts } = await party.start()
  await contracts.begin(CONTRACT, allOf(ana), ana.handle)
  await contracts.use(CONTRACT, (live) => live.deliver(allOf(ana)))
  const { store } = party
  const last = ana.settled - 1
  for (const way of ['Last-Event-ID', 'from'] as const) {
    const lookedUp = Promise.withResolvers<void>()
    const events = {
      lastPosition: () => store.events.lastPosition(),
      lastRevision: (stream: string) => store.events.lastRevision(stream),
      readAll: async function* (range: Parameters<typeof store.events.readAll>[0]) {
        await lookedUp.promise
        yield* store.events.readAll(range)
      },
    }
    const isSlow = {
      get: (contracts: Contracts, name: keyof Contracts) =>
        name !== 'use'
          ? contracts[name]
          : async (...[uid, work]: Parameters<Contracts['use']>) => {
              if (hasBegun) await lookedUp.promise
              return contracts.use(uid, work)
            },
    }
    const ports = portsOf(contracts, store)
    let hasBegun = false
    const told: { readonly message: object; readonly id: unknown }[] = []
    const sink = {
      isOpen: true,
      send: (message: object, id?: unknown) => {
        hasBegun ||= 'subscribed' in message
        told.push({ message, id })
      },
      end: () => {},
    }
    const states = new States({ clock: systemClock, contracts, obstacles: () => [], questionsOf: async () => [] })
    const slowly = { ...ports, contracts: new Proxy(contracts, isSlow) }
    const connection = new LiveConnection(sink, new Telling(ports), slowly, states)
    const ofAll = { contracts, events, epoch: 'e' }
    const before = `e.~${CONTRACT}:${last - 1}`
    const begun = connection.begin(
      { contract: ANY, kind: 'changes', names: ['A'] },
      '/new-api/*/A',
      way === 'from' ? { [CONTRACT]: last - 1 } : undefined,
      way === 'from' ? undefined : ToldOfAll.after(before, ofAll),
    )
    await until('it has begun', async () => hasBegun)
    connection.settled(CONTRACT, last, undefined)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    lookedUp.resolve()
    await begun
    const values = () => told.flatMap(({ message }) => ('value' in message ? [message.value] : []))
    await until('the last is told', async () => values().includes('third'))
    t.same(values(), ['second', 'third'], way)
    if (way === 'Last-Event-ID') {
      const next = told.map(({ id }) => /:(\d+)$/.exec(String(id))?.[1])
      t.same(next, [last - 1, last, last + 1].map(String), 'whoever comes again from any of them misses nothing')
    }
    connection.close()
  }
})

t.test('however many watch the same, what settles is looked up once', async (t) => {
  const [ana] = market('ana')
  ana.proposes('0.0', 'told to many')
  const party = new EdgelessParty(t, 'ben')
  const { contracts } = await party.start()
  await contracts.begin(CONTRACT, allOf(ana), ana.handle)
  await contracts.use(CONTRACT, (live) => live.deliver(allOf(ana)))
  const { store } = party
  let lookedUp = 0
  const payloads = {
    ...store.payloads,
    get: (...asked: Parameters<typeof store.payloads.get>) => {
      lookedUp++
      return store.payloads.get(...asked)
    },
  }
  const ports = portsOf(contracts, { ...store, payloads })
  const { documents } = ports
  const last = ana.settled - 1
  const batch = await contracts.use(CONTRACT, async (live) => {
    const around = [await documents.past.ofSize(live, last), live.state.settling.agreed]
    const entries: LedgerEntry[] = []
    for await (const entry of settledFrom(store.events, CONTRACT, last)) entries.push(entry)
    return { documents: around, entries, from: last, told: new Map() }
  })
  const states = new States({ clock: systemClock, contracts, obstacles: () => [], questionsOf: async () => [] })
  const told: object[] = []
  const connections = Array.from({ length: 20 }, () => {
    const sink = { isOpen: true, send: (message: object) => void told.push(message), end: () => {} }
    return new LiveConnection(sink, new Telling(ports), ports, states)
  })
  t.teardown(() => {
    for (const connection of connections) connection.close()
  })
  for (const connection of connections) {
    await connection.begin({ contract: ANY, kind: 'changes', names: ['A'] }, '/new-api/*/A', undefined)
    connection.settled(CONTRACT, last, batch)
  }
  const changes = () => told.filter((message) => 'change' in message)
  await until('all are told', async () => changes().length === 20)
  t.match(changes(), Array(20).fill({ change: 'ProposalAgreed', value: 'told to many' }))
  t.equal(lookedUp, 1)
})
