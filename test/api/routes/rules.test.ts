import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { addParty } from '../../../src/cli/party-commands.ts'
import { openNode } from '../../../src/index.ts'
import { newParty, until } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'

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
    await addParty(ana.data, ben.endpoint, ben.fingerprint)
    await addParty(ben.data, ana.endpoint, ana.fingerprint)
    const { contract } = (await ana.call('POST', '/api/Contract', { title: 'slip' })).body
    const [at, path] = [`/api/Contract/${contract}`, `/new-api/${contract}`]
    t.equal((await ana.call('POST', `${at}/Invitations`, { party: 'ben' })).status, 200)
    await until('ben to be invited', async () => {
      const { body } = await ben.call('GET', '/api/Contract')
      return body.some(
        (held: { contract: string; standing: string }) => held.contract === contract && held.standing === 'invited',
      )
    })
    t.equal((await ben.call('POST', `${at}/Acceptance`)).status, 200)
    const gbp = { type: 'money', currency: 'GBP' }
    const written = { Terms: { Sum: { $field: gbp }, Rate: { $field: { type: 'decimal' } }, Premium: { $field: gbp } } }
    t.match(await ana.call('POST', path, written), { status: 201 })
    const seen = async (party: typeof ana) => (await party.call('GET', `${at}/Rules`)).body

    await t.test('a rule that cannot be read says where, and what may be meant', async (t) => {
      const says = { kind: 'constraint', condition: 'Rat <= 1' }
      t.equal((await ana.call('POST', `${at}/RuleSets`, { name: 'Money' })).status, 200)
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
      t.equal((await ana.call('POST', `${at}/Rules`, { at: 'Terms', ruleSet: 1, says: assignment })).status, 200)
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
        t.match(await ben.call('POST', `${at}/Rules/${number}/Votes`, { hash, vote: 'yes' }), { status: 200 })
      }
      t.match(await ben.call('POST', `${at}/Rules/1/Votes`, { hash: rules[1].hash, vote: 'yes' }), {
        status: 409,
        body: { code: 'rule_changed' },
      })
    })

    const publication = async () => {
      const { rules } = await seen(ana)
      const named = rules.map(({ number, hash }: { number: number; hash: string }) => ({ rule: number, hash }))
      return { ruleSets: [1], rules: named }
    }

    await t.test('a dry run says what a publication, or a write, would do, and signs nothing', async (t) => {
      t.equal((await ben.call('PUT', `${path}/Terms/Rate`, 0.9)).status, 200)
      const would = await ana.call('POST', `${at}/Publications?dry-run`, await publication())
      t.match(would, {
        status: 200,
        body: { dryRun: true, outcome: 'void', reason: { code: 'rule_broken', with: ['2'] } },
      })
      t.match(await ana.call('POST', `${at}/Publications`, await publication()), {
        status: 422,
        body: { code: 'rule_broken', rule: { number: 2, inputs: [{ path: 'Terms/Rate', value: '0.9' }] } },
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

    await t.test('the audit computes all of it again', async (t) => {
      const { status, output } = await runCommand('audit', 'verify', contract, '--data', ana.data)
      t.equal(status, 0, output)
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
  },
)
