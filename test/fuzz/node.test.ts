import fc from 'fast-check'
import { pino } from 'pino'
import t from 'tap'
import { frontierOf } from '../../src/agreement/feeds.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import type { Payloads } from '../../src/events/statement.ts'
import { encodeSigned } from '../../src/events/statement-codec.ts'
import { encodeMessage } from '../../src/gossip/message.ts'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { verifyIntroduction } from '../../src/node/directory/introduction.ts'
import { ownIntroduction } from '../../src/node/directory/own-introduction.ts'
import { openIdentity } from '../../src/node/identity/identity.ts'
import { startNode } from '../../src/node/node.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { fullState } from '../support/full-state.ts'
import { ask } from '../support/https.ts'
import { allOf, CONTRACT, market } from '../support/market.ts'
import { newParty } from '../support/node-party.ts'
import { reporter } from './fuzz.ts'
import { inputsFrom } from './inputs.ts'

const SEED = 20_261_124
const RUNS = 150
const environment = { ...readEnvironment({ ...process.env, CONCORDATA_LOG_LEVEL: 'silent' }) }
const root = t.testdir()
const [honest, hostile] = [await newParty(root, 'honest'), await newParty(root, 'hostile')]
const faults: unknown[] = []
// Alarms about others carry no `err`: they are meant to be raised here.
const logger = pino(
  { level: 'error' },
  {
    write(line) {
      const entry = JSON.parse(line)
      if ('err' in entry) faults.push(entry)
    },
  },
)
const node = await startNode(await readConfiguration(honest.data, environment), environment, logger)
const theirs = await readConfiguration(hostile.data, environment)
const identity = await openIdentity(theirs, environment)
const introduction = await ownIntroduction(theirs, identity, systemClock)
const endpoint = node.endpoint as string
t.teardown(() => node.close())
await node.directory.introduce(verifyIntroduction(introduction))
await node.directory.approve('hostile' as Handle, partyFingerprint(identity.card))

const opened = await honest.call('POST', '/api/Contract', { title: 'attacked' })
const uid = opened.body.contract as string
await honest.call('POST', `/new-api/${uid}`, { Country: 'Mexico' })
const live = node.contracts.find(uid as Uid)
if (live === undefined) throw new Error('no contract')

/** Whatever came in between: what is settled is what honest users wrote, and they can go on. */
async function goesOn(value: string) {
  const written = await honest.call('PUT', `/new-api/${uid}/Country`, JSON.stringify(value))
  const read = await honest.call('GET', `/new-api/${uid}`)
  return { status: written.status, body: read.body }
}

t.test('an approved party that sends mutated exchanges changes nothing and stops nothing', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  ben.hears(ana.proposes('0.0', 'x'))
  const own = [...fullState(live.state).feeds.values()].flatMap((feed) => [...feed])
  const linesOf = (held: readonly { text: string; signature: string; payloads: Payloads }[]) =>
    held.map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
  const valid = [
    encodeMessage(new Map([[live.contract, frontierOf(live.state.feeds)]]), linesOf(own), []),
    encodeMessage(new Map([[CONTRACT, frontierOf(ana.state.feeds)]]), linesOf(allOf(ana)), [ana.accepts(3)]),
  ]
  const before = live.state.ledger.log.root()
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(inputsFrom(valid), async (body) => {
      const { status } = await ask(endpoint, identity.tls, {
        from: 'hostile',
        to: 'honest',
        body: Buffer.from(body.toWellFormed()),
      })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status !== 200 && status !== 400 && status !== 413) throw new Error(`status ${status}`)
    }),
    { numRuns: RUNS, seed: SEED, reporter },
  )
  t.ok((statuses.get(200) ?? 0) > 0 && (statuses.get(400) ?? 0) > 0, 'some are taken for messages, some are not')
  t.equal(live.state.ledger.log.root(), before)
  t.match(await goesOn('Chile'), { status: 200, body: { Country: 'Chile' } })
  t.strictSame(faults, [], 'no fault of the software was logged')
})
