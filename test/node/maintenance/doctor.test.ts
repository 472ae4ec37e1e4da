import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../../src/cli/demo/free-port.ts'
import { addParty } from '../../../src/cli/party/approve.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { openNode } from '../../../src/index.ts'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { createIdentity } from '../../../src/node/identity/create-identity.ts'
import { identityPaths } from '../../../src/node/identity/identity-files.ts'
import { type Examined, examine } from '../../../src/node/maintenance/doctor.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { configure, newParty } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { addEachOther } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

// Identities and looks take seconds on a machine that is busy.
t.setTimeout(240_000)

/** A data directory of a party whose processes are apart; none of them runs. */
async function splitParty(t: Test) {
  // The name of a socket must be short.
  const root = await mkdtemp(join(tmpdir(), 'doctor-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const ana = await newParty(root, 'ana')
  const transmit = `http://127.0.0.1:${await freePort()}`
  await configure(ana, { signer: { socket: 'signer.sock' }, status: { transmit } })
  const environment = readEnvironment({ CONCORDATA_LOG_LEVEL: 'silent' })
  const look = async (whose?: Examined) => {
    const findings = await examine(await readConfiguration(ana.data, environment), environment, systemClock, whose)
    return {
      checks: findings.map(({ check }) => check),
      of: (name: string) => findings.find((one) => one.check === name),
    }
  }
  return { dir: ana.data, transmit, look }
}

t.test('of each process that is looked at which it needs', async (t) => {
  const { dir, transmit, look } = await splitParty(t)
  t.same((await look('signer')).checks, ['keys', 'recovery key', 'guard', 'disk'])
  t.same((await look('serve')).checks, ['reach', 'recovery key', 'store', 'read model', 'disk', 'serve'])
  for (const role of ['transmit', 'receive'] as const) {
    t.same((await look(role)).checks, ['keys', 'certificate', 'recovery key', 'store', 'disk', role])
  }
  t.match((await look('transmit')).of('transmit'), { level: 'warning', finding: `does not answer at ${transmit}` })
  t.match((await look('receive')).of('receive'), { level: 'ok', finding: /names no address/ })
  t.match((await look('signer')).of('keys'), { level: 'error', advice: /start `concordata signer`/ })
  t.match((await look('signer')).of('guard'), { level: 'warning' })
  t.match((await look()).of('guard'), { level: 'ok', finding: 'is with the signer' })
  t.match(await runCommand('doctor', '--data', dir, '--role', 'notary'), { status: 2, output: /notary/ })
})

t.test('a serve that could sign is told, wherever that lies', async (t) => {
  const { dir, look } = await splitParty(t)
  const paths = identityPaths(dir)
  const reach = async () => (await look('serve')).of('reach')
  t.match(await reach(), {
    level: 'warning',
    finding: /signing-key\.pem.*tls-key\.pem/,
    advice: /a user and a directory/,
  })
  for (const path of [paths.signingKey, paths.tlsKey, paths.passphrase]) await rm(path)
  t.match(await reach(), { level: 'ok' })
  const signer = createServer()
  await new Promise<void>((resolve) => signer.listen(join(dir, 'signer.sock'), resolve))
  t.match(await reach(), { level: 'warning', finding: /signer\.sock/ })
  await new Promise((resolve) => signer.close(resolve))
  t.match(await reach(), { level: 'ok' })
})

t.test('a peer that shows another certificate: of the keys that were approved, or not', async (t) => {
  const root = t.testdir()
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const environment = readEnvironment({ CONCORDATA_LOG_LEVEL: 'silent' })
  const look = async () =>
    (await examine(await readConfiguration(ana.data, environment), environment, systemClock)).find(
      ({ check }) => check === 'peer ben',
    )
  const own = await openNode({ data: ana.data })
  let node = await openNode({ data: ben.data })
  t.teardown(() => node.close())
  await addEachOther(ana, ben)
  await own.close()
  t.match(await look(), { level: 'ok' })

  await node.close()
  await runCommand('certificate', 'renew', '--data', ben.data)
  node = await openNode({ data: ben.data })
  t.match(await look(), { level: 'warning', finding: /new certificate/, advice: /next call/ })

  await node.close()
  await rm(ben.data, { recursive: true })
  await createIdentity(
    ben.data,
    { handle: 'ben' as Handle, name: 'ben', endpoint: ben.endpoint, api: ben.api },
    systemClock,
  )
  node = await openNode({ data: ben.data })
  t.match(await look(), { level: 'error', finding: /another certificate/, advice: /by telephone/ })
})

t.test('a peer that has not approved this party, or has blocked it', async (t) => {
  const root = t.testdir()
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodes = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(() => Promise.all(nodes.map((node) => node.close())))
  await addParty(ana.data, ben.endpoint, ben.fingerprint)
  const look = async () => JSON.parse((await runCommand('doctor', '--data', ana.data, '--json')).output)
  const ofBen = (findings: { check: string }[]) => findings.find(({ check }) => check === 'peer ben')
  t.match(ofBen(await look()), { level: 'error', finding: /turns this node away/, advice: /party add.*party approve/ })
  await addParty(ben.data, ana.endpoint, ana.fingerprint)
  t.match(ofBen(await look()), { level: 'ok', finding: /takes calls/ })
  await runCommand('party', 'block', 'ana', '--data', ben.data)
  t.match(ofBen(await look()), { level: 'error', finding: /has blocked it/ })
})

t.test('a peer that does not know the certificate of this node yet has not blocked it', async (t) => {
  const root = t.testdir()
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  let [own, node] = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(() => Promise.all([own.close(), node.close()]))
  await addEachOther(ana, ben)
  const look = async () => {
    const findings = JSON.parse((await runCommand('doctor', '--data', ana.data, '--json')).output)
    return findings.find(({ check }: { check: string }) => check === 'peer ben')
  }
  t.match(await look(), { level: 'ok' })
  await runCommand('certificate', 'renew', '--data', ana.data)
  t.match(await look(), { level: 'warning', finding: /not been told of the certificate/, advice: /within a minute/ })

  await node.close()
  await own.close()
  own = await openNode({ data: ana.data })
  await own.close()
  node = await openNode({ data: ben.data })
  t.match(await look(), { level: 'ok', finding: /takes calls/ }, 'who calls says who it is')
  await runCommand('party', 'block', 'ana', '--data', ben.data)
  t.match(await look(), { level: 'error', finding: /has blocked it/ })
})

t.test('a certificate that nobody has renewed', async (t) => {
  const ana = await newParty(t.testdir(), 'ana')
  const environment = readEnvironment({ CONCORDATA_LOG_LEVEL: 'silent' })
  const late = { ...systemClock, now: () => systemClock.now() + 720 * 24 * 60 * 60 * 1000 }
  const findings = await examine(await readConfiguration(ana.data, environment), environment, late)
  const found = findings.find(({ check }) => check === 'certificate')
  t.match(found, { level: 'warning', advice: /renewed itself.*`concordata certificate renew`/ })
})
