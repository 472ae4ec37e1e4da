import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../../src/cli/demo/free-port.ts'
import { openNode } from '../../../src/index.ts'
import { configurationPath, readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { openIdentity } from '../../../src/node/identity/identity.ts'
import { identityPaths } from '../../../src/node/identity/identity-files.ts'
import { CertificateRenewal, isRenewalDue } from '../../../src/node/outward/certificate-renewal.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { type NodeParty, newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { sharedContract } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

async function shown(of: string, by: NodeParty): Promise<string> {
  return (await runCommand('party', 'show', of, '--data', by.data)).output
}

t.test('what a party says anew of itself, its peers take up by themselves', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-renewal-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodes = { ana: await openNode({ data: ana.data }), ben: await openNode({ data: ben.data }) }
  t.teardown(async () => {
    await Promise.all([nodes.ana.close(), nodes.ben.close()])
    await rm(root, { recursive: true, force: true })
  })
  const contract = await sharedContract(t, ana, ben, 'renewed')
  const write = async (party: NodeParty, remark: string) =>
    (await party.call('POST', `/new-api/${contract}`, { [remark]: 'said' })).status

  await t.test('a certificate renewed by command', async (t) => {
    await nodes.ana.close()
    const before = (await runCommand('certificate', 'show', '--data', ana.data)).output
    const told = JSON.parse((await runCommand('certificate', 'show', '--json', '--data', ana.data)).output)
    t.match(before, told.fingerprint)
    const { status, output } = await runCommand('certificate', 'renew', '--data', ana.data)
    t.equal(status, 0)
    t.not(output, before)
    const fingerprint = /fingerprint +(\S+)/.exec(output)?.[1] as string
    t.notMatch(await shown('ana', ben), new RegExp(fingerprint))
    nodes.ana = await openNode({ data: ana.data })
    await until('ben has it', async () => (await shown('ana', ben)).includes(fingerprint))
    t.match(await shown('ana', ben), /approved/, 'without asking anybody')
    t.equal(await write(ana, 'from ana'), 201)
    t.equal(await write(ben, 'from ben'), 201)
  })

  await t.test('a certificate renewed while the other was away, and the other calls first', async (t) => {
    await nodes.ben.close()
    await nodes.ana.close()
    await runCommand('certificate', 'renew', '--data', ana.data)
    // It has nobody to announce it to.
    nodes.ana = await openNode({ data: ana.data })
    nodes.ben = await openNode({ data: ben.data })
    t.equal(await write(ben, 'ben again'), 201)
  })

  await t.test('another address', async (t) => {
    await nodes.ana.close()
    const path = configurationPath(ana.data)
    const endpoint = `https://127.0.0.1:${await freePort()}`
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), endpoint }))
    nodes.ana = await openNode({ data: ana.data })
    await until('ben has it', async () => (await shown('ana', ben)).includes(endpoint))
    t.equal(await write(ben, 'to where ana is now'), 201)
  })
})

t.test(
  'a certificate is renewed when a third of its life is left, and taken up where it was renewed by command',
  async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'concordata-renewal-'))
    t.teardown(() => rm(root, { recursive: true, force: true }))
    const ana = await newParty(root, 'ana')
    const environment = readEnvironment(process.env)
    const configuration = await readConfiguration(ana.data, environment)
    const { card, tls } = await openIdentity(configuration, environment)
    const renewed: string[] = []
    let now = Date.now()
    const keeper = new CertificateRenewal(tls, {
      configuration,
      card,
      renews: true,
      clock: { ...systemClock, now: () => now },
      renewed: async ({ certificate }) => void renewed.push(certificate),
      failed: (error) => t.fail('the keeper failed', { error }),
    })
    await keeper.look()
    t.same(renewed, [], 'it is fresh')

    await runCommand('certificate', 'renew', '--data', ana.data)
    await keeper.look()
    t.same(renewed, [await readFile(identityPaths(ana.data).certificate, 'utf8')])

    now = Date.parse(new X509Certificate(renewed[0] as string).validTo) - 200 * 24 * 60 * 60 * 1000
    await keeper.look()
    await keeper.look()
    t.equal(renewed.length, 2, 'once')
    const [, last] = renewed as [string, string]
    t.notOk(isRenewalDue(last, now))
    t.ok(Date.parse(new X509Certificate(last).validTo) > now + 600 * 24 * 60 * 60 * 1000)

    now = Date.now()
    await keeper.look()
    const [, , again] = renewed as [string, string, string]
    t.ok(new X509Certificate(again).validFromDate.getTime() < now, 'one of a clock that was ahead is not valid yet')

    now = Date.now()
    const other = await newParty(root, 'other')
    await writeFile(identityPaths(ana.data).certificate, await readFile(identityPaths(other.data).certificate, 'utf8'))
    await t.rejects(keeper.look(), { code: 'identity_damaged' })
  },
)
