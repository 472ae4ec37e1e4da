import '../../support/checked-answers.ts'
import t from 'tap'
import { runCommand } from '../../support/run-command.ts'
import { soleNode } from '../../support/sole-node.ts'

const { data, call, contract: uid } = await soleNode(t)
const root = `/new-api/${uid}`

/** The value of a request that must succeed. */
async function done(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await call(method, path, body)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
const contract = `/api/Contract/${uid}`

t.test('a type is defined, shown with its hints, and named by fields that are added', async (t) => {
  const percentage = { base: 'decimal', constraint: { minimum: '0', maximum: '100' }, hints: { display: 'percent' } }
  await done('PUT', `${contract}/Types/Percentage`, percentage)
  const [shown] = (await done('GET', `${contract}/Types`)) as { definition: string }[]
  t.match(shown, { name: 'Percentage', ...percentage, definition: /^[0-9a-f]{64}$/ })
  const custom = { type: 'custom', name: 'Percentage' }
  t.equal((await call('POST', root, { Share: { $field: custom, $value: 12.5 } })).status, 201)
  t.equal(await (await call('GET', `${root}/Share`)).text(), '12.5')
  const wrong = await call('PUT', `${root}/Share`, '100.5')
  t.match(
    { status: wrong.status, body: await wrong.json() },
    { status: 422, body: { code: 'value_wrong_type', with: ['decimal', 'maximum'] } },
  )
  const unknown = await call('POST', root, { Other: { $field: { type: 'custom', name: 'Percent' } } })
  t.match(
    { status: unknown.status, body: await unknown.json() },
    { status: 422, body: { code: 'write_unfit', options: ['Percentage'] } },
  )
  const unchanged = await call('PUT', `${contract}/Types/Percentage`, percentage)
  t.match({ status: unchanged.status, body: await unchanged.json() }, { status: 409, body: { code: 'type_unchanged' } })
  t.match(await runCommand('contract', 'types', uid, '--data', data), {
    status: 0,
    output: /Percentage +decimal/,
  })
})

t.test('the children of a block are shown in the order that they are put in', async (t) => {
  await done('POST', root, { Terms: { First: 'a', Second: 'b', Third: 'c' } })
  const arrange = (id: string, order: unknown) => call('PUT', `${contract}/Elements/${id}/Order`, { order })
  const keys = async () => Object.keys((await done('GET', `${root}/Terms`)) as object)
  const terms = Object.keys((await done('GET', root)) as object).indexOf('Terms')
  t.equal((await arrange(`0.${terms}`, ['Third', 'First'])).status, 200)
  t.same(await keys(), ['Third', 'First', 'Second'])
  await done('POST', `${root}/Terms`, { Fourth: 'd' })
  t.same(await keys(), ['Third', 'First', 'Second', 'Fourth'])
  t.match(await (await arrange(`0.${terms}`, ['Nobody'])).json(), { code: 'write_unfit', name: 'Nobody' })
  t.match(await (await arrange(`0.${terms}`, ['First', 'First'])).json(), { code: 'order_unfit' })
  t.equal((await arrange('0.99', [])).status, 404)
})

const text = { $field: { type: 'text' } }
const line = { Insurer: text, Written: { $field: { type: 'decimal' } }, Terms: { Note: text } }
const lines = `${root}/Lines`
const keyed = (insurer: string) => `${lines}${encodeURIComponent(`[Insurer = "${insurer}"]`)}`
/** Of the record: what is in the ledger. */
const size = async () => ((await done('GET', contract)) as { size: number }).size

t.test('a list is added with what its entries are, filled by POST, and read by number and by key', async (t) => {
  await done('POST', root, { Lines: { $list: { entry: line, entriesMax: 5, key: 'Insurer' } } })
  t.same(await done('GET', `${lines}/0`), { Insurer: null, Written: null, Terms: { Note: null } })
  const added = await call('POST', lines, { Insurer: 'acme-re', Written: '12.5' })
  t.match({ status: added.status, location: added.headers.get('location') }, { status: 201, location: `${lines}/1` })
  await done('POST', lines, { Insurer: 'cornhill / "re"', Terms: { Note: 'as expiring' } })
  const both = [
    { Insurer: 'acme-re', Written: '12.5', Terms: { Note: null } },
    { Insurer: 'cornhill / "re"', Written: null, Terms: { Note: 'as expiring' } },
  ]
  t.same(await done('GET', lines), both)
  t.same(await done('GET', `${lines}/2`), both[1])
  t.same(await done('GET', keyed('acme-re')), both[0])
  t.same(await done('GET', `${keyed('cornhill / \\"re\\"')}/Terms`), both[1]?.Terms)
  await done('PUT', `${keyed('acme-re')}/Written`, 15)
  t.equal(await (await call('GET', `${lines}/1/Written`)).text(), '15')
  t.equal((await call('GET', keyed('nobody'))).status, 404)
  t.match(await (await call('GET', `${lines}${encodeURIComponent('[Written = "15"]')}`)).json(), {
    code: 'no_such_path',
    expected: 'Insurer',
  })
})

t.test('what GET gives, PUT takes, and nothing changes: neither the document nor the ledger', async (t) => {
  for (const path of [lines, `${lines}/1`, keyed('acme-re'), root]) {
    const before = await size()
    const body = await done('GET', path)
    t.same(await done('PUT', path, body), { unchanged: true }, path)
    t.same(await done('GET', path), body)
    t.equal(await size(), before)
  }
})

t.test('an array that is put makes the entries those of it, matched by their keys', async (t) => {
  const [first, second] = (await done('GET', lines)) as object[]
  const third = { Insurer: 'new-re', Written: '1', Terms: { Note: null } }
  const changed = { ...second, Written: '7' }
  await done('PUT', lines, [third, changed])
  t.same(await done('GET', lines), [changed, third], 'in the order of their numbers')
  t.equal((await call('GET', `${lines}/1`)).status, 404)
  t.same(await done('GET', `${lines}/3`), third)
  t.match(await (await call('PUT', lines, [third, third])).json(), { code: 'write_unfit', name: 'Insurer' })
  t.match(await (await call('PUT', lines, { Insurer: 'x' })).json(), { code: 'write_unfit', name: 'Lines' })
  await done('PUT', root, { Lines: [first, changed] })
  t.same(await done('GET', lines), [changed, first], 'in a block as well')
  t.equal((await call('DELETE', keyed('acme-re'))).status, 200)
  t.same(await done('GET', lines), [changed])
})

t.test('a list without a key is matched by the places of its entries, and may be of fields', async (t) => {
  await done('POST', root, { Exclusions: { $list: { entry: text, entriesMax: 9 } } })
  await done('PUT', `${root}/Exclusions`, ['war', 'flood'])
  t.same(await done('GET', `${root}/Exclusions`), ['war', 'flood'])
  await done('PUT', `${root}/Exclusions`, ['war', 'quake', 'fire'])
  t.same(await done('GET', `${root}/Exclusions`), ['war', 'quake', 'fire'])
  t.equal(await (await call('GET', `${root}/Exclusions/2`)).text(), 'quake')
  await done('PUT', `${root}/Exclusions`, [])
  t.same(await done('GET', `${root}/Exclusions`), [])
})

t.test('what entries have is changed at the prototype, where it has no values', async (t) => {
  const code = async (method: string, path: string, body?: unknown) =>
    ((await (await call(method, path, body)).json()) as { code: string }).code
  t.equal(await code('POST', `${lines}/2`, { Late: 'x' }), 'write_unfit')
  t.equal(await code('DELETE', `${lines}/2/Terms`), 'entry_fixed')
  t.equal(await code('PUT', `${lines}/0/Written`, '5'), 'prototype_empty')
  t.equal(await code('POST', root, { Bad: { $list: { entry: { A: 'x' }, entriesMax: 5 } } }), 'write_unfit')
  t.equal(await code('POST', root, { Bad: { $list: { entry: line, entriesMax: 5, keys: 'A' } } }), 'write_unfit')
  await done('POST', `${lines}/0`, { Signed: { $field: { type: 'decimal' } } })
  t.match(await done('GET', lines), [{ Signed: null }])
})

t.test(
  'a block is confidential from its first value on, and who gets what is proposed there is read and set',
  async (t) => {
    const audience = { owner: 'sole', audience: ['sole'], until: '2030-01-01T00:00:00.000Z' }
    await done('POST', root, { Secret: { $block: audience, Fee: 5, Inner: { Net: 4 } } })
    t.same(await done('GET', `${root}/Secret`), { Fee: 5, Inner: { Net: 4 } })
    const audiences = `${contract}/Audiences`
    const { until } = audience
    t.same(await done('GET', audiences), [{ at: 'Secret', parties: ['sole'], until, effective: ['sole'] }])
    await done('PUT', `${root}/Secret/Fee`, 6)
    const unfit = { at: 'Secret', parties: ['other'] }
    t.match(await done('PUT', `${audiences}?dry-run`, unfit), { outcome: 'void', reason: { code: 'audience_unfit' } })
    const refused = await call('PUT', audiences, unfit)
    t.match({ status: refused.status, body: await refused.json() }, { status: 422, body: { code: 'audience_unfit' } })
    const disclosures = `${contract}/Disclosures`
    t.match(await done('POST', `${disclosures}?dry-run`, { at: 'Secret/Fee' }), { outcome: 'accepted' })
    await done('POST', disclosures, { at: 'Secret/Fee' })
    const again = await call('POST', disclosures, { at: 'Secret/Fee' })
    t.match({ status: again.status, body: await again.json() }, { status: 409, body: { code: 'not_confidential' } })
    await done('PUT', audiences, { at: 'Secret', parties: null })
    t.same(await done('GET', audiences), [])
    const wrong = await call('POST', root, { Other: { $block: { owners: [] } } })
    t.match({ status: wrong.status, body: await wrong.json() }, { status: 422, body: { code: 'write_unfit' } })
  },
)

t.test('rules are drafted, edited, voted on and removed at the element that they have to do with', async (t) => {
  await done('POST', root, { Cover: { Limit: 5 }, Other: 'x' })
  await done('POST', `${contract}/RuleSets`, { name: 'Terms' })
  const says = { kind: 'constraint', condition: 'Limit < 10' }
  const answered = async (method: string, path: string, body?: unknown) => {
    const response = await call(method, `${root}/${path}`, body)
    return [response.status, await response.json()]
  }
  t.match(await answered('POST', 'Cover/~rules', { ruleSet: 1, says, about: { text: 'as agreed' } }), [200, {}])
  const [rule] = (await done('GET', `${root}/Cover/~rules`)) as [{ number: number; hash: string }]
  t.match(rule, { at: 'Cover', ruleSet: 1, says, about: { seal: String } })
  const one = `~rules/${rule.number}`
  const edited = { ...says, condition: 'Limit < 20' }
  t.match(await answered('PUT', `Cover/${one}`, { ruleSet: 1, says: edited }), [200, { index: Number }])
  t.same(await done('GET', `${root}/Cover/${one}/attributes`), { ...edited, severity: 'reject' })
  t.match(await answered('PUT', `Cover%23Rules/${rule.number}/Attributes`, says), [200, { index: Number }])
  t.same(await done('GET', `${root}/Cover/Limit/${one}/attributes`), { ...says, severity: 'reject' })
  t.match(await answered('POST', `Cover/${one}/votes`, { hash: '0'.repeat(64), vote: 'no' }), [
    409,
    { code: 'rule_changed' },
  ])
  t.match(
    await answered('PUT', `Other/${one}`, { ruleSet: 1, says }),
    [404, { code: 'no_such_rule' }],
    'it is not there',
  )
  t.match(await answered('POST', 'Nowhere/~rules', { ruleSet: 1, says }), [404, { code: 'no_such_path' }])
  t.match(await answered('PUT', `Cover/${one}/attributes`, { kind: 'nothing' }), [400, { code: 'request_malformed' }])
  t.match(await answered('DELETE', `Other/${one}`), [404, { code: 'no_such_rule' }])
  t.match(await answered('DELETE', `Cover/${one}?dry-run`), [200, { dryRun: true, outcome: 'accepted' }])
  t.match(await answered('DELETE', `Cover/${one}`), [200, { index: Number }])
  t.same(await done('GET', `${root}/Cover/~rules`), [])
})

t.test('PUT has stand there what is not there yet', async (t) => {
  const put = async (path: string, body: unknown, more: Record<string, string> = {}) => {
    const response = await call('PUT', `${root}/${path}`, body, more)
    const { code, ...rest } = (await response.json()) as Record<string, unknown>
    return [response.status, code ?? response.headers.get('location') ?? rest]
  }
  const xml = { 'content-type': 'application/xml' }
  t.same(await put('Put', 'as text'), [201, `${root}/Put`])
  t.same(await put('Amount', { amount: '5.00', currency: 'EUR' }), [201, `${root}/Amount`])
  t.same(await put('Block', { Name: 'x', Inner: { Rate: 1.5 } }), [201, `${root}/Block`])
  t.same(await put('Block/From', '<From type="date">2027-01-31</From>', xml), [201, `${root}/Block/From`])
  t.match(await put('Block', { Name: 'y', Added: true }), [201, `${root}/Block/Added`])
  t.same(await (await call('GET', `${root}/Block`)).json(), {
    Name: 'y',
    Inner: { Rate: '1.5' },
    From: '2027-01-31',
    Added: true,
  })
  t.match(await put('Block', { Name: 'y', Added: true }), [200, { unchanged: true }])
  t.match(await put('Once', 'x', { 'if-none-match': '*' }), [201, `${root}/Once`])
  t.match(await put('Once', 'y', { 'if-none-match': '*' }), [412, 'precondition_failed'])
  t.match(await put('Never', 'x', { 'if-match': '*' }), [412, 'precondition_failed'], 'nothing is there that matches')
  t.match(await put('Never/Below', 'x'), [404, 'no_such_path'], 'the block above has to be there')
  t.match(await put('Block/Gone', '<Other>x</Other>', xml), [422, 'write_unfit'])
  t.match(await put('Put/Below', 'x'), [404, 'no_such_path'], 'below a field stands nothing')
  const json = { 'content-type': 'application/json' }
  t.match(await put('Null', 'null', json), [422, 'write_unfit'], 'of what type it would be, null does not say')
  t.match(await put('$vlaue', 'x'), [422, 'write_unfit'])
  t.match(await put('Tried?dry-run', 'x'), [200, { dryRun: true, outcome: 'accepted' }])
  t.equal((await call('GET', `${root}/Tried`)).status, 404)
})

t.test('an entry of a list is named by its number in two ways', async (t) => {
  const list = { $list: { entry: { Code: { $field: { type: 'text' } } }, entriesMax: 5 } }
  await (await call('POST', root, { Numbered: list })).json()
  await (await call('PUT', `${root}/Numbered`, [{ Code: 'a' }, { Code: 'b' }])).json()
  t.equal(await (await call('GET', `${root}/Numbered%5B2%5D/Code`)).text(), 'b')
  t.equal((await call('PUT', `${root}/Numbered%5B1%5D/Code`, 'c')).status, 200)
  t.equal(await (await call('GET', `${root}/Numbered/1/Code`)).text(), 'c')
  t.match(await (await call('GET', `${root}/Numbered%5B0%5D/~schema`)).json(), { kind: 'block', at: 'Numbered/0' })
  t.equal((await call('DELETE', `${root}/Numbered%5B2%5D`)).status, 200)
  t.equal((await call('GET', `${root}/Numbered%5B2%5D`)).status, 404)
  t.equal((await call('PUT', `${root}/Numbered%5B7%5D`, { Code: 'x' })).status, 404, 'and adds no field of that name')
  const posted = await call('POST', root, { 'Numbered[1]': 'a name' })
  t.equal(posted.status, 201)
  t.equal(await (await call('GET', `${root}/Numbered%5B1%5D`)).text(), 'a name', 'a name is meant first')
})
