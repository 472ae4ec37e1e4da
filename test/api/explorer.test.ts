import { pino } from 'pino'
import t from 'tap'
import { type ApiPorts, createApi } from '../../src/api/app.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { startChromium } from '../support/chromium.ts'
import { until } from '../support/node-party.ts'

/** What the API says of itself it says without contracts. */
const nothing = {
  contracts: { listen: () => () => {} },
  clock: systemClock,
  behindProxy: false,
  logger: pino({ level: 'silent' }),
  noteAsked: () => {},
  noteAnswered: () => {},
  whoIs: async (key: string) => (key === 'good' ? { name: 'reader', roles: ['reader'] } : undefined),
} as unknown as ApiPorts

t.test('the page shows every operation, with nothing but what is served here', { timeout: 120_000 }, async (t) => {
  const app = await createApi(nothing)
  t.teardown(() => app.close())
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const browser = await startChromium(t)
  const tab = await browser.newPage({ viewport: { width: 1200, height: 900 } })
  const faults: string[] = []
  const asked: string[] = []
  tab.on('pageerror', (error) => faults.push(String(error)))
  tab.on('console', (said) => said.type() === 'error' && faults.push(said.text()))
  tab.on('request', (request) => asked.push(request.url()))
  const whole = await app.inject({ url: '/openapi.json', headers: { authorization: 'Bearer good' } })
  const {
    paths,
    webhooks: _,
    ...document
  } = whole.json() as { paths: Record<string, { get?: { tags: string[] } }>; webhooks: object }
  // The others take Chromium as long as all the rest of this test.
  const some = Object.entries(paths).filter(([, { get }]) => get?.tags.includes('Operation') === true)
  const operations = some.length
  await tab.route('**/openapi.json', async (route) => {
    const response = await route.fetch()
    const json = { ...document, paths: Object.fromEntries(some), tags: [{ name: 'Operation' }] }
    await route.fulfill(response.ok() ? { response, json } : { response })
  })
  await tab.goto(`${origin}/explorer`)

  await tab.fill('#key', 'bad')
  await tab.click('button')
  await tab.waitForSelector('#said:has-text("not_authorized")')
  // Chromium says so of every 401.
  t.match(faults.splice(0), [/401/])

  await tab.fill('#key', 'good')
  await tab.click('button')
  await tab.click('#operations-tag-Operation')
  await until('each operation', async () => (await tab.locator('[id^=operations-Operation-]').count()) === operations)

  await tab.click('#operations-Operation-getHealth .opblock-summary')
  await tab.click('#operations-Operation-getHealth .try-out__btn')
  await tab.click('#operations-Operation-getHealth .execute')
  await tab.waitForSelector('#operations-Operation-getHealth .live-responses-table')
  t.match(await tab.textContent('#operations-Operation-getHealth .live-responses-table'), /"status": "up"/)
  if (process.env.SCREENSHOT !== undefined) await tab.screenshot({ path: process.env.SCREENSHOT })
  t.same(faults, [], 'no policy is broken')
  t.same(
    asked.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:')),
    [],
    'nobody else is asked',
  )
  const policy = String((await app.inject('/explorer')).headers['content-security-policy'])
  t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
  t.notMatch(policy, /unsafe/)
})
