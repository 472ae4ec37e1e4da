import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { configurationPath } from '../../src/node/config/configuration.ts'
import { guardDirectory } from '../../src/node/files/guard-files.ts'
import { storePath } from '../../src/node/files/open-store.ts'
import { newParty, until } from '../support/node-party.ts'
import { runCommand as run } from '../support/run-command.ts'
import { sharedContract } from '../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

t.test('a backup of a running node, restored after its disk has died', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-backup-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodes = { ana: await openNode({ data: ana.data }), ben: await openNode({ data: ben.data }) }
  t.teardown(async () => {
    await Promise.all([nodes.ana.close(), nodes.ben.close()])
    await rm(root, { recursive: true, force: true })
  })
  const contract = await sharedContract(t, ana, ben, 'kept')
  const at = `/api/Contract/${contract}`
  t.equal((await ana.call('POST', `/new-api/${contract}`, { Remark: 'before' })).status, 201)

  t.equal((await ana.call('POST', '/api/Keys')).status, 202)
  await until('the new key', async () => (await ana.call('GET', '/api/Keys')).body.contracts[0].waitsFor === undefined)
  const backup = join(root, 'backup')
  const made = await run('backup', '--data', ana.data, '--out', backup, '--with-passphrase')
  t.match(made, { status: 0, output: /store\.sqlite/ }, 'while the node runs')
  t.match(made.output, /signing-keys\/000001\.pem/)
  t.notOk(await isThere(join(backup, 'guard')), 'the guard is in no backup')
  t.notOk(await isThere(join(backup, 'read-model.sqlite')), 'nor what follows from the store')
  t.equal((await ana.call('PUT', `/new-api/${contract}`, { Remark: 'after' })).status, 200)
  const before = (await ben.call('GET', at)).body

  const refused = await run('restore', '--from', backup, '--data', ana.data)
  t.match(refused, { status: 1, output: /data_directory_in_use/ }, 'not under a running node')
  await nodes.ana.close()
  const kept = await run('restore', '--from', backup, '--data', ana.data)
  t.match(kept, { status: 1, output: /restore_refused/ }, 'not over a store')

  await t.test('the whole directory is lost, the guard too', async (t) => {
    await rename(ana.data, join(root, 'lost'))
    t.match(await run('restore', '--from', backup, '--data', ana.data), { status: 0 })
    nodes.ana = await openNode({ data: ana.data })
    await until('its own statements', async () => (await ana.call('GET', at)).body.size === before.size)
    t.equal((await ana.call('PUT', `/new-api/${contract}`, { Remark: 'again' })).status, 200)
    t.equal((await ben.call('GET', `/new-api/${contract}`)).body.Remark, 'again')
  })

  await t.test('only the store is lost', async (t) => {
    await nodes.ana.close()
    for (const suffix of ['', '-wal', '-shm']) await rm(`${storePath(ana.data)}${suffix}`, { force: true })
    const guard = await isThere(guardDirectory(ana.data))
    t.ok(guard)
    t.match(await run('restore', '--from', backup, '--data', ana.data), { output: /put into .*: store\.sqlite\n/ })
    nodes.ana = await openNode({ data: ana.data })
    t.equal((await ana.call('PUT', `/new-api/${contract}`, { Remark: 'and again' })).status, 200)
    t.same((await ben.call('GET', `${at}/Evidence`)).body, [], 'nothing was signed twice')
    t.match(await run('audit', 'verify', contract, '--data', ana.data), { output: /Nothing is off/ })
  })

  await t.test('with the events in EventStoreDB a copy of the directory would be no backup', async (t) => {
    const path = configurationPath(ben.data)
    const text = await readFile(path, 'utf8')
    await writeFile(path, JSON.stringify({ ...JSON.parse(text), store: { url: 'esdb://127.0.0.1:1?tls=false' } }))
    const out = join(root, 'refused')
    t.match(await run('backup', '--data', ben.data, '--out', out), { status: 1, output: /backup_refused/ })
    t.notOk(await isThere(out))
    await writeFile(path, text)
  })

  await t.test('what is no backup, not whole, or not for this party', async (t) => {
    const other = join(root, 'other')
    t.match(await run('restore', '--from', root, '--data', other), { status: 1, output: /backup_damaged/ })
    t.match(await run('backup', '--data', ben.data, '--out', backup), { status: 1, output: /backup_exists/ })
    await rm(join(root, 'lost', 'store.sqlite'))
    await rm(join(root, 'lost', 'store.sqlite-wal'), { force: true })
    const nothing = join(root, 'nothing')
    const lost = () => run('backup', '--data', join(root, 'lost'), '--out', nothing)
    t.match(await lost(), { status: 1, output: /\[store_\w+\]/ })
    t.notOk(await isThere(nothing), 'no directory is left that looks like a backup')
    await mkdir(nothing)
    t.match(await lost(), { status: 1 })
    t.same(await readdir(nothing), [], 'one that was there before is as it was')
    const ofBen = join(root, 'of-ben')
    t.match(await run('backup', '--data', ben.data, '--out', ofBen), {
      status: 0,
      output: /passphrase of the keys is not/,
    })
    t.match(await run('restore', '--from', ofBen, '--data', join(root, 'lost')), { output: /restore_refused/ })
    const party = join(backup, 'party.json')
    await writeFile(party, `${await readFile(party, 'utf8')} `)
    t.match(await run('restore', '--from', backup, '--data', other), { status: 1, output: /backup_damaged/ })
    t.notOk(await isThere(join(other, 'concordata.json')))
  })
})
