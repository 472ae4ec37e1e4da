import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { configurationPath } from '../../src/node/config/configuration.ts'
import { type NodeParty, newParty, until } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

async function configure({ data }: NodeParty, change: object): Promise<void> {
  const settings = JSON.parse(await readFile(configurationPath(data), 'utf8'))
  await writeFile(configurationPath(data), JSON.stringify({ ...settings, ...change }))
}

const party = async (command: string, of: NodeParty, ...args: string[]) =>
  runCommand('party', command, ...args, '--data', of.data)
const standingOf = async (handle: string, at: NodeParty) => {
  const { output } = await party('list', at)
  return new RegExp(`^${handle} +\\S+ +(\\S+)`, 'm').exec(output)?.[1]
}
const held = async (at: NodeParty) => (await at.call('GET', '/api/Contract')).body as { standing: string }[]

t.test('nobody is anybody here before a person has compared a fingerprint', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-party-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  await configure(ben, { partners: ['127.0.0.1'] })
  const nodes = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })

  t.match(await party('add', ana, ben.endpoint, '--later'), { status: 0, output: /^ben waits to be approved/ })
  t.equal(await standingOf('ben', ana), 'introduced')
  t.equal(await standingOf('ana', ben), undefined, 'looking somebody up tells nobody')
  t.match(await party('approve', ana, 'ben', '--fingerprint', ana.fingerprint), {
    status: 1,
    output: /its fingerprint is .*party_wrong_fingerprint/s,
  })
  t.match(await party('approve', ana, 'ben', '--fingerprint', ben.fingerprint.slice(0, 20)), {
    status: 1,
    output: /what was told is none: 64 hexadecimal digits/,
  })
  t.match(await party('approve', ana, 'nobody', '--fingerprint', ben.fingerprint), { output: /party_unknown/ })
  t.match(await party('approve', ana, 'ben', '--fingerprint', ben.fingerprint), { status: 0, output: /is approved/ })

  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'two' })).body
  await ana.call('POST', `/api/Contract/${contract}/Invitations`, { party: 'ben' })
  await until('ana to have introduced itself', async () => (await standingOf('ana', ben)) === 'introduced')
  t.same(await held(ben), [], 'of what it sends nothing is taken')

  t.match(await party('approve', ben, 'ana', '--fingerprint', ana.fingerprint), { status: 0 })
  await until('the invitation', async () => (await held(ben))[0]?.standing === 'invited')
  await party('block', ben, 'ana')
  t.equal(await standingOf('ana', ben), 'blocked')
  await party('approve', ben, 'ana', '--fingerprint', ana.fingerprint)
  t.equal(await standingOf('ana', ben), 'approved')
})

t.test('a list of partners keeps out all others, whoever approves them', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-partners-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodes = [await openNode({ data: ana.data })]
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  await party('add', ben, ana.endpoint, '--fingerprint', ana.fingerprint)
  t.equal(await standingOf('ana', ben), 'approved')

  await configure(ben, { partners: ['*.brokers.example'] })
  t.match(await party('add', ben, ana.endpoint, '--fingerprint', ana.fingerprint), {
    status: 1,
    output: /`partners` in concordata.json does not name its domain \[party_not_allowed\]/,
  })
  t.match(await party('approve', ben, 'ana', '--fingerprint', ana.fingerprint), { output: /party_not_allowed/ })

  nodes.push(await openNode({ data: ben.data }))
  await party('add', ana, ben.endpoint, '--fingerprint', ben.fingerprint)
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'two' })).body
  const invited = await ana.call('POST', `/api/Contract/${contract}/Invitations`, { party: 'ben' })
  t.equal(invited.status, 200)
  const failures = /concordata_exchange_failures_total\{peer="ben"\} [1-9]/
  await until('ana to be turned away', async () => {
    const metrics = await fetch(`${ana.api}/metrics`, { headers: { authorization: `Bearer ${ana.token}` } })
    return failures.test(await metrics.text())
  })
  t.same(await held(ben), [], 'an approval of before counts no more')
})
