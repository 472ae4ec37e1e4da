import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startProcess } from '../../../src/cli/demo/party-process.ts'
import { openNode } from '../../../src/index.ts'
import { contractOfTwo, problemIn, refuses } from '../../support/contract-of-two.ts'
import { configure, newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'

t.setTimeout(240_000)

const text = { $field: { type: 'text' } }
const list = (entry: unknown, more = {}) => ({ $list: { entry, entriesMax: 2, ...more } })

t.test('whatever a document does not take is told by its code', async (t) => {
  const two = await contractOfTwo(t)
  const { ana, ben, at, path, together, whileAnaIsDown } = two
  const money = { $field: { type: 'money', currency: 'GBP' } }
  const { body: added } = await ana.call('POST', path, {
    Shared: { One: '1', Two: '2', Three: '3' },
    Anas: { $block: { owner: 'ana' }, Sub: { One: '1' } },
    Secret: { $block: { owner: 'ana', audience: ['ana', 'ben'] }, One: '1' },
    Number: 1,
    Lines: list({ Key: text, Value: text }, { key: 'Key' }),
  })
  t.match(added, { request: /^ana/ })
  t.equal((await ana.call('POST', `${path}/Lines`, { Key: 'a', Value: 'x' })).status, 201)

  await t.test('of elements', (t) =>
    refuses(t, two, [
      ['422 root_fixed', ana, 'PATCH', `${path}/~attributes`, { name: 'Record' }],
      ['422 not_a_block', ana, 'PUT', `${at}/Audiences`, { at: 'Number', parties: ['ana'] }],
      ['422 entry_fixed', ana, 'DELETE', `${path}/Lines/1/Value`],
      ['422 prototype_fixed', ana, 'DELETE', `${path}/Lines/0`],
      ['422 prototype_empty', ana, 'PUT', `${path}/Lines/0/Value`, 'x'],
      ['422 order_unfit', ana, 'PATCH', `${path}/Shared/~attributes`, { order: ['One', 'One'] }],
      ['409 name_taken', ana, 'PATCH', `${path}/Shared/~attributes`, { name: 'Number' }],
      ['409 name_confusable', ana, 'PATCH', `${path}/Shared/~attributes`, { name: 'Аnas' }],
      ['422 name_unfit', ana, 'POST', `${at}/RuleSets`, { name: 'a/b' }],
      ['403 not_owner', ben, 'POST', `${path}/Anas`, { More: 'x' }],
      ['422 owner_unfit', ana, 'PATCH', `${path}/Anas/~attributes`, { owner: 'zoe' }],
      ['422 limit_exceeded', ana, 'POST', path, { Long: list({ Key: text }, { entriesMax: 20_000 }) }],
      ['422 command_malformed', ana, 'POST', path, { Long: list({ Key: text }, { entriesMax: 2_000_000 }) }],
    ]),
  )

  const options = Array.from({ length: 400 }, (_, n) => `${n}${'x'.repeat(80)}`)
  const many = Object.fromEntries(
    options.slice(0, 15).map((_, n) => [`Choice ${n}`, { $field: { type: 'choice', options } }]),
  )
  await t.test('of types, keys and sizes', (t) =>
    refuses(t, two, [
      ['422 key_unfit', ana, 'POST', path, { Keyed: list({ Key: money }, { key: 'Key' }) }],
      ['409 key_taken', ana, 'POST', `${path}/Lines`, { Key: 'a' }],
      ['422 text_unfit', ana, 'POST', path, { Choice: { $field: { type: 'choice', options: ['a', ' b'] } } }],
      ['422 option_confusable', ana, 'POST', path, { Choice: { $field: { type: 'choice', options: ['a', 'а'] } } }],
      ['422 currency_unknown', ana, 'POST', path, { Sum: { $field: { type: 'money', currency: 'ZZZ' } } }],
      ['422 type_unknown', ana, 'POST', path, { Own: { $field: { type: 'custom', definition: 'a'.repeat(64) } } }],
      ['422 constraint_unfit', ben, 'PUT', `${at}/Types/Own`, { base: 'boolean', constraint: { minimum: '1' } }],
      ['413 request_too_large', ana, 'POST', path, many],
      ['422 value_wrong_type', ana, 'PUT', `${path}/Number`, 'x'],
    ]),
  )

  await t.test('of who gets it', (t) =>
    refuses(t, two, [
      ['422 audience_unfit', ana, 'PUT', `${at}/Audiences`, { at: 'Anas', parties: ['ana', 'zoe'] }],
      ['422 owner_outside', ana, 'PUT', `${at}/Audiences`, { at: 'Anas', parties: ['ben'] }],
      [
        '422 key_confidential',
        ana,
        'POST',
        path,
        { Hidden: { $block: { owner: 'ana', audience: ['ana'] }, Lines: list({ Key: text }, { key: 'Key' }) } },
      ],
      ['409 not_confidential', ana, 'POST', `${at}/Disclosures`, { at: 'Number' }],
    ]),
  )

  await t.test('of the lock', async (t) => {
    t.equal((await ana.call('POST', `${at}/Lock`, { purpose: 'review' })).status, 200)
    const { index } = (await ana.call('GET', `${at}/Lock`)).body
    await refuses(t, two, [
      ['409 lock_held', ana, 'POST', `${at}/Lock`, { purpose: 'review' }],
      ['422 lock_own', ana, 'POST', `${at}/Lock/Breaks`, { lock: index }],
      ['409 record_locked', ben, 'PUT', `${path}/Number`, 2],
    ])
    t.equal((await ana.call('DELETE', `${at}/Lock`)).status, 200)
    await refuses(t, two, [['409 no_such_lock', ana, 'DELETE', `${at}/Lock`]])
  })

  await t.test('of what somebody else was first with: it is signed, and void', async (t) => {
    const answers = await together(
      [ana, 'DELETE', `${path}/Shared/One`],
      [ana, 'PUT', `${path}/Shared/One`, 'later'],
      [ben, 'PUT', `${path}/Shared/Two`, 'first'],
      [ana, 'PUT', `${path}/Shared/Two`, 'second'],
      [ana, 'PUT', `${at}/Audiences`, { at: 'Secret', parties: ['ana'] }],
      [ana, 'PUT', `${path}/Secret/One`, 'meant for ben as well'],
    )
    t.same(answers.map(problemIn), [
      '200 undefined',
      '409 no_such_element',
      '200 undefined',
      '409 field_conflict',
      '200 undefined',
      '409 audience_changed',
    ])
    for (const { body } of answers) t.match(body, { request: /^(?:ana|ben)\./ })
  })

  await t.test('of what is erased', async (t) => {
    t.equal((await ana.call('POST', `${at}/Erasures`, { paths: ['Secret', 'Shared'] })).status, 200)
    await refuses(t, two, [
      ['409 already_voted', ana, 'POST', `${at}/Erasures`, { paths: ['Secret', 'Shared'] }],
      ['404 no_such_erasure', ben, 'POST', `${at}/Erasures/${'a'.repeat(64)}/Votes`, { vote: 'yes' }],
    ])
    const [{ erasure }] = (await ben.call('GET', `${at}/Erasures`)).body.open
    const answers = await together(
      [ben, 'POST', `${at}/Erasures/${erasure}/Votes`, { vote: 'yes' }],
      [ben, 'POST', `${at}/Erasures`, { paths: ['Secret', 'Shared'] }],
      [ben, 'POST', `${at}/Erasures/${erasure}/Votes`, { vote: 'no' }],
      [ana, 'POST', `${at}/Disclosures`, { at: 'Secret/One' }],
    )
    t.same(answers.map(problemIn), ['200 undefined', '409 already_erased', '404 no_such_erasure', '409 value_taken'])
    const shown = async (what: string) => (await ana.call('GET', what)).body
    const last = `${path}/Shared/Two`
    t.match(await shown(last), { code: 'no_agreed_value', isErased: true }, 'and not that there never was one')
    t.equal((await ana.call('GET', `${last}?format=json`)).body, null)
    await until('the history to say so', async () => (await shown(`${last}/~history`)).values[0].erasedAt !== undefined)
    const { newest } = await shown(`${at}/Erasures`)
    const [past] = (await shown(`${last}/~history`)).values
    t.match(past, { value: null, isHeld: false, erasedAt: newest })
    t.match(await shown(`/api/Proposals?name=${past.proposal}`), [{ isHeld: false, erased_at: newest }])
    const cli = await runCommand('contract', 'history', at.split('/')[3] ?? '', 'Shared/Two', '--data', ana.data)
    t.match(cli.output, `(erased at ${newest})`)
    t.notHas((await shown(`${path}/Number/~history`)).values[0], 'erasedAt')
  })

  await t.test('of a key that is lost', async (t) => {
    const [now] = (await ana.call('GET', '/api/Keys')).body.keys
    const signature = `ed25519:${'A'.repeat(86)}`
    const unasked = { revokes: now, signing: now, signature }
    await refuses(t, two, [['409 revocation_unfit', ana, 'POST', `${at}/KeyRevocation`, unasked]])
    const { signing } = (await ana.call('POST', '/api/Keys/Revocation')).body
    await whileAnaIsDown(() => rm(join(ana.data, 'signing-keys', '000001.pem')))
    const revocation = { revokes: signing, signing, signature }
    await refuses(t, two, [['409 key_unknown', ana, 'POST', `${at}/KeyRevocation`, revocation]])
  })
})

t.test('while the signer is down nothing is signed, and it is said why', async (t) => {
  // The path of a socket is short.
  const root = await mkdtemp(join(tmpdir(), 'concordata-signer-'))
  const ana = await newParty(root, 'ana')
  await configure(ana, { signer: { socket: 'signer.sock' } })
  const signer = await startProcess(ana.data, 'signer')
  const node = await openNode({ data: ana.data })
  t.teardown(async () => {
    await node.close()
    await rm(root, { recursive: true, force: true })
  })
  const { contract } = (await ana.call('POST', '/api/Contract', { title: 'alone' })).body
  await signer.stop()
  const calls = [
    ['POST', '/api/Contract', { title: 'another' }],
    ['POST', '/api/Keys'],
    ['PUT', `/new-api/${contract}/Text`, 'x'],
  ] as const
  for (const [method, path, body] of calls)
    t.equal(problemIn(await ana.call(method, path, body)), '503 signer_unreachable', `${method} ${path}`)
})
