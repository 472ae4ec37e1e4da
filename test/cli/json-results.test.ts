import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { configure, newParty, until } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('with --json what a command has come to is one line of JSON', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-json-'))
  const ana = await newParty(root, 'ana')
  const ben = await newParty(root, 'ben')
  const receiver = 'https://127.0.0.1:9'
  await configure(ana, { webhooks: { receivers: [receiver], networks: ['127.0.0.1'] } })
  const nodes = await Promise.all([ana, ben].map(({ data }) => openNode({ data })))
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const line = async (...words: string[]) => {
    const { status, output } = await runCommand(...words, '--json')
    t.match([status, output], [0, /^[^\n]+\n$/], words.join(' '))
    return JSON.parse(output)
  }
  const run = (...words: string[]) => line(...words, '--data', ana.data)
  const bens = (...words: string[]) => line(...words, '--data', ben.data)
  const { contract } = await run('contract', 'open', 'car hire')
  const on = (first: string, second: string, ...words: string[]) => run(first, second, contract, ...words)
  const [file, other, out] = [join(root, 'scan.txt'), join(root, 'changes.json'), join(root, 'out')]
  await writeFile(file, 'sound')
  await ana.call('POST', `/new-api/${contract}`, {
    Terms: { Rate: { $field: { type: 'decimal' } } },
    Fees: { $block: { owner: 'ana' }, Share: { $field: { type: 'decimal' } } },
    Scan: { $field: { type: 'attachment' } },
    Seasons: { $list: { entriesMax: 4, entry: { Rate: { $field: { type: 'decimal' } } } } },
  })

  await t.test('of values, lists, files and change sets', async (t) => {
    t.match(await on('field', 'set', 'Terms/Rate', '1.5'), { index: Number, request: String })
    t.equal(await on('field', 'get', 'Terms/Rate'), '1.5')
    t.match(await on('field', 'empty', 'Terms/Rate', '--dry-run'), { dryRun: true })
    t.match(await on('field', 'empty', 'Terms/Rate'), { index: Number, request: String })
    t.match(await on('contract', 'print'), { Terms: { Rate: null } })
    const seasons = join(root, 'seasons.csv')
    t.match(await on('table', 'get', 'Seasons', seasons), { file: seasons, bytes: Number })
    await writeFile(seasons, 'Rate\n1.75\n')
    t.match(await on('table', 'put', 'Seasons', seasons), { index: Number })
    t.match(await on('attachment', 'bring', file), { $file: String })
    t.match(await on('attachment', 'add', 'Scan', file), { index: Number })
    t.match(await on('attachment', 'get', 'Scan', out), { file: out, bytes: 5 })
    await until('the read model', async () => {
      return (await runCommand('attachment', 'evidence', contract, 'Scan', '--data', ana.data)).status === 0
    })
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`Note ${n}`, `${n}`]))
    const { index } = (await ana.call('POST', `/new-api/${contract}`, { Notes: many })).body
    const notes = `/new-api/${contract}/Notes/~evidence?limit=1`
    await until('the notes', async () => (await ana.call('GET', notes)).body.values[0]?.index === index)
    t.equal((await ana.call('PUT', `/new-api/${contract}/Notes/Note%200`, null)).status, 200)
    await until(
      'it to be empty',
      async () => (await ana.call('GET', notes.replace('Notes', 'Notes/Note%200'))).body.values.length === 0,
    )
    t.match(
      (await ana.call('GET', notes)).body,
      { values: [{ at: 'Notes/Note%20200' }] },
      'what stands alone is counted',
    )
    const { values } = await on('attachment', 'evidence', '')
    t.match(values, [{ at: 'Scan' }], 'on whichever page, and nothing else')
    t.equal(values.length, 1)
    await writeFile(other, JSON.stringify([{ at: 'Terms', set: { Rate: 2 } }]))
    const { request } = await on('change-set', 'propose', other)
    t.match(await on('request', 'show', request), { request, state: /settled|cosigned/ })
    t.match(await on('request', 'follow', request), { request, state: /settled|cosigned/ })
    t.match(await on('change-set', 'list'), { ended: [{ request }] })
    t.match(await on('value', 'proposals'), [])
  })

  await t.test('of elements, types and erasures', async (t) => {
    t.equal((await ana.call('POST', `/new-api/${contract}`, { Extras: { A: 'a', B: 'b', C: 'c' } })).status, 201)
    t.match(await on('element', 'rename', 'Extras/A', 'Z', '--dry-run'), { dryRun: true, outcome: 'accepted' })
    t.match(await on('element', 'rename', 'Extras/A', 'Z'), { index: Number })
    t.match(await on('element', 'rename', 'Extras/Z', 'Z'), { unchanged: true })
    t.match(await on('element', 'remove', 'Extras/C'), { index: Number })
    t.match(await on('element', 'arrange', 'Extras', 'B', 'Z'), { index: Number })
    t.equal(JSON.stringify(await on('field', 'get', 'Extras')), '{"B":"b","Z":"a"}')
    t.match(await on('element', 'grant', 'Fees', 'everybody', '--dry-run'), { dryRun: true, outcome: 'accepted' })
    t.match(await on('contract', 'define-type', 'Share', 'decimal', '--constraint', '{"minimum":"0"}'), {
      index: Number,
    })
    t.match(await on('contract', 'types'), [{ name: 'Share', base: 'decimal', constraint: { minimum: '0' } }])
    t.match(await on('erasure', 'propose', 'Extras/B', '--dry-run'), { dryRun: true })
    t.match(await on('erasure', 'propose', 'Extras/B', 'Extras/Z'), {
      vote: { state: 'agreed', changes: { erased: 2 } },
    })
    t.match(await on('erasure', 'list'), { open: [], erased: 2, newest: Number })
  })

  await t.test('of rules, audiences, the lock and what a contract is', async (t) => {
    const says = JSON.stringify({ kind: 'constraint', condition: 'Rate <= 2' })
    t.match(await on('rule', 'add-set', 'Terms'), { index: Number })
    t.match(await on('rule', 'draft', 'Terms', says, '--set', '1'), { index: Number })
    t.match(await on('rule', 'edit', '1', says.replace('2', '3'), '--set', '1'), { index: Number })
    t.match(await on('rule', 'publish', '1'), { index: Number })
    t.match(await on('rule', 'reopen'), { index: Number })
    t.match(await on('rule', 'remove', '1'), { index: Number })
    t.match(await on('audience', 'set', 'Fees', 'ana'), { index: Number })
    t.match(await on('contract', 'lock', 'review'), { index: Number })
    t.match(await on('contract', 'release'), { index: Number })
    t.match(await on('contract', 'evidence'), [])
    t.match(await run('types', contract), { name: 'CarHire', text: /export interface CarHire/ })
  })

  await t.test('of templates', async (t) => {
    const template = join(root, 'template.json')
    t.same(await on('template', 'export', 'Seasons', '--out', template), { file: template })
    const { hash } = await line('template', 'show', template)
    const signature = join(root, 'signature.json')
    t.same(await run('template', 'sign', template, '--out', signature), { file: signature })
    t.match(await line('template', 'verify', template, signature), { hash, isKnown: false })
    t.match(await on('template', 'import', '', template, '--name', 'More'), { index: Number })
    t.match(await on('template', 'upgrade', 'More', template, '--preview'), { outcome: String })
  })

  await t.test('of the party, its keys and its webhooks', async (t) => {
    t.match(await run('party', 'self'), { handle: 'ana', fingerprint: ana.fingerprint })
    t.match(await run('api-key', 'add', 'reads', '--role', 'reader'), { name: 'reads', roles: ['reader'], key: String })
    t.same(await run('api-key', 'revoke', 'reads'), { name: 'reads' })
    t.match(await run('key', 'rotate'), { signing: String })
    t.match(await run('config', 'check'), { path: String })
    t.match(await run('config', 'show'), { handle: 'ana' })
    t.match(await run('doctor'), [{ check: String }])
    t.match(await line('init', '--data', join(root, 'new'), '--handle', 'neu', '--name', 'Neu'), { handle: 'neu' })
    const { id } = await run('webhook', 'add', `${receiver}/x`, `/new-api/${contract}/Terms`)
    t.match(await run('webhook', 'secret', id), { secret: /^whsec_/ })
    t.match(await run('webhook', 'retry', id), {})
    t.match(await run('webhook', 'replay', id, '--from', '0'), {})
    const waiting = async () => (await ana.call('GET', `/api/Webhook/${id}`)).body.waiting?.message as string
    await until('a message waits', async () => (await waiting()) !== undefined)
    const message = await waiting()
    t.match(await run('webhook', 'omit', id, message), { id, message })
    t.match(await run('webhook', 'activate', id), { id, state: 'active' })
    t.match(await run('webhook', 'list'), [{ id }])
    t.match(await run('webhook', 'remove', id), {})
    t.match(await run('certificate', 'renew'), {})
    const made = { out: join(root, 'backup'), files: ['api-token', 'certificate.pem'] }
    t.match(await run('backup', '--out', made.out), made)
  })

  await t.test('of a partner, who is invited, and votes', async (t) => {
    const added = ['party', 'add', ben.endpoint, '--fingerprint', ben.fingerprint]
    t.match(await run(...added), { handle: 'ben', standing: 'approved' })
    t.match(await run('party', 'block', 'ben'), { handle: 'ben', standing: 'blocked' })
    t.match(await run('party', 'approve', 'ben', '--fingerprint', ben.fingerprint), { standing: 'approved' })
    t.match(await run('party', 'show', 'ben'), { handle: 'ben' })
    t.match(await run('party', 'list'), [{ handle: 'ben' }])
    t.match(await bens('party', 'add', ana.endpoint, '--fingerprint', ana.fingerprint), { handle: 'ana' })
    const { contract } = await run('contract', 'open', 'shared')
    const on = (first: string, second: string, ...words: string[]) => run(first, second, contract, ...words)
    const bensOn = (first: string, second: string, ...words: string[]) => bens(first, second, contract, ...words)
    const held = async () => (await ben.call('GET', '/api/Contract')).body.length > 0
    t.match(await on('contract', 'invite', 'ben'), { index: Number })
    await until('ben to be invited', held)
    t.match(await on('contract', 'show'), { members: ['ana'], invited: ['ben'] })
    t.match(await runCommand('contract', 'show', contract, '--data', ana.data), { output: /^invited +ben$/m })
    const unwanted = (await run('contract', 'open', 'unwanted')).contract
    t.match(await run('contract', 'invite', unwanted, 'ben'), { index: Number })
    await until('the other one', async () => (await ben.call('GET', '/api/Contract')).body.length === 2)
    t.match(await bens('contract', 'decline', unwanted), { contract: unwanted, standing: 'declined' })
    t.match(await bensOn('contract', 'accept'), {})
    t.equal((await ana.call('POST', `/new-api/${contract}`, { Terms: { Rate: 1, Sum: 2 } })).status, 201)

    t.match(await on('rule', 'add-set', 'Votes'), { index: Number })
    const says = JSON.stringify({ kind: 'validation', who: { parties: ['ben'] } })
    t.match(await on('rule', 'draft', 'Terms', says, '--set', '1'), { index: Number })
    const rules = async () => (await ben.call('GET', `/api/Contract/${contract}/Rules`)).body.rules.length === 1
    await until('ben to see the rule', rules)
    t.match(await bensOn('rule', 'vote', '1', 'yes'), { index: Number, vote: { rule: 1, state: 'open', waitsFor: [] } })
    t.match(await on('rule', 'publish', '1'), { index: Number })
    const at = `/new-api/${contract}/Terms`
    const asked = async () => (await ben.call('GET', `${at}/~proposals`)).body[0]?.proposal as string
    for (const [rate, cast] of [
      [3, (proposal: string) => bensOn('value', 'vote', 'Terms/Rate', proposal, 'yes')],
      [4, (proposal: string) => on('value', 'withdraw', 'Terms/Rate', proposal)],
      [8, (proposal: string) => bensOn('value', 'choose', 'Terms/Rate', proposal)],
    ] as const) {
      const written = ana.call('PUT', `${at}/Rate`, rate)
      await until('ben to be asked', async () => (await asked()) !== undefined)
      t.match(await cast(await asked()), rate === 3 ? { vote: { state: 'agreed' } } : { index: Number })
      t.equal((await written).status, rate === 3 ? 200 : 409)
    }
    await writeFile(other, JSON.stringify([{ at: 'Terms', set: { Rate: 5, Sum: 6 } }]))
    for (const vote of ['yes', 'no']) {
      const { request } = await on('change-set', 'propose', other)
      await until(
        'ben to see it',
        async () => (await ben.call('GET', `/api/Contract/${contract}/ChangeSets`)).body.open.length === 1,
      )
      t.match(await bensOn('change-set', 'show', request), { state: 'open', waitsFor: ['ben'] })
      const state = vote === 'yes' ? 'agreed' : 'ended'
      t.match(await bensOn('change-set', 'vote', request, vote), { vote: { changeSet: request, state } })
      await writeFile(other, JSON.stringify([{ at: 'Terms', set: { Rate: 7 } }]))
    }
    const { request } = await on('change-set', 'propose', other)
    t.match(await on('change-set', 'withdraw', request), { index: Number })

    const said = async (...words: string[]) => (await runCommand(...words, '--data', ben.data)).output
    const unlocked = await runCommand('contract', 'break-lock', contract, '--data', ben.data)
    t.match(unlocked, { status: 1, output: /\[no_such_lock\]/ }, 'there is none')
    for (const isJson of [true, false]) {
      const lock = (await on('contract', 'lock', 'edit')).index as number
      await until('ben to see the lock', async () => (await bensOn('contract', 'lock')).index === lock)
      t.match(await runCommand('contract', 'break-lock', contract, '--since', '1', '--data', ben.data), { status: 1 })
      if (isJson) t.match(await bensOn('contract', 'break-lock'), { vote: { lock, state: 'agreed' } })
      else
        t.match(await said('contract', 'break-lock', contract), /^Voted yes\.\nAgreed, as .*\nNobody has the lock\.\n$/)
    }
    t.match(await on('erasure', 'propose', 'Terms/Sum', '--about', 'she has asked'), {
      vote: { state: 'open', waitsFor: ['ben'] },
    })
    const open = async () => (await bensOn('erasure', 'list')).open[0]?.erasure as string
    await until('ben to see the erasure', async () => (await open()) !== undefined)
    t.match(await said('erasure', 'list', contract), /^[0-9a-f]{64} +\d+ +Terms\/Sum +ana +ben$/m)
    await until('ben to be told why', async () => {
      return /^[0-9a-f]{64} +ana +\d+ +she has asked$/m.test(await said('erasure', 'list', contract))
    })
    t.match(await bensOn('erasure', 'vote', await open(), 'no'), { vote: { state: 'ended', why: 'turned_down' } })
    const { output } = await runCommand('erasure', 'propose', contract, 'Terms/Sum', '--data', ana.data)
    const [name = '', fate] = output.split('\n')
    t.equal(fate, 'It waits for the vote of ben.', output)
    await until('ben to see it', async () => (await open()) === name)
    const gone = /^Voted yes\.\nAgreed, as entry \d+ of the ledger: .*\d values? erased\.\n$/
    t.match(await said('erasure', 'vote', contract, name, 'yes'), gone)
    t.match(await run('audit', 'verify', contract), { contract })
    const regretted = (await run('contract', 'open', 'regretted')).contract
    t.match(await run('contract', 'invite', regretted, 'ben'), { index: Number })
    t.match(await run('contract', 'withdraw-invitation', regretted, 'ben'), { index: Number })
    t.match(await run('contract', 'show', regretted), { invited: [] })
    t.match(await bensOn('contract', 'resign', '--reason', 'fulfilled'), { index: Number })
  })

  await t.test('of a request that is taken back', async (t) => {
    const { contract: late } = await run('contract', 'open', 'late')
    t.match(await run('contract', 'invite', late, 'ben'), { index: Number })
    const held = async () => (await ben.call('GET', `/api/Contract/${late}`)).status === 200
    await until('ben to be invited', held)
    t.match(await bens('contract', 'accept', late), { standing: 'member' })
    await Promise.all(nodes.splice(1).map((node) => node.close()))
    const { request } = (await ana.call('POST', `/new-api/${late}`, { Late: 1 }, 'respond-async')).body
    t.match(await run('request', 'withdraw', late, request), { request })
    const state = async () =>
      (await ana.call('GET', `/api/Request?contract=${late}&id=${request}`)).body.requests[0]?.state
    await until('it to be withdrawn', async () => (await state()) === 'withdrawn')
    t.match(await run('request', 'follow', late, request), { request, state: 'withdrawn' })
  })
})
