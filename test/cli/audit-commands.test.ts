import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { storePath } from '../../src/node/files/open-store.ts'
import { decodeRow, encodeRow } from '../../src/store/sqlite/payload-row.ts'
import { newParty } from '../support/node-party.ts'
import { runCommand as run } from '../support/run-command.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test(
  'an auditor is shown what was checked, what is damaged, and where, in a data directory and in a backup',
  async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'concordata-audit-'))
    t.teardown(() => rm(root, { recursive: true, force: true }))
    const ana = await newParty(root, 'ana')
    const node = await openNode({ data: ana.data })
    t.teardown(() => node.close())
    const { contract } = (await ana.call('POST', '/api/Contract', { title: 'audited' })).body
    t.equal((await ana.call('POST', `/new-api/${contract}`, { Country: 'Chile' })).status, 201)
    const backup = join(root, 'backup')
    t.match(await run('backup', '--data', ana.data, '--out', backup), { status: 0 })
    const verify = (data: string, ...more: string[]) => run('audit', 'verify', contract, '--data', data, ...more)

    for (const data of [ana.data, backup]) {
      const sound = await verify(data)
      t.match(sound, { status: 0, output: /\nNothing is off\.\n/ })
      t.match(sound.output, /^statements: .+ {2}ok$/m)
      t.match(sound.output, /^values: .+ {2}ok$/m)
      t.match(sound.output, /^whether the end is there +not checked: only the store of another member/m)
      t.notMatch(sound.output, /^(damage|misconduct):/m)
    }

    const database = new Database(storePath(backup))
    const rows = database.prepare('SELECT id, entries FROM payloads').all() as { id: number; entries: Buffer }[]
    for (const { id, entries } of rows) {
      const respelt = new Map(
        [...decodeRow(entries)].map(([seal, text]) => [seal, text.replace('"value":', '"value": ')]),
      )
      database.prepare('UPDATE payloads SET entries = ? WHERE id = ?').run(encodeRow(respelt), id)
    }
    database.close()

    const damaged = await verify(backup)
    t.equal(damaged.status, 1)
    t.match(damaged.output, /^values: .+ {2}1 finding$/m)
    t.match(
      damaged.output,
      /^damage:\n {2}payload_misspelt: payloads ana\.\d+, seal [0-9a-f]{64}: the text says what was sealed/m,
    )
    t.match(damaged.output, /^The store is damaged where the lines above say\.$/m)
    t.match(damaged.output, /^concordata: payloads ana\.\d+, .+ \[audit_failed\]$/m)
    t.notMatch(damaged.output, /Chile/, 'no value is told')
    const { output } = await verify(backup, '--json')
    const [json, problem] = output.split('\n', 2).map((line) => JSON.parse(line))
    t.match(problem, { code: 'audit_failed' })
    t.match(json, { damage: [{ kind: 'damage', code: 'payload_misspelt' }], misconduct: [] })
  },
)
