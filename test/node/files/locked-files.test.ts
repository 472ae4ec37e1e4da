import { pino } from 'pino'
import t, { type Test } from 'tap'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { storePath } from '../../../src/node/files/open-store.ts'
import { readModelPath } from '../../../src/node/files/read-model.ts'
import { startNode } from '../../../src/node/node.ts'
import { strainOf } from '../../support/event-loop.ts'
import { newParty, until } from '../../support/node-party.ts'
import { startProcess } from '../../support/store-process.ts'

t.setTimeout(240_000)
const STALL_MAX_MS = 1_000

const environment = { ...readEnvironment({ ...process.env, CONCORDATA_LOG_LEVEL: 'silent' }) }
const ana = await newParty(t.testdir(), 'ana')
const log: { readonly msg: string }[] = []
const logger = pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line)) })
const node = await startNode(await readConfiguration(ana.data, environment), environment, logger)
t.teardown(() => node.close())
const { contract } = (await ana.call('POST', '/api/Contract', { title: 'watched' })).body
const field = `/new-api/${contract}/Colour`
await ana.call('POST', `/new-api/${contract}`, { Colour: 'red' })

const said = (text: RegExp) => log.filter(({ msg }) => text.test(msg)).length
const colour = async () => (await ana.call('GET', `/new-api/${contract}`)).body.Colour

async function lock(t: Test, path: string) {
  const other = startProcess(t, 'store-locker.ts', [path])
  t.equal(await other.nextLine(), 'locked')
  return other
}

t.test('while another program has the read model locked, writes go on', async (t) => {
  const other = await lock(t, readModelPath(ana.data))
  const { stallMs } = await strainOf(async () => {
    t.match(await ana.call('PUT', field, 'green'), { status: 200 })
    await until('the log says so', async () => said(/read model cannot be written/) > 0)
    t.match(await ana.call('PUT', field, 'blue'), { status: 200 })
    t.match(await ana.call('GET', '/api/Attention'), { status: 200 }, 'what it was before is shown')
  })
  t.ok(stallMs < STALL_MAX_MS, `nothing else had its turn for ${stallMs} ms`)
  other.send('let go')
  await until('it is up to date', async () => said(/read model is written again/) > 0)
  t.equal(said(/read model cannot be written/), 1, 'said once')
})

t.test(
  'while another program has the store locked, the node is there, names the obstacle, and goes on afterwards',
  async (t) => {
    const other = await lock(t, storePath(ana.data))
    const { stallMs } = await strainOf(async () => {
      const written = ana.call('PUT', field, 'yellow')
      for (let isOver = false; !isOver; ) {
        t.match(await ana.call('GET', '/health'), { status: 200 })
        t.equal(await colour(), 'blue')
        isOver = await Promise.race([
          written.then(() => true),
          new Promise<false>((resolve) => setTimeout(resolve, 500, false)),
        ])
      }
      t.match(await written, { status: 503, body: { code: 'store_unavailable' } })
      t.match((await ana.call('GET', '/api/Obstacle')).body, [{ code: 'store_failing', contract }])
    })
    t.ok(stallMs < STALL_MAX_MS, `nothing else had its turn for ${stallMs} ms`)
    other.send('let go')
    t.equal(await other.nextLine(), 'free')
    await until('it writes again', async () => (await ana.call('PUT', field, 'white')).status === 200)
    t.same((await ana.call('GET', '/api/Obstacle')).body, [])
  },
)
