import { join } from 'node:path'
import t from 'tap'
import { main } from '../../../src/cli/main.ts'
import { playSample } from '../../support/sample.ts'
import { soleNode } from '../../support/sole-node.ts'

const { data, api, endpoint, token, call, contract: uid } = await soleNode(t)
const root = `/new-api/${uid}`

t.test('a contract is opened, listed and shown', async (t) => {
  t.match(await (await call('GET', '/api/Contract')).json(), [
    { contract: uid, title: 'alone', standing: 'member', members: ['sole'], size: 1 },
  ])
  t.match(await (await call('GET', `/api/Contract/${uid}`)).json(), {
    acknowledged: 1,
    signedSize: { sole: 1 },
    divergences: [],
  })
  t.match(await (await call('GET', '/api/Party')).json(), [{ handle: 'sole', status: 'self' }])
})

t.test('a structure is posted, read as JSON and text, written and removed', async (t) => {
  const claimant = {
    Claimant: {
      Name: 'Ana',
      Age: 41,
      Share: 12.5,
      Insured: true,
      Fee: { amount: '5.00', currency: 'EUR' },
      Kind: { $field: { type: 'choice', options: ['A', 'B'] }, $value: 'A' },
    },
  }
  const posted = await call('POST', root, claimant)
  t.equal(posted.status, 201)
  t.equal(posted.headers.get('location'), `${root}/Claimant`)
  t.same(await (await call('GET', `${root}/Claimant`)).json(), { ...claimant.Claimant, Share: '12.5', Kind: 'A' })
  t.equal(await (await call('GET', `${root}/Claimant/Fee`)).text(), 'EUR 5.00')
  t.equal(
    await (await call('GET', `${root}/Claimant/Fee`, undefined, { accept: 'application/json' })).text(),
    '{"amount":"5.00","currency":"EUR"}',
  )
  t.equal((await call('PUT', `${root}/Claimant/Age`, '42')).status, 200)
  t.equal((await call('PUT', `${root}/Claimant`, { Name: 'Ben', Insured: false })).status, 200)
  t.match(await (await call('GET', `${root}/Claimant`)).json(), { Name: 'Ben', Age: 42, Insured: false })
  t.equal((await call('DELETE', `${root}/Claimant/Age`)).status, 200)
  t.equal((await call('GET', `${root}/Claimant/Age`)).status, 404)
  t.match(await (await call('GET', `/api/FullContract?ContractId=${uid}`)).json(), {
    title: 'alone',
    document: { Claimant: { Name: 'Ben' } },
  })
})

t.test('an unchanged element is not sent again', async (t) => {
  const first = await call('GET', `${root}/Claimant/Name`)
  const etag = first.headers.get('etag') as string
  t.equal((await call('GET', `${root}/Claimant/Name`, undefined, { 'if-none-match': etag })).status, 304)
  await call('PUT', `${root}/Claimant/Name`, 'Cleo')
  t.equal((await call('GET', `${root}/Claimant/Name`, undefined, { 'if-none-match': etag })).status, 200)
})

t.test('a request that is not waited for can be looked up', async (t) => {
  const sent = await call('PUT', `${root}/Claimant/Name`, 'Dov', { prefer: 'respond-async' })
  t.equal(sent.status, 202)
  const where = sent.headers.get('location') as string
  for (;;) {
    const status = (await (await call('GET', where)).json()) as { state: string; outcome?: object }
    if (!['settled', 'cosigned'].includes(status.state)) continue
    t.match(status, { outcome: { kind: 'accepted' }, waitingFor: [] })
    break
  }
  t.equal((await call('GET', `/api/Contract/${uid}/Requests/sole.9999.0`)).status, 404)
  t.equal((await call('GET', `/api/Contract/${uid}/Requests/nonsense`)).status, 404)
})

t.test('what cannot be done is said with status and code', async (t) => {
  const cases: [number, string, string, string, unknown?][] = [
    [404, 'no_such_path', 'GET', `${root}/Nobody`],
    [404, 'no_such_path', 'PUT', `${root}/Nobody/x`, 'x'],
    [404, 'no_such_path', 'DELETE', `${root}/Nobody`],
    [404, 'no_such_contract', 'GET', '/new-api/0000000000000000000000000000000000000000000000000000'],
    [404, 'no_such_route', 'GET', '/elsewhere'],
    [404, 'party_unknown', 'POST', `/api/Contract/${uid}/Invitations`, { party: 'nobody' }],
    [409, 'not_invited', 'POST', `/api/Contract/${uid}/Acceptance`],
    [400, 'request_malformed', 'POST', '/api/Contract', { name: 'x' }],
    [400, 'path_malformed', 'GET', `${root}/a//b`],
    [422, 'write_unfit', 'PUT', root, 'text to a block'],
    [422, 'write_unfit', 'PUT', root, { Nobody: null }],
    [422, 'text_unfit', 'POST', root, { 'a/b': 1 }],
    [422, 'write_unfit', 'POST', root, { list: [1, 'a'] }],
    [422, 'write_unfit', 'DELETE', root],
    [422, 'value_unreadable', 'PUT', `${root}/Claimant/Insured`, 'maybe'],
    [422, 'value_wrong_type', 'PUT', `${root}/Claimant/Kind`, 'C'],
  ]
  for (const [status, code, method, path, body] of cases) {
    const answer = await call(method, path, body)
    const problem = (await answer.json()) as { code: string }
    t.same([answer.status, problem.code], [status, code], `${method} ${path}`)
    t.equal(answer.headers.get('content-type')?.split(';', 1)[0], 'application/problem+json')
  }
  const stranger = await fetch(new URL(root, api))
  t.same([stranger.status, ((await stranger.json()) as { code: string }).code], [401, 'not_authorized'])
  t.equal((await call('GET', root, undefined, { authorization: 'Bearer wrong' })).status, 401)
})

t.test('changes arrive live, by the subject, and can be resumed from an index', async (t) => {
  const socket = new WebSocket(`${api.replace('http', 'ws')}/live?token=${token}`)
  const messages: Record<string, unknown>[] = []
  let wake = () => {}
  socket.onmessage = ({ data: text }) => {
    messages.push(JSON.parse(String(text)))
    wake()
  }
  const next = async () => {
    while (messages.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    return messages.shift()
  }
  await new Promise((resolve) => {
    socket.onopen = resolve
  })
  const subject = `${root}/Claimant`
  socket.send(JSON.stringify({ subscribe: subject }))
  t.match(await next(), { subscribed: subject })
  await call('PUT', `${root}/Claimant/Name`, 'Eve')
  const change = await next()
  t.match(change, { subject: `${root}/Claimant/Name`, change: 'ProposalAgreed', by: 'sole', value: 'Eve' })
  await call('POST', root, { Elsewhere: 'x' })
  socket.send(JSON.stringify({ unsubscribe: subject }))
  socket.send(JSON.stringify({ subscribe: root, from: 1 }))
  t.match(await next(), { subscribed: root })
  t.match(await next(), { subject, index: 1, change: 'BlockAdded' })
  messages.length = 0
  for (const bad of ['no JSON', '{"subscribe":1}', '{}']) {
    socket.send(bad)
  }
  socket.send(JSON.stringify({ subscribe: '/new-api/0000000000000000000000000000000000000000000000000000' }))
  const problems: unknown[] = []
  while (problems.length < 4) {
    const message = await next()
    if (message !== undefined && 'problem' in message) problems.push((message.problem as { code: string }).code)
  }
  t.same(problems, ['live_message_malformed', 'live_message_malformed', 'live_message_malformed', 'no_such_contract'])
  const closed = new Promise((resolve) => {
    socket.onclose = resolve
  })
  socket.close()
  await closed
})

t.test('the commands say what stands, and what is wrong', async (t) => {
  const output: string[] = []
  const write = process.stdout.write
  const complain = process.stderr.write
  const run = async (...args: string[]) => {
    output.length = 0
    const record = (text: string | Uint8Array) => output.push(String(text)) > 0
    process.stdout.write = record
    process.stderr.write = record
    try {
      return await main(args)
    } finally {
      process.stdout.write = write
      process.stderr.write = complain
    }
  }
  t.equal(await run('contract', 'list', '--data', data), 0)
  t.match(output.join(''), uid)
  t.equal(await run('contract', 'show', uid, '--data', data), 0)
  t.match(output.join(''), 'Eve')
  t.equal(await run('contract', 'show', uid, '--json', '--data', data), 0)
  t.match(JSON.parse(output.join('')), { contract: uid, document: { Claimant: { Name: 'Eve' } } })
  t.equal(await run('contract', 'open', 'by command', '--data', data), 0)
  t.equal(await run('audit', 'verify', uid, '--data', data), 0)
  t.match(output.join(''), 'Nothing is off')
  t.equal(await run('audit', 'verify', uid, '--json', '--data', data), 0)
  t.equal(await run('party', 'list', '--data', data), 0)
  t.equal(await run('audit', 'verify', 'nonsense', '--data', data), 1)
  t.match(output.join(''), 'no_such_contract')
  t.equal(await run('contract', 'invite', uid, 'nobody', '--data', data), 1)
  t.match(output.join(''), 'party_unknown')
  t.equal(await run('contract', 'accept', uid, '--data', data), 1)
  t.equal(await run('party', 'add', 'https://127.0.0.1:1', '--fingerprint', 'x', '--data', data), 1)
  t.match(output.join(''), 'peer_unreachable')
  t.equal(await run('party', 'add', endpoint, '--fingerprint', 'ffff', '--data', data), 1)
  t.match(output.join(''), 'party_is_self')
  t.equal(await run('node', '--data', data), 1)
  t.match(output.join(''), 'data_directory_in_use')
  t.equal(await run('init', '--data', data, '--handle', 'x', '--name', 'X'), 1)
  t.match(output.join(''), 'identity_exists')
  t.equal(await run('contract', 'list', '--data', join(data, 'nowhere')), 1)
  t.equal(await run('nonsense'), 2)
  t.equal(await run('--help'), 0)
})

t.test('what is known to be void is refused here, with what it would take, and enters no ledger', async (t) => {
  const size = async () => ((await (await call('GET', `/api/Contract/${uid}`)).json()) as { size: number }).size
  const terms = { $field: { type: 'choice', options: ['30 days', '60 days'] }, $value: '30 days' }
  const lines = { $list: { entriesMax: 1, entry: { Insurer: { $field: { type: 'party' } } } } }
  const entry = { ...lines.$list.entry, Share: { $field: { type: 'decimal' } } }
  const keyed = { $list: { entriesMax: 4, entry, key: 'Insurer' } }
  t.equal((await call('POST', root, { Checked: { Is: true, Keyed: keyed, Lines: lines, Terms: terms } })).status, 201)
  t.equal((await call('POST', `${root}/Checked/Keyed`, { Insurer: 'sole', Share: 1 })).status, 201)
  const before = await size()
  const problem = async (method: string, path: string, body?: unknown, more?: Record<string, string>) => {
    const response = await call(method, `${root}/${path}`, body, more)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const wrong = { expected: 'choice', options: ['30 days', '60 days'], path: 'Checked/Terms' }
  const refused = await problem('PUT', 'Checked/Terms', '90 days')
  t.match(refused, { status: 422, body: { ...wrong, code: 'value_wrong_type', command: 0 } })
  t.notMatch(refused.body, { request: String }, 'it names no request: none was made')
  const dry = await problem('PUT', 'Checked/Terms?dry-run', '90 days')
  t.match(dry, { status: 200, body: { ...wrong, outcome: 'void', reason: { code: 'value_wrong_type' } } })
  t.match(await problem('PUT', 'Checked/Is', 'maybe'), {
    status: 422,
    body: { code: 'value_unreadable', expected: 'boolean', path: 'Checked/Is' },
  })
  t.match(await problem('PUT', 'Checked', { None: null }), { status: 422, body: { name: 'None', path: 'Checked' } })
  t.match(await problem('POST', 'Checked/Lines', { Insurer: 'nobody' }), {
    status: 422,
    body: { code: 'value_wrong_type', expected: 'party', options: ['sole'], path: 'Checked/Lines/1/Insurer' },
  })
  t.match(await problem('POST', '', { Born: { $field: { type: 'date' }, $value: '31/01/1990' } }), {
    status: 422,
    body: { code: 'value_wrong_type', expected: 'date', example: '2027-01-31', path: 'Born' },
  })
  t.match(await problem('POST', '', { Fee: { $field: { type: 'money', currency: 'GBP' }, $value: 90 } }), {
    status: 422,
    body: { code: 'value_wrong_type', currency: 'GBP', example: { amount: '100.00', currency: 'GBP' } },
  })
  t.match(
    await problem('POST', 'Checked/Keyed', { Insurer: 'sole', Share: 2 }),
    { status: 409, body: { code: 'key_taken', path: 'Checked/Keyed/2/Insurer', with: [String] } },
    'the key is what is taken, and not what was written last',
  )
  const several = await problem('POST', 'Checked', { Keyed: [{ Insurer: 'sole' }, { Insurer: 'sole', Share: 3 }] })
  t.match(several, { status: 409, body: { code: 'key_taken', path: 'Checked/Keyed' } }, 'one of several')
  t.match(await problem('PUT', 'Checked/Lines', [{ Insurer: 'sole' }, { Insurer: 'sole' }]), {
    status: 422,
    body: { code: 'limit_exceeded', limit: { max: 1, name: 'entriesMax' }, path: 'Checked/Lines' },
  })
  t.match(await problem('POST', '', { Blob: 'x'.repeat(70_000) }), {
    status: 422,
    body: { code: 'limit_exceeded', limit: { max: 65_536, name: 'valueBytes' }, path: 'Blob' },
  })
  t.match(await problem('POST', '', { None: { $list: { ...lines.$list, entriesMax: 0 } } }), {
    status: 422,
    body: { code: 'command_malformed', expected: '/entriesMax must be >= 1', path: 'None' },
  })
  t.equal(await size(), before, 'nobody else heard of any of them')
  const recorded = await problem('PUT', 'Checked/Terms', '90 days', { prefer: 'handling=record' })
  t.match(recorded, { status: 422, body: { ...wrong, code: 'value_wrong_type', index: before, request: String } })
  t.equal(await size(), before + 1, 'but where the attempt is to be on record')
})

t.test('one bad request spoils no other that is asked for at the same time', async (t) => {
  const good = Array.from({ length: 8 }, (_, place) => call('POST', root, { [`Beside ${place}`]: place }))
  const bad = ['90 days', '', 'never'].map((value) =>
    call('PUT', `${root}/Checked/Terms`, value, { prefer: 'handling=record' }),
  )
  const statuses = async (all: readonly Promise<Response>[]) => (await Promise.all(all)).map(({ status }) => status)
  t.same(await statuses(bad), [422, 422, 422])
  t.same(await statuses(good), Array(8).fill(201))
})

t.test('every write can be tried', async (t) => {
  const at = `/api/Contract/${uid}`
  const { size } = (await (await call('GET', at)).json()) as { size: number }
  const tries: [string, string, unknown?][] = [
    ['POST', `${at}/Lock`, { purpose: 'review' }],
    ['DELETE', `${at}/Lock`],
    ['POST', `${at}/Lock/Breaks`, { lock: 0 }],
    ['POST', `${at}/Resignation`, {}],
    ['POST', `${at}/Engine`, { to: 1 }],
    ['PUT', `${at}/Types/Percentage`, { base: 'decimal' }],
    ['PUT', `${at}/Elements/0/Order`, { order: ['Checked'] }],
    ['DELETE', `${at}/Invitations/nobody`],
    ['POST', root, { Tried: 1 }],
    ['PUT', `${root}/Checked/Terms`, '60 days'],
    ['DELETE', `${root}/Checked`],
  ]
  for (const [method, path, body] of tries) {
    for (const [url, more] of [
      [`${path}?dry-run`, {}],
      [path, { prefer: 'handling=dry-run' }],
    ] as const) {
      const response = await call(method, url, body, more)
      t.match([response.status, await response.json()], [200, { dryRun: true, outcome: String }], `${method} ${url}`)
    }
  }
  const unfit: typeof tries = [
    ['POST', '/api/Contract', { title: 'Tried' }],
    ['POST', `${at}/Acceptance`],
    ['POST', '/api/Webhook', { url: 'https://127.0.0.1:1/', subject: root }],
  ]
  for (const [prefer, asked] of [
    ['handling=dry-run', unfit],
    ['handling=dryrun', [...tries, ...unfit]],
    ['handling=strict, handling=dry-run', [...tries, ...unfit]],
  ] as const) {
    for (const [method, path, body] of asked) {
      const response = await call(method, path, body, { prefer })
      const problem = { code: 'request_malformed', path: '/prefer' }
      t.match([response.status, await response.json()], [400, problem], `${prefer} ${method} ${path}`)
    }
  }
  t.match(await (await call('GET', at)).json(), { lock: null, size }, 'nothing was signed')
})

t.test('the samples of docs/api.md on what is checked before it is signed, and on preconditions', async (t) => {
  const { contract } = (await (await call('POST', '/api/Contract', { title: 'sample' })).json()) as { contract: string }
  const terms = { $field: { type: 'choice', options: ['30 days', '60 days'] }, $value: '30 days' }
  t.equal((await call('POST', `/new-api/${contract}`, { Terms: terms })).status, 201)
  const ana = {
    call: async (method: string, path: string, body?: unknown, _prefer?: string, more: Record<string, string> = {}) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const response = await call(method, path, text, { 'content-type': 'application/json', ...more })
      return { status: response.status, body: await response.json() }
    },
  }
  await playSample(t, 'Checked before it is signed', { ana }, { UID: contract })
  await playSample(t, 'Only if it is still so', { ana }, { UID: contract })
})

t.test('a write is done only if what stands there is what its precondition names', async (t) => {
  const at = `${root}/Conditions`
  const list = { $list: { entriesMax: 9, entry: { No: { $field: { type: 'integer' } } } } }
  t.equal(
    (await call('POST', root, { Conditions: { Empty: { $field: { type: 'text' } }, Lines: list, Name: 'a' } })).status,
    201,
  )
  const tagOf = async (path: string, accept = 'application/json') =>
    (await call('GET', path, undefined, { accept })).headers.get('etag') as string
  const [text, json, block] = [await tagOf(`${at}/Name`, 'text/plain'), await tagOf(`${at}/Name`), await tagOf(at)]
  t.equal(new Set([text, json, block]).size, 3, 'each representation has a tag of its own')
  const put = async (path: string, body: unknown, headers: Record<string, string>, method = 'PUT') =>
    (await call(method, path, body, headers)).status
  const { size } = (await (await call('GET', `/api/Contract/${uid}`)).json()) as { size: number }
  for (const headers of [
    { 'if-match': '"stale"' },
    { 'if-match': `W/${text}` },
    { 'if-match': '' },
    { 'if-none-match': '*' },
    { 'if-none-match': `"x", W/${json}` },
    { 'if-match': json, 'if-none-match': text },
  ]) {
    for (const method of ['PUT', 'POST']) {
      t.equal(await put(`${at}/Name`, 'b', headers, method), 412, `${method} ${JSON.stringify(headers)}`)
    }
    const response = await call('DELETE', `${at}/Name`, undefined, headers)
    t.match([response.status, await response.json()], [412, { code: 'precondition_failed', path: 'Conditions/Name' }])
  }
  t.equal(await put(`${at}/Name`, 'b', { 'if-match': 'no tag' }), 400)
  t.match(await (await call('GET', `/api/Contract/${uid}`)).json(), { size }, 'and nothing was signed')
  t.equal(await put(`${at}/Empty`, 'first', { 'if-none-match': '*' }), 200, 'a field without a value has none to match')
  t.equal(await put(`${at}/Empty`, 'second', { 'if-none-match': '*' }), 412)
  t.equal(await put(`${at}/Name?dry-run`, 'b', { 'if-match': '"stale"' }), 412)
  t.equal(await put(`${at}/Name`, 'b', { 'if-match': `"a,b", ${text}` }), 200)
  t.equal(await put(`${at}/Name`, 'c', { 'if-match': text }), 412, 'it is another one now')
  t.equal(await put(`${at}/Lines`, [{ No: 1 }], { 'if-match': '*' }), 201)
  t.equal((await call('GET', `${at}/Name`, undefined, { 'if-match': '"stale"' })).status, 412)

  const lines = await tagOf(`${at}/Lines`)
  const all = [1, 2, 3, 4].map((No) => put(`${at}/Lines`, { No }, { 'if-match': lines }, 'POST'))
  t.same((await Promise.all(all)).sort(), [201, 412, 412, 412], 'of those who ask at the same time one comes first')
  t.equal(((await (await call('GET', `${at}/Lines`)).json()) as unknown[]).length, 2)

  const contract = `/api/Contract/${uid}`
  const locked = await call('POST', `${contract}/Lock`, { purpose: 'review' }, { 'if-match': '"x"' })
  t.equal(locked.status, 400, 'where it is not looked at, nothing is done')
  const tag = await tagOf(contract)
  t.equal((await call('GET', contract, undefined, { 'if-none-match': `W/${tag}` })).status, 304)
})
