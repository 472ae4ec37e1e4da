import t from 'tap'
import { openNode } from '../../../src/index.ts'
import { noteAnswered } from '../../support/answered-problems.ts'
import { strainOf } from '../../support/event-loop.ts'
import { configure, newParty, until } from '../../support/node-party.ts'

t.setTimeout(240_000)
const FIELDS = 250
/** Subscriptions to the same. */
const AGAIN = 3_000

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('of connections that stay each caller has so many, and what is said on them counts', async (t) => {
  const ana = await newParty(t.testdir(), 'ana')
  await configure(ana, { inwardLimits: { callerConnectionsMax: 2, callerCallsPerSecond: 1 } })
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const open = () => {
    const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
    const opened = new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()))
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
    return { socket, opened, closed }
  }
  const [one, two] = [open(), open()]
  await Promise.all([one.opened, two.opened])
  t.match(await open().closed, { code: 1013, reason: 'too many connections with this key' })
  one.socket.close()
  await one.closed
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'watched' })).body
  await until('there is room again', async () => {
    const { socket, opened, closed } = open()
    await Promise.race([opened, closed])
    const answer = new Promise<unknown>((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)))
    socket.send(JSON.stringify({ subscribe: `/new-api/${contract}` }))
    const first = await Promise.race([answer, closed.then(() => '{}')])
    return JSON.parse(String(first)).subscribed === `/new-api/${contract}`
  })
  const said: { problem: { code: string; status: number } }[] = []
  two.socket.addEventListener('message', ({ data }) => said.push(JSON.parse(data)))
  for (let n = 0; n < 20; n++) two.socket.send('{}')
  await until('all is answered', async () => said.length === 20)
  t.same(new Set(said.map(({ problem }) => problem.code)), new Set(['live_message_malformed', 'api_rate_limited']))
  for (const { problem } of said) noteAnswered(problem.status, problem.code)
})

t.test('who subscribes again and again from the beginning is told it once, and holds up nobody', async (t) => {
  const ben = await newParty(t.testdir(), 'ben')
  const node = await openNode({ data: ben.data })
  t.teardown(() => node.close())
  const { contract } = (await ben.call('POST', '/api/Contract', { title: 'watched' })).body
  const subject = `/new-api/${contract}`
  const other = `/new-api/${(await ben.call('POST', '/api/Contract', { title: 'another' })).body.contract}`
  const fields = Array.from({ length: FIELDS }, (_, at) => [`Field${at}`, String(at)])
  t.match(await ben.call('POST', subject, Object.fromEntries(fields)), { status: 200 })
  const socket = new WebSocket(`${ben.api.replace('http', 'ws')}/live?token=${ben.token}`)
  let [answers, changes, isOthersTurn] = [0, 0, false]
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data))
    if ('subscribed' in message) answers++
    else changes++
    isOthersTurn ||= message.subject === other
  })
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const { busyMs } = await strainOf(async () => {
    for (let n = 0; n < AGAIN; n++) socket.send(JSON.stringify({ subscribe: subject, from: 0 }))
    t.match(await ben.call('GET', '/health'), { status: 200 })
    await until('each is answered', async () => answers === AGAIN)
    socket.send(JSON.stringify({ subscribe: other, from: 0 }))
    await until('all of them have been told', async () => isOthersTurn)
  })
  t.ok(busyMs < 1_000, `nothing else had its turn for ${busyMs} ms`)
  t.ok(changes < (AGAIN / 10) * FIELDS, `${changes} changes were told`)
  t.equal(socket.readyState, WebSocket.OPEN)
  const refused = new Promise<{ code: string; status: number; max: number }>((resolve) => {
    socket.addEventListener('message', ({ data }) => {
      const { problem } = JSON.parse(String(data))
      if (problem !== undefined) resolve(problem)
    })
  })
  for (let n = 0; n <= 1_000; n++) socket.send(JSON.stringify({ subscribe: `${subject}/Nothing${n}` }))
  const { code, max, status } = await refused
  t.same([status, code, max], [429, 'too_many_subscriptions', 1_000])
  noteAnswered(status, code)
  socket.close()
})

t.test(
  'the past is told as it was: by the names and values of then, and what is gone to whom it concerned',
  async (t) => {
    const cleo = await newParty(t.testdir(), 'cleo')
    const node = await openNode({ data: cleo.data })
    t.teardown(() => node.close())
    const { contract } = (await cleo.call('POST', '/api/Contract', { title: 'watched' })).body
    const path = `/new-api/${contract}`
    const { index: first } = (await cleo.call('POST', path, { Claimant: { Country: 'Mexico' }, Other: 'x' })).body
    t.equal((await cleo.call('PUT', `${path}/Claimant/Country`, 'Chile')).status, 200)
    t.equal((await cleo.call('DELETE', `${path}/Claimant`)).status, 200)
    t.match(await cleo.call('POST', path, { Claimant: { Country: 'Peru' } }), { status: 201 })

    const told = async (subject: string, count: number, more?: () => Promise<unknown>) => {
      const socket = new WebSocket(`${cleo.api.replace('http', 'ws')}/live?token=${cleo.token}`)
      await new Promise((resolve) => socket.addEventListener('open', resolve))
      const changes: {
        change: string
        subject: string
        value?: unknown
        index: number
        request: string
        time: string
      }[] = []
      let isSubscribed = false
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data))
        if ('subscribed' in message) isSubscribed = true
        else changes.push(message)
      })
      socket.send(JSON.stringify({ subscribe: subject, ...(more === undefined && { from: 0 }) }))
      await until('it is subscribed', async () => isSubscribed)
      await more?.()
      await until('all is told', async () => changes.length >= count)
      socket.close()
      return changes.filter(({ change }) => change === 'ProposalAgreed' || change === 'ElementRemoved')
    }
    const country = `${path}/Claimant/Country`
    const past = await told(country, 6)
    t.match(past, [
      { subject: country, change: 'ProposalAgreed', value: 'Mexico', index: first },
      { subject: country, value: 'Chile', index: first + 1 },
      { subject: `${path}/Claimant`, change: 'ElementRemoved', index: first + 2 },
      { subject: country, value: 'Peru', index: first + 3 },
    ])
    t.match(past[0], { request: /^cleo\.[0-9]+\.0$/, time: /^[0-9-]+T[0-9:.]+Z$/, by: 'cleo' })
    const now = await told(country, 2, async () => {
      t.equal((await cleo.call('PUT', country, 'Cuba')).status, 200)
      t.equal((await cleo.call('PUT', `${path}/Other`, 'y')).status, 200)
      t.equal((await cleo.call('DELETE', `${path}/Claimant`)).status, 200)
    })
    t.match(now, [{ value: 'Cuba' }, { change: 'ElementRemoved', subject: `${path}/Claimant` }])
    t.equal(now.length, 2, 'and nothing of what stands elsewhere')

    t.match(await cleo.call('GET', `${path}?at=${first}`), {
      status: 200,
      body: { Claimant: { Country: 'Mexico' }, Other: 'x' },
    })
    t.match(await cleo.call('GET', `${path}/Claimant?at=${first + 1}`), { body: { Country: 'Chile' } })
    t.match(await cleo.call('GET', `${path}/Claimant?at=${first + 2}`), { status: 404, body: { code: 'no_such_path' } })
    t.match(await cleo.call('GET', `${path}?at=9999`), { status: 404, body: { code: 'no_such_entry' } })
    t.match(await cleo.call('GET', `${path}?at=yesterday`), { status: 400 })
    t.match(await cleo.call('GET', `${path}?when=1`), { status: 400 })
  },
)
