import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { complaintAboutWebhooks } from '../../../src/node/config/webhook-settings.ts'
import { isPublic, networksOf } from '../../../src/node/webhooks/addresses.ts'
import { Receivers } from '../../../src/node/webhooks/receivers.ts'
import { Sender } from '../../../src/node/webhooks/sender.ts'
import { signerWith } from '../../../src/node/webhooks/signatures.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { newAuthority } from '../../support/authority.ts'
import { webServer } from '../../support/web-server.ts'
import { webhookReceiver } from '../../support/webhook-receiver.ts'

const inside = [
  ...[
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
  ],
  ...['100.64.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9', '192.88.99.1', '224.0.0.1', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', 'fe80::1', 'fe80::1%lo', 'fc00::1', 'fd12::1', 'ff02::1', 'fec0::1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::ffff:10.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1'],
  ...['64:ff9b:1::1', '2002:7f00:1::', '2001:0:1::1', '2001:db8::1', '3fff::1', '100::1', '', 'localhost', '127.1'],
]

t.test('an address is public, or inside', (t) => {
  t.same(inside.filter(isPublic), [])
  const outside = ['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.128.0.1', '192.0.1.1', '223.255.255.255']
  t.same(
    [...outside, '2606:4700::1111', '2a00:1450::1'].filter((address) => !isPublic(address)),
    [],
  )
  const allowed = networksOf(['127.0.0.0/8', 'fd00:1::/64', '10.0.0.7'])
  t.same(['127.3.3.3', '10.0.0.7', 'fd00:1::9'].map(allowed), [true, true, true])
  t.same(['10.0.0.8', 'fd00:1:0:1::9', '8.8.8.8', 'fd00:1::9%lo', 'x'].map(allowed), [
    false,
    false,
    false,
    false,
    false,
  ])
  t.equal(
    complaintAboutWebhooks({ receivers: [], networks: ['10.0.0.0/8', '10.0.0.0/33'] })?.[0],
    'webhooks/networks/1',
  )
  t.end()
})

t.test('a URL leads to where the operator allows, however it is spelled', (t) => {
  const { urlIn } = bound(
    new Receivers({
      receivers: [
        'https://hooks.example.com',
        'https://*.example.org:8443',
        'http://127.0.0.1:9',
        'https://[2606:4700::1]',
      ],
      networks: ['127.0.0.1'],
    }),
  )
  for (const good of [
    'https://hooks.example.com/a?b=c',
    'https://HOOKS.example.com:443/',
    'https://a.b.example.org:8443/',
    'http://127.0.0.1:9/x',
    'http://2130706433:9/',
    'http://0x7f.1:9/',
    'https://[2606:4700:0::1]/',
  ])
    t.type(urlIn(good).href, 'string', good)
  const refused = {
    webhook_unfit: [
      ...['', 'x', 'ftp://hooks.example.com/', 'file:///etc/passwd', 'https://u@hooks.example.com/'],
      ...['https://hooks.example.com/\r\nx', ' https://hooks.example.com/', 'https://hooks.exa\tmple.com/'],
      ...['https://:p@hooks.example.com/', 'https://hooks.example.com/#x'],
    ],
    webhook_receiver_refused: [
      ...['http://hooks.example.com/', 'https://hooks.example.com:444/', 'https://hooks.example.com.evil.org/'],
      ...[
        'https://example.org:8443/',
        'https://evilexample.org:8443/',
        'https://hooks.example.com./',
        'http://[::1]:9/',
      ],
      ...['http://127.0.0.1/', 'http://[::ffff:127.0.0.1]:9/', 'http://localhost:9/'],
    ],
  }
  for (const [code, urls] of Object.entries(refused)) for (const url of urls) t.throws(() => urlIn(url), { code }, url)
  t.throws(() => new Receivers(undefined).urlIn('https://example.com/'), { code: 'webhook_receiver_refused' })
  const any = bound(new Receivers({ receivers: ['https://*'] }))
  t.ok(any.urlIn('https://anything.example/'))
  for (const literal of ['https://127.0.0.1/', 'https://[::1]/', 'https://169.254.169.254/', 'https://[::ffff:a00:1]/'])
    t.throws(() => any.urlIn(literal), { code: 'webhook_receiver_refused' }, literal)
  t.end()
})

t.test('of the addresses of a name those are connected to that may be, and no other', async (t) => {
  const { origin, at, answer } = await webhookReceiver(t)
  const { port } = new URL(origin)
  const url = `http://hooks.test:${port}/x`
  const settings = { receivers: [`http://hooks.test:${port}`] }
  let asked = 0
  const resolving =
    (...answers: LookupAddress[][]) =>
    (_name: string, _options: unknown, done: (error: null, found: LookupAddress[]) => void) =>
      done(null, answers[asked++ % answers.length] as LookupAddress[])
  const loopback = { address: '127.0.0.1', family: 4 }
  const message = { id: 'a@0#0', revision: 0, part: 0, body: '{"type":"x"}', mark: null }
  const send = async (receivers: Receivers) => {
    const sender = new Sender(receivers, systemClock)
    const sent = await sender.send(sender.targetAt(url), message, signerWith([]))
    await sender.close()
    return sent
  }
  const open = { ...settings, networks: ['127.0.0.1'] }
  t.same(await send(new Receivers(open, resolving([loopback]))), { kind: 'taken' })
  t.equal(at('/x').length, 1)
  t.equal(asked, 1, 'what was looked up is what is connected to: a second answer is not asked for')

  const closed = await send(new Receivers(settings, resolving([loopback])))
  t.match(closed, { kind: 'failed', error: /has no address on the public Internet/ })
  const mapped = [
    { address: '::ffff:127.0.0.1', family: 6 },
    { address: '::1', family: 6 },
  ]
  t.match(await send(new Receivers(settings, resolving(mapped))), { kind: 'failed', error: /no address on the public/ })
  t.match(await send(new Receivers(open, resolving(mapped))), { kind: 'failed', error: /no address on the public/ })
  t.equal(at('/x').length, 1, 'nothing was connected to')
  const both = [{ address: '169.254.169.254', family: 4 }, loopback]
  t.same(await send(new Receivers(open, resolving(both))), { kind: 'taken' })

  answer('/x', (_posted, response) => {
    response.writeHead(307, { location: `${origin}/elsewhere` }).end()
    return undefined
  })
  t.match(await send(new Receivers(open, resolving([loopback]))), { kind: 'failed', error: 'status 307' })
  t.equal(at('/elsewhere').length, 0, 'no redirect is followed')
  t.match(await send(new Receivers({ receivers: ['https://other.test'] }, resolving([loopback]))), {
    kind: 'failed',
    error: /is not among `webhooks\/receivers`/,
  })
})

t.test('an answer costs no more than its status, however long it is', async (t) => {
  const { origin, answer } = await webhookReceiver(t)
  let written = 0
  answer('/long', (_posted, response) => {
    response.writeHead(200)
    const piece = Buffer.alloc(64 * 1024)
    const more = () => {
      while (!response.destroyed && written < 64 * 1024 * 1024) {
        written += piece.length
        if (!response.write(piece)) return void response.once('drain', more)
      }
      response.end()
    }
    response.on('error', () => {})
    more()
    return new Promise<undefined>(() => {})
  })
  const sender = new Sender(new Receivers({ receivers: [origin], networks: ['127.0.0.1'] }), systemClock)
  const message = { id: 'a@0#0', revision: 0, part: 0, body: '{}', mark: null }
  t.same(await sender.send(sender.targetAt(`${origin}/long`), message, signerWith([])), { kind: 'taken' })
  await sender.close()
  t.ok(written < 32 * 1024 * 1024, `it was cut off after ${written} bytes`)
})

t.test('an authority of the company is trusted where the configuration names it', async (t) => {
  const authority = newAuthority('An authority of the company')
  const port = await webServer(t, authority.issue('localhost'), (_, answer) => answer.writeHead(204).end())
  const origin = `https://localhost:${port}`
  const receivers = new Receivers({ receivers: [origin], networks: ['127.0.0.0/8', '::1'] })
  const message = { id: 'a@0#0', revision: 0, part: 0, body: '{}', mark: null }
  for (const [ca, sent] of [
    [undefined, { kind: 'failed', error: /^(UNABLE_TO|SELF_SIGNED)/ }],
    [authority.certificate, { kind: 'taken' }],
  ] as const) {
    const sender = new Sender(receivers, systemClock, undefined, ca)
    t.match(await sender.send(sender.targetAt(`${origin}/`), message, signerWith([])), sent)
    await sender.close()
  }
})

t.test('each message has a time of its own to be taken in', async (t) => {
  const { origin, answer } = await webhookReceiver(t)
  answer('/slow', async (_posted, response) => {
    await new Promise((resolve) => setTimeout(resolve, 800))
    response.writeHead(204).end()
    return undefined
  })
  answer('/never', () => new Promise<undefined>(() => {}))
  const settings = { receivers: [origin], networks: ['127.0.0.1'] }
  const sender = new Sender(new Receivers(settings), systemClock, 1_500)
  const message = { id: 'a@0#0', revision: 0, part: 0, body: '{}', mark: null }
  const sent = (path: string) => sender.send(sender.targetAt(`${origin}${path}`), message, signerWith([]))
  t.same(await sent('/slow'), { kind: 'taken' })
  t.same(await sent('/slow'), { kind: 'taken' }, 'what the first took is not taken off')
  t.same(await sent('/never'), { kind: 'failed', error: 'no answer in 1.5 s' })
  t.same(await sent('/at-once'), { kind: 'taken' }, 'it is over with that message alone')
  await sender.close()
})

function bound(receivers: Receivers) {
  return { urlIn: (text: string) => receivers.urlIn(text) }
}
