import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../../src/index.ts'
import { type NodeParty, newParty, until } from '../../support/node-party.ts'
import { addEachOther } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

/** The samples of an exposition, by name and labels as they stand in it. */
async function scrape({ api, token }: NodeParty): Promise<Map<string, number>> {
  const answer = await fetch(`${api}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  if (answer.status !== 200) throw new Error(`status ${answer.status}`)
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end + 1))]
    }),
  )
}

t.test('what an operator sees of a node', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-operation-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const [nodeOfAna, nodeOfBen] = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(async () => {
    await Promise.all([nodeOfAna.close(), nodeOfBen.close()])
    await rm(root, { recursive: true, force: true })
  })
  await addEachOther(ana, ben)

  for (const path of ['health', 'ready']) {
    const answer = await fetch(`${ana.api}/${path}`)
    t.equal(answer.status, 200, path)
    t.same(Object.keys((await answer.json()) as object), ['status'], 'to whoever asks, and nothing else')
  }
  for (const path of ['health', 'ready', 'explorer', 'explorer/page.js'])
    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${ana.api}/${path}`, { method })
      t.same([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'], `${method} ${path}`)
      t.match(await answer.json(), { code: 'method_not_allowed' })
    }
  t.equal((await fetch(`${ana.api}/metrics`)).status, 401, 'figures are for who has the token')

  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'watched, not named' })).body
  const at = `/api/Contract/${contract}`
  await ana.call('POST', `${at}/Invitations`, { party: 'ben' })
  await until('the invitation', async () => (await ben.call('GET', at)).body?.standing === 'invited')
  await ben.call('POST', `${at}/Acceptance`)
  await ana.call('POST', `/new-api/${contract}`, { Remark: 'secret' })

  const calm = await scrape(ana)
  t.equal(calm.get('concordata_contracts'), 1)
  t.ok((calm.get('concordata_settled_entries_total{outcome="accepted"}') ?? 0) >= 4)
  t.ok((calm.get('concordata_settling_seconds_count') ?? 0) >= 3)
  t.equal(calm.get('concordata_signing_blocked_contracts'), 0)
  t.ok((calm.get('concordata_certificate_expiry_timestamp_seconds') ?? 0) * 1000 > Date.now())
  const names = [...calm.keys()].join('\n')
  t.notMatch(names, /secret|Remark|watched/, 'no values, and no names')
  t.notMatch(names, new RegExp(contract), 'nothing that grows with the contracts')

  await nodeOfBen.close()
  await ana.call('PUT', `/new-api/${contract}`, { Remark: 'without ben' }, 'respond-async')
  await until('ben is missed', async () => {
    const now = await scrape(ana)
    const isMissed = now.get('concordata_waiting_for{party="ben"}') === 1
    return isMissed && (now.get('concordata_exchange_failures_total{peer="ben"}') ?? 0) > 0
  })
  const attention = async () => (await ana.call('GET', '/api/Attention?overdueAfterSeconds=0')).body
  await until('it needs attention', async () => (await attention()).overdue.count === 1)
  t.match((await attention()).overdue.items, [
    { contract, title: 'watched, not named', waitsFor: { what: 'answer', of: ['ben'] } },
  ])
  t.equal((await ana.call('GET', '/api/Attention')).body.overdue.count, 0, 'not yet, unless told otherwise')
  t.equal((await ana.call('GET', '/api/Attention?limit=0')).status, 400)
})
