import t from 'tap'
import { openNode } from '../../../src/index.ts'
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
  const said: { problem: { code: string } }[] = []
  two.socket.addEventListener('message', ({ data }) => said.push(JSON.parse(data)))
  for (let n = 0; n < 20; n++) two.socket.send('{}')
  await until('all is answered', async () => said.length === 20)
  t.same(new Set(said.map(({ problem }) => problem.code)), new Set(['live_message_malformed', 'api_rate_limited']))
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
  const { stallMs } = await strainOf(async () => {
    for (let n = 0; n < AGAIN; n++) socket.send(JSON.stringify({ subscribe: subject, from: 0 }))
    t.match(await ben.call('GET', '/health'), { status: 200 })
    await until('each is answered', async () => answers === AGAIN)
    socket.send(JSON.stringify({ subscribe: other, from: 0 }))
    await until('all of them have been told', async () => isOthersTurn)
  })
  t.ok(stallMs < 1_000, `nothing else had its turn for ${stallMs} ms`)
  t.ok(changes < (AGAIN / 10) * FIELDS, `${changes} changes were told`)
  t.equal(socket.readyState, WebSocket.OPEN)
})
