import { appendFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { configurationPath, readConfiguration } from '../../src/node/config/configuration.ts'
import { storePath } from '../../src/node/files/open-store.ts'
import { identityPaths } from '../../src/node/identity/identity-files.ts'
import type { CheckFinding } from '../../src/node/maintenance/checks/finding.ts'
import { clockBy } from '../../src/node/maintenance/checks/peers.ts'
import { examine } from '../../src/node/maintenance/doctor.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { newParty } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'
import { addEachOther } from '../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('what an operator asks of a data directory', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-operator-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const [nodeOfAna, nodeOfBen] = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  let closing: Promise<unknown> = Promise.resolve()
  t.teardown(async () => {
    await Promise.all([closing, nodeOfAna.close()])
    await rm(root, { recursive: true, force: true })
  })
  await addEachOther(ana, ben)

  const doctor = async () => {
    const { status, output } = await runCommand('doctor', '--data', ana.data, '--json')
    const findings = JSON.parse(output) as CheckFinding[]
    return { status, of: (check: string) => findings.find((finding) => finding.check === check) }
  }

  await t.test('configuration', async (t) => {
    t.match(await runCommand('config', 'check', '--data', ana.data), { status: 0, output: /is valid/ })
    const shown = await runCommand('config', 'show', '--data', ana.data)
    t.match(JSON.parse(shown.output), { handle: 'ana', endpoint: ana.endpoint, api: ana.api })
    t.notMatch(shown.output, new RegExp(ana.token), 'no secrets')
  })

  await t.test('parties', async (t) => {
    t.match(await runCommand('party', 'show', 'ben', '--data', ana.data), {
      output: new RegExp(`approved[^]*${ben.fingerprint}`),
    })
    t.match(await runCommand('party', 'show', 'nobody', '--data', ana.data), { status: 1, output: /party_unknown/ })
  })

  await t.test('all is well, but that the recovery key lies where it was made', async (t) => {
    const { status, of } = await doctor()
    t.equal(status, 0)
    for (const check of ['keys', 'certificate', 'store', 'read model', 'guard', 'node', 'peer ben', 'clock']) {
      t.match(of(check), { level: 'ok' }, check)
    }
    t.match(of('recovery key'), { level: 'warning', advice: /off the machine/ })
    t.match(await runCommand('doctor', '--data', ana.data), { output: /recovery key: move/ })
  })

  await t.test('a clock that is not that of the others', async (t) => {
    t.match(clockBy([-400, 61_000, 62_000]), { level: 'warning', finding: '61 s behind 3 peers', advice: /NTP/ })
    t.match(clockBy([-61_000]), { level: 'warning', finding: '61 s ahead of 1 peer' })
    t.match(clockBy([400, 300, 3_600_000]), { level: 'ok' }, 'one whose clock is wrong says nothing of ours')
    t.match(clockBy([]), { level: 'ok', finding: /nobody/ })
    const [configuration, environment] = [await readConfiguration(ana.data, { logLevel: 'silent' }), {}] as const
    const slow = { ...systemClock, now: () => systemClock.now() - 90_000 }
    const findings = await examine(configuration, { ...environment, logLevel: 'silent' }, slow)
    t.match(
      findings.find(({ check }) => check === 'clock'),
      { level: 'warning', finding: /^(89|90|91) s behind 1 peer$/ },
    )
  })

  await t.test('a peer that is down, a recovery key that is elsewhere', async (t) => {
    closing = nodeOfBen.close()
    await closing
    await rename(identityPaths(ana.data).recoveryKey, join(root, 'in a safe'))
    const { status, of } = await doctor()
    t.equal(status, 0)
    t.match(of('peer ben'), { level: 'warning', finding: /peer_unreachable/ })
    t.match(of('recovery key'), { level: 'ok' })
  })

  await t.test('a party that was blocked is not called', async (t) => {
    t.match(await runCommand('party', 'block', 'ben', '--reason', 'unpaid', '--data', ana.data), { status: 0 })
    t.equal((await doctor()).of('peer ben'), undefined)
  })

  await t.test('a store that is damaged, keys that do not open', async (t) => {
    await nodeOfAna.close()
    t.match((await doctor()).of('node'), { level: 'warning', finding: /does not answer/ })
    for (const suffix of ['-wal', '-shm']) await rm(`${storePath(ana.data)}${suffix}`, { force: true })
    await rename(storePath(ana.data), join(root, 'store.sqlite'))
    await appendFile(storePath(ana.data), 'this is no database, and longer than the header of one '.repeat(40))
    await rename(identityPaths(ana.data).passphrase, join(root, 'passphrase'))
    const { status, of } = await doctor()
    t.equal(status, 1)
    t.match(of('store'), { level: 'error', finding: /store_incompatible/, advice: /backup/ })
    t.match(of('keys'), { level: 'error', finding: /key_file_unreadable/ })
  })

  await t.test('a configuration that is not valid', async (t) => {
    await appendFile(configurationPath(ana.data), '}')
    t.match(await runCommand('config', 'check', '--data', ana.data), { status: 1, output: /configuration_invalid/ })
  })
})
