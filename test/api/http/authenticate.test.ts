import { mkdir, readFile, rm } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { openNode } from '../../../src/index.ts'
import { accessLogPath } from '../../../src/node/inward/access-log.ts'
import { apiKeysPath } from '../../../src/node/inward/api-keys.ts'
import { newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'

async function start(t: Test) {
  const ana = await newParty(t.testdir(), 'ana')
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const contract = await node.open('kept apart')
  await contract.at('').set({ Country: 'Mexico' })
  const command = (...args: string[]) => runCommand('api-key', ...args, '--data', ana.data)
  const keyFor = async (name: string, ...more: string[]) => (await command('add', name, ...more)).output.trim()
  const call = async (key: string, method: string, path: string, body?: unknown) => {
    const response = await fetch(new URL(path, ana.api), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, asks: response.headers.get('www-authenticate'), body: await response.text() }
  }
  const logged = async () =>
    (await readFile(accessLogPath(ana.data), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      // What this program has asked for itself.
      .filter(({ who }) => who !== 'api-token')
  return { ana, uid: contract.uid, command, keyFor, call, logged }
}

t.test('a key does what its roles allow, and nothing else', async (t) => {
  const { uid, keyFor, call } = await start(t)
  const calls = {
    reader: ['GET', `/new-api/${uid}/Country`],
    editor: ['PUT', `/new-api/${uid}`, { Country: 'Chile' }],
    voter: ['POST', `/api/Contract/${uid}/Questions/ana.0.0`, { answer: 'acknowledge' }],
    operator: ['GET', '/metrics'],
  } as const
  for (const role of Object.keys(calls)) {
    const key = await keyFor(role, '--role', role)
    t.match(key, /^concordata_[\w-]{43}$/)
    for (const [other, [method, path, body]] of Object.entries(calls)) {
      const { status, asks, body: answer } = await call(key, method, path, body)
      if (other === role) {
        t.ok(status !== 401 && status !== 403, `${role} may ${method} ${path}: ${status}`)
      } else {
        t.equal(status, 403, `${role} may not ${method} ${path}`)
        t.equal(JSON.parse(answer).code, 'role_missing')
        t.equal(asks, `Bearer error="insufficient_scope", scope="${other}"`)
      }
    }
  }
  const both = await keyFor('both', '--role', 'reader,editor')
  t.equal((await call(both, 'GET', `/new-api/${uid}/Country`)).body, 'Chile')
})

t.test('who shows no key, or one that is no more, learns nothing', async (t) => {
  const { uid, command, keyFor, call } = await start(t)
  const path = `/new-api/${uid}/Country`
  for (const key of ['', 'x', `concordata_${'A'.repeat(43)}`]) {
    const { status, asks, body } = await call(key, 'GET', path)
    const challenge = key === '' ? 'Bearer' : 'Bearer error="invalid_token"'
    t.same([status, asks, JSON.parse(body).code], [401, challenge, 'not_authorized'])
  }
  const key = await keyFor('till', '--role', 'reader')
  t.equal((await call(key, 'GET', path)).status, 200)
  t.match(await command('revoke', 'till'), { status: 0 })
  t.equal((await call(key, 'GET', path)).status, 401, 'from the next call on')
  const old = await keyFor('old', '--role', 'reader', '--expires', '2020-01-01')
  t.equal((await call(old, 'GET', path)).status, 401)
})

t.test('keys are kept as hashes, and shown once', async (t) => {
  const { ana, command, keyFor } = await start(t)
  const key = await keyFor('partner.erp', '--role', 'editor', '--expires', '2099-12-31')
  t.notMatch(await readFile(apiKeysPath(ana.data), 'utf8'), key.slice(12))
  const list = await command('list')
  t.match(list.output, /partner\.erp +editor +\d{4}-.* +2099-12-31T00:00:00\.000Z/)
  t.notMatch(list.output, key.slice(12))
  t.match(await command('add', 'partner.erp', '--role', 'reader'), { status: 1, output: /\[api_key_unfit\]/ })
  t.match(await command('add', 'no spaces', '--role', 'reader'), { status: 1, output: /\[api_key_unfit\]/ })
  t.match(await command('revoke', 'nobody'), { status: 1, output: /\[api_key_unfit\]/ })
  t.match(await command('add', 'king', '--role', 'king'), { status: 2, output: /king is no role/ })
  t.match(await command('add', 'late', '--role', 'reader', '--expires', 'soon'), { status: 2 })
})

t.test(
  'who asked for what is written before it is done, and what it was answered; reading and values are not',
  async (t) => {
    const { uid, keyFor, call, logged } = await start(t)
    const editor = await keyFor('erp', '--role', 'editor,reader')
    await call(editor, 'GET', `/new-api/${uid}/Country?token=secret`)
    await call(editor, 'PUT', `/new-api/${uid}?token=secret`, { Country: 'Secretland' })
    await call(editor, 'GET', '/metrics')
    await call('nobody', 'DELETE', `/new-api/${uid}/Country`)
    await until('all is written', async () => (await logged()).length === 4)
    const lines = await logged()
    const put = { who: 'erp', method: 'PUT', path: `/new-api/${uid}` }
    t.match(lines, [
      put,
      { ...put, status: 200, call: lines[0].call },
      { who: 'erp', method: 'GET', path: '/metrics', status: 403 },
      { who: '', method: 'DELETE', path: `/new-api/${uid}/Country`, status: 401 },
    ])
    t.equal(lines[0].status, undefined)
    t.notMatch(JSON.stringify(lines), /secret/i)
  },
)

t.test('what cannot be written down is not done', async (t) => {
  const { ana, uid, call, keyFor } = await start(t)
  const editor = await keyFor('erp', '--role', 'editor,reader')
  await rm(accessLogPath(ana.data), { force: true })
  await mkdir(accessLogPath(ana.data))
  const { status, body } = await call(editor, 'PUT', `/new-api/${uid}`, { Country: 'Chile' })
  t.same([status, JSON.parse(body).code], [503, 'access_log_failed'])
  t.equal((await call(editor, 'GET', `/new-api/${uid}/Country`)).body, 'Mexico')
})
