import { join } from 'node:path'
import t from 'tap'
import { Documents } from '../../../src/documents/documents.ts'
import { Deliveries } from '../../../src/node/webhooks/deliveries.ts'
import type { Message } from '../../../src/node/webhooks/messages.ts'
import type { Sender, SentMessage } from '../../../src/node/webhooks/sender.ts'
import { type Hook, WebhookFile } from '../../../src/node/webhooks/webhook-file.ts'
import { EventLoopTurns } from '../../../src/runtime/event-loop-turns.ts'
import { contractStream } from '../../../src/store/streams.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { allOf, CONTRACT, market } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'

t.test('what was sent for a webhook before it was begun anew does not set it back', async (t) => {
  const [ana] = market('ana')
  const first = ana.settled
  for (const value of ['a', 'b', 'c']) ana.proposes('0.0', value)
  const party = new EdgelessParty(t, 'ben')
  const { contracts } = await party.start()
  await contracts.begin(CONTRACT, allOf(ana), ana.handle)
  await contracts.use(CONTRACT, (live) => live.deliver(allOf(ana)))
  // So that nothing is due to be written while the next is sent.
  const clock = { now: () => 1, after: () => () => {} }
  const { store } = party
  const turns = new EventLoopTurns()
  const newSalt = () => new Uint8Array(16)
  const documents = new Documents({ clock, contracts, newRequestId: () => '', newSalt, store, turns })
  const file = new WebhookFile(join(t.testdir(), 'webhooks.sqlite'))
  const sent: { readonly message: Message; readonly end: (sent: SentMessage) => void }[] = []
  const sender = {
    targetAt: () => ({ url: new URL('http://127.0.0.1') }),
    send: (_: unknown, message: Message) => new Promise<SentMessage>((end) => sent.push({ message, end })),
    close: async () => {},
  }
  const deliveries = new Deliveries({
    ...{ clock, contracts, documents, file, store, turns },
    random: { fraction: () => 0.5, bytes: newSalt },
    sender: sender as unknown as Sender,
    standing: async () => ({ name: 'watcher', roles: ['reader'] }),
    report: { delivered: () => {}, ended: () => {}, failed: (error) => t.fail(String(error)) },
  })
  const hook: Hook = {
    ...{
      id: 'wh_1',
      url: 'http://127.0.0.1',
      subject: `/new-api/${CONTRACT}/A`,
      signing: 'v1',
      holder: '',
      keyName: '',
    },
    ...{ made: 0, ended: null, secrets: [] },
  }
  const lane = { hook: hook.id, stream: contractStream(CONTRACT), replay: 0 } as const
  file.add(hook, [{ stream: lane.stream, next: first, mark: null }])
  const answer = async (place: number, kind: 'taken' | 'failed') => {
    await until(`message ${place} is sent`, async () => sent.length > place)
    sent[place]?.end(kind === 'taken' ? { kind } : { kind, error: 'status 503' })
  }
  deliveries.begin(hook)
  await answer(0, 'taken')
  await until('the second is under way', async () => sent.length === 2)
  deliveries.begin(hook)
  await answer(2, 'taken')
  await answer(3, 'taken')
  await answer(4, 'failed')
  await until('the third waits', async () => file.lane(lane)?.attempts === 1)
  await answer(1, 'taken')
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  t.match(file.lane(lane), { next: first + 2, attempts: 1, error: 'status 503' })
  t.same(
    sent.map(({ message: { revision } }) => revision - first),
    [0, 1, 0, 1, 2],
  )
  await deliveries.close()
  file.close()
})
