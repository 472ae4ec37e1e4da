import { pino } from 'pino'
import t from 'tap'
import { LiveMessageSchema } from '../../src/api/routes/live/web-socket.ts'
import { createStatusApi } from '../../src/api/status-app.ts'
import { WordSchema } from '../../src/gossip/message.ts'
import * as protocol from '../../src/gossip/transport/protocol.ts'
import { CallSchema } from '../../src/node/signer/protocol.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { watchRoutes } from '../support/watch-routes.ts'
import { fuzz } from './fuzz.ts'
import { inwardRequests } from './inward-targets.ts'
import { outwardRequests } from './outward-targets.ts'
import { assertAnswer } from './raw.ts'
import { socketTargets } from './socket-targets.ts'
import { targets as decoders } from './targets.ts'

/** Other inputs each day would make a red test a matter of luck: for those there is `npm run fuzz`. */
const SEED = 20_261_128
const RUNS = 10

const { world, targets } = await socketTargets()
t.teardown(async () => {
  await world.close()
  // Of these, some have servers of their own.
  for (const decoder of decoders) await decoder.close?.()
})

t.test('every route that the app has is a target, and nothing else', async (t) => {
  t.same(Object.keys(inwardRequests).toSorted(), world.routes.toSorted())
})

t.test('every path that faces outward is one, for parties and for strangers', async (t) => {
  const paths = Object.entries(protocol).flatMap(([name, path]) => (name.endsWith('_PATH') ? [path] : []))
  const covered = Object.keys(outwardRequests(world)).map((route) => route.split(' ')[1])
  t.same([...new Set(covered)].toSorted(), paths.toSorted())
})

t.test('a process without an API has no route that the API lacks', async (t) => {
  const routes = new Map<string, string | undefined>()
  const stop = watchRoutes(routes)
  await createStatusApi({
    isReady: async () => true,
    metrics: async () => ({ text: '', mediaType: 'text/plain' }),
    obstacles: () => [],
    whoIs: async () => undefined,
    noteAsked: () => {},
    noteAnswered: () => {},
    clock: systemClock,
    behindProxy: false,
    logger: pino({ level: 'silent' }),
  })
  stop()
  t.ok(routes.size >= 4)
  t.same(
    [...routes.keys()].filter((route) => inwardRequests[route] === undefined),
    [],
  )
})

t.test('every kind of frame is in what the targets begin with', async (t) => {
  const begunWith = (name: string) =>
    [...targets, ...decoders].find((target) => target.name === name)?.valid.join('\n') ?? ''
  const firstOf = ({ properties }: { properties: object }) => Object.keys(properties)[0] as string
  const frames = LiveMessageSchema.anyOf.map(firstOf)
  for (const kind of frames) t.match(begunWith('a frame on /live'), `{"${kind}":`)
  const words = WordSchema.anyOf.map(firstOf)
  for (const kind of words) t.match(begunWith('an exchange message'), `"${kind}":{`)
  for (const kind of ['contracts', 'waits', 'wants', 'statement', 'payloads'])
    t.match(begunWith('an exchange message'), `"${kind}":`)
  const calls = CallSchema.anyOf.map(({ properties }) => properties.do.const)
  for (const kind of calls) t.match(begunWith('a line to the signer'), `"do":"${kind}"`)
  t.ok(frames.length === 2 && words.length === 3 && calls.length === 5, 'they are found')
})

t.test('an answer that breaks the promise is seen', async (t) => {
  const problem = (status: number, code: string) => ({
    status,
    head: 'HTTP/1.1 400 x\r\ncontent-type: application/problem+json',
    body: JSON.stringify({ status, code }),
  })
  t.equal(assertAnswer(problem(404, 'no_such_route')), 'no_such_route')
  t.equal(assertAnswer(problem(504, 'not_unanimous_in_time')), 'not_unanimous_in_time')
  t.throws(() => assertAnswer(undefined), /no answer/)
  t.throws(() => assertAnswer(problem(500, 'internal')), /status 500/)
  t.throws(() => assertAnswer(problem(503, 'store_unavailable')), /status 503/)
  t.throws(() => assertAnswer(problem(400, 'made_up')), /in no list/)
  t.throws(() => assertAnswer({ ...problem(400, 'not_asked'), body: '{"status":404,"code":"not_asked"}' }), /says 404/)
  t.throws(() => assertAnswer({ status: 400, head: 'HTTP/1.1 400 x', body: '' }), /without a problem document/)
})

for (const target of targets) {
  t.test(`${target.name} has an answer with a known code, and a refusal changes nothing`, async (t) => {
    await fuzz(target, RUNS, SEED)
    t.pass(`${RUNS} inputs, seed ${SEED}`)
  })
}

t.test('no fault of the software was logged', async (t) => {
  t.strictSame(world.faults, [])
})
