import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startProcess } from '../../src/cli/demo/party-process.ts'
import type { Handle } from '../../src/events/ids.ts'
import { bytesWith } from '../support/attachments.ts'
import { configure, newParty, until } from '../support/node-party.ts'
import { type Layout, PartyProcesses } from '../support/party-processes.ts'
import { introduce, together } from '../support/processes-together.ts'
import { runCommand } from '../support/run-command.ts'
import { webhookReceiver } from '../support/webhook-receiver.ts'

const WAIT = { prefer: 'wait=60' }

/** `receiver`: where the first of them may post what happens. */
async function pair(t: Test, layout: Layout, receiver: string) {
  // The name of a socket must be short.
  const root = await mkdtemp(join(tmpdir(), 'roles-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const ana = await PartyProcesses.start(join(root, 'ana'), 'ana' as Handle, layout, undefined, async () => {
    await configure({ data: join(root, 'ana') }, { webhooks: { receivers: [receiver], networks: ['127.0.0.1'] } })
    return () => ({})
  })
  t.teardown(() => ana.stop())
  const ben = await PartyProcesses.start(join(root, 'ben'), 'ben' as Handle, 'split')
  t.teardown(() => ben.stop())
  await introduce(ana, ben)
  await introduce(ben, ana)
  return { ana, ben }
}

t.test(
  'serve, transmit, receive and signer: a contract from its opening to changes by both',
  { timeout: 120_000 },
  async (t) => {
    const receiver = await webhookReceiver(t)
    const { ana, ben } = await pair(t, 'two that sign', receiver.origin)
    const contract = await together(ana, ben)
    await ana.client.call('POST', '/api/Webhook', {
      url: `${receiver.origin}/told`,
      subject: `/new-api/${contract}/Country`,
    })
    const field = { Country: { $field: { type: 'text' } } }
    await ana.client.call('POST', `/new-api/${contract}`, field, WAIT)
    await until('ben has the field', async () => {
      const document = (await ben.client.call('GET', `/new-api/${contract}`)) as object
      return 'Country' in document
    })
    await ben.client.call('PUT', `/new-api/${contract}`, { Country: 'Mexico' }, WAIT)
    /** The author is told first: who writes before it has heard of it would be in conflict with it. */
    const holds = (party: PartyProcesses, country: string) =>
      until(`${party.handle} holds ${country}`, async () => {
        const { Country } = (await party.client.call('GET', `/new-api/${contract}`)) as { Country: string }
        return Country === country
      })
    await holds(ana, 'Mexico')
    const status = (await ana.client.call('GET', '/api/Keys')) as { keys: string[] }
    t.equal(status.keys.length, 1, 'the process with the keys says which there are')
    const { signing } = (await ana.client.call('POST', '/api/Keys')) as { signing: string }
    await until('the contract is at the new key', async () => {
      const { keys, contracts } = (await ana.client.call('GET', '/api/Keys')) as {
        keys: string[]
        contracts: { signing: string }[]
      }
      return keys.length === 2 && contracts.every((one) => one.signing === signing)
    })
    await ana.client.call('PUT', `/new-api/${contract}`, { Country: 'Chile' }, WAIT)
    await holds(ben, 'Chile')

    // What is brought to the process without a key the others of the party keep, over their restarts, until a request names it.
    const bytes = bytesWith(3)
    const at = `/api/Contract/${contract}/Attachments`
    const filesOf = ({ api, token }: PartyProcesses, query: string, more: RequestInit = {}) =>
      fetch(new URL(`${at}?${query}`, api), {
        ...more,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
      })
    const brought = await filesOf(ana, 'name=Survey.txt', { method: 'POST', body: bytes })
    t.equal(brought.status, 201)
    const { $file } = (await brought.json()) as { $file: string }

    // Both processes that sign are down: what is asked for stands in the command queue until one is back.
    await ana.kill(2)
    await ana.kill(3)
    // What receives has learnt of the new key by itself.
    await ben.client.call('PUT', `/new-api/${contract}`, { Country: 'Cuba' }, WAIT)
    await holds(ana, 'Cuba')
    const answer = ana.client.call('PUT', `/new-api/${contract}`, { Country: 'Peru' }, { prefer: 'wait=30' })
    const silent = ana.client.call('PUT', `/new-api/${contract}`, { Country: 'Nauru' }, { prefer: 'wait=1' })
    await t.rejects(silent, { code: 'api_problem', evidence: { code: 'transmitter_silent', status: 503 } })
    await ana.startAgain(3)
    t.match(await answer, { request: /^ana/ }, 'it was signed by whoever came back')
    t.match(await ana.client.call('GET', `/new-api/${contract}`), { Country: 'Peru' })
    await ana.startAgain(2)
    await ana.client.call('POST', `/new-api/${contract}`, { Survey: { $file }, Note: 'with a survey' }, WAIT)
    for (const party of [ana, ben]) {
      await until(`${party.handle} has the file`, async () => {
        const survey = await filesOf(party, 'at=Survey')
        return survey.status === 200 && Buffer.compare(Buffer.from(await survey.arrayBuffer()), bytes) === 0
      })
    }
    const attention = await ana.client.call('GET', '/api/Attention')
    t.match(attention, { standingStill: { count: 0 }, conflicts: { count: 0 } }, 'from its own read model')

    const told = () =>
      receiver.at('/told').flatMap(({ message: { data } }) => (data.change === 'ProposalAgreed' ? [data.value] : []))
    await until('all of it is posted', async () => told().includes('Peru'))
    t.same(told(), ['Mexico', 'Chile', 'Cuba', 'Peru'], 'whoever signs it, and whichever process is down')
    t.equal(new Set(receiver.at('/told').map(({ id }) => id)).size, receiver.at('/told').length)
  },
)

t.test('serve runs where there is no key at all, and roles that sign need a signer', { timeout: 60_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'roles-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const ana = await newParty(root, 'ana')
  for (const role of ['transmit', 'receive']) {
    t.match(await runCommand(role, '--data', ana.data), { status: 1, output: /\[role_unfit\]/ })
  }
  for (const secret of ['signing-key.pem', 'recovery-key.pem', 'tls-key.pem', 'uid-secret', 'passphrase']) {
    await rm(join(ana.data, secret))
  }
  const serve = await startProcess(ana.data, 'serve')
  t.teardown(() => serve.stop())
  t.match(await ana.call('GET', '/api/Contract'), { status: 200, body: [] })
})
