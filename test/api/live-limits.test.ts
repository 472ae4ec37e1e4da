import t from 'tap'
import { openNode } from '../../src/index.ts'
import { configure, newParty, until } from '../support/node-party.ts'

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
