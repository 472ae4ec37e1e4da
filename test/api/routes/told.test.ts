import { connect } from 'node:net'
import t from 'tap'
import { openNode } from '../../../src/index.ts'
import { type Heard, hear } from '../../support/event-source.ts'
import { configure, newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { playTextSample } from '../../support/sample.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('whoever wants to know is told', { timeout: 240_000 }, async (t) => {
  const ana = await newParty(t.testdir(), 'ana')
  await configure(ana, { inwardLimits: { callerConnectionsMax: 3, heartbeatSeconds: 1 } })
  const node = await openNode({ data: ana.data })
  let isClosed = false
  t.teardown(async () => {
    if (!isClosed) await node.close()
  })
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'watched' })).body
  const root = `/new-api/${contract}`
  await ana.call('POST', root, {
    Claimant: { Name: 'Ana', Country: 'Mexico' },
    Lines: { $list: { entry: { Share: { $field: { type: 'decimal' } } }, entriesMax: 9 } },
  })
  await ana.call('PUT', `${root}/Lines`, [{ Share: 1 }, { Share: 2 }])
  // Those that have just ended may still be counted.
  const listen = async (path: string, headers: Record<string, string> = {}) => {
    let heard: Heard | undefined
    await until('there is room', async () => {
      heard = await hear(`${ana.api}${path}`, { authorization: `Bearer ${ana.token}`, ...headers })
      return heard.status !== 429
    })
    return heard as Heard
  }
  const watch = (subject: string, more = '') => listen(`/live?subject=${encodeURIComponent(subject)}${more}`)
  const code = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${ana.api}${path}`, {
      headers: { authorization: `Bearer ${ana.token}`, accept: 'text/event-stream', ...headers },
    })
    return [answer.status, ((await answer.json()) as { code: string }).code]
  }
  const gone = (...all: { close(): void }[]) => {
    for (const one of all) one.close()
  }

  await t.test('the sample of docs/api.md', async (t) => {
    const { contract: uid } = (await ana.call('POST', '/api/Contract', { title: 'of the page' })).body
    await ana.call('POST', `/new-api/${uid}`, { Claimant: { Name: 'Ana', Country: 'Mexico' } })
    await ana.call('PUT', `/new-api/${uid}/Claimant/Name`, 'Eve')
    const send = async (line: string, headers: Record<string, string>, body: string) => {
      const [method = '', path = ''] = line.split(' ')
      const all = { authorization: `Bearer ${ana.token}`, ...headers }
      const answer = await fetch(`${ana.api}${path}`, { method, headers: all, ...(body !== '' && { body }) })
      return { status: answer.status, text: await answer.text() }
    }
    await playTextSample(t, 'Live', send, { UID: uid })
  })

  await t.test(
    'what is renamed is told by its old name and its new one, and an entry is known by number and by key',
    async (t) => {
      const { contract: uid } = (await ana.call('POST', '/api/Contract', { title: 'by names' })).body
      const at = `/new-api/${uid}`
      const field = (type: string) => ({ $field: { type } })
      const entry = { Code: field('text'), Share: field('decimal') }
      await ana.call('POST', at, { Old: { Part: 'x' }, Lines: { $list: { entry, entriesMax: 9, key: 'Code' } } })
      await ana.call('PUT', `${at}/Lines`, [{ Code: 'a' }, { Code: 'b' }])
      const told = async (index: number, path: string) =>
        (
          await ana.call(
            'GET',
            `${at}/${path.split('/').map(encodeURIComponent).join('/')}/~changes?after=${index - 1}`,
          )
        ).body.changes
      const { index } = (await ana.call('PATCH', `${at}/Old/~attributes`, { name: 'New' })).body
      const renamed = { change: 'ElementRenamed', index, subject: `${at}/New`, was: `${at}/Old` }
      for (const path of ['Old', 'Old/Part', 'New', 'New/Part', '*/Part'])
        t.match(await told(index, path), [renamed], path)
      t.same(await told(index, 'Other'), [])

      const b = 'Lines[Code = "b"]'
      const share = (await ana.call('PUT', `${at}/${encodeURIComponent(b)}/Share`, '0.5')).body.index
      const given = { subject: `${at}/Lines/2/Share`, index: share, value: '0.5' }
      for (const path of ['Lines', 'Lines/2', 'Lines/2/Share', 'Lines[2]', 'Lines[2]/Share', b, `${b}/Share`, '*/2'])
        t.match(await told(share, path), [given], path)
      for (const path of ['Lines[1]', 'Lines[Code = "a"]', 'Lines[Share = "0.5"]', `${b}/Code`, 'Old[2]'])
        t.same(await told(share, path), [], path)
      const key = (await ana.call('PUT', `${at}/Lines/2/Code`, 'c')).body.index
      for (const path of [b, 'Lines[Code = "c"]']) t.match(await told(key, path), [{ index: key, value: 'c' }], path)
      const removed = (await ana.call('DELETE', `${at}/Lines/2`)).body.index
      const erasure = await ana.call('POST', `/api/Contract/${uid}/Erasures?dry-run`, { paths: ['Lines[1]/Code'] })
      t.match(erasure, { status: 200, body: { outcome: 'accepted' } }, 'in bodies, too')
      t.match(await told(removed, 'Lines[Code = "c"]/Share'), [{ index: removed, change: 'ElementRemoved' }])
      t.same(await told(removed, `${b}/Share`), [], 'it had another key then')
      const part = (await ana.call('PATCH', `${at}/Lines/0/Share/~attributes`, { name: 'Part' })).body.index
      const ofAll = [{ index: part, subject: `${at}/Lines/0/Part`, was: `${at}/Lines/0/Share` }]
      for (const path of ['Lines/1/Share', 'Lines[Code = "a"]/Share', 'Lines[1]/Part'])
        t.match(await told(part, path), ofAll)
    },
  )

  await t.test('of what is erased is told at which paths it stood, to whoever watches one of them', async (t) => {
    const { contract: uid } = (await ana.call('POST', '/api/Contract', { title: 'erased' })).body
    const at = `/new-api/${uid}`
    await ana.call('POST', at, { Claimant: { 'Full name': 'Ana', Country: 'Mexico' }, Other: 'x' })
    const erased = await ana.call('POST', `/api/Contract/${uid}/Erasures`, { paths: ['Claimant/Full%20name'] })
    const { index } = erased.body
    const told = async (path: string) =>
      (await ana.call('GET', `${at}${path}/~changes?after=${index - 1}`)).body.changes.filter(
        ({ change }: { change: string }) => change === 'ValuesErased',
      )
    for (const path of ['', '/Claimant', '/Claimant/Full%20name'])
      t.match(await told(path), [{ subject: at, index, at: ['Claimant/Full%20name'] }], path)
    for (const path of ['/Claimant/Country', '/Other']) t.same(await told(path), [], path)
  })

  await t.test('events come at the path itself, and go on where the last one was', async (t) => {
    const first = await listen(`${root}/Claimant`)
    t.same([first.status, first.type], [200, 'text/event-stream'])
    await until('it has begun', async () => first.events.length === 1)
    t.match(first.events[0]?.data, { subscribed: `${root}/Claimant` })
    await ana.call('PUT', `${root}/Claimant/Country`, 'Peru')
    await until('the change', async () => first.events.length === 2)
    const [, change] = first.events
    t.match(change?.data, { subject: `${root}/Claimant/Country`, change: 'ProposalAgreed', by: 'ana', value: 'Peru' })
    t.equal(Number(change?.id), (change?.data.index as number) + 1, 'its id is where to go on')
    gone(first)
    await ana.call('PUT', `${root}/Claimant/Country`, 'Chile')
    await ana.call('DELETE', `${root}/Claimant/Country`)
    const again = await listen(`${root}/Claimant/Country`, { 'last-event-id': String(change?.id) })
    await until('what came between', async () => again.events.length === 3)
    t.match(
      again.events.map(({ data }) => data),
      [{ subscribed: `${root}/Claimant/Country` }, { value: 'Chile' }, { change: 'ElementRemoved' }],
    )
    const all = await listen(`${root}/Claimant?from=0`)
    await until('all of the past', async () => all.events.some(({ data }) => data.change === 'ElementRemoved'))
    t.ok(all.events.some(({ data }) => data.value === 'Mexico'))
    gone(again, all)
  })

  await t.test('a star is any one name, or any contract', async (t) => {
    const shares = await watch(`${root}/Lines/*/Share`)
    const everything = await watch('/new-api/*')
    await until('both have begun', async () => shares.events.length === 1 && everything.events.length === 1)
    await ana.call('PUT', `${root}/Lines/2/Share`, 3)
    await ana.call('PUT', `${root}/Claimant/Name`, 'Eve')
    const other = (await ana.call('POST', '/api/Contract', { title: 'another' })).body.contract
    await ana.call('POST', `/new-api/${other}`, { Note: 'x' })
    const told = (value: unknown) => everything.events.find(({ data }) => data.value === value)?.data.subject
    await until('the other contract', async () => told('x') !== undefined)
    t.same(
      [told('3'), told('Eve'), told('x')],
      [`${root}/Lines/2/Share`, `${root}/Claimant/Name`, `/new-api/${other}/Note`],
    )
    t.same(
      shares.events.slice(1).map(({ data }) => [data.subject, data.value]),
      [[`${root}/Lines/2/Share`, '3']],
    )
    gone(shares, everything)
  })

  await t.test('of all contracts events go on where the last one was, however many contracts there are', async (t) => {
    const titled = async (title: string) => (await ana.call('POST', '/api/Contract', { title })).body.contract as string
    const uids = await Promise.all(Array.from({ length: 20 }, (_, n) => titled(`one of many ${n}`)))
    const put = (uid: string | undefined, value: string) => ana.call('PUT', `/new-api/${uid}/Note`, value)
    const values = ({ events }: { events: { data: { value?: unknown } }[] }) =>
      events.flatMap(({ data: { value } }) => (value === undefined ? [] : [value]))
    const noted = `/live?subject=${encodeURIComponent('/new-api/*/Note')}`
    const first = await listen(noted)
    await until('it has begun', async () => first.events.length === 1)
    await Promise.all(uids.map((uid, n) => put(uid, `first ${n}`)))
    await until('all of them', async () => values(first).length === 20)
    await put(uids[0], 'the last that it has heard of')
    await until('that', async () => values(first).length === 21)
    const id = String(first.events.at(-1)?.id)
    t.ok(id.length < 1_500, 'the id has a bound')
    gone(first)

    await put(uids[3], 'missed')
    await put(uids[3], 'missed, too')
    const another = await titled('made meanwhile')
    await put(another, 'of one that is new')
    const again = await listen(noted, { 'last-event-id': id })
    await until('what was missed', async () => values(again).length === 3)
    t.same(new Set(values(again)), new Set(['missed', 'missed, too', 'of one that is new']))
    await put(uids[7], 'as it goes on')
    await until('what comes then', async () => values(again).length === 4)
    const middle = String(again.events.find(({ data }) => data.value === 'missed')?.id)
    gone(again)
    const third = await listen(noted, { 'last-event-id': middle })
    await until('the rest', async () => values(third).includes('as it goes on') && values(third).length >= 2)
    t.ok(values(third).includes('missed, too') && !values(third).includes('missed'))
    gone(third)
    const of = `/live?subject=${encodeURIComponent('/new-api/*')}`
    t.same(await code(of, { 'last-event-id': '12' }), [400, 'request_malformed'])
    t.same(await code(of, { 'last-event-id': `another${id.slice(id.indexOf('.'))}` }), [400, 'request_malformed'])
    const beyond = `${id.slice(0, id.indexOf('.'))}.~${uids[0]}:9999`
    t.same(await code(of, { 'last-event-id': beyond }), [404, 'no_such_entry'])
  })

  await t.test('of all contracts it goes on from an entry of each', async (t) => {
    const { size } = (await ana.call('GET', `/api/Contract/${contract}`)).body
    await ana.call('PUT', `${root}/Claimant/Name`, 'Fay')
    const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
    const messages: { value?: unknown; problem?: { code: string } }[] = []
    socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data))))
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    const ask = (from: unknown, subscribe = '/new-api/*') => socket.send(JSON.stringify({ subscribe, from }))
    ask({ [contract]: size })
    const values = () => messages.flatMap(({ value }) => value ?? [])
    await until('what has settled meanwhile', async () => values().length === 1)
    await ana.call('PUT', `${root}/Claimant/Name`, 'Gil')
    await until('what settles then', async () => values().length === 2)
    t.same(values(), ['Fay', 'Gil'])
    const nowhere = '0'.repeat(52)
    ask(0)
    ask({ [contract]: 0 }, root)
    ask({ [contract]: 0, [nowhere]: 0 })
    ask({ nobody: 0 })
    const codes = () => messages.flatMap(({ problem }) => problem?.code ?? [])
    await until('four problems', async () => codes().length === 4)
    t.same(codes(), ['request_malformed', 'request_malformed', 'no_such_contract', 'live_message_malformed'])
    t.equal(values().length, 2)
    socket.close()
    t.same(await code('/live?subject=%2Fnew-api%2F*&from=0'), [400, 'request_malformed'])
  })

  await t.test('contracts, alarms and questions are told whole, when they are others', async (t) => {
    const contracts = await watch('/api/Contract')
    const alarms = await watch('/api/Obstacle')
    const questions = await watch('/api/Contract/*/Questions')
    const value = ({ events }: typeof contracts) => events.at(-1)?.data.value as { title: string }[] | undefined
    await until('all were told', async () => [contracts, alarms, questions].every((one) => value(one) !== undefined))
    t.same(value(questions), [])
    t.same(value(alarms), (await ana.call('GET', '/api/Obstacle')).body)
    const before = contracts.events.length
    await ana.call('POST', '/api/Contract', { title: 'a third' })
    await until('the third', async () => value(contracts)?.some(({ title }) => title === 'a third') === true)
    t.ok(contracts.events.length > before)
    gone(contracts, alarms, questions)
  })

  await t.test('a request that came to nothing is told', async (t) => {
    const requests = await watch(`/api/Contract/${contract}/Requests`, '&from=0')
    await ana.call('POST', `/api/Contract/${contract}/Lock/Breaks`, { lock: 0 }, 'wait=60, handling=record')
    await until('it', async () => requests.events.length === 2)
    t.match(requests.events[1]?.data, { by: 'ana', outcome: { kind: 'void', reason: { code: 'no_such_lock' } } })
    t.match(requests.events[1]?.data.subject, new RegExp(`^/api/Contract/${contract}/Requests/ana\\.`))
    gone(requests)
  })

  await t.test('what cannot be told says why, before anything is sent', async (t) => {
    t.same(await code('/live?subject=Claimant'), [404, 'no_such_subject'])
    const headers = { authorization: `Bearer ${ana.token}`, accept: 'text/event-stream' }
    const head = await fetch(`${ana.api}${root}`, { method: 'HEAD', headers })
    t.same([head.status, head.headers.get('content-type')], [200, 'text/event-stream'])
    t.equal(await head.text(), '', 'it ends')
    t.same(await code('/live'), [404, 'no_such_subject'])
    t.same(await code('/live?subject=/api/Contract/x/Requests'), [404, 'no_such_subject'])
    t.same(await code(`/new-api/0${'0'.repeat(51)}`), [404, 'no_such_contract'])
    t.same(await code(root, { 'last-event-id': 'x' }), [400, 'request_malformed'])
    t.same(await code(`${root}?from=1`, { accept: 'application/json' }), [400, 'request_malformed'])
    t.same(await code(`${root}?at=1`), [400, 'request_malformed'], 'of the past there are no events')
    t.same(await code(`${root}?view=live`), [400, 'request_malformed'])
    t.same(await code(`/live?subject=${root}/Claimant/~schema`), [404, 'no_such_subject'])
    t.same(await code(root, { authorization: 'Bearer x' }), [401, 'not_authorized'])
    const open = await Promise.all([listen(root), listen(root), listen(root)])
    t.same(await code(root), [429, 'api_too_many_calls'], 'a connection too many')
    gone(...open)
    await listen(root).then(gone)
    const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
    const answer = new Promise<string>((resolve) =>
      socket.addEventListener('message', ({ data }) => resolve(String(data))),
    )
    socket.addEventListener('open', () => socket.send('{"subscribe":"Claimant/Country"}'))
    const { problem, subscribe } = JSON.parse(await answer)
    t.match(problem, { code: 'no_such_subject', status: 404, detail: /spelled as the REST path/ })
    t.equal(subscribe, 'Claimant/Country', 'it says what it answers')
    gone(socket)
  })

  await t.test(
    'from the next entry on is as far as anybody goes: of one behind it is said that it is not there',
    async (t) => {
      const { size } = (await ana.call('GET', `/api/Contract/${contract}`)).body
      const beyond = { status: 404, body: { code: 'no_such_entry', index: size + 1, size } }
      t.match(await ana.call('GET', `${root}/~changes?after=${size}`), beyond)
      const all = await ana.call('GET', `${root}/~changes`)
      t.same(await ana.call('GET', `${root}/~changes?after=-1`), all, 'as a contract without an entry is answered')
      t.match(await ana.call('GET', `${root}/Claimant/~changes?after=${size}&wait=60`), beyond, 'at once')
      t.same(await code(root, { 'last-event-id': String(size + 1) }), [404, 'no_such_entry'])
      t.same(await code(`${root}?from=${size + 1}`), [404, 'no_such_entry'])
      const next = await listen(`${root}?from=${size}`)
      await until('it has begun', async () => next.events.length === 1)
      gone(next)
      const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
      const answers: object[] = []
      socket.addEventListener('message', ({ data }) => answers.push(JSON.parse(String(data))))
      socket.addEventListener('open', () => {
        const of: [string, unknown][] = [
          [root, size + 1],
          ['/new-api/*', { [contract]: size + 1 }],
          [root, size],
        ]
        for (const [subscribe, from] of of) socket.send(JSON.stringify({ subscribe, from }))
      })
      await until('all are answered', async () => answers.length === 3)
      const problem = { code: 'no_such_entry', status: 404, size }
      t.match(answers, [{ problem }, { problem }, { subscribed: root, index: size }])
      gone(socket)
    },
  )

  await t.test('who asks again and again is told what has changed since, and may wait for it', async (t) => {
    const changes = async (query: string, at = '') => (await ana.call('GET', `${root}${at}/~changes${query}`)).body
    const past = await changes('?limit=1000')
    t.match(past, { more: false })
    t.match(past.changes.at(-1), { subject: `${root}/Claimant/Name`, value: 'Gil' })
    t.same(await changes(`?after=${past.after}`), { changes: [], after: past.after, more: false })
    const paged = await changes('?limit=1', '/Claimant')
    t.equal(paged.more, true)
    t.ok(paged.changes.length >= 1 && paged.after < past.after)
    const empty = await changes(`?after=${past.after}&wait=1`)
    t.same(empty, { changes: [], after: past.after, more: false }, 'when the time is over there is nothing')
    const waiting = changes(`?after=${past.after}&wait=60`, '/Claimant')
    await ana.call('PUT', `${root}/Lines/1/Share`, 9)
    await ana.call('PUT', `${root}/Claimant/Name`, 'Ada')
    t.match(await waiting, { changes: [{ subject: `${root}/Claimant/Name`, value: 'Ada' }], after: past.after + 2 })
    t.match(
      (await ana.call('GET', `${root}/Nobody/~changes`)).body,
      { changes: [] },
      'what is not there has not changed',
    )
    t.match(await ana.call('GET', `${root}/~changes?wait=301`), { status: 400 })
    const { output } = await runCommand('api-key', 'add', 'lost', '--data', ana.data, '--role', 'reader')
    const after = (await changes('')).after
    const byLost = fetch(`${ana.api}${root}/~changes?after=${after}&wait=60`, {
      headers: { authorization: `Bearer ${output.trim()}` },
    })
    const withLost = () => fetch(`${ana.api}${root}`, { headers: { authorization: `Bearer ${output.trim()}` } })
    await until('the key is known', async () => (await withLost()).status === 200)
    t.equal((await runCommand('api-key', 'revoke', 'lost', '--data', ana.data)).status, 0)
    await until('the key is revoked', async () => (await withLost()).status === 401)
    await ana.call('PUT', `${root}/Claimant/Name`, 'Bea')
    t.equal((await byLost).status, 401, 'a key that was revoked while it waited is told nothing')
    const last = (await changes('?limit=1000')).after
    const open = [1, 2, 3].map(() => changes(`?after=${last}&wait=2`))
    await until(
      'three wait',
      async () => (await ana.call('GET', `${root}/~changes?after=${last}&wait=1`)).status === 429,
    )
    await Promise.all(open)
  })

  await t.test('connections beat, and one whose other end does not answer is dropped', async (t) => {
    const stream = await listen(root)
    await until('it beats', async () => stream.beats >= 2)
    const { hostname, port } = new URL(ana.api)
    const dead = connect(Number(port), hostname)
    const ended = new Promise<boolean>((resolve) => dead.once('close', () => resolve(true)))
    const key = 'dGhlIHNhbXBsZSBub25jZQ=='
    dead.write(
      `GET /live?token=${ana.token} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
    )
    dead.resume()
    const alive = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
    t.equal(await ended, true, 'it answers no ping')
    t.equal(alive.readyState, WebSocket.OPEN, 'another one does')
    gone(stream, alive)
  })

  await t.test('when the node stops, nobody keeps it waiting', async (t) => {
    const stream = await listen(root)
    const { after } = (await ana.call('GET', `${root}/~changes?limit=1000`)).body
    const waiting = ana.call('GET', `${root}/~changes?after=${after}&wait=300`)
    await until('the stream', async () => stream.events.length === 1)
    await listen(root)
    await until('all three wait', async () => (await code(root))[0] === 429)
    const begun = Date.now()
    await node.close()
    isClosed = true
    t.match(await waiting, { status: 200, body: { changes: [] } })
    await until('the stream ends', async () => stream.isOver)
    t.match(stream.events.at(-1), { name: 'end' })
    t.ok(Date.now() - begun < 60_000)
  })
})
