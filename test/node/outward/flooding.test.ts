import { pino } from 'pino'
import t from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import { partyFingerprint } from '../../../src/events/parties/party-card.ts'
import { encodeSigned } from '../../../src/events/statement-codec.ts'
import { REFUSALS_PER_MESSAGE_MAX } from '../../../src/gossip/message.ts'
import { openReceiver } from '../../../src/gossip/transport/receiver.ts'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { verifyIntroduction } from '../../../src/node/directory/introduction.ts'
import { ownIntroduction } from '../../../src/node/directory/own-introduction.ts'
import { openIdentity } from '../../../src/node/identity/identity.ts'
import { startNode } from '../../../src/node/node.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { bodies, HEADER } from '../../flood/bodies.ts'
import { strainOf } from '../../support/event-loop.ts'
import { ask } from '../../support/https.ts'
import { newParty, until } from '../../support/node-party.ts'

t.setTimeout(240_000)
const MEGA = 1024 * 1024
const BUSY_MAX_MS = 1_000
const GROWN_BYTES_MAX = 256 * MEGA

const environment = { ...readEnvironment({ ...process.env, CONCORDATA_LOG_LEVEL: 'silent' }) }
const root = t.testdir()
const [honest, hostile] = [await newParty(root, 'honest'), await newParty(root, 'hostile')]
const log: string[] = []
const logger = pino({ level: 'info' }, { write: (line) => log.push(line) })
const node = await startNode(await readConfiguration(honest.data, environment), environment, logger)
t.teardown(() => node.close())
const theirs = await readConfiguration(hostile.data, environment)
const identity = await openIdentity(theirs, environment)
const introduction = await ownIntroduction(theirs, identity, systemClock)
await node.directory.introduce(verifyIntroduction(introduction))
await node.directory.approve('hostile' as Handle, partyFingerprint(identity.card))

function send(body: string) {
  return ask(node.endpoint as string, identity.tls, { from: 'hostile', to: 'honest', body: Buffer.from(body) })
}

t.test('a body of megabytes of nothing holds up nobody, takes no memory, and is one line of the log', async (t) => {
  for (const [what, flood] of Object.entries(bodies)) {
    for (const body of [`${HEADER}\n${flood}`, flood]) {
      log.length = 0
      let status = 0
      const { busyMs, grownBytes } = await strainOf(async () => {
        status = (await send(body)).status
      })
      t.ok(status === 200 || status === 400, `${what}: ${status}`)
      t.ok(busyMs < BUSY_MAX_MS, `${what}: deaf for ${busyMs} ms`)
      t.ok(grownBytes < GROWN_BYTES_MAX, `${what}: ${grownBytes} bytes`)
      t.ok(log.length <= 1, `${what}: ${log.length} lines of log`)
      t.ok(log.join('').length < 2_000)
    }
  }
  const { status, body } = await send(`${HEADER}\n${bodies['line feeds']}`)
  t.match({ status, body }, { status: 200, body: HEADER })
  t.match(JSON.parse(log.at(-1) ?? ''), { peer: 'hostile', count: REFUSALS_PER_MESSAGE_MAX })
})

t.test('nor does an answer of a peer that is called', { timeout: 120_000 }, async (t) => {
  let answer = HEADER
  let calls = 0
  const receiver = await openReceiver<Handle>({
    endpoint: theirs.endpoint,
    tls: identity.tls,
    introduction: () => introduction,
    introduced: async () => {},
    self: 'hostile',
    isKnown: () => true,
    authenticate: () => 'honest' as Handle,
    exchange: async () => {
      calls++
      return answer
    },
    failed: (error) => t.fail('a fault of ours', { error }),
  })
  t.teardown(() => receiver.close())
  const { body } = await honest.call('POST', '/api/Contract', { title: 'flooded' })
  await honest.call('POST', `/api/Contract/${body.contract}/Invitations`, { party: 'hostile' })
  await until('a call', async () => calls > 0)
  for (const [what, flood] of Object.entries(bodies)) {
    answer = `${HEADER}\n${flood}`
    const before = calls
    log.length = 0
    const { busyMs, grownBytes } = await strainOf(async () => {
      for (const nth of [1, 2]) {
        await honest.call('POST', `/new-api/${body.contract}`, { [`${what} ${nth}`]: 'x' })
        // The second call says that the first answer has been worked off.
        await until('a call', async () => calls >= before + nth)
      }
    })
    t.ok(busyMs < BUSY_MAX_MS, `${what}: deaf for ${busyMs} ms`)
    t.ok(grownBytes < GROWN_BYTES_MAX, `${what}: ${grownBytes} bytes`)
    t.ok(log.join('').length < 2_000 * (calls - before), `${what}: ${log.length} lines of log`)
  }
})

t.test('thousands of forged forks are not verified, and who sends them is put off', async (t) => {
  const { body } = await honest.call('POST', '/api/Contract', { title: 'forked' })
  const live = node.contracts.find(body.contract)
  const said = live?.state.feeds.get('honest' as Handle)?.last()
  if (said === undefined) throw new Error('no statement')
  const forks = Array.from({ length: 3_000 }, (_, nth) => {
    const text = said.text.replace(/"id":"[^"]*"/, `"id":"fork ${nth}"`)
    return encodeSigned(text, `ed25519:${Buffer.from(`${nth}`.padEnd(64, '.')).toString('base64url')}`, said.payloads)
  })
  // The floods before have used up its credit.
  await until('its credit is back', async () => (await send(HEADER)).status === 200)
  const statuses: number[] = []
  log.length = 0
  const { busyMs } = await strainOf(async () => {
    // An eighth of a second brings the credit of one more back: a busy machine may take as long between two calls.
    while (statuses.at(-1) !== 429 && statuses.length < 20)
      statuses.push((await send([HEADER, ...forks].join('\n'))).status)
  })
  t.same([statuses[0], statuses.at(-1)], [200, 429], `${statuses}`)
  t.ok(busyMs < BUSY_MAX_MS, `deaf for ${busyMs} ms`)
  t.equal(log.length, statuses.length - 1)
})
