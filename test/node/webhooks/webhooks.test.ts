import { verify } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { Compile } from 'typebox/compile'
import { WebhookMessageSchemas } from '../../../src/api/answers/webhooks.ts'
import { openNode } from '../../../src/index.ts'
import { storePath } from '../../../src/node/files/open-store.ts'
import { addApiKey, revokeApiKey } from '../../../src/node/inward/api-keys.ts'
import { makeBackup, restoreBackup } from '../../../src/node/maintenance/backup.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { configure, newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { publicKeyFrom } from '../../support/webhook-key.ts'
import { type Posted, webhookReceiver } from '../../support/webhook-receiver.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('webhooks', { timeout: 240_000 }, async (t) => {
  const root = t.testdir()
  const ana = await newParty(root, 'ana')
  const receiver = await webhookReceiver(t)
  const { answer, at, origin, take } = receiver
  await configure(ana, { webhooks: { receivers: [origin, 'https://hooks.example.com'], networks: ['127.0.0.1'] } })
  let node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const open = async (title: string): Promise<string> =>
    (await ana.call('POST', '/api/Contract', { title })).body.contract
  const contract = await open('told')
  const document = `/new-api/${contract}`
  await ana.call('POST', document, { Claimant: { Name: 'Ana', Country: 'Mexico' }, Note: 'x' })
  const hook = async (path: string, subject: string, more: object = {}, as: Record<string, string> = {}) => {
    const made = await ana.call('POST', '/api/Webhook', { url: `${origin}${path}`, subject, ...more }, undefined, as)
    t.equal(made.status, 201, JSON.stringify(made.body))
    return made.body as { id: string; secret: string }
  }
  const put = (name: string, value: unknown, to = document) => ana.call('PUT', `${to}/${name}`, value)
  const values = (path: string) => at(path).map(({ message }) => message.data.value)
  const came = (path: string, count: number) =>
    until(`${count} messages at ${path}, not ${at(path).length}`, async () => at(path).length >= count)
  const get = async (id: string) => (await ana.call('GET', `/api/Webhook/${id}`)).body
  const undelivered = async (id: string) => (await ana.call('GET', `/api/Webhook/${id}/Undelivered`)).body

  await t.test(
    'what happens at a subject is posted in ledger order, signed, under an id that says where it stands',
    async (t) => {
      const { id, secret } = await hook('/first', `${document}/Claimant`)
      for (const name of ['Eve', 'Ida', 'Zoe']) await put('Claimant/Name', name)
      await put('Note', 'of no concern')
      await put('Claimant/Country', 'Peru')
      await came('/first', 4)
      t.same(values('/first'), ['Eve', 'Ida', 'Zoe', 'Peru'])
      const check = new Webhook(secret)
      const changes = (await ana.call('GET', `${document}/Claimant/~changes?after=1`)).body.changes
      t.same(
        at('/first').map(({ message }) => message.data),
        changes,
        'the same as those are told who ask, or watch',
      )
      for (const { body, headers, id, message } of at('/first')) {
        t.same(check.verify(body, headers as Record<string, string>), message)
        t.match(id, new RegExp(`^contract-${contract}@${message.data.index}#\\d+$`))
        t.equal(headers['content-type'], 'application/json')
      }
      const ids = at('/first').map(({ id }) => id)
      t.equal(new Set(ids).size, 4)
      t.match(await get(id), { id, state: 'active', key: 'api-token', signing: 'v1', subject: `${document}/Claimant` })
      t.notMatch(JSON.stringify(await get(id)), /whsec/, 'a secret is shown once')
    },
  )

  await t.test('what one message has stands in every other of the same event', async (t) => {
    await hook('/all', document)
    await hook('/some', `${document}/*/Name`)
    await ana.call('PUT', document, { Claimant: { Name: 'Ana', Country: 'Chile' } })
    await came('/all', 2)
    await came('/some', 1)
    const [some] = at('/some') as [Posted]
    t.same(
      at('/all')
        .filter(({ id }) => id === some.id)
        .map(({ body }) => body),
      [some.body],
    )
  })

  await t.test('a key signs in place of a secret, and both sign while one takes the place of the other', async (t) => {
    const { id, secret } = await hook('/signed', `${document}/Note`, { signing: 'v1a' })
    const isGood = (shown: string, { body, headers }: Posted) =>
      String(headers['webhook-signature'])
        .split(' ')
        .filter((one) => one.startsWith('v1a,'))
        .some((one) => {
          const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
          return verify(null, signed, publicKeyFrom(shown), Buffer.from(one.slice(4), 'base64'))
        })
    await put('Note', '1')
    await came('/signed', 1)
    t.ok(isGood(secret, at('/signed')[0] as Posted))
    const next = (await ana.call('POST', `/api/Webhook/${id}/Secret`, {})).body
    const third = (await ana.call('POST', `/api/Webhook/${id}/Secret`, { signing: 'v1' })).body
    await put('Note', '2')
    await came('/signed', 2)
    const [, second] = at('/signed') as [Posted, Posted]
    t.ok(isGood(secret, second) && isGood(next.secret, second))
    t.ok(new Webhook(third.secret).verify(second.body, second.headers as Record<string, string>))
    t.match(await get(id), { signing: 'v1', publicKeys: [next.secret, secret], overlapUntil: /Z$/ })
    const last = (await ana.call('POST', `/api/Webhook/${id}/Secret`, { overlapSeconds: 0 })).body
    await put('Note', '3')
    await came('/signed', 3)
    t.match(at('/signed')[2]?.headers['webhook-signature'], /^v1,\S+$/, 'and then the new one alone')
    t.match(last, { secret: /^whsec_/ })
  })

  await t.test('what is not taken is sent again, and nothing goes before it', async (t) => {
    const { id } = await hook('/late', `${document}/Note`)
    answer('/late', () => 503)
    await put('Note', 'a')
    await came('/late', 1)
    await put('Note', 'b')
    await until('it waits', async () => (await undelivered(id)).waiting.length === 1)
    const { waiting } = await undelivered(id)
    t.match(waiting, [{ message: at('/late')[0]?.id, attempts: Number, error: 'status 503', next: /Z$/ }])
    t.match(await get(id), { state: 'active', waiting: { error: 'status 503' } })
    take('/late')
    t.equal((await ana.call('POST', `/api/Webhook/${id}/Attempts`)).status, 204)
    await until('both', async () => values('/late').includes('b'))
    t.same([...new Set(values('/late'))], ['a', 'b'])
    t.equal(new Set(at('/late').map(({ id }) => id)).size, 2, 'under the same id each time')
    await until('nothing waits', async () => (await undelivered(id)).waiting.length === 0)
  })

  await t.test('a message that is never taken can be left out', async (t) => {
    const { id } = await hook('/choosy', `${document}/Note`)
    answer('/choosy', ({ message }) => (message.data.value === 'no' ? 400 : 204))
    await put('Note', 'no')
    await put('Note', 'yes')
    await until('it waits', async () => (await undelivered(id)).waiting.length === 1)
    const [{ message }] = (await undelivered(id)).waiting
    const omit = (one: string) => ana.call('POST', `/api/Webhook/${id}/Omissions`, { message: one })
    t.match(await omit('contract-x@1#0'), { status: 404, body: { code: 'no_such_message' } })
    t.equal((await omit(message)).status, 204)
    await until('the next', async () => values('/choosy').includes('yes'))
    t.match(await undelivered(id), { waiting: [], givenUp: [{ message, error: 'status 400' }] })
  })

  await t.test('entries are sent once more, the same to the byte', async (t) => {
    const { id } = await hook('/again', `${document}/Claimant`, { from: 0 })
    await until('all there are', async () => values('/again').includes('Chile'))
    const first = at('/again').map(({ body, id }) => [id, body])
    const size = (await ana.call('GET', `/api/Contract/${contract}`)).body.size as number
    const replay = (body: object) => ana.call('POST', `/api/Webhook/${id}/Replays`, body)
    t.match(await replay({ from: 0, to: 5 }), { status: 202, body: { stream: `contract-${contract}`, from: 0, to: 5 } })
    const upTo5 = first.filter(([id]) => Number(/@(\d+)#/.exec(id as string)?.[1]) <= 5)
    await came('/again', first.length + upTo5.length)
    t.same(
      at('/again')
        .slice(first.length)
        .map(({ body, id }) => [id, body]),
      upTo5,
    )
    await put('Claimant/Name', 'Mia')
    await until('what comes is told as ever', async () => values('/again').at(-1) === 'Mia')
    t.match(await replay({ from: 0, to: size + 9 }), { status: 404, body: { code: 'no_such_entry' } })
    t.match(await replay({ from: 3, to: 2 }), { status: 422, body: { code: 'webhook_unfit' } })
    answer('/again', () => 500)
    t.equal((await replay({ from: 0 })).status, 202)
    t.match(await replay({ from: 0 }), { status: 409, body: { code: 'replay_under_way' } })
  })

  await t.test('a receiver that is gone ends it, which somebody is told, until it is begun again', async (t) => {
    const { id } = await hook('/gone', `${document}/Note`)
    answer('/gone', () => 410)
    await put('Note', 'first')
    await until('it has ended', async () => (await get(id)).state === 'ended')
    t.match(await get(id), { why: 'receiver_gone' })
    await put('Note', 'second')
    const obstacles = (await ana.call('GET', '/api/Obstacle')).body as { code: string }[]
    t.ok(obstacles.some(({ code }) => code === 'webhook_failing'))
    t.match((await runCommand('webhook', 'list', '--data', ana.data)).output, /ended: receiver_gone/)
    const listed = JSON.parse((await runCommand('webhook', 'list', '--json', '--data', ana.data)).output)
    t.ok(listed.some(({ why }: { why?: string }) => why === 'receiver_gone'))
    t.match(await ana.call('POST', `/api/Webhook/${id}/Secret`), {
      status: 400,
      body: {
        code: 'request_malformed',
        detail: /^the body is missing, or null: it must be object, {}/,
      },
    })
    const ended = {
      status: 422,
      body: { code: 'webhook_unfit', expected: 'POST …/Activation', detail: /receiver_gone/ },
    }
    t.match(await ana.call('POST', `/api/Webhook/${id}/Attempts`), ended, 'nothing is tried')
    t.match(await ana.call('POST', `/api/Webhook/${id}/Replays`, { from: 0 }), ended)
    take('/gone')
    t.match(await ana.call('POST', `/api/Webhook/${id}/Activation`), { status: 200, body: { state: 'active' } })
    await until('what it was not told', async () => values('/gone').includes('second'))
    t.same(values('/gone'), ['first', 'first', 'second'])
  })

  await t.test('all contracts: each from now on; and what comes to be held here', async (t) => {
    await hook('/every', '/new-api/*')
    await hook('/held', '/api/Contract')
    const other = await open('another')
    await ana.call('POST', `/new-api/${other}`, { Field: 'of the other' })
    await put('Note', 'of the first')
    await until('both', async () => ['of the other', 'of the first'].every((value) => values('/every').includes(value)))
    t.notOk(values('/every').includes('Eve'), 'nothing of what was')
    await came('/held', 1)
    t.match(
      at('/held').map(({ id, message }) => [id, message]),
      [[/^contracts\.[0-9a-f]{12}@1#0$/, { type: 'contract.held', data: { contract: other, founder: 'ana' } }]],
    )
  })

  await t.test('a request that came to nothing', async (t) => {
    await hook('/void', `/api/Contract/${contract}/Requests`)
    await ana.call('POST', `/api/Contract/${contract}/Lock/Breaks`, { lock: 0 }, 'wait=60, handling=record')
    await came('/void', 1)
    t.match(at('/void')[0]?.message, { type: 'contract.request', data: { outcome: { kind: 'void' } } })
  })

  await t.test('it has the rights of its key, and ends with it', async (t) => {
    const key = await addApiKey(ana.data, { name: 'watcher', roles: ['reader'] }, systemClock)
    const asWatcher = { authorization: `Bearer ${key}` }
    const { id } = await hook('/mine', `${document}/Note`, {}, asWatcher)
    const mine = await ana.call('GET', '/api/Webhook', undefined, undefined, asWatcher)
    t.same(
      mine.body.map((one: { id: string }) => one.id),
      [id],
      'others are not shown',
    )
    t.ok((await ana.call('GET', '/api/Webhook')).body.length > 5, 'an operator sees all')
    const other = (await ana.call('GET', '/api/Webhook')).body[0].id
    for (const [method, path, body] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/Undelivered'],
      ['POST', '/Attempts'],
      ['POST', '/Activation'],
      ['POST', '/Secret', {}],
      ['POST', '/Omissions', { message: 'x@0#0' }],
      ['POST', '/Replays', { from: 0 }],
    ] as const) {
      const refused = await ana.call(method, `/api/Webhook/${other}${path}`, body, undefined, asWatcher)
      t.match(refused, { status: 404, body: { code: 'no_such_webhook' } }, `${method} ${path}`)
    }
    await put('Note', 'seen')
    await came('/mine', 1)
    await revokeApiKey(ana.data, 'watcher')
    // What was found out of the key a moment ago counts for a second.
    let tries = 0
    await until('it has ended', async () => {
      await put('Note', `unseen ${tries++}`)
      return (await get(id)).state === 'ended'
    })
    t.match(await get(id), { why: 'key_ended' })
    t.equal(values('/mine')[0], 'seen')
    t.ok(values('/mine').length < tries + 1)
    t.equal((await ana.call('DELETE', `/api/Webhook/${id}`)).status, 204)
    t.equal((await ana.call('GET', `/api/Webhook/${id}`)).status, 404)
  })

  await t.test('what cannot be is refused, and changes nothing', async (t) => {
    const before = (await ana.call('GET', '/api/Webhook')).body.length
    const make = async (body: object) => {
      const { status, body: problem } = await ana.call('POST', '/api/Webhook', body)
      return [status, problem.code]
    }
    const subject = document
    t.same(await make({ url: 'https://elsewhere.example/', subject }), [422, 'webhook_receiver_refused'])
    t.same(await make({ url: 'http://169.254.169.254/', subject }), [422, 'webhook_receiver_refused'])
    t.same(await make({ url: 'mailto:a@example.com', subject }), [422, 'webhook_unfit'])
    t.same(await make({ url: origin, subject: '/api/Obstacle' }), [422, 'webhook_unfit'])
    t.same(await make({ url: origin, subject: 'Claimant' }), [404, 'no_such_subject'])
    for (const one of ['Claimant', '/new-api/x', '/api/Contract/x/Questions']) {
      const { options } = (await ana.call('POST', '/api/Webhook', { url: origin, subject: one })).body
      t.same(options, ['/new-api/<uid>/<path>', '/api/Contract/<uid>/Requests', '/api/Contract'], one)
    }
    t.same(await make({ url: origin, subject: `/new-api/0${'0'.repeat(51)}` }), [404, 'no_such_contract'])
    t.same(await make({ url: origin, subject: '/new-api/*', from: 0 }), [422, 'webhook_unfit'])
    t.same(await make({ url: origin, subject, from: 9999 }), [404, 'no_such_entry'])
    t.same(await make({ url: origin, subject, secret: 'x' }), [400, 'request_malformed'])
    t.equal((await ana.call('GET', '/api/Webhook')).body.length, before)
  })

  await t.test('the command line does all of it', async (t) => {
    const webhook = async (...words: string[]) => {
      const { output, status } = await runCommand('webhook', ...words, '--data', ana.data)
      t.equal(status, 0, output)
      return output
    }
    const added = await webhook('add', `${origin}/cli`, `${document}/Note`, '--from', '0')
    const id = /wh_\S+/.exec(added)?.[0] as string
    t.match(added, /secret +whsec_/)
    await until('all there is', async () => at('/cli').length > 3)
    const first = at('/cli').length
    t.match(await webhook('replay', id, '--from', '1', '--to', '1'), new RegExp(`contract-${contract}: entries 1 to 1`))
    await came('/cli', first + 1)
    t.match(await webhook('secret', id, '--signing', 'v1a', '--overlap', '0'), /public key +whpk_/)
    answer('/cli', () => 500)
    await put('Note', 'by hand')
    await until('it waits', async () => /status 500/.test(await webhook('undelivered', id)))
    const [, message = ''] = /^(contract-\S+@\d+#\d+) /m.exec(await webhook('undelivered', id)) ?? []
    await webhook('retry', id)
    await webhook('omit', id, message)
    t.match(await webhook('undelivered', id), /never +status 500/)
    t.match(JSON.parse(await webhook('undelivered', id, '--json')), { givenUp: [{ error: 'status 500' }], waiting: [] })
    await webhook('activate', id)
    t.match(await webhook('list'), new RegExp(`${id} +active`))
    await webhook('remove', id)
    t.notMatch(await webhook('list'), id)
    const { output, status } = await runCommand('webhook', 'retry', id, '--data', ana.data)
    t.match([status, output], [1, /no_such_webhook/])
  })

  await t.test('webhooks are so many, and no more', async (t) => {
    const made: string[] = []
    let refused: { status: number; body: { code?: string; id?: string } } | undefined
    while (refused === undefined && made.length < 100) {
      const answer = await ana.call('POST', '/api/Webhook', { url: `${origin}/many`, subject: '/new-api/*/None' })
      if (answer.status === 201) made.push(answer.body.id)
      else refused = answer
    }
    t.match(refused, { status: 429, body: { code: 'webhooks_too_many', max: 64 } })
    for (const id of made) await ana.call('DELETE', `/api/Webhook/${id}`)
    await hook('/many', '/new-api/*/None')
  })

  await t.test('a restart takes nothing away, nor does a restore, and no id has two meanings', async (t) => {
    answer('/first', () => 503)
    await put('Claimant/Name', 'while it was down')
    await node.close()
    take('/first')
    node = await openNode({ data: ana.data })
    const [first] = (await ana.call('GET', '/api/Webhook')).body as { id: string }[]
    await ana.call('POST', `/api/Webhook/${first?.id}/Attempts`)
    await until('it', async () => values('/first').includes('while it was down'))
    const backup = join(root, 'backup')
    await makeBackup({ dir: ana.data }, backup, { withPassphrase: true }, systemClock)
    await open('lost in the restore')
    const held = at('/held').length
    await came('/held', held)
    await node.close()
    for (const file of [storePath(ana.data), join(ana.data, 'webhooks.sqlite')])
      for (const end of ['', '-wal', '-shm']) await rm(`${file}${end}`, { force: true })
    await restoreBackup(backup, ana.data)
    node = await openNode({ data: ana.data })
    const before = at('/held').length
    const after = await open('of the restored node')
    await until('it is told', async () =>
      at('/held')
        .slice(before)
        .some(({ message }) => message.data.contract === after),
    )
    const meanings = new Map<string, Set<string>>()
    for (const path of ['/held', '/first', '/every', '/all'])
      for (const { body, id } of at(path)) meanings.set(id, (meanings.get(id) ?? new Set()).add(body))
    t.same(
      [...meanings].filter(([, bodies]) => bodies.size > 1),
      [],
    )
  })

  await t.test('every message is as its schema says', (t) => {
    const forms = Object.entries(WebhookMessageSchemas).map(([type, schema]) => [type, Compile(schema)] as const)
    const paths = ['/first', '/all', '/every', '/held', '/void', '/gone', '/again']
    for (const { message } of paths.flatMap(at)) {
      const form = forms.find(([type]) => type === message.type)?.[1]
      t.ok(form?.Check(message), JSON.stringify(message))
    }
    t.end()
  })
})
