import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import { openTogether } from '../../src/cli/demo/opening.ts'
import { addParty } from '../../src/cli/party/approve.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle, ProposalId, Uid } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { fetchIntroduction } from '../../src/node/directory/discovery.ts'
import { storePath } from '../../src/node/files/open-store.ts'
import { readModelPath } from '../../src/node/files/read-model.ts'
import type { ExportManifest } from '../../src/projections/export/export.ts'
import { refOf } from '../../src/store/payload-group.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { until } from '../support/node-party.ts'
import { PartyProcesses } from '../support/party-processes.ts'
import { compactBytes, dumpReadModel } from '../support/read-model-dump.ts'
import { runCommand as run } from '../support/run-command.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('the read model of real nodes that are killed, and what is made of it', { timeout: 300_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-rebuild-'))
  const parties: PartyProcesses[] = []
  t.teardown(async () => {
    await Promise.all(parties.map((party) => party.stop()))
    await rm(root, { recursive: true, force: true })
  })
  for (const handle of ['ana', 'ben'] as Handle[]) {
    parties.push(await PartyProcesses.start(join(root, handle), handle, 'node'))
  }
  const [ana, ben] = parties as [PartyProcesses, PartyProcesses]
  for (const [one, other] of [
    [ana, ben],
    [ben, ana],
  ] as const) {
    const { introduction } = await fetchIntroduction(other.endpoint, 10_000)
    await addParty(one.dir, other.endpoint, partyFingerprint(introduction.card))
  }
  const title = '=HYPERLINK("http://evil.example";"slip")'
  const contract = (await openTogether(title, parties, () => undefined)) as Uid
  const at = `/new-api/${contract}`
  const structure = { Remark: { $field: { type: 'text' } }, '-2+3': { $field: { type: 'decimal' } } }
  await ana.client.call('POST', at, structure, { prefer: 'wait=30' })

  // Somebody writes all the time, and the node is killed in the middle of whatever it does.
  let isOver = false
  const writing = (async () => {
    for (let n = 0; !isOver; n++) {
      await ben.client.call('PUT', at, { Remark: `secret ${n}` }, { prefer: 'wait=1' }).catch(() => undefined)
    }
  })()
  for (let kills = 0; kills < 4; kills++) {
    const before = await sizeAt(ben, contract)
    await until('more is settled', async () => (await sizeAt(ben, contract)) > before + 3)
    await ana.kill(0)
    await ana.startAgain(0)
  }
  isOver = true
  await writing
  await ben.client.call('PUT', at, { Remark: 'the last', '-2+3': '-12.50' }, { prefer: 'wait=30' })
  await until('both have all', async () => (await sizeAt(ana, contract)) === (await sizeAt(ben, contract)))

  const exportTo = async (name: string, ...options: string[]) => {
    const out = join(root, name)
    const { status, output } = await run('rebuild', '--data', ana.dir, '--out', out, ...options)
    return { status, output, out }
  }

  await t.test('while the node runs it can be exported, not rebuilt', async (t) => {
    t.match(await run('rebuild', '--data', ana.dir), { status: 1, output: /data_directory_in_use/ })
    t.match(await run('rebuild', '--data', ana.dir, '--contract', contract), { output: /data_directory_in_use/ })
    t.match(await exportTo('running'), { status: 0, output: new RegExp(`${contract}: \\d+ entries`) })
  })

  await ana.stop()
  const path = readModelPath(ana.dir)
  const live = dumpReadModel(path)

  await t.test('rebuilt it is what it was, byte for byte', async (t) => {
    const bytes = compactBytes(path, join(root, 'live'))
    const rebuilt = await run('rebuild', '--data', ana.dir)
    t.match(rebuilt, { status: 0, output: /\d+ ledger entries of \d+ events/ })
    t.match(rebuilt.output, /^100 %$/m, 'with progress')
    t.same(dumpReadModel(path), live)
    t.ok(bytes.equals(compactBytes(path, join(root, 'rebuilt'))))
    t.match(await run('rebuild', '--data', ana.dir, '--contract', contract), { status: 0 })
    t.same(dumpReadModel(path), live)
    t.same(
      (await readdir(ana.dir)).filter((name) => /rebuilding|^\./.test(name)),
      [],
      'and leaves nothing behind',
    )
  })

  await t.test('the export has every entity, with values, as JSON lines and CSV', async (t) => {
    const { out } = await exportTo('export')
    const manifest = JSON.parse(await readFile(join(out, 'export.json'), 'utf8')) as ExportManifest
    for (const [name, { rows, bytes, sha256 }] of Object.entries(manifest.files)) {
      const text = await readFile(join(out, name))
      t.equal(createHash('sha256').update(text).digest('hex'), sha256, name)
      t.equal(text.length, bytes, name)
      if (name.endsWith('.jsonl')) t.equal((await linesOf(out, name)).length, rows, name)
    }
    t.same((await readdir(out)).sort(), [...Object.keys(manifest.files), 'export.json'].sort())
    const { size, root: tree, record } = (await contractAt(ben, contract)) as ExportManifest['contracts'][Uid]
    t.same(manifest.contracts[contract], { size, root: tree, record }, 'the head that the members have signed')

    const proposals = await linesOf(out, 'Proposal.jsonl')
    const standing = proposals.filter(({ ended_at }) => ended_at === null)
    t.same(standing.map(({ value, isHeld }) => [value, isHeld]).sort(), [
      ['-12.50', true],
      ['the last', true],
    ])
    t.ok((await linesOf(out, 'Request.jsonl')).every(({ tier }) => tier === 3 || tier === 4))
    t.match(await linesOf(out, 'Contract.jsonl'), [{ uid: contract, title }], 'exactly')
    const csv = await readFile(join(out, 'Contract.csv'), 'utf8')
    t.match(csv, /,"'=HYPERLINK\(""http:\/\/evil\.example"";""slip""\)",/, 'no formula in a spreadsheet')
    t.match(await readFile(join(out, 'Element.csv'), 'utf8'), /,'-2\+3,/)
    const again = await exportTo('export')
    t.match(again, { status: 1, output: /export_exists/ })
  })

  await t.test('at an entry, and at a time', async (t) => {
    const { out } = await exportTo('all')
    const requests = await linesOf(out, 'Request.jsonl')
    const middle = requests[Math.floor(requests.length / 2)] as { ledger_index: number; time: string }
    const index = middle.ledger_index
    const then = await exportTo('then', '--contract', contract, '--at', String(index))
    t.equal(then.status, 0)
    t.same(withoutTier(await linesOf(then.out, 'Request.jsonl')), withoutTier(requests.slice(0, index + 1)))
    const elements = await linesOf(out, 'Element.jsonl')
    t.ok(elements.length >= (await linesOf(then.out, 'Element.jsonl')).length)

    const inTime = await exportTo('in time', '--at', middle.time)
    const cut = requests.findIndex(({ time }) => (time as string) > middle.time)
    t.same(
      withoutTier(await linesOf(inTime.out, 'Request.jsonl')),
      withoutTier(requests.slice(0, cut < 0 ? undefined : cut)),
    )
    const before = await exportTo('before all', '--at', '2020-01-01')
    t.match(await linesOf(before.out, 'Contract.jsonl'), [{ uid: contract, title: null, size: 0 }])
  })

  await t.test('what does not go together is refused, and nothing is written', async (t) => {
    const names = await readdir(root)
    const refused = async (code: string, ...options: string[]) =>
      t.match(
        await run('rebuild', '--data', ana.dir, ...options),
        { status: 1, output: new RegExp(code) },
        options.join(' '),
      )
    await refused('rebuild_unfit', '--at', '3')
    await refused('rebuild_unfit', '--at', '3', '--out', join(root, 'x'))
    await refused('rebuild_unfit', '--at', 'yesterday', '--out', join(root, 'x'))
    await refused('rebuild_unfit', '--at', '2026-13-45', '--out', join(root, 'x'))
    await refused('rebuild_unfit', '--at', '999999', '--contract', contract, '--out', join(root, 'x'))
    await refused('no_such_contract', '--contract', 'nonsense')
    await refused('no_such_contract', '--contract', contract.replaceAll(/./g, '0'))
    await refused('no_such_contract', '--contract', contract.replaceAll(/./g, '0'), '--out', join(root, 'x'))
    t.same(await readdir(root), names)
    t.same(dumpReadModel(path), live)
  })

  await t.test('what was erased is nowhere any more', async (t) => {
    const { out } = await exportTo('with values')
    const erased = (await linesOf(out, 'Proposal.jsonl')).filter(({ value }) => String(value).startsWith('secret'))
    t.ok(erased.length > 0)
    const store = await openSqliteStore(storePath(ana.dir))
    await store.payloads.erase(
      contract,
      erased.map(({ name, seal }) => refOf({ id: name as ProposalId, seal: seal as Hash })),
    )
    await store.close()
    t.match(await run('rebuild', '--data', ana.dir), { status: 0 })
    const after = await exportTo('without values')
    const gone = (await linesOf(after.out, 'Proposal.jsonl')).filter(({ seal }) =>
      erased.some((one) => one.seal === seal),
    )
    t.equal(gone.length, erased.length, 'the proposals are still there')
    t.ok(gone.every(({ value, isHeld }) => value === null && isHeld === false))
    for (const file of [path, ...(await readdir(after.out)).map((name) => join(after.out, name))]) {
      t.notMatch(await readFile(file, 'latin1'), /secret \d/, basename(file))
    }
  })

  await t.test('a read model that is damaged, or lost, is made anew', async (t) => {
    await writeFile(path, 'nonsense '.repeat(1000))
    t.match(await run('rebuild', '--data', ana.dir, '--contract', contract), { output: /read_model_missing/ })
    t.match(await run('rebuild', '--data', ana.dir), { status: 0 })
    t.same(dumpReadModel(path), live)
  })
})

type Row = Record<string, unknown>

async function linesOf(out: string, name: string): Promise<Row[]> {
  const lines = (await readFile(join(out, name), 'utf8')).split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Row)
}

/** Who has cosigned what depends on when it is asked for. */
function withoutTier(rows: readonly Row[]): Row[] {
  return rows.map(({ tier: _, ...row }) => row)
}

async function contractAt({ client }: PartyProcesses, contract: Uid): Promise<unknown> {
  return client.call('GET', `/api/Contract/${contract}`)
}

async function sizeAt(party: PartyProcesses, contract: Uid): Promise<number> {
  return ((await contractAt(party, contract)) as { size: number }).size
}
