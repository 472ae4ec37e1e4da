import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import { feedStream } from '../../src/store/streams.ts'
import { secureServer } from '../support/eventstoredb-secure.ts'
import { configure, until } from '../support/node-party.ts'
import { PartyProcesses } from '../support/party-processes.ts'
import { introduce, together } from '../support/processes-together.ts'
import { runCommand } from '../support/run-command.ts'
import { webhookReceiver } from '../support/webhook-receiver.ts'

// The names of users are made of it: the same each time, so that a server on which this was run before has nothing more after.
const HANDLE = 'roles-test' as Handle
const WAIT = { prefer: 'wait=60' }
/** Where the two that sign stand in their layout. */
const TRANSMITTERS = [2, 3]

/** `receiver`: where it may post what happens. */
async function partyWithUsers(t: Test, root: string, receiver: string) {
  const { url, caFile, admin, httpUrl } = await secureServer(t, join(root, 'server'))
  const dir = join(root, HANDLE)
  const password = join(root, 'admin')
  await writeFile(password, admin.password)
  const namespace = `roles-${randomUUID().slice(0, 8)}`
  const ca = caFile === undefined ? {} : { ca: caFile }
  // What the command line does at the store, it does as the user who may write.
  const own = { user: `concordata-${HANDLE}-transmit`, passwordFile: 'esdb-password-transmit' }
  const variables = (role: string) => ({
    CONCORDATA_STORE_USER: `concordata-${HANDLE}-${role}`,
    CONCORDATA_STORE_PASSWORD_FILE: `esdb-password-${role}`,
  })
  const party = await PartyProcesses.start(
    dir,
    HANDLE,
    'two that sign',
    { url, namespace, ...ca, ...own },
    async () => {
      await configure({ data: dir }, { webhooks: { receivers: [receiver], networks: ['127.0.0.1'] } })
      const http = httpUrl === undefined ? [] : ['--http-url', httpUrl]
      const asAdmin = ['--admin-user', admin.username, '--admin-password-file', password]
      const { status, output } = await runCommand('store', 'setup', '--data', dir, ...asAdmin, ...http)
      if (status !== 0) throw new Error(output)
      // The signer has no business with the store.
      return (command) => (command === 'signer' ? {} : variables(command))
    },
  )
  t.teardown(() => party.stop())
  const openAs = async (role: string) => {
    const secret = (await readFile(join(dir, `esdb-password-${role}`), 'utf8')).trim()
    const credentials = { username: variables(role).CONCORDATA_STORE_USER, password: secret }
    const options = { url, credentials, namespace: `${namespace}-`, ...(caFile === undefined ? {} : { caFile }) }
    const store = await openEventStoreDbStore(options)
    t.teardown(() => store.close())
    return store
  }
  return { party, openAs, variables }
}

t.test(
  'three processes under three users: what each may do is enough for its role, and serve’s is for no other',
  { timeout: 300_000 },
  async (t) => {
    // The name of a socket must be short.
    const root = await mkdtemp(join(tmpdir(), 'rights-'))
    t.teardown(() => rm(root, { recursive: true, force: true }))
    const { at, origin } = await webhookReceiver(t)
    const { party: ana, openAs, variables } = await partyWithUsers(t, root, origin)
    const ben = await PartyProcesses.start(join(root, 'ben'), 'ben' as Handle, 'node')
    t.teardown(() => ben.stop())
    await introduce(ana, ben)
    await introduce(ben, ana)
    const contract = await together(ana, ben)
    await ana.client.call('POST', '/api/Webhook', { url: `${origin}/told`, subject: '/new-api/*/Country' })
    await ana.client.call('POST', `/new-api/${contract}`, { Country: { $field: { type: 'text' } } }, WAIT)
    await until('ben has the field', async () => {
      return 'Country' in ((await ben.client.call('GET', `/new-api/${contract}`)) as object)
    })
    await ben.client.call('PUT', `/new-api/${contract}`, { Country: 'Mexico' }, WAIT)
    // The author is told first: who writes before it has heard of it would be in conflict with it.
    await until('ana holds it', async () => {
      const { Country } = (await ana.client.call('GET', `/new-api/${contract}`)) as { Country: string }
      return Country === 'Mexico'
    })
    await ana.client.call('PUT', `/new-api/${contract}`, { Country: 'Chile' }, WAIT)

    // A process that has the key, but serve's rights, as if somebody had taken serve over and found a way to sign.
    for (const place of TRANSMITTERS) await ana.kill(place)
    const store = await openAs('transmit')
    const feed = feedStream(contract as Uid, HANDLE)
    await ana.startAgain(TRANSMITTERS[0] as number, variables('serve'))
    const before = await store.events.lastRevision(feed)
    const asked = ana.client.call('PUT', `/new-api/${contract}`, { Country: 'Peru' }, { prefer: 'wait=20' })
    await until('it is refused', async () => {
      return /EventStoreDB does not allow it to this user/.test(await ana.logOf('transmit'))
    })
    t.equal(await store.events.lastRevision(feed), before, 'nothing was put into the feed')
    await ana.kill(TRANSMITTERS[0] as number)
    for (const place of TRANSMITTERS) await ana.startAgain(place)
    t.match(await asked, { request: /^roles-test/ }, 'who may has carried it out')
    await until('ben holds it', async () => {
      const { Country } = (await ben.client.call('GET', `/new-api/${contract}`)) as { Country: string }
      return Country === 'Peru'
    })
    const told = () =>
      at('/told').flatMap(({ message: { data } }) => (data.change === 'ProposalAgreed' ? [data.value] : []))
    await until('all of it is posted', async () => told().includes('Peru'))
    t.same(told(), ['Mexico', 'Chile', 'Peru'], 'of all contracts, from a store on a server')
  },
)
