import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createKeyFile } from '../../../src/crypto/key-file.ts'
import { openNode } from '../../../src/index.ts'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { introductionDocument, signIntroduction } from '../../../src/node/directory/introduction.ts'
import { openIdentity } from '../../../src/node/identity/identity.ts'
import { identityPaths, readText } from '../../../src/node/identity/identity-files.ts'
import { ask } from '../../support/https.ts'
import { type NodeParty, newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { addEachOther } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const environment = readEnvironment(process.env)
const identityOf = async ({ data }: NodeParty) => openIdentity(await readConfiguration(data, environment), environment)
const shown = async (of: string, by: NodeParty) => (await runCommand('party', 'show', of, '--data', by.data)).output

async function approveEachOther(one: NodeParty, other: NodeParty): Promise<void> {
  await addEachOther(one, other)
}

async function contractOf(founder: NodeParty, ...invited: NodeParty[]): Promise<string> {
  const { contract } = (await founder.call('POST', '/api/Contract', { title: 'of several' })).body
  for (const party of invited) {
    const at = `/api/Contract/${contract}`
    await founder.call('POST', `${at}/Invitations`, { party: party.handle })
    await until('the invitation', async () => (await party.call('GET', at)).body?.standing === 'invited')
    await party.call('POST', `${at}/Acceptance`)
  }
  return contract
}

const write = async (party: NodeParty, contract: string, field: string) =>
  (await party.call('POST', `/new-api/${contract}`, { [field]: 'said' })).status

t.test('an approved party that names the certificate another has just renewed', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-possession-'))
  const [ana, ben, mallory] = [
    await newParty(root, 'ana'),
    await newParty(root, 'ben'),
    await newParty(root, 'mallory'),
  ]
  const nodes = [
    await openNode({ data: ana.data }),
    await openNode({ data: ben.data }),
    await openNode({ data: mallory.data }),
  ]
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  await approveEachOther(ana, ben)
  await approveEachOther(ana, mallory)
  const contract = await contractOf(ana, ben)

  await nodes[1]?.close()
  await runCommand('certificate', 'renew', '--data', ben.data)
  const { certificate, tls } = await identityOf(ben)
  const attacker = await identityOf(mallory)
  const claim = { card: attacker.card, endpoint: mallory.endpoint, certificate, serial: 4_000_000_000 }
  const document = introductionDocument(
    await signIntroduction(claim, attacker.signer, { key: attacker.tls.key, certificate: tls.certificate }),
  )
  const path = '/.well-known/did.json'
  // Were it believed, the connection would end with the certificate that it has.
  await ask(ana.endpoint, attacker.tls, { path, body: document, from: 'mallory', to: 'ana' }).catch(() => {})
  t.notMatch(await shown('mallory', ana), certificate, 'is not believed')

  nodes[1] = await openNode({ data: ben.data })
  await until('the introduction of its owner', async () => (await shown('ben', ana)).includes(certificate))
  t.equal(await write(ana, contract, 'from-ana'), 201)
  t.equal(await write(ben, contract, 'from-ben'), 201)
})

t.test('two parties behind one certificate are told apart', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-possession-'))
  const [ana, ben, carl] = [await newParty(root, 'ana'), await newParty(root, 'ben'), await newParty(root, 'carl')]
  await shareCertificate(ben, carl)
  const nodes = [ana, ben, carl].map(({ data }) => openNode({ data }))
  t.teardown(async () => {
    for (const node of nodes) await (await node).close()
    await rm(root, { recursive: true, force: true })
  })
  await Promise.all(nodes)
  await approveEachOther(ana, ben)
  await approveEachOther(ana, carl)
  const [withBen, withCarl] = [await contractOf(ana, ben), await contractOf(ana, carl)]
  t.equal(await write(ben, withBen, 'from-ben'), 201)
  t.equal(await write(carl, withCarl, 'from-carl'), 201)

  const { tls } = await identityOf(ben)
  const body = '{"contracts":{},"v":1}'
  const statusOf = async (from: string | undefined, to: string, endpoint = ana.endpoint) =>
    (await ask(endpoint, tls, { body, to, ...(from === undefined ? {} : { from }) })).status
  t.same(await Promise.all(['ben', 'carl'].map((name) => statusOf(name, 'ana'))), [200, 200])
  t.same(await Promise.all(['ana', 'nobody', 'Ben', ''].map((name) => statusOf(name, 'ana'))), [403, 403, 403, 403])
  t.equal(await statusOf('ben', 'carl'), 421, 'a call that was meant for another')

  await runCommand('party', 'block', 'carl', '--data', ana.data)
  await until('carl to be cut off', async () => (await statusOf('carl', 'ana')) === 403)
  t.equal(await statusOf('ben', 'ana'), 200)
  t.equal(await write(ben, withBen, 'still-from-ben'), 201)
})

/** The second has the first one's certificate and its key from now on. */
async function shareCertificate(first: NodeParty, second: NodeParty): Promise<void> {
  const { key, certificate } = (await identityOf(first)).tls
  const paths = identityPaths(second.data)
  await rm(paths.tlsKey)
  await createKeyFile(paths.tlsKey, createPrivateKey(key), (await readText(paths.passphrase)).trim())
  await writeFile(paths.certificate, certificate)
}
