import t, { type Test } from 'tap'
import { askIn } from '../../../src/contracts/commands/queued-command.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import type { Intent, Submission } from '../../../src/contracts/requests/submission.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { AgreedView } from '../../../src/documents/agreed-view.ts'
import { resultOf } from '../../../src/documents/request-result.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { OUTBOX_STREAM } from '../../../src/store/streams.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { until } from '../../support/node-party.ts'

async function open({ contracts }: PartyProcess): Promise<Uid> {
  const { contract, opened } = await contracts.openContract('of one party')
  await opened
  return contract.contract
}

function has({ state: { settling }, contract }: LiveContract, name: string): boolean {
  return new AgreedView(settling.agreed, contract, openMemoryStore().payloads).find([name]) !== undefined
}

/** Nobody says anything about anything here. */
const { events, payloads } = openMemoryStore()
const ports = { events, payloads, turns: undefined }

/** A party whose `transmit` is up, with a contract of its own. */
async function transmitting(t: Test) {
  const ana = new EdgelessParty(t)
  const transmit = await ana.start('transmit')
  const contract = await open(transmit)
  return { ana, contract, events: ana.store.events, transmit }
}

/** As from a client that does not insist on an answer. */
function add(live: LiveContract, name: string, signedWithinMs: number): Submission {
  return live.submit({ ...intentOf(name), signedWithinMs })
}

function intentOf(name: string): Intent {
  const command = { type: 'AddField', parent: '0', name, field: { type: 'text' } }
  return { request: { commands: [command], id: name, tentative: true }, payloads: {} }
}

t.test('a node that must not sign says so, and what it was asked never comes to be', async (t) => {
  const ana = new EdgelessParty(t)
  const first = await ana.start()
  const contract = await open(first)
  await first.close()
  const { contracts } = await ana.start('node', { guard: memoryGuard() })
  await contracts.use(contract, async (live) => {
    t.equal(live.obstacle, 'nobody_to_ask')
    t.match(await resultOf(add(live, 'Dropped', 20), live, ports), {
      kind: 'timed out',
      request: undefined,
      waitingFor: ['ana'],
    })
    await live.goOn()
    t.match(await resultOf(add(live, 'Taken', 10_000), live, ports), {
      kind: 'pending',
      request: { handle: 'ana' },
    })
    await until('it is settled', async () => has(live, 'Taken'))
    t.notOk(has(live, 'Dropped'))
    await t.rejects(live.goOn(), { code: 'signing_not_blocked', evidence: { obstacle: null } })
  })
  t.same(ana.told, [])
})

t.test(
  'what serve has left in the command queue is carried out although whoever asked was told that nobody signs',
  async (t) => {
    const ana = new EdgelessParty(t)
    const before = await ana.start('transmit')
    const contract = await open(before)
    await before.close()
    const serve = await ana.start('serve')
    await serve.contracts.use(contract, async (live) => {
      await t.rejects(resultOf(add(live, 'Later', 20), live, ports), {
        code: 'transmitter_silent',
      })
      await ana.start('transmit')
      await until('it is carried out', async () => has(live, 'Later'))
    })
    t.same(ana.told, [])
  },
)

t.test('serve that hears nothing of the store looks whether somebody has signed', async (t) => {
  const { ana, contract, events, transmit } = await transmitting(t)
  let isDeaf = false
  const clock = new VirtualClock()
  const serve = await ana.start('serve', {
    clock,
    store: {
      ...ana.store,
      events: {
        ...events,
        subscribe: (range, handler) => events.subscribe(range, (event) => (isDeaf ? undefined : handler(event))),
      },
    },
  })
  await serve.contracts.use(contract, async (live) => {
    isDeaf = true
    const submission = add(live, 'Heard', 1_000)
    submission.verdict.catch(() => {})
    await transmit.contracts.use(contract, (signing) => until('it is settled', async () => has(signing, 'Heard')))
    t.notOk(has(live, 'Heard'))
    await clock.runUntil(clock.now() + 1_000)
    t.match(await submission.signed, { handle: 'ana' })
    t.ok(has(live, 'Heard'))

    const told = t.rejects(live.goOn(), { code: 'signing_not_blocked' })
    const isDone = async () => {
      const queue = await Array.fromAsync(events.read(OUTBOX_STREAM))
      return queue.some((event) => 'done' in (askIn(event, (error) => t.fail(String(error))) ?? {}))
    }
    await until('it is refused', isDone)
    await clock.runUntil(clock.now() + 10_000)
    await told
    t.ok(serve.isTakenUp)
  })
})

t.test('a store that does not answer says nothing of who signs', async (t) => {
  const { ana, contract, events } = await transmitting(t)
  // That it is signed is heard, and nothing of what comes of it.
  let heardTo: number | undefined = Number.POSITIVE_INFINITY
  let hung: Promise<void> | undefined
  const clock = new VirtualClock()
  const serve = await ana.start('serve', {
    clock,
    store: {
      ...ana.store,
      events: {
        ...events,
        subscribe: (range, handler) =>
          events.subscribe(range, async (event) => {
            if (heardTo === undefined && event.type === 'StatementMade') heardTo = event.position
            if (heardTo === undefined || event.position <= heardTo) await handler(event)
          }),
        async *read(...range) {
          await hung
          for await (const event of events.read(...range))
            if (heardTo === undefined || event.position <= heardTo) yield event
        },
      },
    },
  })
  await serve.contracts.use(contract, async (live) => {
    heardTo = undefined
    const deadline = new Date(Date.now() + 3_600_000).toISOString()
    const intent = intentOf('Signed')
    const { signed, verdict } = live.submit({
      ...intent,
      request: { ...intent.request, deadline },
      timeoutMs: 1_000,
    })
    t.match(await signed, { handle: 'ana' })
    const answers = Promise.withResolvers<void>()
    hung = answers.promise
    await clock.runUntil(clock.now() + 10_000)
    t.match(await verdict, { kind: 'pending', waitingFor: ['ana'] })
    t.ok(serve.isTakenUp)
    answers.resolve()
  })
})
