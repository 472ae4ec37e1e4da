import t from 'tap'
import { receive } from '../../../src/agreement/receive.ts'
import { emptyAgreement } from '../../../src/agreement/state.ts'
import type { KeyChanging } from '../../../src/contracts/commands/key-changing.ts'
import { queued } from '../../../src/contracts/commands/queued-command.ts'
import { CommandWorker } from '../../../src/contracts/processes/command-worker.ts'
import type { Contracts } from '../../../src/contracts/registry/contracts.ts'
import { writesFor } from '../../../src/contracts/replica/journal.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { RoomAsked } from '../../../src/contracts/requests/request-budget.ts'
import type { Intent } from '../../../src/contracts/requests/submission.ts'
import { requestKey } from '../../../src/events/ids.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { OUTBOX_STREAM } from '../../../src/store/streams.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { allOf, CONTRACT, market, owes, talk } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'

t.test('after a restart, what a lock has made void is requested once more, wherever its place is kept', async (t) => {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  ben.requests({ type: 'LockRecord', purpose: 'edit' })
  talk(players, owes)
  const place = { handle: ana.handle, seq: ana.seq, index: 0 }
  const [request] = ana.requests({ type: 'RenameElement', element: '0.0', name: 'C' }).statement.requests
  if (request === undefined) throw new Error('it has been requested')
  talk(players, owes)
  const store = openMemoryStore()
  const before = emptyAgreement(CONTRACT)
  const { state, taken, settled } = receive(before, allOf(ana))
  await store.write(writesFor({ before, held: taken, settled, equivocations: [], divergences: [] }))
  const entry = settled.find((one) => requestKey(one.entry.request) === requestKey(place))?.entry
  t.match(entry?.outcome, { kind: 'void', reason: { code: 'record_locked' } })

  const ask = { kind: 'request', request, payloads: {}, retry: true } as const
  await store.events.append(OUTBOX_STREAM, 'any', [queued({ id: request.id, contract: CONTRACT, ask })])
  const submitted = Promise.withResolvers<Intent>()
  const live = {
    contract: CONTRACT,
    state,
    // As from a file.
    requests: { queue: { placeOf: (id: string) => (id === request.id ? { ...place } : undefined) } },
    submit(intent: Intent) {
      submitted.resolve(intent)
      return { verdict: Promise.resolve() }
    },
  } as unknown as LiveContract
  const contracts = { useUpToDate: (_: string, work: (live: LiveContract) => unknown) => Promise.resolve(work(live)) }
  const commandWorker = await CommandWorker.open(
    {
      contracts: contracts as unknown as Contracts,
      events: store.events,
      clock: new VirtualClock(),
      self: 'transmit',
      keys: {} as KeyChanging,
      failed: (error) => submitted.reject(error),
    },
    await store.events.lastPosition(),
  )
  const dropped = new Promise<'dropped'>((resolve) => setImmediate(() => setImmediate(() => resolve('dropped'))))
  t.match(await Promise.race([submitted.promise, dropped]), { request: { id: request.id } })
  commandWorker.close()
})

t.test('what was left for it and has no room at the moment is done when there is some', async (t) => {
  const ana = new EdgelessParty(t)
  const small = () => ({ roomAsked: new RoomAsked(1_000_000, 30_000) })
  const first = await ana.start('node')
  const { contract, opened } = await first.contracts.openContract('small')
  await opened
  const uid = contract.contract
  await first.close()
  const ask = async (id: string) => {
    const serve = await ana.start('serve', small())
    const names = Array.from({ length: 90 }, (_, n) => `${id} ${n}`)
    const commands = names.map((name) => ({ type: 'AddField', parent: '0', name, field: { type: 'text' } }))
    await serve.contracts.use(uid, (live) => {
      live.submit({ request: { id, commands }, payloads: {} }).verdict.catch(() => {})
    })
    await until(
      'it to stand in the command queue',
      async () => (await ana.store.events.lastRevision(OUTBOX_STREAM)) >= (id === 'one' ? 0 : 1),
    )
    await serve.close()
  }
  await ask('one')
  await ask('two')
  const transmit = await ana.start('transmit', small())
  await until('both to be signed', () =>
    transmit.contracts.use(uid, ({ requests }) =>
      ['one', 'two'].every((id) => requests.queue.placeOf(id) !== undefined),
    ),
  )
})
