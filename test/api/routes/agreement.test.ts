import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { addParty } from '../../../src/cli/party/approve.ts'
import { sealsNamedBy } from '../../../src/events/seal.ts'
import type { Statement } from '../../../src/events/statement.ts'
import { openNode } from '../../../src/index.ts'
import { storePath } from '../../../src/node/files/open-store.ts'
import { groupOf } from '../../../src/store/payload-group.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { type NodeParty, newParty, until } from '../../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

/** Begins everything that a person, or a policy, has to say. */
const SAID = '(said)'

t.test('three nodes: membership, lock, answers, withdrawals and tiers', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-agreement-'))
  const ana = await newParty(root, 'ana', [])
  const ben = await newParty(root, 'ben', [
    { commands: ['RemoveElement'], answer: 'refuse', reason: `${SAID} nothing is removed here` },
    { commands: ['Resign'], answer: 'acknowledge' },
    {
      commands: ['AddField'],
      authors: ['ana'],
      answer: 'ask',
      forSeconds: 600,
      otherwise: 'refuse',
      reason: `${SAID} nobody was there`,
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
  // Asked again under a key what has been done is done, where without one there is nothing to do.
  const again = (party: NodeParty, method: string, path: string, body?: unknown) =>
    party.call(method, `${at}/${path}`, body, undefined, { 'idempotency-key': 'again' })
  t.match(await again(cleo, 'POST', 'Decline'), { status: 202, body: { standing: 'declined' } })
  t.match(await cleo.call('POST', `${at}/Decline`), { status: 409, body: { code: 'not_invited' } })

  await t.test('a person is asked, and refuses with words that the author sees', async (t) => {
    const writing = ana.call('POST', `/new-api/${contract}`, { Rate: '5' })
    await until('the question', async () => (await ben.call('GET', `${at}/Questions`)).body.length === 1)
    const [question] = (await ben.call('GET', `${at}/Questions`)).body
    t.match(question, { by: 'ana', otherwise: 'refuse', commands: [{ type: 'AddField' }, { type: 'ProposeValue' }] })
    t.same(Object.values(question.values), ['5'])
    t.match((await ana.call('GET', `${at}/Requests/${question.request}`)).body, {
      tier: 0,
      waitsFor: { what: 'answer', of: ['ben'] },
    })
    const said = { title: `${SAID} no`, text: `${SAID} too dear` }
    const answer = { answer: 'refuse', about: said }
    const awaited = await ben.call('POST', `${at}/Questions/${question.request}`, { ...answer, answer: 'acknowledge' })
    t.match(awaited, { status: 400, body: { code: 'request_malformed' } }, 'words that nobody would read')
    t.equal((await ben.call('POST', `${at}/Questions/${question.request}`, answer)).status, 204)
    t.equal((await again(ben, 'POST', `Questions/${question.request}`, answer)).status, 204, 'not signed yet, maybe')
    const by = [{ handle: 'ben', code: 'person', about: { isHeld: true, ...said } }]
    t.match(await writing, { status: 409, body: { code: 'refused', by } })
    const refusals = async () => (await ana.call('GET', '/api/Attention')).body.refusals.items
    await until('the read model', async () => (await refusals()).length === 1)
    t.match(await refusals(), [{ request: question.request, by }])
    t.match((await ana.call('GET', `${at}/Requests/${question.request}`)).body, { outcome: { kind: 'refused', by } })
    const tooLong = { answer: 'refuse', about: { text: 'x'.repeat(4001) } }
    t.equal((await ben.call('POST', `${at}/Questions/${question.request}`, tooLong)).status, 400)
    t.match((await ben.call('POST', `${at}/Questions/${question.request}`, answer)).body, { code: 'not_asked' })
    t.equal((await again(ben, 'POST', `Questions/${question.request}`, answer)).status, 204)
    const other = { answer: 'acknowledge' }
    t.match((await again(ben, 'POST', `Questions/${question.request}`, other)).body, { code: 'not_asked' })
  })

  await t.test('a request that a person is asked about is taken back by its user', async (t) => {
    const sent = await ana.call('POST', `/new-api/${contract}`, { Share: '7' }, 'respond-async')
    t.equal(sent.status, 202)
    const { request } = sent.body
    await until('the question', async () => (await ben.call('GET', `${at}/Questions`)).body.length === 1)
    t.equal(
      (await ana.call('DELETE', `${at}/Requests/${request}?text=${encodeURIComponent(`${SAID} changed my mind`)}`))
        .status,
      202,
    )
    // The withdrawal may have come before the answer: then nobody is asked any more.
    const answered = await ben.call('POST', `${at}/Questions/${request}`, { answer: 'acknowledge' })
    t.ok(answered.status === 204 || answered.body.code === 'not_asked')
    await until('the withdrawal', async () => (await ana.call('GET', `${at}/Requests/${request}`)).body.tier >= 3)
    t.match((await ana.call('GET', `${at}/Requests/${request}`)).body, {
      outcome: { kind: 'withdrawn', code: 'user', about: { isHeld: true, text: `${SAID} changed my mind` } },
    })
    t.match((await ana.call('DELETE', `${at}/Requests/${request}`)).body, { code: 'not_withdrawable' })
    t.equal((await again(ben, 'POST', `Questions/${request}`, { answer: 'acknowledge' })).status, answered.status)
    t.match((await again(ben, 'POST', `Questions/${request}`, { answer: 'refuse' })).body, { code: 'not_asked' })
    const { status, body } = await again(ana, 'DELETE', `Requests/${request}`)
    t.same([status, body], [202, (await ana.call('GET', `${at}/Requests/${request}`)).body])
    t.match((await again(ben, 'DELETE', `Requests/${request}`)).body, { code: 'not_withdrawable' }, 'it is not his')
  })

  await t.test('a value that is for others is shown as sealed: by whom, to whom, and what it is called', async (t) => {
    const block = { $block: { owner: 'ben', audience: ['ben'] }, Fee: '5' }
    t.equal((await ben.call('POST', `/new-api/${contract}`, { Secret: block })).status, 201)
    t.same((await ben.call('GET', `/new-api/${contract}/Secret`)).body, { Fee: '5' })
    const [ana1] = (await ana.call('GET', `${at}/Audiences`)).body
    t.match(ana1, { at: 'Secret', parties: ['ben'] })
    const $sealed = { by: 'ben', audience: ['ben'], proposal: /^ben\./ }
    const { body } = await ana.call('GET', `/new-api/${contract}/Secret`)
    t.match(body, { Fee: { $sealed } })
    t.match(await ana.call('GET', `/new-api/${contract}/Secret/Fee`), {
      status: 403,
      body: { code: 'value_sealed', path: 'Secret/Fee', ...$sealed },
    })
    t.match(
      (await ana.call('PUT', `/new-api/${contract}/Secret`, body)).status,
      200,
      'as it is shown it is not written',
    )
    t.match(await ana.call('PUT', `/new-api/${contract}/Secret`, { Fee: '6' }), {
      status: 403,
      body: { code: 'outside_audience' },
    })
    t.match(await ana.call('POST', `${at}/Disclosures`, { at: 'Secret/Fee' }), {
      status: 403,
      body: { code: 'value_sealed' },
    })
    t.match((await ben.call('POST', `${at}/Disclosures`, { at: 'Secret/Fee' })).status, 200)
    await until('ana to have it', async () => (await ana.call('GET', `/new-api/${contract}/Secret/Fee`)).status === 200)
    t.same((await ana.call('GET', `/new-api/${contract}/Secret`)).body, { Fee: '5' })
  })

  await t.test('the record is locked, who asks to be tried again waits, and goes on after its release', async (t) => {
    t.equal((await ben.call('POST', `/new-api/${contract}`, { Rate: '1' })).status, 201)
    t.equal(
      (await ana.call('POST', `${at}/Lock`, { purpose: 'review', about: { text: `${SAID} to read` } })).status,
      200,
    )
    t.match((await ben.call('POST', `${at}/Lock`, { purpose: 'edit' })).body, {
      code: 'record_locked',
      with: ['ana'],
    })
    const waiting = ben.call('PUT', `/new-api/${contract}/Rate`, '2', 'wait=60, retry')
    const patient = ben.call('POST', `${at}/Lock`, { purpose: 'edit', retry: true })
    await until('both to be locked out', async () => {
      const { size } = (await ana.call('GET', at)).body
      return size >= 12
    })
    t.match((await ben.call('GET', `${at}/Lock`)).body, {
      locked: true,
      holder: 'ana',
      purpose: 'review',
      about: { isHeld: true, text: `${SAID} to read` },
    })
    t.equal((await ana.call('DELETE', `${at}/Lock`)).status, 200)
    t.match(await Promise.all([waiting, patient]), [{ status: 200 }, { status: 200 }])
    const { index } = (await ana.call('GET', `${at}/Lock`)).body
    const broken = await ana.call('POST', `${at}/Lock/Breaks`, { lock: index })
    const vote = { lock: index, state: 'agreed', endedAt: broken.body.index }
    t.match(broken, { status: 200, body: { vote } }, 'the only other one breaks it')
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
    t.match(refused.body, {
      code: 'refused',
      by: [{ handle: 'ben', code: 'policy', about: { text: `${SAID} nothing is removed here` } }],
    })
    await until('tier 4', async () => (await ana.call('GET', `${at}/Elements/0.0/Standing`)).body.tier === 4)
    await until('it of the refusal, too', async () => (await ana.call('GET', at)).body.tier === 4)
    t.match((await ana.call('GET', at)).body, { tier: 4, divergences: [], accused: [], obstacle: null, questions: 0 })
    t.same((await ana.call('GET', `${at}/Evidence`)).body, [])
    t.equal((await ana.call('GET', `${at}/Elements/0.99/Standing`)).status, 404)
  })

  await t.test('a member leaves', async (t) => {
    t.equal(
      (await ben.call('POST', `${at}/Resignation`, { reason: 'transferred', about: { text: `${SAID} sold` } })).status,
      200,
    )
    t.equal(await standing(ben)(), 'resigned')
    await until('ana to know', async () => (await ana.call('GET', at)).body.members.length === 1)
  })

  await t.test('what was said is in no event and in no read model, so it can be erased', async (t) => {
    await Promise.all(nodes.splice(0).map((node) => node.close()))
    for (const { data, handle } of [ana, ben]) {
      const store = await openSqliteStore(storePath(data))
      const statements: Statement[] = []
      for await (const { data: text, stream } of store.events.readAll()) {
        t.ok(!text.includes(SAID), stream)
        if (stream.startsWith('feed-')) statements.push(JSON.parse(text).statement)
      }
      const refs = statements.flatMap((statement) =>
        [...sealsNamedBy(statement)].map((seal) => ({
          group: groupOf({ handle: statement.party, seq: statement.seq }),
          seal,
        })),
      )
      const opened = [...(await store.payloads.get(contract, refs)).values()].filter((text) => text.includes(SAID))
      t.equal(opened.length, 5, `${handle} can read all of it`)
      await store.close()
      const files = (await readdir(data)).filter((name) => name.startsWith('read-model.sqlite'))
      for (const name of files) t.ok(!(await readFile(join(data, name))).includes(SAID), name)
    }
  })
})
