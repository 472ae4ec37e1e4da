import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { openNode } from '../../../src/index.ts'
import { accessLogPath } from '../../../src/node/inward/access-log.ts'
import { configure, newParty, until } from '../../support/node-party.ts'
import { OidcIssuer } from '../../support/oidc-issuer.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

async function start(t: Test) {
  const [issuer, ana] = [await OidcIssuer.start(), await newParty(t.testdir(), 'ana')]
  const roleMap = { readers: ['reader'], writers: ['reader', 'editor'] } as const
  const oidc = { issuer: issuer.url, audience: 'concordata', rolesClaim: 'groups', roleMap, clockToleranceSeconds: 0 }
  await configure(ana, { oidc: oidc as never, webhooks: { receivers: ['https://erp.example'] } })
  const node = await openNode({ data: ana.data })
  t.teardown(async () => {
    await node.close()
    await issuer.goDown().catch(() => {})
  })
  const contract = await node.open('behind a provider')
  await contract.at('').set({ Country: 'Mexico' })
  const at = `/new-api/${contract.uid}`
  const call = async (token: string, method = 'GET', path = `${at}/Country`, body?: string, type = 'text/plain') => {
    const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': type }) }
    const response = await fetch(new URL(path, ana.api), { method, headers, ...(body === undefined ? {} : { body }) })
    const { status } = response
    return { status, asks: response.headers.get('www-authenticate'), text: await response.text() }
  }
  return { issuer, ana, at, call }
}

t.test('an access token does what its roles allow, and access.log has its subject', async (t) => {
  const { issuer, ana, at, call } = await start(t)
  const [reader, writer] = [await issuer.token(), await issuer.token({ sub: 'bo b', groups: ['writers'] })]
  t.match(await call(reader), { status: 200, text: 'Mexico' })
  t.match(await call(reader, 'PUT', undefined, 'Chile'), {
    status: 403,
    asks: 'Bearer error="insufficient_scope", scope="editor"',
    text: /"code":"role_missing"/,
  })
  t.match(await call(writer, 'PUT', undefined, 'Chile'), { status: 200 })
  t.match(await call(await issuer.token({ groups: ['golfers'] })), {
    status: 403,
    text: /"role":"reader","roles":\[\].*"code":"role_missing".*the caller has no role here/,
  })
  const webhook = JSON.stringify({ url: 'https://erp.example/hook', subject: at })
  t.match(await call(reader, 'POST', '/api/Webhook', webhook, 'application/json'), {
    status: 403,
    text: /"code":"webhook_key_unfit"/,
  })
  const who = new RegExp(`"who":"bo%20b@${new URL(issuer.url).host}","method":"PUT","path":"${at}/Country"`)
  const log = await readFile(accessLogPath(ana.data), 'utf8')
  t.match(log, who)
  t.notMatch(log, writer.split('.')[2], 'and not the token')
})

t.test('a token that is no good is told why, in the words of RFC 6750', async (t) => {
  const { issuer, ana, call } = await start(t)
  t.match(await call(await issuer.token({ exp: 1_000_000_000 })), {
    status: 401,
    asks: 'Bearer error="invalid_token", error_description="expired"',
    text: /"reason":"expired".*"code":"token_invalid"/,
  })
  t.match(await call(await issuer.token({ aud: 'other' })), { status: 401, asks: /"claim_aud"$/ })
  t.match(await call(await issuer.token({ padding: 'x'.repeat(7_000) })), { status: 401, asks: /"too_long"$/ })
  t.equal((await call(await issuer.token({ padding: 'x'.repeat(20_000) }))).status, 431)
  t.equal((await call(ana.token)).status, 200, 'keys work as ever')
})

t.test('while the issuer is away keys of the API work, and tokens again when it is back', async (t) => {
  const { issuer, ana, call } = await start(t)
  const token = await issuer.token()
  await issuer.goDown()
  t.match(await call(token), { status: 503, text: /"code":"issuer_unavailable"/ })
  t.equal((await call(ana.token)).status, 200)
  await issuer.comeBack()
  await until('tokens are good again', async () => (await call(token)).status === 200)
})

t.test('a live connection ends with the token by which it was opened', async (t) => {
  const { issuer, ana, at } = await start(t)
  const exp = Math.floor(Date.now() / 1000) + 2
  const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${await issuer.token({ exp })}`)
  const answer = new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)))
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
  socket.addEventListener('open', () => socket.send(JSON.stringify({ subscribe: at })))
  t.match(await answer, /subscribed/)
  const { code, reason } = await closed
  t.same([code, reason], [1008, 'the key or token has expired'])
  t.ok(Date.now() >= exp * 1000)
})
