import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { startNode } from '../../src/node/node.ts'
import { newParty, until } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'

const environment = readEnvironment({ CONCORDATA_LOG_LEVEL: 'silent' })

t.test('a document is written, read, looked back at and compared by hand', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-document-'))
  const ana = await newParty(root, 'ana')
  const node = await startNode(await readConfiguration(ana.data, environment), environment, pino({ level: 'silent' }))
  t.teardown(async () => {
    await node.close()
    await rm(root, { recursive: true, force: true })
  })
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'car hire' })).body
  const types = { Rate: { $field: { type: 'decimal' } }, Excess: { $field: { type: 'money' } }, Note: 'as\nagreed' }
  const seasons = {
    $list: { entriesMax: 4, entry: { From: { $field: { type: 'date' } }, Rate: { $field: { type: 'decimal' } } } },
  }
  const brokerage = { $block: { owner: 'ana', audience: ['ana'] }, Share: { $field: { type: 'decimal' } } }
  const written = { 'Terms of hire': types, Seasons: seasons, Brokerage: brokerage }
  t.match(await ana.call('POST', `/new-api/${contract}`, written), { status: 200 })
  const run = (...args: string[]) => runCommand(...args, '--data', ana.data)
  const field = (name: string, ...args: string[]) => run('field', name, contract, ...args)

  await t.test('field set, get and empty', async (t) => {
    t.match(await field('set', 'Terms of hire/Rate', '1.10'), {
      status: 0,
      output: /^Agreed, as entry \d+ of the ledger\.\n$/,
    })
    t.same(await field('get', 'Terms of hire/Rate'), { status: 0, output: '1.10\n' })
    t.same(await field('get', 'Terms of hire/Note'), { status: 0, output: 'as\nagreed\n' })
    t.match(await field('set', 'Terms of hire/Rate', '1.10'), { output: 'That is what stands there already.' })
    t.match(await field('set', 'Terms of hire/Excess', 'GBP 500.00'), { status: 0 })
    t.same(await field('get', 'Terms of hire/Excess', '--json'), {
      status: 0,
      output: '{"amount":"500.00","currency":"GBP"}\n',
    })
    const seasonal = '[{"From": "2027-01-01", "Rate": 1.25}, {"From": "2027-06-01", "Rate": 1.5}]'
    t.match(await field('set', 'Seasons', seasonal, '--json'), { status: 0 })
    t.match(await field('set', 'Brokerage/Share', '0.1'), { status: 0 })
    t.match(await field('set', 'Terms of hire/Rate', '2', '--dry-run'), { status: 0, output: /"dryRun": true/ })
    t.same(await field('get', 'Terms of hire/Rate'), { status: 0, output: '1.10\n' }, 'it is as it was')
    t.match(await field('set', 'Terms of hire/Rate', 'much'), {
      status: 1,
      output: /\[value_wrong_type\]\n {2}path: .*\n {2}expected: decimal, as 12\.50\n$/,
    })
    t.match(await field('set', 'Terms of hire/Nothing', '1'), {
      status: 1,
      output: /: --add adds a field to a block that is there \[no_such_path\]\n$/,
    })
    t.match(await field('set', 'Terms of hire/Remark', 'new', '--add'), { status: 0, output: /^Agreed/ })
    t.same(await field('get', 'Terms of hire/Remark'), { status: 0, output: 'new\n' })
    t.match(await ana.call('DELETE', `/new-api/${contract}/Terms of hire/Remark`), { status: 200 })
  })

  await t.test('contract print', async (t) => {
    const { output } = await run('contract', 'print', contract)
    t.equal(
      output,
      [
        contract,
        '  Terms of hire',
        '    Rate: 1.10',
        '    Excess: GBP 500.00',
        '    Note: as',
        '      agreed',
        '  Seasons',
        '    1',
        '      From: 2027-01-01',
        '      Rate: 1.25',
        '    2',
        '      From: 2027-06-01',
        '      Rate: 1.5',
        '  Brokerage (of ana; for ana)',
        '    Share: 0.1',
        '',
      ].join('\n'),
    )
    t.match(await run('contract', 'print', contract, 'Terms of hire'), { output: /^Terms of hire\n {2}Rate: 1\.10\n/ })
  })

  await t.test('contract history and diff, and the past', async (t) => {
    const before = (await ana.call('GET', `/api/Contract/${contract}`)).body.size - 1
    t.match(await field('empty', 'Terms of hire/Rate'), { status: 0 })
    t.match(await field('get', 'Terms of hire/Rate'), { status: 1, output: /no_agreed_value/ })
    t.same(await field('get', 'Terms of hire/Rate', '--at', String(before)), { status: 0, output: '1.10\n' })
    // The read model is a moment behind.
    await until('the history to have it', async () => {
      const { output } = await run('contract', 'history', contract, 'Terms of hire/Rate')
      return /Terms of hire\/Rate {2}ana {2}1\.10 .*emptied at/.test(output)
    })
    t.match(await run('contract', 'history', contract, '--limit', '1'), { output: /Older ones: --before \d+/ })
    const differs = await run('contract', 'diff', contract, String(before), String(before + 1))
    t.match(differs, { status: 0, output: /value {2}Terms of hire\/Rate {2}1\.10 {2}–/ })
    t.match(await run('contract', 'diff', contract, '0', '9999'), { status: 1, output: /no_such_entry/ })
    t.match(await run('contract', 'votes', contract), { status: 0 })
  })

  await t.test('request show, follow and withdraw', async (t) => {
    const { request } = (await ana.call('PUT', `/new-api/${contract}/Terms of hire/Rate`, 3)).body
    t.match(await run('request', 'show', contract, request), {
      status: 0,
      output: /state {4}settled[\s\S]*outcome {2}accepted/,
    })
    t.match(await run('request', 'follow', contract, request), { status: 0, output: /^settled; entry \d+; accepted/ })
    t.match(await run('request', 'withdraw', contract, request), { status: 1, output: /not_withdrawable/ })
    t.match(await run('request', 'show', contract, 'ana.99.0'), { status: 1, output: /no_such_request/ })
  })

  await t.test('contract requests and lock, and JSON of what is a table', async (t) => {
    const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).output)
    t.match(await run('contract', 'requests', contract, '--limit', '1'), {
      status: 0,
      output: /^request {2,}by .*\n.*\nana\.\d+\.0 .* accepted {2,}\d+[\s\S]*Older ones: --before \d+/,
    })
    t.match(await json('contract', 'requests', contract, '--state', 'accepted', '--limit', '2'), {
      requests: [{ state: 'accepted' }, { by: 'ana' }],
    })
    t.same(await run('contract', 'lock', contract), { status: 0, output: 'Nobody has the lock.\n' })
    t.match(await run('contract', 'lock', contract, 'review', '--about', 'before the audit'), { output: 'Locked.' })
    t.match(await run('contract', 'lock', contract), { output: /holder {7}ana\n[\s\S]*about {8}before the audit/ })
    t.match(await json('contract', 'lock', contract), { locked: true, purpose: 'review' })
    t.match(await run('contract', 'release', contract), { status: 0 })
    t.match(await json('contract', 'list'), [{ contract, title: 'car hire' }])
    t.same(await json('contract', 'types', contract), [])
    t.match(await json('key', 'show'), { contracts: [{ contract }] })
    t.same(await json('api-key', 'list'), [])
  })

  await t.test('types', async (t) => {
    const { output } = await run('types', contract)
    t.match(output, /^import type \{ Decimal, Money, Sealed \} from 'concordata'\n\nexport interface CarHire \{\n/)
    t.match(output, /readonly Share: Decimal \| null \| Sealed/)
    t.match(await run('types', contract, '--name', 'x y'), { status: 2 })
  })

  await t.test('table get and put', async (t) => {
    const table = (name: string, ...args: string[]) => run('table', name, contract, ...args)
    const [csv, workbook] = [join(root, 'table.csv'), join(root, 'table.XLSX')]
    await writeFile(csv, 'From;Rate\n2028-01-01;1.75\n')
    t.match(await table('put', 'Seasons', csv, '--dry-run'), { status: 0, output: /"outcome": "accepted"/ })
    t.match(await table('put', 'Seasons', csv), { status: 0, output: /^Agreed/ })
    t.match(await table('put', 'Seasons', csv, '--add', '--split'), { status: 0, output: /^Agreed/ })
    t.match(await table('get', 'Seasons', workbook), { status: 0, output: /^\d+ bytes are in / })
    t.match(await table('put', 'Seasons', workbook), { status: 0, output: 'That is what stands there already.' })
    t.match(await table('get', 'Seasons', csv), { status: 0 })
    t.equal(await readFile(csv, 'utf8'), 'From,Rate\r\n2028-01-01,1.75\r\n2028-01-01,1.75\r\n')

    const formula = '=HYPERLINK("http://x", 1)'
    t.match(await field('set', 'Terms of hire/Note', formula), { status: 0 })
    for (const file of [csv, workbook]) {
      t.match(await table('get', '', file), { status: 0 })
      t.match(await table('put', '', file), { status: 0, output: 'That is what stands there already.' }, file)
    }
    t.match(await readFile(csv, 'utf8'), `"'=HYPERLINK(""http://x"", 1)"`)
    t.same(await field('get', 'Terms of hire/Note'), { status: 0, output: `${formula}\n` })

    await writeFile(csv, 'path,value\r\nTerms of hire/Rate,much\r\n')
    t.match(await table('put', '', csv), { status: 1, output: /value_wrong_type|value_unreadable/ })
    t.match(await table('get', '', join(root, 'table.txt')), { status: 1, output: /request_malformed/ })
    t.match(await table('put', '', join(root, 'none.csv')), { status: 1, output: /file_unavailable/ })
  })
})
