import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { addParty } from '../../src/cli/party-commands.ts'
import { openNode } from '../../src/index.ts'
import { type NodeParty, newParty, until } from '../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('three nodes: membership, lock, answers, withdrawals and tiers', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-agreement-'))
  const ana = await newParty(root, 'ana', [])
  const ben = await newParty(root, 'ben', [
    { commands: ['RemoveElement'], answer: 'refuse', reason: 'nothing is removed here' },
    { commands: ['Resign'], answer: 'acknowledge' },
    {
      commands: ['AddField'],
      authors: ['ana'],
      answer: 'ask',
      forSeconds: 600,
      otherwise: 'refuse',
      reason: 'nobody was there',
    },
  ])
  const cleo = await newParty(root, 'cleo', [])
  const parties = [ana, ben, cleo]
  const nodes = await Promise.all(parties.map(({ data }) => openNode({ data })))
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  for (const one of parties) {
    for (const other of parties) if (one !== other) await addParty(one.data, other.endpoint, other.fingerprint)
  }
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'three' })).body
  const at = `/api/Contract/${contract}`
  const standing = (party: NodeParty) => async () => {
    const { body } = await party.call('GET', '/api/Contract')
    return body.find((held: { contract: string }) => held.contract === contract)?.standing
  }
  for (const invitee of [ben, cleo]) {
    t.equal((await ana.call('POST', `${at}/Invitations`, { party: invitee.handle })).status, 200)
    await until(`${invitee.handle} to be invited`, async () => (await standing(invitee)()) === 'invited')
    if (invitee === ben) t.equal((await ben.call('POST', `${at}/Acceptance`)).status, 200)
  }
  t.equal((await cleo.call('POST', `${at}/Decline`)).status, 202)
  await until('cleo to be out', async () => (await standing(cleo)()) === 'stranger')
  t.match((await ana.call('POST', `${at}/Invitations`, { party: 'cleo' })).body, { code: 'handle_taken' })

  await t.test('a person is asked, and refuses with a reason that the author sees', async (t) => {
    const writing = ana.call('POST', `/new-api/${contract}`, { Rate: '5' })
    await until('the question', async () => (await ben.call('GET', `${at}/Questions`)).body.length === 1)
    const [question] = (await ben.call('GET', `${at}/Questions`)).body
    t.match(question, { by: 'ana', otherwise: 'refuse', commands: [{ type: 'AddField' }, { type: 'ProposeValue' }] })
    t.same(Object.values(question.values), ['5'])
    t.match((await ana.call('GET', `${at}/Requests/${question.request}`)).body, {
      tier: 0,
      waitsFor: { what: 'answer', of: ['ben'] },
    })
    const answer = { answer: 'refuse', reason: 'too dear' }
    t.equal((await ben.call('POST', `${at}/Questions/${question.request}`, answer)).status, 204)
    t.match(await writing, { status: 409, body: { code: 'refused', by: [{ handle: 'ben', reason: 'too dear' }] } })
    t.match((await ben.call('POST', `${at}/Questions/${question.request}`, answer)).body, { code: 'not_asked' })
  })

  await t.test('a request that a person is asked about is taken back by its user', async (t) => {
    const sent = await ana.call('POST', `/new-api/${contract}`, { Share: '7' }, 'respond-async')
    t.equal(sent.status, 202)
    const { request } = sent.body
    await until('the question', async () => (await ben.call('GET', `${at}/Questions`)).body.length === 1)
    t.equal((await ana.call('DELETE', `${at}/Requests/${request}?reason=changed%20my%20mind`)).status, 202)
    t.equal((await ben.call('POST', `${at}/Questions/${request}`, { answer: 'acknowledge' })).status, 204)
    await until('the withdrawal', async () => (await ana.call('GET', `${at}/Requests/${request}`)).body.tier >= 3)
    t.match((await ana.call('GET', `${at}/Requests/${request}`)).body, {
      outcome: { kind: 'withdrawn', reason: 'changed my mind' },
    })
    t.match((await ana.call('DELETE', `${at}/Requests/${request}`)).body, { code: 'not_withdrawable' })
  })

  await t.test('the record is locked, who asks to be tried again waits, and goes on after its release', async (t) => {
    t.equal((await ben.call('POST', `/new-api/${contract}`, { Rate: '1' })).status, 201)
    t.equal((await ana.call('POST', `${at}/Lock`, { purpose: 'to read' })).status, 200)
    t.match((await ben.call('POST', `${at}/Lock`, { purpose: 'me too' })).body, {
      code: 'record_locked',
      with: ['ana'],
    })
    const waiting = ben.call('PUT', `/new-api/${contract}/Rate`, '2', 'wait=60, retry')
    const patient = ben.call('POST', `${at}/Lock`, { purpose: 'after you', retry: true })
    await until('both to be locked out', async () => {
      const { size } = (await ana.call('GET', at)).body
      return size >= 12
    })
    t.match((await ben.call('GET', `${at}/Lock`)).body, { locked: true, holder: 'ana', purpose: 'to read' })
    t.equal((await ana.call('DELETE', `${at}/Lock`)).status, 200)
    t.match(await Promise.all([waiting, patient]), [{ status: 200 }, { status: 200 }])
    const { index } = (await ana.call('GET', `${at}/Lock`)).body
    t.equal((await ana.call('POST', `${at}/Lock/Breaks`, { lock: index })).status, 200, 'the only other one breaks it')
    t.match((await ben.call('GET', `${at}/Lock`)).body, { locked: false })
  })

  await t.test('the engine is shown; nobody votes for one that the node does not have', async (t) => {
    const engine = { engine: 1, since: 0, phase: 'edit', votes: [], available: [1] }
    t.same((await ana.call('GET', `${at}/Engine`)).body, engine)
    t.match((await ana.call('GET', at)).body, { engine: 1, engineVotes: [], phase: 'edit', engineUnknown: null })
    const { frontier } = (await ana.call('GET', at)).body
    t.match(await ana.call('POST', `${at}/Engine`, { to: 2 }), {
      status: 501,
      body: { code: 'engine_unknown', engine: 2, engines: [1] },
    })
    t.match((await ana.call('GET', at)).body, { frontier }, 'nothing was signed')
    t.match(await ana.call('POST', `${at}/Engine`, { to: 1 }), { status: 409, body: { code: 'engine_not_newer' } })
    t.equal((await ana.call('POST', `${at}/Engine`, { to: '2' })).status, 400)
  })

  await t.test('tier 4 is reached when all have cosigned', async (t) => {
    const refused = await ana.call('DELETE', `/new-api/${contract}/Rate`)
    t.match(refused.body, { code: 'refused', by: [{ handle: 'ben', reason: 'nothing is removed here' }] })
    await until('tier 4', async () => (await ana.call('GET', `${at}/Elements/0.0/Standing`)).body.tier === 4)
    t.match((await ana.call('GET', at)).body, { tier: 4, divergences: [], accused: [], obstacle: null, questions: 0 })
    t.same((await ana.call('GET', `${at}/Evidence`)).body, [])
    t.equal((await ana.call('GET', `${at}/Elements/0.99/Standing`)).status, 404)
  })

  await t.test('a member leaves', async (t) => {
    t.equal((await ben.call('POST', `${at}/Resignation`, { reason: 'sold' })).status, 200)
    t.equal(await standing(ben)(), 'resigned')
    await until('ana to know', async () => (await ana.call('GET', at)).body.members.length === 1)
  })
})
