import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../../src/index.ts'
import { newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import { sharedContract } from '../../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test(
  'two companies write rules, vote on them, publish them, and are refused by them',
  { timeout: 240_000 },
  async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'concordata-rules-'))
    const [ana, ben] = [await newParty(root, 'ana', []), await newParty(root, 'ben', [])]
    const nodes = await Promise.all([ana, ben].map(({ data }) => openNode({ data })))
    t.teardown(async () => {
      await Promise.all(nodes.map((node) => node.close()))
      await rm(root, { recursive: true, force: true })
    })
    const contract = await sharedContract(t, ana, ben, 'slip')
    const [at, path] = [`/api/Contract/${contract}`, `/new-api/${contract}`]
    const gbp = { type: 'money', currency: 'GBP' }
    const written = { Terms: { Sum: { $field: gbp }, Rate: { $field: { type: 'decimal' } }, Premium: { $field: gbp } } }
    t.match(await ana.call('POST', path, written), { status: 201 })
    const seen = async (party: typeof ana) => (await party.call('GET', `${at}/Rules`)).body

    await t.test('a rule that cannot be read says where, and what may be meant', async (t) => {
      const says = { kind: 'constraint', condition: 'Rat <= 1' }
      t.match(await ana.call('POST', `${at}/RuleSets`, { name: 'Money' }), { status: 200, body: { ruleSet: 1 } })
      t.match(await ana.call('POST', `${at}/Rules`, { at: 'Terms', ruleSet: 1, says }), {
        status: 422,
        body: { code: 'expression_unknown_name', from: 0, to: 3, suggestion: 'Rate' },
      })
      t.match(await ana.call('POST', `${at}/Rules`, { at: 'Nowhere', ruleSet: 1, says }), {
        status: 404,
        body: { code: 'no_such_path' },
      })
      t.same((await seen(ana)).rules, [], 'nothing of it is signed')
    })

    await t.test('rules are drafted as text, shown as text, and voted on by hash', async (t) => {
      const assignment = { kind: 'assignment', target: 'Terms/Premium', expression: 'Sum*Rate' }
      const assigned = { at: 'Terms', ruleSet: 1, says: assignment }
      const drafted = await ana.call('POST', `${at}/Rules`, assigned, undefined, { 'idempotency-key': 'draft' })
      t.match(drafted, { status: 200, body: { rule: 1 } })
      const again = await ana.call('POST', `${at}/Rules`, assigned, undefined, { 'idempotency-key': 'draft' })
      t.same(again.body, drafted.body, 'asked again it is told the same')
      const constraint = { kind: 'constraint', condition: 'Rate<0.5' }
      t.equal((await ana.call('POST', `${at}/Rules`, { at: 'Terms', ruleSet: 1, says: constraint })).status, 200)
      await until('ben to see them', async () => (await seen(ben)).rules.length === 2)
      const { rules } = await seen(ben)
      t.match(rules, [
        {
          number: 1,
          at: 'Terms',
          by: 'ana',
          yes: [],
          says: { ...assignment, expression: 'Sum * Rate' },
          isInForce: false,
        },
        { number: 2, says: { condition: 'Rate < 0.5', severity: 'reject' } },
      ])
      for (const { number, hash } of rules) {
        const vote = { rule: number, hash, state: 'open', waitsFor: [] }
        t.match(
          await ben.call('POST', `${at}/Rules/${number}/Votes`, { hash, vote: 'yes' }),
          { status: 200, body: { vote } },
          'with all votes it waits to be published',
        )
      }
      t.match(await ben.call('POST', `${at}/Rules/1/Votes`, { hash: rules[1].hash, vote: 'yes' }), {
        status: 409,
        body: { code: 'rule_changed' },
      })
      const { changes } = (await ben.call('GET', `${path}/~changes?limit=100`)).body
      const [{ hash }] = rules
      const said = { rule: 1, hash, text: 'Terms/Premium is computed: Sum * Rate', at: ['Terms'] }
      const ofRules = changes.filter(({ change }: { change: string }) => change.startsWith('Rule'))
      t.match(
        ofRules,
        [
          { change: 'RuleSetAdded', ruleSet: 1, name: 'Money', by: 'ana' },
          { change: 'RuleDrafted', ...said },
          { change: 'RuleDrafted', rule: 2 },
          { change: 'RuleVoteCast', ...said, vote: 'yes', by: 'ben' },
          { change: 'RuleVoteCast', rule: 2, vote: 'yes' },
        ],
        'what is told says of which rule, and which vote',
      )
      t.equal(ofRules.length, 5)
    })

    const publication = async () => {
      const { rules } = await seen(ana)
      const named = rules.map(({ number, hash }: { number: number; hash: string }) => ({ rule: number, hash }))
      return { ruleSets: [1], rules: named }
    }

    await t.test('a dry run of a rule says what its publication would do, before anybody votes on it', async (t) => {
      const rule = { at: 'Terms', ruleSet: 1, says: { kind: 'assignment', target: 'Terms/Sum', expression: 'Sum' } }
      t.match(await ben.call('POST', `${at}/Rules?dry-run`, rule), {
        status: 200,
        body: { outcome: 'accepted', publication: { outcome: 'void', reason: { code: 'rules_cyclic' } } },
      })
      t.match(await ben.call('POST', `${at}/Rules?dry-run`, { ...rule, says: { kind: 'required', before: 'live' } }), {
        body: { publication: { outcome: 'void', reason: { code: 'required_missing' } } },
      })
      const leader = { kind: 'access', who: { parties: [], fields: ['Terms/Leader'] }, what: ['propose'] }
      t.match(await ana.call('POST', `${path}/Terms`, { Leader: { $field: { type: 'party' } } }), { status: 201 })
      t.match(await ana.call('POST', `${at}/Rules?dry-run`, { ...rule, at: 'Terms/Rate', says: leader }), {
        body: { publication: { warnings: [{ code: 'rights_unguarded', path: 'Terms/Leader' }] } },
      })
    })

    await t.test('a dry run says what a publication, or a write, would do, and signs nothing', async (t) => {
      t.equal((await ben.call('PUT', `${path}/Terms/Rate`, 0.9)).status, 200)
      const would = await ana.call('POST', `${at}/Publications?dry-run`, await publication())
      t.match(would, {
        status: 200,
        body: {
          dryRun: true,
          outcome: 'void',
          reason: { code: 'rule_broken', with: ['2'] },
          rule: { number: 2, at: 'Terms', inputs: [{ path: 'Terms/Rate', value: '0.9' }] },
        },
      })
      t.match(would.body.publication, { outcome: 'void', ruleSets: [1], warnings: [] })
      t.match(await ana.call('POST', `${at}/Publications`, await publication()), {
        status: 422,
        body: {
          code: 'rule_broken',
          detail: 'A condition of a rule does not hold.',
          rule: { number: 2, inputs: [{ path: 'Terms/Rate', value: '0.9' }] },
        },
      })
      t.match(await ana.call('POST', `${at}/Publications`, { ruleSets: [1], rules: [] }), {
        status: 422,
        body: { code: 'rules_named_unfit', with: ['1'] },
      })
      const says = { kind: 'constraint', condition: 'Rate < 1', severity: 'hard' }
      t.match(await ana.call('POST', `${at}/Rules`, { at: 'Terms', ruleSet: 1, says }), {
        status: 400,
        body: { code: 'request_malformed', path: '/says/severity', expected: 'must be "reject" or "warn"' },
      })
      t.equal((await ben.call('PUT', `${path}/Terms/Rate`, 0.1)).status, 200)
      t.equal((await ana.call('POST', `${at}/Publications`, await publication())).status, 200)
      t.match(await ben.call('PUT', `${path}/Terms/Sum?dry-run`, { amount: '1000.00', currency: 'GBP' }), {
        status: 200,
        body: {
          outcome: 'accepted',
          fields: [
            { path: 'Terms/Sum', value: { amount: '1000.00' } },
            { path: 'Terms/Premium', rule: 1, value: { amount: '100.00', currency: 'GBP' } },
          ],
        },
      })
      t.equal((await ben.call('GET', `${path}/Terms/Sum`)).status, 404)
    })

    await t.test('what rules compute is read at every node like any other value', async (t) => {
      t.equal((await ben.call('PUT', `${path}/Terms/Sum`, { amount: '2000.00', currency: 'GBP' })).status, 200)
      for (const party of [ana, ben]) {
        await until('the premium', async () => (await party.call('GET', path)).body.Terms.Premium?.amount === '200.00')
      }
    })

    await t.test('a refusal says by which rule, in its words, with the values', async (t) => {
      t.match(await ben.call('PUT', `${path}/Terms/Rate`, 0.7), {
        status: 422,
        body: {
          code: 'rule_broken',
          rule: {
            number: 2,
            at: 'Terms',
            says: { kind: 'constraint', condition: 'Rate < 0.5' },
            inputs: [{ path: 'Terms/Rate', value: '0.7' }],
          },
        },
      })
      t.match(await ben.call('PUT', `${path}/Terms/Premium`, { amount: '1.00', currency: 'GBP' }), {
        status: 409,
        body: { code: 'field_assigned', rule: { number: 1 } },
      })
    })

    await t.test('after a restart the rules judge as before, and a vote of all reopens the contract', async (t) => {
      await nodes[1]?.close()
      nodes[1] = await openNode({ data: ben.data })
      t.match(await ben.call('PUT', `${path}/Terms/Rate`, 0.8), { status: 422, body: { code: 'rule_broken' } })
      t.equal((await ben.call('PUT', `${path}/Terms/Rate`, 0.2)).status, 200)
      t.equal((await ben.call('GET', path)).body.Terms.Premium.amount, '400.00')
      t.equal((await ana.call('POST', `${at}/Reopenings`)).status, 200)
      t.equal((await ben.call('POST', `${at}/Reopenings`)).status, 200)
      t.match(await seen(ben), { phase: 'edit', rules: [{ isInForce: false }, { isInForce: false }] })
      t.equal((await ben.call('PUT', `${path}/Terms/Rate`, 0.9)).status, 200)
    })

    const sets = `${at}/ChangeSets`
    const listed = async (party: typeof ana) => (await party.call('GET', sets)).body

    await t.test('an endorsement is tried, proposed, shown as a diff, voted on, and takes effect as one', async (t) => {
      for (const rule of [1, 2]) t.equal((await ana.call('DELETE', `${at}/Rules/${rule}`)).status, 200)
      const says = { kind: 'validation', who: { parties: ['ben'] } }
      t.equal((await ana.call('POST', `${at}/Rules`, { at: 'Terms', ruleSet: 1, says })).status, 200)
      await until('ben to see it', async () => (await seen(ben)).rules.length === 1)
      const [{ number, hash }] = (await seen(ben)).rules
      t.equal((await ben.call('POST', `${at}/Rules/${number}/Votes`, { hash, vote: 'yes' })).status, 200)
      t.equal((await ana.call('POST', `${at}/Publications`, await publication())).status, 200)
      const changes = [
        { at: '', add: { Extension: { Reason: 'longer by a month' } } },
        { at: 'Terms', set: { Rate: 0.25 } },
        { at: 'Terms/Sum', rename: 'Sum insured' },
      ]
      t.match(await ana.call('POST', sets, { changes }), { status: 409, body: { code: 'rule_governed' } })
      const about = { title: 'Endorsement 1', text: 'The voyage takes a month longer.' }
      const endorsement = { about, changes: changes.slice(0, 2) }
      t.match(await ana.call('POST', `${sets}?dry-run`, endorsement), {
        status: 200,
        body: {
          dryRun: true,
          outcome: 'accepted',
          changeSets: [{ fate: 'waits', voters: ['ben'] }],
          fields: [
            { path: 'Extension/Reason', value: 'longer by a month' },
            { path: 'Terms/Rate', value: '0.25' },
          ],
        },
      })
      t.same((await listed(ana)).open, [], 'nothing is signed')
      const proposed = await ana.call('POST', sets, endorsement)
      t.match(proposed, { status: 200, body: { vote: { state: 'open', waitsFor: ['ben'] } } })
      t.equal(proposed.body.vote.changeSet, proposed.body.request)
      await until('ben to see it', async () => (await listed(ben)).open.length === 1)
      const [{ request }] = (await listed(ben)).open
      const one = (await ben.call('GET', `${sets}/${request}`)).body
      t.match(one, { by: 'ana', state: 'open', about, voters: ['ben'], yes: [], waitsFor: ['ben'] })
      t.match(one.changes, {
        added: [{ path: 'Extension', kind: 'block' }, { path: 'Extension/Reason' }],
        values: [
          { path: 'Terms/Rate', from: { value: '0.9' }, to: { value: '0.25', by: 'ana' } },
          { path: 'Extension/Reason', from: null, to: { value: 'longer by a month' } },
        ],
      })
      const attention = async () => (await ben.call('GET', '/api/Attention')).body.changeSets
      await until('ben to be told', async () => (await attention()).count === 1)
      t.match(await attention(), { items: [{ contract, request, by: 'ana', waitsFor: ['ben'] }] })
      t.equal((await ben.call('GET', `${path}/Extension`)).status, 404)
      t.match(await ana.call('POST', `${sets}/${request}/Votes`, { vote: 'yes' }), {
        status: 403,
        body: { code: 'not_a_voter' },
      })
      t.match(await ben.call('POST', `${sets}/${request}/Votes?dry-run`, { vote: 'yes' }), {
        body: {
          changeSets: [{ request, fate: 'agreed' }],
          fields: [{ value: 'longer by a month' }, { value: '0.25' }],
        },
      })
      const vote = () =>
        ben.call('POST', `${sets}/${request}/Votes`, { vote: 'yes' }, undefined, { 'idempotency-key': 'last-vote' })
      const { body: voted } = await vote()
      const nothing = { computed: 0, removed: 0, renamed: 0, granted: 0, arranged: 0, erased: 0 }
      t.same(voted.vote, {
        changeSet: request,
        state: 'agreed',
        endedAt: voted.index,
        changes: { ...nothing, values: 2, added: 2 },
      })
      t.same((await vote()).body, voted, 'whoever asks again is answered as before')
      t.match((await ben.call('GET', path)).body, {
        Extension: { Reason: 'longer by a month' },
        Terms: { Rate: '0.25' },
      })
      await until('it to be past', async () => (await listed(ben)).ended.length === 1)
      const votes = [{ by: 'ben', vote: 'yes' }]
      const past = (await ben.call('GET', `${sets}/${request}`)).body
      t.match(past, { state: 'agreed', about, voters: ['ben'], votes })
      const between = (from: number, to: number) => ben.call('GET', `${at}/Diff?from=${from}&to=${to}`)
      const { body: back } = await between(past.endedAt, past.endedAt - 1)
      t.match(back, { removed: [{ path: 'Extension' }], values: [{ from: { value: '0.25' }, to: { value: '0.9' } }] })
      t.match(await between(0, 100_000), { status: 404, body: { code: 'no_such_entry' } })
      t.match((await between(0, past.endedAt)).body, { phase: { from: 'edit', to: 'live' }, isWhole: true })
    })

    await t.test('another is withdrawn by its author, one is turned down with a reason', async (t) => {
      const propose = async (rate: number) => {
        t.equal((await ana.call('POST', sets, { changes: [{ at: 'Terms/Rate', set: rate }] })).status, 200)
        await until('ben to see it', async () => (await listed(ben)).open.length === 1)
        return (await listed(ben)).open[0].request
      }
      const first = await propose(0.3)
      t.match(await ben.call('DELETE', `${sets}/${first}`), { status: 403, body: { code: 'not_author' } })
      t.equal((await ana.call('DELETE', `${sets}/${first}`)).status, 200)
      t.match(await ben.call('POST', `${sets}/${first}/Votes`, { vote: 'yes' }), {
        body: { code: 'no_such_change_set' },
      })
      const second = await propose(0.4)
      const about = { text: 'too dear' }
      const no = await ben.call('POST', `${sets}/${second}/Votes`, { vote: 'no', about })
      t.match(no, { status: 200, body: { vote: { state: 'ended', endedAt: no.body.index, why: 'turned_down' } } })
      await until('both to be past', async () => (await listed(ben)).ended.length === 3)
      t.match((await listed(ben)).ended, [{ why: 'turned_down' }, { why: 'withdrawn' }, { state: 'agreed' }])

      const late = {
        changes: [
          { at: '', add: { Late: { A: 'x' } } },
          { at: 'Terms', set: { Rate: 0.5 } },
        ],
      }
      const third = (await ana.call('POST', sets, late)).body.request
      t.equal((await ben.call('POST', path, { Late: 'first' })).status, 201)
      const { body } = await ben.call('POST', `${sets}/${third}/Votes`, { vote: 'yes' })
      const fate = {
        changeSet: third,
        state: 'ended',
        endedAt: body.index,
        why: 'unfit',
        reason: { code: 'name_taken' },
      }
      t.match(body.vote, fate, 'with the last yes it has fallen, and whoever has cast it is told why')
      t.equal((await ben.call('GET', `${path}/Terms/Rate`, undefined, '', { accept: 'application/json' })).body, '0.25')
      t.match(await ben.call('GET', `${sets}/ana.99999.0`), { status: 404, body: { code: 'no_such_change_set' } })
    })

    await t.test('the audit computes all of it again', async (t) => {
      const { status, output } = await runCommand('audit', 'verify', contract, '--data', ana.data)
      t.equal(status, 0, output)
    })

    await t.test('what all have voted to erase is in no file of theirs any more', async (t) => {
      const secret = 'Ada Lovelace, 12 St James’s Square'
      const files = ({ data }: typeof ana) => {
        const all = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
        return all.map((entry) => readFileSync(join(entry.parentPath, entry.name)))
      }
      const find = (party: typeof ana) => files(party).some((file) => file.includes(secret))
      t.equal((await ana.call('POST', path, { Claimant: secret.repeat(3) })).status, 201)
      t.ok(find(ana) && find(ben), 'given: both have it on disk')
      t.equal((await ana.call('PUT', `${path}/Claimant`, 'somebody')).status, 200)
      const own = { Own: { $block: { owner: 'ana', audience: ['ana'] }, Note: secret } }
      const confided = await ana.call('POST', path, own)
      t.equal(confided.status, 201)
      const paths = ['Claimant', 'Own/Note']
      const tried = await ana.call('POST', `${at}/Erasures?dry-run`, { paths })
      const would = { values: 3, at: paths, votes: ['ana'], waitsFor: ['ben'] }
      t.match(tried, { status: 200, body: { outcome: 'accepted', erasure: would } })
      const asked = await ana.call('POST', `${at}/Erasures`, { paths, about: { text: 'she has asked' } })
      t.equal(asked.status, 200)
      const open = async () => (await ben.call('GET', `${at}/Erasures`)).body.open
      await until('ben to see it', async () => (await open()).length === 1)
      const [one] = await open()
      t.match(one, { values: 3, at: ['Claimant', 'Own/Note'], votes: ['ana'], waitsFor: ['ben'] })
      await until('Attention to say so', async () => {
        const { erasures } = (await ben.call('GET', '/api/Attention')).body
        return erasures.count === 1 && erasures.items[0].waitsFor.includes('ben')
      })
      const why = { by: 'ana', castAt: asked.body.index, about: { isHeld: true, text: 'she has asked' } }
      t.match(await open(), [{ said: [why] }], 'who is asked to vote is told who has asked, when and why')
      t.match((await ben.call('GET', '/api/Attention')).body.erasures.items, [why])
      const last = await ben.call('POST', `${at}/Erasures/${one.erasure}/Votes?dry-run`, { vote: 'yes' })
      t.match(last.body, { erasure: { ...would, erasure: one.erasure, votes: ['ana', 'ben'], waitsFor: [] } })
      t.equal(tried.body.erasure.erasure, one.erasure)
      t.match((await ben.call('POST', `${at}/Erasures/${one.erasure}/Votes`, { vote: 'yes' })).body, {
        vote: { erasure: one.erasure, state: 'agreed', changes: { erased: 3 } },
      })
      for (const party of [ana, ben]) await until('it to be gone', async () => !find(party))
      t.equal((await ana.call('GET', path)).body.Claimant, null)
      for (const party of [ana, ben]) {
        t.same((await party.call('GET', path)).body.Own, { Note: null }, 'and no confidential value of somebody')
        t.same((await party.call('GET', `${path}/Own?at=${confided.body.index}`)).body, { Note: null })
        const gone = { status: 404, body: { code: 'no_agreed_value', isErased: true } }
        t.match(await party.call('GET', `${path}/Own/Note`), gone, 'and not that there never was one')
        const revealed = await party.call('POST', `${at}/Disclosures`, { at: 'Own/Note' })
        t.match(revealed, gone, 'nobody can reveal it')
        const told = (await party.call('GET', `${path}/Own/Note/~changes`)).body.changes
        t.match(told.at(-1), { change: 'ValuesErased', subject: path, at: ['Claimant', 'Own/Note'] })
        t.notOk(
          told.some((one: object) => 'value' in one),
          'and it is not told as one that others hold',
        )
      }
      t.match((await ana.call('GET', `${at}/Erasures`)).body, { open: [], erased: 3 })
      t.match(await ana.call('POST', `${at}/Erasures`, { paths: ['Claimant'] }), {
        status: 422,
        body: { code: 'erasure_unfit' },
      })
      t.match(await ana.call('POST', `${at}/Erasures/${one.erasure}/Votes`, { vote: 'no' }), { status: 404 })
      t.equal((await ben.call('PUT', `${path}/Claimant`, 'nobody')).status, 200)
      const { status, output } = await runCommand('audit', 'verify', contract, '--data', ben.data)
      t.equal(status, 0, output)
      t.match(output, /taken and not recomputed/)
    })
  },
)
