import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openNode } from '../../../src/index.ts'
import { configure, newParty, until } from '../../support/node-party.ts'
import { sharedContract } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(300_000)

/** Ana and ben on one contract with two fields; of ben a person is asked about what ana writes to a block. */
async function given(t: Test) {
  const root = await mkdtemp(join(tmpdir(), 'concordata-people-'))
  const ask = { answer: 'ask', forSeconds: 600, otherwise: 'refuse', reason: 'nobody was there' }
  const ana = await newParty(root, 'ana')
  const ben = await newParty(root, 'ben', [{ commands: ['AddBlock'], authors: ['ana'], ...ask }])
  await configure(ana, { namesUsers: true })
  const nodes = { ana: await openNode({ data: ana.data }), ben: await openNode({ data: ben.data }) }
  t.teardown(async () => {
    await Promise.all(Object.values(nodes).map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const contract = await sharedContract(t, ana, ben, 'of two')
  const at = `/api/Contract/${contract}`
  const document = `/new-api/${contract}`
  t.equal((await ana.call('POST', document, { Rate: '1', Share: '2' })).status, 200)
  const questions = async () => (await ben.call('GET', `${at}/Questions`)).body
  return { ana, ben, nodes, at, document, questions }
}

t.test('a request that is dead asks nobody, and holds up nothing', async (t) => {
  const { ana, ben, at, document, questions } = await given(t)
  const writing = ana.call('POST', document, { Asked: { About: 'x' } }, 'wait=3')
  await until('the question', async () => (await questions()).length === 1)
  const [{ request }] = await questions()

  const behind = await ben.call('PUT', `${document}/Rate`, 'behind the question', 'wait=1')
  t.match(
    behind,
    { status: 504, body: { waitingFor: ['ben'], why: { ben: 'person' } } },
    'it is here that a person is asked',
  )
  const sent = await ben.call('PUT', `${document}/Share`, 'not waited for', 'respond-async')
  t.match(sent, { status: 202, body: { waitingFor: ['ben'], why: { ben: 'person' } } })
  t.match((await ben.call('GET', `${at}/Requests/${sent.body.request}`)).body, {
    state: 'signed',
    waitingFor: ['ben'],
    why: { ben: 'person' },
  })

  const timedOut = { code: 'not_unanimous_in_time', waitingFor: ['ben'], why: { ben: 'person' } }
  t.match(await writing, { status: 504, body: timedOut }, 'and the author is told so')
  await until('the question to vanish', async () => (await questions()).length === 0)
  t.match((await ben.call('POST', `${at}/Questions/${request}`, { answer: 'acknowledge' })).body, { code: 'not_asked' })
  t.equal((await ben.call('PUT', `${document}/Rate`, '3')).status, 200)
  t.equal((await ana.call('PUT', `${document}/Share`, '4')).status, 200)
  t.match((await ana.call('GET', `${at}/Requests/${request}`)).body, { outcome: { kind: 'withdrawn' } })
  t.match((await ben.call('GET', at)).body, { questions: 0, obstacle: null })

  const user = async (party: typeof ana) => (await party.call('GET', `${at}/Requests/${request}`)).body.user
  const { seal } = await user(ana)
  t.match(await user(ana), { isHeld: true, name: 'api-token', role: 'editor' }, 'who asked is known at home')
  t.same(await user(ben), { seal, isHeld: false }, 'and nowhere else')
  t.equal((await ben.call('GET', `${at}/Requests/${behind.body.request}`)).body.user, undefined, 'if it is to be')
  const erased = await ana.call('POST', `${at}/Erasures`, { seals: [seal] })
  const erasure = erased.body.vote.erasure
  t.match(erased, { status: 200, body: { vote: { erasure, state: 'open', waitsFor: ['ben'] } } })
  const yes = () =>
    ben.call('POST', `${at}/Erasures/${erasure}/Votes`, { vote: 'yes' }, undefined, { 'idempotency-key': 'yes' })
  const last = await yes()
  t.match(last, {
    status: 200,
    body: { vote: { erasure, state: 'agreed', endedAt: last.body.index, changes: { erased: 1 } } },
  })
  t.same((await yes()).body, last.body, 'whoever asks again is answered as before')
  await until('it to be erased', async () => (await user(ana)).isHeld === false)
})

t.test('what is withdrawn is withdrawn at once, whoever is down', async (t) => {
  const { ana, nodes, at, document } = await given(t)
  await nodes.ben.close()
  const write = () => ana.call('PUT', `${document}/Rate`, 'too late', 'wait=1', { 'idempotency-key': 'late' })
  const late = await write()
  t.match(late, { status: 504, body: { waitingFor: ['ben'] } })
  t.same(await write(), late, 'asked again under its key, the same')
  const withdrawn = { state: 'withdrawn', tier: 0, outcome: { kind: 'withdrawn' }, waitingFor: [] }
  t.match((await ana.call('GET', `${at}/Requests/${late.body.request}`)).body, withdrawn)

  const sent = await ana.call('PUT', `${document}/Share`, 'patient', 'respond-async')
  t.match(sent, { status: 202, body: { waitingFor: ['ben'] } }, 'it says whom it waits for')
  const live = async () => (await ana.call('GET', `${document}/Share?view=live`)).body
  const { request } = sent.body
  const tentative = [{ request, by: 'ana', at: ['Share'], waitsFor: { what: 'answer', of: ['ben'] } }]
  t.same(
    await live(),
    { value: 'patient', tentative, isWhole: true },
    'the live view has it, and says what it waits for',
  )
  t.same((await ana.call('GET', document)).body, { Rate: '1', Share: '2' }, 'the agreed one has it not')
  t.same((await ana.call('GET', `${document}/Rate?view=live`)).body, { value: '1', tentative: [], isWhole: true })
  const overdue = async () => (await ana.call('GET', '/api/Attention?overdueAfterSeconds=0')).body.overdue
  await until('what waits to be overdue', async () => (await overdue()).count === 1)
  t.match((await overdue()).items, [{ request: sent.body.request, waitsFor: { what: 'answer', of: ['ben'] } }])
  const contract = at.split('/').at(-1)
  const found = async (query: string) => {
    const { body } = await ana.call('GET', `/api/Request?${query}`)
    return (body.requests as { request: string }[]).map(({ request }) => request)
  }
  const [mine, dead] = [sent.body.request, late.body.request]
  await until('it to be found', async () => (await found('state=pending')).includes(mine))
  const pending = (await ana.call('GET', `/api/Request?contract=${contract}&state=pending`)).body
  t.match(pending, {
    requests: [{ by: 'ana', contract, request: mine, state: 'pending', waitsFor: { what: 'answer', of: ['ben'] } }],
  })
  const { requests: withdrawnSoFar } = (await ana.call('GET', '/api/Request?state=withdrawn')).body
  t.match(withdrawnSoFar, [{ request: dead, state: 'withdrawn' }], 'what its author has withdrawn is so at once')
  t.equal(withdrawnSoFar.length, 1)
  t.same(await found(`contract=${contract}&path=Share&author=ana&limit=1`), [mine], 'of an element, the newest first')
  t.notOk((await found(`contract=${contract}&path=Share`)).includes(dead))
  t.same(await found(`author=ben&state=pending`), [])
  t.same(await found(`since=${new Date(Date.now() + 60_000).toISOString()}`), [])
  const all = await found(`contract=${contract}&limit=1000`)
  const { requests: first, next } = (await ana.call('GET', '/api/Request?limit=3')).body
  const rest = await found(`limit=1000&before=${next}`)
  t.same([...first.map(({ request }: { request: string }) => request), ...rest], all, 'page by page')
  t.match((await ana.call('GET', `/api/Request?contract=${contract}&id=${mine}`)).body, {
    requests: [{ contract, request: mine, state: 'signed', waitingFor: ['ben'] }],
  })
  for (const beside of ['state=void', 'author=ana', 'path=', 'before=1', 'since=2027-01-31T12:00:00.000Z'])
    t.match(await ana.call('GET', `/api/Request?contract=${contract}&id=${mine}&${beside}`), {
      status: 400,
      body: { code: 'request_malformed', path: `/${beside.split('=', 1)}` },
    })
  t.match(await ana.call('GET', '/api/Request?id=ana.0.0'), { status: 400, body: { code: 'request_malformed' } })
  t.match(await ana.call('GET', '/api/Request?state=open'), { status: 400 })
  await ana.call('DELETE', `${at}/Requests/${mine}`)
  await until('it to be found as withdrawn', async () => (await found('state=withdrawn')).includes(mine))
  await until('it to be withdrawn', async () => {
    const { body } = await ana.call('GET', `${at}/Requests/${sent.body.request}`)
    return body.state === 'withdrawn' && body.waitingFor.length === 0
  })
  t.same(await live(), { value: '2', tentative: [], isWhole: true }, 'what is taken back is in neither')
  await until('nothing to be overdue', async () => (await overdue()).count === 0)
  t.same((await overdue()).items, [])
})

t.test('a write while another party holds the lock is told so at once, unless it asks to be tried again', async (t) => {
  const { ana, ben, at, document } = await given(t)
  t.equal((await ana.call('POST', `${at}/Lock`, { purpose: 'review' })).status, 200)
  const refused = { status: 409, body: { code: 'record_locked', with: ['ana'] } }
  t.match(await ben.call('PUT', `${document}/Rate`, '5', 'wait=300'), refused)
  t.match(await ben.call('DELETE', `${document}/Rate`, undefined, 'wait=300'), refused)
  const patient = ben.call('PUT', `${document}/Rate`, '6', 'wait=300, retry')
  const { size } = (await ana.call('GET', at)).body
  await until('it to be locked out', async () => (await ana.call('GET', at)).body.size > size)
  t.equal((await ana.call('DELETE', `${at}/Lock`)).status, 200)
  t.equal((await patient).status, 200)
})
