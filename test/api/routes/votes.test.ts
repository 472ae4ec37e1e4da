import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { ElementId, Uid } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { type Node, startNode } from '../../../src/node/node.ts'
import { type NodeParty, newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { playSample } from '../../support/sample.ts'
import { sharedContract } from '../../support/shared-contract.ts'

const environment = readEnvironment({ CONCORDATA_LOG_LEVEL: 'silent' })
const start = async ({ data }: NodeParty) =>
  startNode(await readConfiguration(data, environment), environment, pino({ level: 'silent' }))

/** Two companies with `Terms`, of which ben votes on every value. */
async function voting(t: Test) {
  const root = await mkdtemp(join(tmpdir(), 'concordata-votes-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodes: [Node, Node] = [await start(ana), await start(ben)]
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const contract = await sharedContract(t, ana, ben, 'slip')
  const [at, path] = [`/api/Contract/${contract}`, `/new-api/${contract}`]
  const decimal = { $field: { type: 'decimal' }, $value: '0.1' }
  const written = { Terms: { Rate: decimal, Share: decimal, Note: 'as before' }, Free: 'one' }
  t.equal((await ana.call('POST', path, written)).status, 200)
  t.equal((await ana.call('POST', `${at}/RuleSets`, { name: 'Votes' })).status, 200)
  const drafted = {
    at: 'Terms',
    ruleSet: 1,
    says: { kind: 'validation', who: { parties: ['ben'] } },
    about: { text: 'ben carries it' },
  }
  t.equal((await ana.call('POST', `${at}/Rules`, drafted)).status, 200)
  const rules = async () => (await ben.call('GET', `${at}/Rules`)).body.rules
  await until('ben to see the rule', async () => (await rules()).length === 1)
  const [{ hash }] = await rules()
  t.equal((await ben.call('POST', `${at}/Rules/1/Votes`, { hash, vote: 'yes', about: { text: 'fair' } })).status, 200)
  const named = { ruleSets: [1], rules: [{ rule: 1, hash }] }
  t.equal((await ben.call('POST', `${at}/Publications`, named)).status, 200)
  await until('ana to see it in force', async () => (await ana.call('GET', `${at}/Rules`)).body.phase === 'live')
  return { ana, ben, at, contract: contract as Uid, nodes, path }
}

t.test('values that a rule has voted on', { timeout: 240_000 }, async (t) => {
  const { ana, ben, at, contract, nodes, path } = await voting(t)
  const rate = `${path}/Terms/Rate`
  const open = async (party: NodeParty, where = '/Terms') =>
    (await party.call('GET', `${path}${where}/~proposals`)).body
  const seenByBen = async (count = 1) => {
    await until('ben to see it', async () => (await open(ben)).length === count)
    return (await open(ben)).map(({ proposal }: { proposal: string }) => `${path}/Terms/~proposals/${proposal}`)
  }
  const etag = async () => {
    const { headers } = await fetch(new URL(rate, ana.api), { headers: { authorization: `Bearer ${ana.token}` } })
    return headers.get('etag')
  }
  const entries = async () => (await ana.call('GET', at)).body.acknowledged

  await t.test('the sample of docs/api.md', (t) =>
    playSample(t, 'Votes on values', { ana, ben }, { UID: contract }, ['PROPOSAL']),
  )

  await t.test('a write waits for the votes, and what is agreed stays until the last', async (t) => {
    const before = await etag()
    const written = ana.call('PUT', rate, 0.3)
    const [one] = await seenByBen()
    t.equal(await etag(), before)
    t.equal((await ana.call('GET', `${path}/Terms`)).body.Rate, '0.25')
    await until('Attention to tell ben', async () => (await ben.call('GET', '/api/Attention')).body.votes.count === 1)
    t.match((await ben.call('GET', '/api/Attention')).body.votes.items, [
      { contract, path: 'Terms/Rate', by: 'ana', waitsFor: ['ben'] },
    ])
    t.equal((await ana.call('GET', '/api/Attention')).body.votes.count, 0, 'ana is not asked')
    t.match(await ana.call('POST', `${one}/votes`, { vote: 'yes' }), { status: 403, body: { code: 'not_a_voter' } })
    t.equal((await ben.call('POST', `${one}/votes?dry-run`, { vote: 'yes' })).body.outcome, 'accepted')
    const voted = await ben.call('POST', `${one}/votes`, { vote: 'yes' })
    t.match(await written, { status: 200, body: { index: voted.body.index } })
    t.equal((await ana.call('GET', `${path}/Terms`)).body.Rate, '0.3')
    t.not(await etag(), before)
    t.match(await ben.call('POST', `${one}/votes`, { vote: 'yes' }), { status: 409, body: { code: 'already_agreed' } })
  })

  await t.test('what is added under the rule is there at once, and its value when it has the votes', async (t) => {
    const written = ana.call('POST', `${path}/Terms`, { Limit: 'ten' })
    const [one] = await seenByBen()
    t.equal((await ben.call('GET', `${path}/Terms`)).body.Limit, null)
    t.equal((await ben.call('POST', `${one}/votes`, { vote: 'yes' })).status, 200)
    t.equal((await written).status, 201)
    t.equal((await ana.call('GET', `${path}/Terms`)).body.Limit, 'ten')
  })

  await t.test('the same value again attaches to what waits, and another takes its place', async (t) => {
    const first = await ana.call('PUT', rate, 0.4, 'wait=2')
    t.match(first, { status: 202, body: { waitingFor: 'votes', candidates: [{ fate: 'open', waitsFor: ['ben'] }] } })
    const [{ proposal }] = first.body.candidates
    const { body: status } = await ana.call('GET', `${at}/Requests/${first.body.request}`)
    t.match(status, { state: /^(settled|cosigned)$/, candidates: [{ at: 'Terms/Rate', proposal, waitsFor: ['ben'] }] })
    const size = await entries()
    t.match(await ana.call('PUT', rate, 0.4, 'wait=0'), { status: 202, body: first.body })
    t.match(await ana.call('POST', rate, '0.4', 'wait=0'), { status: 202, body: first.body })
    t.match(await ana.call('PUT', `${rate}?dry-run`, 0.4), { body: { candidates: [{ voters: ['ben'] }] } })
    const { body: shown } = await ben.call('GET', `${path}/Terms`)
    t.match(await ben.call('PUT', `${path}/Terms`, shown), { body: { unchanged: true } }, 'nothing is ended')
    t.equal(await entries(), size, 'nothing was signed')
    const both = ana.call('PUT', `${path}/Terms`, { Rate: 0.4, Share: 0.5 })
    const [one, two] = await seenByBen(2)
    t.match(await open(ben), [
      { proposal, value: '0.4' },
      { at: 'Terms/Share', value: '0.5' },
    ])
    for (const each of [one, two]) t.equal((await ben.call('POST', `${each}/votes`, { vote: 'yes' })).status, 200)
    t.equal((await both).status, 200)
    t.match((await ana.call('GET', `${path}/Terms`)).body, { Rate: '0.4', Share: '0.5' })
    const replaced = ana.call('PUT', rate, 0.6)
    const [old] = await seenByBen()
    const again = ana.call('PUT', rate, 0.7)
    t.match(await replaced, { status: 409, body: { code: 'candidate_ended', because: 'replaced' } })
    await until('the other', async () => (await open(ben))[0]?.value === '0.7')
    const [other] = await seenByBen()
    t.match(await ben.call('DELETE', other), { status: 403, body: { code: 'not_author' } })
    t.equal((await ana.call('DELETE', other)).status, 200)
    t.match(await again, { status: 409, body: { code: 'candidate_ended', because: 'withdrawn' } })
    await until('it to be recorded', async () => (await ben.call('GET', old)).status === 200)
    t.match(await ben.call('GET', old), { body: { state: 'ended', why: 'replaced', value: '0.6', voters: ['ben'] } })
  })

  await t.test('a no ends it, with what was said', async (t) => {
    const written = ana.call('PUT', rate, 0.8)
    const [one] = await seenByBen()
    const about = { text: 'too dear' }
    t.equal((await ben.call('POST', `${one}/votes`, { vote: 'no', about })).status, 200)
    const candidates = [{ fate: 'turned_down', votes: [{ by: 'ben', vote: 'no', about }] }]
    t.match(await written, { status: 409, body: { code: 'candidate_ended', because: 'turned_down', candidates } })
    await until('it to be recorded', async () => (await ana.call('GET', `${one}/votes`)).status === 200)
    t.match((await ana.call('GET', `${one}/votes`)).body, [{ party: 'ben', vote: 'no', about }])
  })

  await t.test('a strict client has it withdrawn when the time is over', async (t) => {
    const put = () => ana.call('PUT', rate, 0.9, 'wait=2, handling=strict', { 'idempotency-key': 'strict' })
    const answer = await put()
    t.match(await put(), answer, 'and asked for again it is told so again')
    t.match(answer, { status: 504, body: { code: 'withdrawn', because: 'timed_out' } })
    t.match(answer.body.candidates, [{ fate: 'withdrawn', waitsFor: [] }])
    t.same(await open(ana), [], 'that has settled')
    t.equal((await ana.call('GET', `${path}/Terms`)).body.Rate, '0.4')
  })

  await t.test('what stands in conflict is seen, and one of it is chosen', async (t) => {
    const free = (await ana.call('GET', `/api/FullContract?ContractId=${contract}`)).body
    const id = JSON.stringify(free).includes('Free') ? ('0.1' as ElementId) : ('0.0' as ElementId)
    const { payload, seal: sealed } = seal('two', new Uint8Array(16).fill(7))
    const request = { commands: [{ type: 'ProposeValue' as const, field: id, seal: sealed, basis: [] }], id: 'unseen' }
    await nodes[1].contracts.use(contract, (live) => live.submit({ request, payloads: { [sealed]: payload } }).verdict)
    await until('ana to see it', async () => (await open(ana, '')).length === 1)
    const [{ proposal, ...one }] = await open(ana, '/Free')
    t.match(one, { at: 'Free', by: 'ben', value: 'two', state: 'conflict', voters: [], waitsFor: [] })
    t.equal((await ana.call('GET', `${path}/Free%23Proposals/${proposal}`)).body.value, 'two')
    t.match(await ana.call('POST', `${path}/Free/~proposals/${proposal}/votes`, { vote: 'yes' }), {
      status: 409,
      body: { code: 'no_vote_asked' },
    })
    const chosen = await runCommand('value', 'choose', contract, 'Free', proposal, '--data', ana.data)
    t.match(chosen, { status: 0, output: /^Agreed, as entry \d+ of the ledger\.\n$/ })
    t.same(await open(ana, ''), [])
    t.equal((await ana.call('GET', path)).body.Free, 'two')
    t.match(await ana.call('GET', `${path}/Free/~proposals/${proposal}`), { body: { code: 'no_such_proposal' } })
    t.match(await ana.call('GET', `${path}/None/~votes`), { status: 404, body: { code: 'no_such_path' } })
    t.match(await ana.call('POST', `${path}/Free/~votes`), { status: 405, body: { code: 'method_not_allowed' } })
  })

  await t.test('an element says by which rules it is governed, with votes and what was said', async (t) => {
    const rules = (await ana.call('GET', `${path}/Terms/Rate/~rules`)).body
    t.match(rules, [
      {
        number: 1,
        at: 'Terms',
        relations: ['governs'],
        says: { kind: 'validation', who: { parties: ['ben'] } },
        text: 'values at Terms are agreed with the votes of ben',
        about: { text: 'ben carries it' },
        votes: [{ by: 'ben', vote: 'yes', about: { text: 'fair' } }],
        waitsFor: [],
        isInForce: true,
      },
    ])
    t.match((await ana.call('GET', `${at}/Rules`)).body.rules, [{ about: { text: 'ben carries it' } }])
    const attributes = { kind: 'validation', who: { parties: ['ben'], fields: [] } }
    t.same((await ana.call('GET', `${path}/Terms/Rate%23Rules/1/Attributes`)).body, attributes)
    t.match((await ana.call('GET', `${path}/Terms/~rules/1/votes`)).body, [{ by: 'ben', vote: 'yes' }])
    t.match((await ana.call('GET', `${path}/~rules/1`)).body, { number: 1, relations: ['below'] }, 'it stands below')
    t.same((await ana.call('GET', `${path}/Free/~rules`)).body, [])
    t.match(await ana.call('GET', `${path}/Free/~rules/1`), { status: 404, body: { code: 'no_such_rule' } })
  })

  await t.test('an element says what it is', async (t) => {
    const { body: schema } = await ana.call('GET', `${path}/Terms/~schema`)
    t.match(schema, { at: 'Terms', kind: 'block', owner: null, isActive: true, rules: [1] })
    t.match(schema.children[0], { at: 'Terms/Rate', name: 'Rate', type: { type: 'decimal' }, rules: [] })
    t.match((await ana.call('GET', `${path}/~schema`)).body, {
      element: '0',
      at: '',
      children: [{ name: 'Terms' }, {}],
    })
  })

  await t.test('a field says what it has been, page by page', async (t) => {
    const all = async () => (await ana.call('GET', `${path}/Terms/Rate/~history`)).body
    await until('all to be recorded', async () => (await all()).values[0]?.value === '0.9')
    const { values } = await all()
    t.match(values.slice(0, 2), [
      { at: 'Terms/Rate', by: 'ana', value: '0.9', isHeld: true, endedBy: 'withdrawn' },
      { value: '0.8', endedBy: 'turned_down' },
    ])
    t.match(values.at(-1), { value: '0.1', endedBy: 'replaced' })
    t.ok(values.at(-1).agreedAt < values.at(-1).endedAt)
    const first = (await ana.call('GET', `${path}/Terms/Rate/~history?limit=2`)).body
    const next = (await ana.call('GET', `${path}/Terms/Rate/~history?limit=100&before=${first.before}`)).body
    t.same([...first.values, ...next.values], values)
    t.notOk('before' in next)
    t.equal((await ana.call('GET', `${path}/Free/~history`)).body.values.length, 2 + 1, 'one, two, and two once more')
    t.ok((await ana.call('GET', `${path}/~history`)).body.values.length > values.length + 3)
  })

  await t.test('the same by commands', async (t) => {
    const data = ['--data', ben.data]
    const written = ana.call('PUT', `${path}/Terms`, { Rate: 0.45, Note: 'to be \u202eread' })
    await seenByBen(2)
    const { output } = await runCommand('value', 'proposals', contract, 'Terms', ...data)
    const waiting = await runCommand('contract', 'votes', contract, ...data)
    t.match(waiting, { status: 0, output: /^value +ana\.\S+ +Terms\/\S+ +\S+ +ben$/m })
    const [, , first = '', second = ''] = output.split('\n')
    t.match(first, /^ana\.\S+ +Terms\/Rate +ana +"0.45" +open +ben$/)
    t.match(second, /Terms\/Note +ana +"to be \\u202eread" +open/, 'names and values of others are shown as they are')
    const [rated = '', noted = ''] = [first, second].map((line) => line.split(' ')[0])
    const vote = (proposal: string, said: string) =>
      runCommand('value', 'vote', contract, 'Terms', proposal, said, '--about', 'by hand', ...data)
    t.match(await vote(rated, 'yes'), {
      status: 0,
      output: /^Voted yes\.\nAgreed, as entry \d+ of the ledger: 1 value\.\n$/,
    })
    t.match(await vote(noted, 'no'), {
      status: 0,
      output: /^Voted no\.\nIt has come to nothing, at entry \d+ of the ledger: turned down\.\n$/,
    })
    t.match(await written, { status: 409, body: { candidates: [{ fate: 'agreed' }, { fate: 'turned_down' }] } })
    t.match(await vote(noted, 'yes'), { status: 1, output: /no_such_proposal/ })
    t.match(await runCommand('value', 'proposals', contract, '--json', ...data), { output: '[]\n' })

    const other = ana.call('PUT', rate, 0.46)
    await seenByBen()
    const [{ proposal }] = await open(ben)
    const withdraw = (of: NodeParty) =>
      runCommand('value', 'withdraw', contract, 'Terms/Rate', proposal, '--data', of.data)
    t.match(await withdraw(ben), { status: 1, output: /not_author/ })
    t.same(await withdraw(ana), { status: 0, output: 'Withdrawn.\n' })
    t.match(await other, { status: 409, body: { candidates: [{ fate: 'withdrawn' }] } })
  })

  await t.test('rules, change sets and audiences by commands', async (t) => {
    const by = (party: NodeParty, ...line: [string, string, ...string[]]) => {
      const [command, name, ...others] = line
      return runCommand(command, name, contract, ...others, '--data', party.data)
    }
    t.match((await by(ben, 'rule', 'list')).output, /phase: live.*Votes[\s\S]*\n1 +Terms +1 +in force +values at Terms/)
    t.match(JSON.parse((await by(ben, 'rule', 'list', '--json')).output), { rules: [{ number: 1 }] })

    const file = join(ana.data, 'changes.json')
    await writeFile(file, JSON.stringify([{ at: 'Terms', set: { Rate: 0.47, Share: 0.48 } }]))
    const proposed = await by(ana, 'change-set', 'propose', file, '--about', 'endorsement')
    const [name = '', standing] = proposed.output.split('\n')
    t.equal(standing, 'It waits for the vote of ben.')
    await until('ben to see it', async () => (await by(ben, 'change-set', 'list')).output.includes(name))
    t.match((await by(ben, 'change-set', 'list')).output, /ana +open +endorsement +ben/)
    t.match(JSON.parse((await by(ben, 'change-set', 'show', name)).output), { changes: { values: [{}, {}] } })
    t.match(await by(ana, 'change-set', 'vote', name, 'yes'), { status: 1, output: /not_a_voter/ })
    t.match(await by(ben, 'change-set', 'vote', name, 'yes'), {
      status: 0,
      output: /^Voted yes\.\nAgreed, as entry \d+ of the ledger: 2 values\.\n$/,
    })
    t.match((await ben.call('GET', `${path}/Terms`)).body, { Rate: '0.47', Share: '0.48' })
    t.match(await by(ana, 'change-set', 'withdraw', name), { status: 1, output: /no_such_change_set/ })

    await t.test('an attachment of a change set is read before it is voted on, and proven to others', async (t) => {
      const [survey, changes, read, evidence] = ['survey.txt', 'with.json', 'read.txt', 'evidence.json'].map((name) =>
        join(ana.data, name),
      ) as [string, string, string, string]
      await writeFile(survey, 'sound')
      t.match(await by(ana, 'attachment', 'bring', read), { status: 1, output: /file_unavailable/ })
      const [named] = (await by(ana, 'attachment', 'bring', survey, '--name', 'Survey.txt')).output.split('\n')
      const rated = { at: 'Terms', set: { Rate: 0.465 } }
      await writeFile(changes, JSON.stringify([rated, { at: '', add: { Survey: JSON.parse(named ?? '') } }]))
      const [request = ''] = (await by(ana, 'change-set', 'propose', changes)).output.split('\n')
      await until('ben to see it', async () => (await by(ben, 'change-set', 'list')).output.includes(request))
      t.match(await by(ben, 'attachment', 'get', 'Survey', read), { status: 1, output: /no_such_path/ })
      const get = () => by(ben, 'attachment', 'get', 'Survey', read, '--change-set', request)
      t.match(await get(), { status: 0, output: /^5 bytes/ })
      t.equal(await readFile(read, 'utf8'), 'sound')
      t.match(await by(ben, 'change-set', 'vote', request, 'yes'), { status: 0 })
      t.match(await get(), { status: 1, output: /no_such_change_set/ })
      t.match((await by(ben, 'attachment', 'list')).output, /^Survey +Survey.txt +text\/plain +5 /m)
      t.match(await by(ana, 'attachment', 'add', 'Survey', survey, '--dry-run'), { status: 0, output: /accepted/ })

      // The read model is a moment behind.
      const proof = () => by(ben, 'attachment', 'evidence', 'Survey')
      await until('it to be proven', async () => (await proof()).status === 0)
      await writeFile(evidence, (await proof()).output)
      t.equal(JSON.parse((await proof()).output).values.length, 1)
      const otherwise = /^concordata: no attachment at Terms\/Rate is agreed.*\[no_agreed_value\]\n$/
      t.match(await by(ben, 'attachment', 'evidence', 'Terms/Rate'), { status: 1, output: otherwise })
      const keyOf = async (party: NodeParty) => (await party.call('GET', '/api/Keys')).body.keys[0]
      const [anas, bens] = [await keyOf(ana), await keyOf(ben)]
      const prove = (file: string, ...more: string[]) => runCommand('audit', 'prove', evidence, file, ...more)
      t.match(await prove(survey), {
        status: 0,
        output: /Survey\.txt \(text\/plain\), attached at Survey.*not checked/s,
      })
      t.match(await prove(survey, '--key', `ana=${anas}`, '--key', `ben=${bens}`), {
        status: 0,
        output: /signed by ana/,
      })
      t.match(await prove(changes), { status: 1, output: /its bytes are others/ })
      t.match(await prove(survey, '--key', `ana=${bens}`), { status: 1, output: /not signed/ })
    })

    t.equal((await by(ana, 'rule', 'reopen')).output, 'Voted yes.\nIt waits for the vote of ben.\n')
    const reopened = /^Voted yes\.\nAgreed, as entry \d+ of the ledger\.\nNo rule is in force any more\.\n$/
    t.match((await by(ben, 'rule', 'reopen')).output, reopened)
    await until('ana to see it', async () => (await by(ana, 'rule', 'list')).output.includes('phase: edit'))
    const says = JSON.stringify({ kind: 'constraint', condition: 'Rate <= 1' })
    t.match(await by(ana, 'rule', 'add-set', 'More'), { status: 0, output: 'Added as rule set 2.\n' })
    t.match(await by(ana, 'rule', 'draft', 'Terms', says, '--set', '2', '--about', 'no more than all'), {
      output: 'Drafted as rule 2.\n',
    })
    t.match(await by(ana, 'rule', 'draft', 'Terms', says), {
      status: 1,
      output: /: --set says of which rule set it is/,
    })
    t.match(await by(ana, 'rule', 'draft', 'A 5%', says, '--set', '2'), { status: 1, output: /no_such_path/ })
    t.match(await by(ana, 'rule', 'draft', 'Terms', '{', '--set', '2'), {
      status: 1,
      output: /is no JSON: line 1, column 2 /,
    })
    t.match(await by(ana, 'rule', 'edit', '2', says.replace('1', '2'), '--set', '2'), { status: 0 })
    t.match(await by(ana, 'rule', 'draft', 'Terms', says, '--set', '2'), { status: 0 })
    t.match(await by(ana, 'rule', 'remove', '3'), { status: 0 })
    await until('ben to see it', async () => (await by(ben, 'rule', 'list')).output.includes('Rate <= 2'))
    t.match(await by(ben, 'rule', 'vote', '2', 'yes', '--hash', '0'.repeat(64)), { output: /rule_changed/ })
    t.match(await by(ben, 'rule', 'vote', '2', 'yes'), {
      status: 0,
      output: /Voted yes: .*Rate <= 2\nAll have voted yes: `rule publish` puts rule set 2 into force\.\n$/,
    })
    t.match(await by(ben, 'rule', 'vote', '1', 'yes'), { status: 0 })
    t.match(await by(ben, 'rule', 'publish', '1', '2'), { status: 0, output: /In force: 2 rules\./ })

    const block = { 'Secret 5%': { $block: { owner: 'ana' }, Code: 'blue' } }
    t.equal((await ana.call('POST', path, block)).status, 201)
    t.match(await by(ana, 'audience', 'set', 'Secret 5%', 'ana'), { status: 0 })
    t.match((await by(ana, 'audience', 'show')).output, /Secret 5% +ana +ana/)
    t.equal((await ana.call('PUT', `${path}/Secret%205%25/Code`, 'red')).status, 200)
    const code = async () => (await ben.call('GET', `${path}/Secret%205%25`)).body.Code
    await until('ben not to see it', async () => typeof (await code()) === 'object')
    t.match(await by(ana, 'audience', 'reveal', 'Secret 5%/Code'), { status: 0 })
    await until('ben to see it', async () => (await code()) === 'red')
  })

  await t.test('what is split waits for the votes on each of its requests, and takes all of it back', async (t) => {
    const others = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`Other ${n}`, { A: 'a' }]))
    const written = { Terms: { Rate: '0.77' }, ...others }
    const split = await ana.call('POST', `${path}?split`, written, 'wait=3, handling=strict')
    t.match(split, { status: 504, body: { code: 'withdrawn', candidates: [{ at: 'Terms/Rate', fate: 'withdrawn' }] } })
    t.equal(split.body.parts.length, 2)
    t.same(await open(ana), [])
    t.equal((await ana.call('GET', `${path}/Other 199`)).body.A, 'a')

    t.equal((await ben.call('POST', path, { Bens: { $block: { owner: 'ben' }, X: '1' } })).status, 201)
    await until('ana to see it', async () => (await ana.call('GET', `${path}/Bens`)).status === 200)
    const more = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`More ${n}`, { A: 'a' }]))
    const half = { Terms: { Rate: '0.78' }, ...more, Bens: { More: 'x' } }
    const failed = await ana.call('POST', `${path}?split`, half, 'wait=30, handling=strict')
    const candidates = [{ at: 'Terms/Rate', fate: 'withdrawn' }]
    t.match(failed, { status: 403, body: { code: 'not_owner', parts: [/^ana/], candidates } })
    t.same(await open(ana), [], 'what the requests before it had put to the vote is taken back')
  })

  await t.test('who waits when the node stops is told so', async (t) => {
    const { documents } = nodes[0]
    const waiting = documents.propose(contract, ['Terms', 'Rate'], { json: '0.46', adds: false }, { timeoutMs: 60_000 })
    const told = t.rejects(waiting, { code: 'contract_closed' })
    await seenByBen()
    await nodes[0].close()
    await told
  })
})
