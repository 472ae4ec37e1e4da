import { fastify } from 'fastify'
import t from 'tap'
import type { ApiCaller } from '../../src/api/http/callers/authenticate.ts'
import { createStatusApi } from '../../src/api/status-app.ts'
import { systemClock } from '../../src/runtime/clock.ts'

t.test('a process without an API asks for keys as the API does', async (t) => {
  const callers: { [key: string]: ApiCaller } = {
    watch: { name: 'watch', roles: ['operator'] },
    read: { name: 'read', roles: ['reader'] },
  }
  const app = await createStatusApi({
    isReady: async () => true,
    metrics: async () => ({ text: 'up 1', mediaType: 'text/plain' }),
    obstacles: () => [],
    whoIs: async (key) => callers[key],
    noteAsked: () => {},
    noteAnswered: () => {},
    clock: systemClock,
    behindProxy: false,
    logger: fastify().log,
  })
  const scrape = async (key: string) => {
    const { statusCode, headers, body } = await app.inject({
      url: '/metrics',
      headers: { authorization: `Bearer ${key}` },
    })
    return [statusCode, headers['content-type'], body.startsWith('{') ? JSON.parse(body).code : body]
  }
  t.same(await scrape('watch'), [200, 'text/plain', 'up 1'])
  t.same(await scrape('read'), [403, 'application/problem+json; charset=utf-8', 'role_missing'])
  t.same(await scrape('nobody'), [401, 'application/problem+json; charset=utf-8', 'not_authorized'])
  t.equal((await app.inject('/health')).statusCode, 200)
})

t.test('bad keys are counted by what the proxy in front says, and by nothing that was there before it', async (t) => {
  const open = (behindProxy: boolean) =>
    createStatusApi({
      isReady: async () => true,
      metrics: async () => ({ text: 'up 1', mediaType: 'text/plain' }),
      obstacles: () => [],
      whoIs: async () => undefined,
      noteAsked: () => {},
      noteAnswered: () => {},
      clock: systemClock,
      inwardLimits: { addressFailuresPerMinute: 1 },
      behindProxy,
      logger: fastify().log,
    })
  const [behind, direct] = [await open(true), await open(false)]
  const scrape = async (app: typeof behind, forwarded: string) =>
    (await app.inject({ url: '/metrics', headers: { 'x-forwarded-for': forwarded } })).statusCode
  t.equal(await scrape(behind, '10.0.0.1'), 401)
  t.equal(await scrape(behind, 'made up, 10.0.0.1'), 429)
  t.equal(await scrape(behind, '10.0.0.2'), 401)
  t.equal(await scrape(direct, '10.0.0.1'), 401)
  t.equal(await scrape(direct, '10.0.0.2'), 429, 'without a proxy anybody could write that')
})
