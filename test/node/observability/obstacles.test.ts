import { cp, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { type ObstacleCode, obstacleKinds } from '../../../src/contracts/obstacles/obstacles.ts'
import { guardDirectory } from '../../../src/node/files/guard-files.ts'
import { storePath } from '../../../src/node/files/open-store.ts'
import { identityPaths } from '../../../src/node/identity/identity-files.ts'
import { Company } from '../../support/company.ts'
import { newParty } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { sharedContract } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

// Each round of looks is five calls of a node, on machines that are busy.
t.setTimeout(600_000)

/** Ana and ben with a contract of the two; ben asks a person before something is removed. */
async function companies(t: Test) {
  const root = await mkdtemp(join(tmpdir(), 'obstacles-'))
  const ask = { answer: 'ask', forSeconds: 600, otherwise: 'refuse', reason: 'nobody was there' }
  const [ana, ben] = [
    new Company(await newParty(root, 'ana')),
    new Company(await newParty(root, 'ben', [{ commands: ['RemoveElement'], ...ask }])),
  ]
  t.teardown(async () => {
    await Promise.all([ana.down(), ben.down()])
    await rm(root, { recursive: true, force: true })
  })
  await Promise.all([ana.up(), ben.up()])
  const contract = await sharedContract(t, ana.party, ben.party, 'of two')
  const at = `/api/Contract/${contract}`
  t.equal((await ana.party.call('POST', `/new-api/${contract}`, { A: '1', B: '2' })).status, 200)
  const names = (t: Test, company: Company, code: ObstacleCode, ...parties: string[]) =>
    company.names(t, contract, code, ...parties)
  const namesNothing = async (t: Test, ...all: Company[]) => {
    for (const company of all) await company.namesNothing(t, contract)
  }
  return { ana, ben, contract, at, names, namesNothing }
}

t.test(
  'what stops a contract of two nodes is named at each, by API, metric and doctor',
  { timeout: 600_000 },
  async (t) => {
    const { ana, ben, contract, at, names, namesNothing } = await companies(t)
    const write = (company: Company, value: string, prefer = 'respond-async') =>
      company.party.call('PUT', `/new-api/${contract}/A`, value, prefer)
    await namesNothing(t, ana, ben)

    await t.test('a key that is lost', { timeout: 300_000 }, async (t) => {
      t.equal((await runCommand('key', 'rotate', '--data', ben.party.data)).status, 0)
      const keys = identityPaths(ben.party.data).signingKeys
      await ben.down()
      const [newest] = (await readdir(keys)).sort().slice(-1) as [string]
      const kept = join(ben.party.data, 'elsewhere.pem')
      await rename(join(keys, newest), kept)
      t.match(
        (await ben.doctor()).find(({ check }) => check === 'key_missing'),
        { level: 'error', finding: new RegExp(contract), advice: /signing-keys/ },
        'doctor says so before the node runs',
      )
      await ben.up()
      await names(t, ben, 'key_missing')
      t.equal((await ben.party.call('GET', at)).body.obstacle, 'key_missing')
      t.equal((await write(ana, 'in vain', 'wait=1')).status, 504)
      await names(t, ana, 'party_silent', 'ben')
      await ben.down()
      await rename(kept, join(keys, newest))
      await ben.up()
      await namesNothing(t, ana, ben)
      t.equal((await write(ana, '2', 'wait=60')).status, 200)
    })

    await t.test('a person who is asked', { timeout: 300_000 }, async (t) => {
      const { body } = await ana.party.call('DELETE', `/new-api/${contract}/B`, undefined, 'respond-async')
      await names(t, ben, 'person_asked', 'ana')
      await names(t, ana, 'party_silent', 'ben')
      await ben.party.call('POST', `${at}/Questions/${body.request}`, { answer: 'acknowledge' })
      await namesNothing(t, ana, ben)
    })

    await t.test('a lock', { timeout: 300_000 }, async (t) => {
      await ana.party.call('POST', `${at}/Lock`, { purpose: 'review' })
      await names(t, ana, 'record_locked', 'ana')
      await names(t, ben, 'record_locked', 'ana')
      await ana.party.call('DELETE', `${at}/Lock`)
      await namesNothing(t, ana, ben)
    })

    await t.test('a party that blocks another', { timeout: 300_000 }, async (t) => {
      await runCommand('party', 'block', 'ana', '--data', ben.party.data)
      await write(ana, '3')
      await names(t, ben, 'party_not_approved', 'ana')
      await names(t, ana, 'party_refuses_calls', 'ben')
      await runCommand('party', 'approve', 'ana', '--fingerprint', ana.party.fingerprint, '--data', ben.party.data)
      await namesNothing(t, ana, ben)
    })

    await t.test(
      'a store that is set back, a party that is down, and a guard that is missing',
      { timeout: 300_000 },
      async (t) => {
        await ben.down()
        const copy = `${storePath(ben.party.data)}.copy`
        await cp(storePath(ben.party.data), copy)
        await ben.up()
        t.equal((await write(ben, '4', 'wait=60')).status, 200)
        await Promise.all([ana.down(), ben.down()])
        for (const file of await readdir(ben.party.data)) {
          if (/^(store|passive|read-model).*sqlite(-wal|-shm)?$/.test(file)) await rm(join(ben.party.data, file))
        }
        await rename(copy, storePath(ben.party.data))
        await ben.up()
        await names(t, ben, 'store_set_back')
        await names(t, ben, 'party_unreachable', 'ana')
        await ana.up()
        await namesNothing(t, ana, ben)
        await Promise.all([ana.down(), ben.down()])
        await rm(guardDirectory(ben.party.data), { recursive: true })
        await ben.up()
        await names(t, ben, 'members_awaited', 'ana')
        await ana.up()
        await namesNothing(t, ana, ben)
        t.equal((await write(ana, '5', 'wait=60')).status, 200)
      },
    )

    await t.test('values that all stores have lost', { timeout: 300_000 }, async (t) => {
      await Promise.all([ana.down(), ben.down()])
      const copy = `${storePath(ana.party.data)}.copy`
      await cp(storePath(ana.party.data), copy)
      for (const { party } of [ana, ben]) {
        const store = new Database(storePath(party.data))
        t.ok(store.prepare('DELETE FROM payloads').run().changes > 0)
        store.close()
        // What was kept of contracts at rest had all of it.
        for (const file of await readdir(party.data)) if (file.startsWith('passive')) await rm(join(party.data, file))
      }
      await Promise.all([ana.up(), ben.up()])
      for (const company of [ana, ben]) {
        await names(t, company, 'values_missing')
        t.equal((await company.party.call('GET', at)).body.obstacle, 'values_missing')
      }
      await ana.down()
      await rename(copy, storePath(ana.party.data))
      for (const kept of ['-wal', '-shm']) await rm(`${storePath(ana.party.data)}${kept}`, { force: true })
      await ana.up()
      await namesNothing(t, ana, ben)
      t.equal((await write(ana, '6', 'wait=60')).status, 200)
      t.equal((await write(ben, '7', 'wait=60')).status, 200)
    })
  },
)

t.test('each kind says what it means and what to do', (t) => {
  for (const [code, { meaning, remedy }] of Object.entries(obstacleKinds)) {
    t.ok(meaning.length > 20 && remedy.length > 10, code)
  }
  t.end()
})
