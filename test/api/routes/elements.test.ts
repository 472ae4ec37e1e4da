import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../../src/cli/demo/free-port.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { openNode } from '../../../src/index.ts'
import { createIdentity } from '../../../src/node/identity/create-identity.ts'
import { readApiToken } from '../../../src/node/identity/identity.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { runCommand } from '../../support/run-command.ts'

const data = await mkdtemp(join(tmpdir(), 'concordata-elements-'))
const api = `http://127.0.0.1:${await freePort()}`
const endpoint = `https://127.0.0.1:${await freePort()}`
await createIdentity(data, { handle: 'sole' as Handle, name: 'Sole Trader', endpoint, api }, systemClock)
const token = await readApiToken(data)
process.env.CONCORDATA_LOG_LEVEL = 'silent'
const node = await openNode({ data })
t.teardown(async () => {
  await node.close()
  await rm(data, { recursive: true, force: true })
})

const headers = { authorization: `Bearer ${token}` }
const call = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
  fetch(new URL(path, api), {
    method,
    headers: {
      ...headers,
      ...(typeof body === 'object'
        ? { 'content-type': 'application/json' }
        : body === undefined
          ? {}
          : { 'content-type': 'text/plain' }),
      ...more,
    },
    ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : String(body) }),
  })

const opened = (await (await call('POST', '/api/Contract', { title: 'alone' })).json()) as { contract: string }
const root = `/new-api/${opened.contract}`

/** The value of a request that must succeed. */
async function done(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await call(method, path, body)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
const contract = `/api/Contract/${opened.contract}`

t.test('a type is defined, shown with its hints, and named by fields that are added', async (t) => {
  const percentage = { base: 'decimal', constraint: { minimum: '0', maximum: '100' }, hints: { display: 'percent' } }
  await done('PUT', `${contract}/Types/Percentage`, percentage)
  const [shown] = (await done('GET', `${contract}/Types`)) as { definition: string }[]
  t.match(shown, { name: 'Percentage', ...percentage, definition: /^[0-9a-f]{64}$/ })
  const custom = { type: 'custom', name: 'Percentage' }
  t.equal((await call('POST', root, { Share: { $field: custom, $value: 12.5 } })).status, 201)
  t.equal(await (await call('GET', `${root}/Share`)).text(), '12.5')
  const wrong = await call('PUT', `${root}/Share`, '100.5')
  t.match(
    { status: wrong.status, body: await wrong.json() },
    { status: 422, body: { code: 'value_wrong_type', with: ['decimal', 'maximum'] } },
  )
  const unknown = await call('POST', root, { Other: { $field: { type: 'custom', name: 'Percent' } } })
  t.match(
    { status: unknown.status, body: await unknown.json() },
    { status: 422, body: { code: 'write_unfit', options: ['Percentage'] } },
  )
  const unchanged = await call('PUT', `${contract}/Types/Percentage`, percentage)
  t.match({ status: unchanged.status, body: await unchanged.json() }, { status: 409, body: { code: 'type_unchanged' } })
  t.match(await runCommand('contract', 'types', opened.contract, '--data', data), {
    status: 0,
    output: /Percentage +decimal/,
  })
})

t.test('the children of a block are shown in the order that they are put in', async (t) => {
  await done('POST', root, { Terms: { First: 'a', Second: 'b', Third: 'c' } })
  const arrange = (id: string, order: unknown) => call('PUT', `${contract}/Elements/${id}/Order`, { order })
  const keys = async () => Object.keys((await done('GET', `${root}/Terms`)) as object)
  const terms = Object.keys((await done('GET', root)) as object).indexOf('Terms')
  t.equal((await arrange(`0.${terms}`, ['Third', 'First'])).status, 200)
  t.same(await keys(), ['Third', 'First', 'Second'])
  await done('POST', `${root}/Terms`, { Fourth: 'd' })
  t.same(await keys(), ['Third', 'First', 'Second', 'Fourth'])
  t.match(await (await arrange(`0.${terms}`, ['Nobody'])).json(), { code: 'write_unfit', name: 'Nobody' })
  t.match(await (await arrange(`0.${terms}`, ['First', 'First'])).json(), { code: 'order_unfit' })
  t.equal((await arrange('0.99', [])).status, 404)
})
