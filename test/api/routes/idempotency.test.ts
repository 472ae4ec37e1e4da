import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../../src/index.ts'
import { storePath } from '../../../src/node/files/open-store.ts'
import { makeBackup, restoreBackup } from '../../../src/node/maintenance/backup.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { BINARY } from '../../support/guide.ts'
import { configure, type NodeParty, newParty, until } from '../../support/node-party.ts'
import { addEachOther } from '../../support/shared-contract.ts'
import { webhookReceiver } from '../../support/webhook-receiver.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(300_000)

const root = await mkdtemp(join(tmpdir(), 'concordata-keys-'))
t.teardown(() => rm(root, { recursive: true, force: true }))
const ana = await newParty(root, 'ana')
const ben = await newParty(root, 'ben')

/** With a key, and what its answer says about it. */
async function asked(party: NodeParty, method: string, path: string, key: string, body?: unknown, prefer = 'wait=10') {
  const response = await fetch(new URL(path, party.api), {
    method,
    headers: {
      authorization: `Bearer ${party.token}`,
      'idempotency-key': key,
      prefer,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const { headers, status } = response
  const again = headers.get('idempotent-replayed') === 'true'
  const answer = text === '' ? undefined : JSON.parse(text)
  return { again, body: answer, location: headers.get('location'), retryAfter: headers.get('retry-after'), status }
}

t.test('what is asked for again under a key is answered as it was, and done once', async (t) => {
  let nodes = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(() => Promise.all(nodes.map((node) => node.close())))
  await addEachOther(ana, ben)

  const opened = await asked(ana, 'POST', '/api/Contract', 'a-contract', { title: 'of two' })
  const { contract } = opened.body
  const at = `/api/Contract/${contract}`
  const document = `/new-api/${contract}`
  const size = async () => (await ana.call('GET', at)).body.size

  await t.test('contracts and invitations, too', async (t) => {
    t.match(await asked(ana, 'POST', '/api/Contract', 'a-contract', { title: 'of two' }), {
      status: 201,
      body: { contract },
    })
    t.equal((await ana.call('GET', '/api/Contract')).body.length, 1)
    t.match(await asked(ana, 'POST', '/api/Contract', 'a-contract', { title: 'another' }), {
      status: 422,
      body: { code: 'idempotency_key_reused' },
    })
    const invited = await asked(ana, 'POST', `${at}/Invitations`, 'ben', { party: 'ben' })
    t.match(invited, { again: false, status: 200 })
    t.match(await asked(ana, 'POST', `${at}/Invitations`, 'ben', { party: 'ben' }), { ...invited, again: true })
    await until('the invitation', async () => (await ben.call('GET', '/api/Contract')).body[0]?.standing === 'invited')
    t.match(await asked(ben, 'POST', `${at}/Acceptance`, 'yes'), { status: 200, body: { standing: 'member' } })
    t.match(await asked(ben, 'POST', `${at}/Acceptance`, 'yes'), { status: 200, body: { standing: 'member' } })
  })

  await t.test('writes of every method', async (t) => {
    const twice = async (method: string, path: string, key: string, body?: unknown) => {
      const first = await asked(ana, method, path, key, body)
      t.match(first, { again: false, status: /20[01]/ }, `${method} ${path}`)
      const before = await size()
      t.same(await asked(ana, method, path, key, body), { ...first, again: true })
      t.equal(await size(), before, 'nothing was signed the second time')
      return first
    }
    const lines = { $list: { entriesMax: 9, entry: { No: { $field: { type: 'integer' } } } } }
    const made = await twice('POST', document, 'made', { Lines: lines })
    t.equal(made.location, `${document}/Lines`)
    t.equal((await twice('POST', `${document}/Lines`, 'one', { No: 1 })).location, `${document}/Lines/1`)
    await twice('PUT', `${document}/Lines/1/No`, 'two', 2)
    await twice('DELETE', `${document}/Lines/1`, '"quoted: one two"')
    t.match(await asked(ana, 'PUT', `${document}/Lines/1/No`, 'two', 3), {
      status: 422,
      body: { code: 'idempotency_key_reused', request: /^ana\./ },
    })
    t.match((await ana.call('GET', document)).body, { Lines: [] })
    await twice('POST', document, 'words', { Words: ['x'] })
    const words = `${document}/Words`
    t.equal((await twice('PUT', words, 'three', ['x', 'y'])).location, `${words}/2`, 'a list with one entry more')
    t.match(await twice('PUT', words, 'four', ['x', 'y', 'z', 'q']), { status: 200, location: null }, 'two more')
    const changes = [{ at: 'Words', add: 'w' }]
    t.equal((await twice('POST', `${at}/ChangeSets`, 'five', { changes })).location, `${words}/5`)
    const other = await asked(ben, 'POST', `${document}/Lines`, 'one', { No: 1 })
    t.match(other, { again: false, status: 201 }, 'another caller has keys of its own')
  })

  await t.test('at the same time as the first, and what makes no sense', async (t) => {
    const both = await Promise.all(
      [1, 1].map((value) => asked(ana, 'POST', `${document}/Lines`, 'both', { No: value })),
    )
    t.same(both.map(({ status }) => status).sort(), [201, 409])
    const late = both.find(({ status }) => status === 409)
    t.match(late, { body: { code: 'idempotency_key_in_use' }, retryAfter: '1' }, 'and when to come again')
    for (const key of ['', '"', 'a b', 'x'.repeat(256), 'caf\u00e9']) {
      t.match(
        await asked(ana, 'POST', `${document}/Lines`, key, { No: 1 }),
        { status: 400, body: { code: 'request_malformed' } },
        key,
      )
    }
    const made = await asked(ana, 'POST', '/api/Keys', 'a-signing-key')
    t.match(made, { status: 202, body: { signing: /^ed25519:/ } })
    t.same((await asked(ana, 'POST', '/api/Keys', 'a-signing-key')).body, made.body, 'one signing key')
    t.equal((await ana.call('GET', '/api/Keys')).body.keys.length, 2)
    const refused = await asked(ana, 'POST', `${document}/Lines`, 'free', { No: 'x' })
    t.match(refused, { status: 422, body: { code: 'value_wrong_type' } })
    for (const half of [
      { amount: null, currency: 'USD' },
      { amount: 1, currency: null },
      { amount: true, currency: 'USD' },
    ])
      t.match(await asked(ana, 'POST', document, 'half', { Half: half }), {
        status: 422,
        body: { code: 'write_unfit' },
      })
    t.match(
      await asked(ana, 'POST', `${document}/Lines`, 'free', { No: 5 }),
      { status: 201 },
      'what is refused here uses up no key',
    )
  })

  await t.test('while a lock has made it void, and it is asked for again by itself', async (t) => {
    t.equal((await ben.call('POST', `${at}/Lock`, { purpose: 'edit' })).status, 200)
    const put = (prefer: string) => asked(ana, 'PUT', `${document}/Lines/2/No`, 'locked', 8, prefer)
    const first = await put('respond-async, retry')
    t.equal(first.status, 202)
    await until('it is void', async () => {
      const path = `/api/Request?contract=${contract}&id=${first.body.request}`
      return ['settled', 'cosigned'].includes((await ana.call('GET', path)).body.requests[0]?.state)
    })
    const again = await put('respond-async, retry')
    t.match(again, { again: true, body: { request: first.body.request, waitingFor: ['ben'] }, status: 202 })
    t.equal((await ben.call('DELETE', `${at}/Lock`)).status, 200)
    const last = await put('wait=60, retry')
    t.match(last, { again: true, status: 200 })
    t.not(last.body.request, first.body.request, 'it is the one that has come about')
  })

  await t.test('after a restart, and after a restore', async (t) => {
    const backup = join(root, 'backup')
    await makeBackup({ dir: ana.data }, backup, { withPassphrase: true }, systemClock)
    const first = await asked(ana, 'POST', `${document}/Lines`, 'again', { No: 7 })
    t.equal(first.status, 201)
    const [mine, theirs] = nodes as [(typeof nodes)[number], (typeof nodes)[number]]
    await mine.close()
    nodes = [await openNode({ data: ana.data }), theirs]
    t.same(await asked(ana, 'POST', `${document}/Lines`, 'again', { No: 7 }), { ...first, again: true }, 'a restart')
    const { keys } = (await ana.call('GET', '/api/Keys')).body
    t.same((await asked(ana, 'POST', '/api/Keys', 'a-signing-key')).body, { signing: keys[1] }, 'a signing key')
    const before = await size()
    await nodes[0]?.close()
    for (const end of ['', '-wal', '-shm']) await rm(`${storePath(ana.data)}${end}`, { force: true })
    await restoreBackup(backup, ana.data)
    nodes = [await openNode({ data: ana.data }), theirs]
    const restored = await asked(ana, 'POST', `${document}/Lines`, 'again', { No: 7 })
    t.match(restored, { location: first.location, status: 201, body: first.body }, 'a restore of what was before')
    t.equal(await size(), before)
    t.same((await asked(ana, 'POST', '/api/Keys', 'a-signing-key')).body, { signing: keys[1] })
    t.match(await asked(ana, 'POST', '/api/Contract', 'a-contract', { title: 'of two' }), {
      status: 201,
      body: { contract },
    })
  })
})

t.test('whenever the process is killed, what was asked for is done once, and told', async (t) => {
  const cleo = await newParty(root, 'cleo')
  const receiver = await webhookReceiver(t)
  await configure(cleo, { webhooks: { receivers: [receiver.origin], networks: ['127.0.0.1'] } })
  const start = async (): Promise<ChildProcess> => {
    const node = spawn(process.execPath, [BINARY, 'node', '--data', cleo.data], { stdio: 'ignore' })
    await until('the node', async () => (await fetch(new URL('/ready', cleo.api)).catch(() => undefined))?.ok === true)
    return node
  }
  const kill = async (node: ChildProcess) => {
    const gone = once(node, 'exit')
    node.kill('SIGKILL')
    await gone
  }
  let node = await start()
  t.teardown(() => kill(node))
  const contract = (await asked(cleo, 'POST', '/api/Contract', 'one', { title: 'alone' })).body.contract
  const document = `/new-api/${contract}`
  const lines = { $list: { entriesMax: 99, entry: { No: { $field: { type: 'integer' } } } } }
  t.equal((await asked(cleo, 'POST', document, 'lines', { Lines: lines })).status, 201)
  t.equal((await cleo.call('POST', '/api/Webhook', { url: `${receiver.origin}/x`, subject: document })).status, 201)
  const { size } = (await cleo.call('GET', `/api/Contract/${contract}`)).body
  const asks = (no: number) => asked(cleo, 'POST', `${document}/Lines`, `line ${no}`.replace(' ', '-'), { No: no })
  const under = [1, 2, 3, 4, 5, 6, 7, 8].map((no) => asks(no).catch(() => undefined))
  // In the middle of them: some are signed, some not, and of some the answer was lost.
  await Promise.race(under)
  await kill(node)
  await Promise.all(under)
  node = await start()
  t.match((await asked(cleo, 'POST', '/api/Contract', 'one', { title: 'alone' })).body, { contract })
  for (const no of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const answer = await asks(no)
    // What a crash has left without its author's word is withdrawn for good: that is an answer, too.
    t.match(answer.status, /^(?:201|504)$/, `${no}: ${JSON.stringify(answer)}`)
  }
  const { body } = await cleo.call('GET', `${document}/Lines`)
  const numbers = (body as { No: number }[]).map(({ No }) => No)
  t.equal(new Set(numbers).size, numbers.length, 'none is there twice')
  t.ok(numbers.length >= 1)
  t.equal((await cleo.call('GET', '/api/Contract')).body.length, 1)
  const { changes } = (await cleo.call('GET', `${document}/~changes?after=${size - 1}&limit=1000`)).body
  const told = () => new Map(receiver.at('/x').map(({ id, message }) => [id, message.data]))
  await until('all was told', async () => told().size >= changes.length)
  t.same([...told().values()], changes, 'by webhooks too: all of it, in its order, each under an id of its own')
})
