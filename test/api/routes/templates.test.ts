import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../../src/index.ts'
import { newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { sharedContract } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('two companies use a template, and go from one version to the next', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-templates-'))
  const [ana, ben] = [await newParty(root, 'ana', []), await newParty(root, 'ben', [])]
  const nodes = await Promise.all([ana, ben].map(({ data }) => openNode({ data })))
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const source = (await ana.call('POST', '/api/Contract', { title: 'Models' })).body.contract
  const contract = await sharedContract(t, ana, ben, 'Slip 7')
  const at = `/api/Contract/${contract}`
  const gbp = { type: 'money', currency: 'GBP' }
  const written = { Slip: { Sum: { $field: gbp }, Rate: { $field: { type: 'decimal' } }, Premium: { $field: gbp } } }
  t.match(await ana.call('POST', `/new-api/${source}`, written), { status: 201 })
  t.equal((await ana.call('POST', `/api/Contract/${source}/RuleSets`, { name: 'Money' })).status, 200)
  const says = { kind: 'assignment', target: 'Slip/Premium', expression: 'Sum*Rate' }
  t.equal((await ana.call('POST', `/api/Contract/${source}/Rules`, { at: 'Slip', ruleSet: 1, says })).status, 200)
  const [first, second] = [join(root, 'first.json'), join(root, 'second.json')]
  const listed = async (party: typeof ana) => (await party.call('GET', `${at}/Templates`)).body

  await t.test('an element is taken as a template, and shown without a node', async (t) => {
    t.same(await runCommand('template', 'export', source, 'Slip', '--data', ana.data, '--out', first), {
      output: '',
      status: 0,
    })
    const { output, status } = await runCommand('template', 'show', first)
    t.equal(status, 0)
    for (const line of [
      `from   ${source}, element 0.0,`,
      'Slip/',
      'Sum: money',
      'rule 1 in Money, at Slip: assignment',
    ])
      t.match(output, line)
    t.match(output, '"expression":"Sum * Rate"')
    // A role of somebody whom nothing in it names would be lost without a word.
    t.match(await ana.call('GET', `/api/Contract/${source}/Template?at=Slip&roles=zoe:insurer`), {
      status: 422,
      body: { code: 'template_malformed', parties: ['zoe'], path: 'Slip' },
    })
    t.match(await runCommand('template', 'export', source, 'Slip', '--data', ana.data, '--role', 'zoe=insurer'), {
      output: /names nobody that is zoe here/,
      status: 1,
    })
    t.match(await ana.call('GET', `/api/Contract/${source}/Template?at=Nowhere`), {
      status: 404,
      body: { code: 'no_such_path' },
    })
    const outside = { kind: 'constraint', condition: 'Sum.amount > 1' }
    t.equal(
      (await ana.call('POST', `/api/Contract/${source}/Rules`, { at: 'Slip', ruleSet: 1, says: outside })).status,
      200,
    )
    const below = { at: 'Slip/Rate', ruleSet: 1, says: outside }
    t.equal((await ana.call('POST', `/api/Contract/${source}/Rules`, below)).status, 200)
    const refused = await runCommand('template', 'export', source, 'Slip/Rate', '--data', ana.data)
    t.match(refused, { output: /--leave-out(.|\n)* rules: 3\n/, status: 1 })
    t.equal((await ana.call('DELETE', `/api/Contract/${source}/Rules/3`)).status, 200)
    t.match(await ana.call('GET', `/api/Contract/${source}/Template?at=Slip%2FRate`), {
      status: 200,
      body: { elements: [{ id: '0.0', name: 'Rate' }] },
    })
  })

  await t.test('it is imported in one request, with what it would come to first', async (t) => {
    const imported = ['template', 'import', contract, '', first, '--data', ana.data, '--name', 'Slip 5%']
    t.match(await runCommand(...imported, '--dry-run'), { output: '"outcome": "accepted"', status: 0 })
    t.same((await listed(ana)).uses, [], 'nothing is signed')
    t.match(await runCommand(...imported), { output: 'Agreed, as entry 3 of the ledger.\n', status: 0 })
    t.match(await runCommand(...imported), { output: 'name_taken', status: 1 })
    await until('ben to see it', async () => (await listed(ben)).uses.length === 1)
    t.match(await listed(ben), {
      templates: [{ elements: 4, name: 'Slip', roles: [], rules: 1 }],
      uses: [{ at: 'Slip%205%25', by: 'ana', element: '0.0', index: 3, upgrades: [], votes: [] }],
    })
    t.match(await ben.call('PUT', `/new-api/${contract}/Slip%205%25/Sum`, { amount: '100.00', currency: 'GBP' }), {
      status: 200,
    })
    const [{ template }] = (await listed(ben)).templates
    t.same((await ben.call('GET', `${at}/Templates/${template}`)).body, JSON.parse(await readFile(first, 'utf8')))
    t.match(await ben.call('POST', `${at}/Templates/Imports`, { at: '', hash: template, name: 'Slip B' }), {
      status: 200,
    })
    t.match((await ben.call('GET', `${at}/Rules`)).body.rules, [
      { at: 'Slip%205%25', by: 'ana' },
      { at: 'Slip%20B', by: 'ben', says: { expression: 'Sum * Rate' } },
    ])
  })

  await t.test('who has published it is signed beside it', async (t) => {
    const signature = join(root, 'first.signature.json')
    t.match(await runCommand('template', 'sign', first, '--data', ana.data, '--out', signature), { status: 0 })
    const verify = (file: string, ...more: string[]) => runCommand('template', 'verify', file, signature, ...more)
    const [anas] = (await ana.call('GET', '/api/Keys')).body.keys
    t.match(await verify(first, '--key', anas), { status: 0, output: /by +ana, did:web:/ })
    t.match(await verify(first), { status: 0, output: /only the party can say/ })
    t.match(await verify(first, '--key', 'another'), { status: 1, output: /publication_forged/ })
    await writeFile(signature, (await readFile(signature, 'utf8')).replace('"handle":"ana"', '"handle":"anna"'))
    t.match(await verify(first), { status: 1, output: /publication_forged/ })
  })

  await t.test('what is no template is not taken, and says why', async (t) => {
    const broken = JSON.parse(await readFile(first, 'utf8'))
    broken.elements[2].name = 'Sum'
    t.match(await ana.call('POST', `${at}/Templates/Imports`, { at: '', template: broken }), {
      status: 422,
      body: { at: '0.0.1', code: 'template_malformed', why: 'name_taken' },
    })
    await writeFile(join(root, 'broken.json'), JSON.stringify(broken))
    t.match(await runCommand('template', 'show', join(root, 'broken.json')), {
      output: 'name_taken (0.0.1)',
      status: 1,
    })
    t.match(await ana.call('POST', `${at}/Templates/Imports`, { at: '' }), { status: 400 })
    t.match(await ana.call('GET', `${at}/Templates/${'0'.repeat(64)}`), {
      status: 404,
      body: { code: 'no_such_template' },
    })
    t.match(
      await ana.call('POST', `${at}/Templates/Upgrades`, {
        at: '',
        template: JSON.parse(await readFile(first, 'utf8')),
      }),
      { status: 404, body: { code: 'no_such_template' } },
    )
  })

  await t.test(
    'of a long one, which is several requests, all that were made are named, and the key names the last alone',
    async (t) => {
      const long = JSON.parse(await readFile(first, 'utf8'))
      const options = Array.from({ length: 100 }, (_, n) => `${n} `.padEnd(200, 'x'))
      const fields = Array.from({ length: 14 }, (_, n) => {
        return {
          field: { options, type: 'choice' },
          id: `0.0.${10 + n}`,
          kind: 'field',
          name: `Long ${n}`,
          owner: null,
        }
      })
      long.elements.push(...fields)
      const under = (key: string, name: string) =>
        ana.call('POST', `/api/Contract/${source}/Templates/Imports`, { at: '', name, template: long }, undefined, {
          'idempotency-key': key,
        })
      const taken = await under('one', 'Slip')
      t.match(taken, { status: 409, body: { code: 'name_taken', path: 'Slip' } })
      t.equal(taken.body.parts.length, 1, 'a piece was brought')
      t.match(
        await under('one', 'Slip'),
        { status: 409, body: { code: 'name_taken' } },
        'no piece is what was asked for',
      )
      const added = await under('two', 'Long')
      t.match(added, { status: 200, body: { parts: [/^ana/, added.body.request] } })
      t.match(await under('two', 'Long'), { status: 200, body: { request: added.body.request } })
    },
  )

  await t.test('another version is looked at, voted on, and takes effect with the last vote', async (t) => {
    t.match(await ana.call('POST', `/new-api/${source}/Slip`, { Inception: { $field: { type: 'date' } } }), {
      status: 201,
    })
    t.equal((await ana.call('DELETE', `/new-api/${source}/Slip/Sum`)).status, 200)
    t.equal((await ana.call('DELETE', `/api/Contract/${source}/Rules/1`)).status, 200)
    t.equal((await ana.call('DELETE', `/api/Contract/${source}/Rules/2`)).status, 200)
    t.equal((await runCommand('template', 'export', source, 'Slip', '--data', ana.data, '--out', second)).status, 0)
    t.match(
      (await runCommand('template', 'diff', first, second)).output,
      /0\.0\.0 removed: Sum: money\n0\.0\.3 added: Inception: date\nrule 1 removed\n/,
    )
    const upgrade = ['template', 'upgrade', contract, 'Slip 5%', second, '--data']
    const preview = await runCommand(...upgrade, ben.data, '--preview')
    t.match(preview, { output: /outcome {2}accepted[\s\S]*value falls at Slip 5%\/Sum/, status: 0 })
    t.notMatch(preview.output, /^origin/m)
    const elsewhere = join(root, 'elsewhere.json')
    await runCommand('template', 'export', contract, 'Slip 5%', '--data', ben.data, '--out', elsewhere)
    const origin = `origin   another: element 0.0 of ${contract}, and not element 0.0 of ${source}.`
    const upgradedBy = ['upgrade', contract, 'Slip 5%', elsewhere, '--preview', '--data', ben.data]
    for (const words of [upgradedBy, ['diff', first, elsewhere]])
      t.match((await runCommand('template', ...words)).output, origin, 'which may mean other things by the same ids')
    t.same((await listed(ben)).templates.length, 1, 'nothing is signed')
    t.same(await runCommand(...upgrade, ben.data), {
      output: 'Voted yes.\nIt waits for the vote of ana.\n',
      status: 0,
    })
    await until('ana to be asked', async () => (await ana.call('GET', '/api/Attention')).body.templates.count === 1)
    t.match((await ana.call('GET', '/api/Attention')).body.templates.items, [
      { contract, element: '0.0', votes: [{ by: 'ben' }], waitsFor: ['ana'] },
    ])
    t.match((await listed(ana)).uses[0], { votes: [{ by: 'ben' }], waitsFor: ['ana'] })
    t.match(await runCommand(...upgrade, ana.data), {
      output: /^Voted yes\.\nAgreed, as entry \d+ of the ledger: 1 element added, 1 element removed\.\n$/,
      status: 0,
    })
    const { body } = await ana.call('GET', `/new-api/${contract}/Slip%205%25`)
    t.same(Object.keys(body), ['Rate', 'Premium', 'Inception'])
    await until('nobody to be asked', async () => (await ana.call('GET', '/api/Attention')).body.templates.count === 0)
    t.match((await listed(ana)).uses[0], { upgrades: [{}], votes: [] })
  })
})
