import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { apiClientFor } from '../../src/cli/api-client.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'
import type { Handle } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { openNode } from '../../src/index.ts'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { formatFingerprint } from '../../src/node/identity/fingerprint.ts'
import { openIdentity } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { addEachOther } from '../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const BINARY = new URL('../../bin/concordata.js', import.meta.url).pathname

async function concordata(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BINARY, ...args], { timeout: 60_000 })
  return stdout
}

async function newParty(root: string, handle: string) {
  const data = join(root, handle)
  const api = `http://127.0.0.1:${await freePort()}`
  const endpoint = `https://127.0.0.1:${await freePort()}`
  const { card } = await createIdentity(data, { handle: handle as Handle, name: handle, endpoint, api }, systemClock)
  return { data, endpoint, fingerprint: formatFingerprint(partyFingerprint(card)), client: await apiClientFor(data) }
}
type Party = Awaited<ReturnType<typeof newParty>>

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`waited in vain for ${what}`)
}

/** What is left of a rotation when the node crashes once the key is durable, before any contract has heard of it. */
async function interruptedRotation(data: string): Promise<string> {
  const environment = readEnvironment(process.env)
  return (await openIdentity(await readConfiguration(data, environment), environment)).keys.add()
}

const prefer = { prefer: 'wait=60' }

interface Keys {
  readonly keys: readonly string[]
  readonly contracts: readonly { readonly contract: string; readonly signing: string; readonly waitsFor?: string }[]
}
const keysOf = async ({ client }: Party) => (await client.call('GET', '/api/Keys')) as Keys

/** A contract of both, opened by the first. */
async function contractFoundedBy(ana: Party, ben: Party): Promise<string> {
  const { contract } = (await ana.client.call('POST', '/api/Contract', { title: 'two' })) as { contract: string }
  await ana.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: 'ben' }, prefer)
  await until('the invitation', async () => {
    const held = (await ben.client.call('GET', '/api/Contract')) as { contract: string; standing: string }[]
    return held.some((one) => one.contract === contract && one.standing === 'invited')
  })
  await ben.client.call('POST', `/api/Contract/${contract}/Acceptance`, undefined, prefer)
  return contract
}

t.test('a key is rotated in every contract, old and new, and over a restart', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-keys-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodes = { ana: await openNode({ data: ana.data }), ben: await openNode({ data: ben.data }) }
  t.teardown(async () => {
    await Promise.all(Object.values(nodes).map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  await addEachOther(ana, ben)
  const contract = await contractFoundedBy(ana, ben)
  const [first] = (await keysOf(ben)).keys
  t.same((await keysOf(ben)).contracts, [{ contract, signing: first }])

  t.equal(await concordata('key', 'rotate', '--data', ben.data), 'Every contract goes on under the newest key.\n')
  const { keys, contracts } = await keysOf(ben)
  const [, second] = keys
  t.equal(keys.length, 2)
  t.same(contracts, [{ contract, signing: second }])
  t.same(await readdir(join(ben.data, 'signing-keys')), ['000001.pem'])
  t.match(await concordata('key', 'show', '--data', ben.data), new RegExp(`${contract} +1\\n`))
  t.same((await keysOf(ana)).contracts, [{ contract, signing: (await keysOf(ana)).keys[0] }], 'the other keeps its key')

  await nodes.ben.contract(contract).at('').set('Country', 'Mexico', { waitSeconds: 60 })
  t.equal(await nodes.ana.contract(contract).at('Country').get(), 'Mexico', 'the other takes what the new key signs')

  const next = await contractFoundedBy(ana, ben)
  await until('the new contract to follow', async () =>
    (await keysOf(ben)).contracts.some((one) => one.contract === next && one.signing === second),
  )

  await nodes.ben.close()
  nodes.ben = await openNode({ data: ben.data })
  await nodes.ben.contract(contract).at('').set('City', 'Puebla', { waitSeconds: 60 })
  t.equal(await nodes.ana.contract(contract).at('City').get(), 'Puebla')

  await nodes.ben.close()
  const third = await interruptedRotation(ben.data)
  nodes.ben = await openNode({ data: ben.data })
  await until('a rotation that a crash broke off', async () =>
    (await keysOf(ben)).contracts.every(({ signing, waitsFor }) => signing === third && waitsFor === undefined),
  )
  for (const { data } of [ana, ben]) await concordata('audit', 'verify', contract, '--data', data)
})
