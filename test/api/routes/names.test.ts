import t from 'tap'
import { main } from '../../../src/cli/main.ts'
import { openNode } from '../../../src/index.ts'
import { newParty, until } from '../../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const ana = await newParty(t.testdir(), 'ana')
const node = await openNode({ data: ana.data })
t.teardown(() => node.close())
const root = `/new-api/${(await node.open('Names')).uid}`

const choice = (...options: string[]) => ({ Choice: { $field: { type: 'choice', options } } })
const sizeNow = async () => (await ana.call('GET', root.replace('new-api', 'api/Contract'))).body.size

t.test('what others could not read alike is refused with its place, and nothing is signed', async (t) => {
  const before = await sizeNow()
  const cases: [string, unknown, number, string][] = [
    ['a name with a zero width space', { 'Coun\u200btry': 1 }, 5, 'U+200B'],
    ['one that overrides the direction', { 'pay \u202eneb': 1 }, 5, 'U+202E'],
    ['one with a soft hyphen', { '\u00adA': 1 }, 1, 'U+00AD'],
    ['one that breaks the line', { Block: { 'A\u2028B': 1 } }, 2, 'U+2028'],
    ['a byte order mark', { '\ufeffA': {} }, 1, 'U+FEFF'],
    ['a slash', { 'A/B': 1 }, 2, 'U+002F'],
    ['a back-quote', { '`A': 1 }, 1, 'U+0060'],
    ['two spaces', { 'A  B': 1 }, 3, 'U+0020'],
    ['a mark that nothing carries', { '\u0301A': 1 }, 1, 'U+0301'],
    ['an option of a choice', choice('Yes', 'No\u200e'), 3, 'U+200E'],
  ]
  for (const [name, body, place, codePoint] of cases) {
    t.match(await ana.call('POST', root, body), { status: 422, body: { code: 'text_unfit', place, codePoint } }, name)
  }
  t.match(await ana.call('POST', root, { '..': 1 }), { status: 422, body: { code: 'text_unfit' } })
  t.match(await ana.call('POST', '/api/Contract', { title: 'Fleet\u001b[2J' }), {
    status: 422,
    body: {
      code: 'text_unfit',
      detail:
        'the title has a character that is not taken (a control, invisible, private, unknown to Unicode 15.1, or with a meaning in paths): U+001B at place 6',
    },
  })
  t.equal(await sizeNow(), before)
})

t.test('a name that can be taken for that of a sibling is refused, and nothing is signed', async (t) => {
  t.equal((await ana.call('POST', root, { Country: 1, Block: { Item: 1 } })).status, 200)
  const before = await sizeNow()
  t.match(await ana.call('POST', root, { 'C\u043euntry': 2 }), {
    status: 422,
    body: {
      code: 'write_unfit',
      element: '0.0',
      detail: 'C\u043euntry can be taken for Country, which stands here already',
    },
  })
  t.match(await ana.call('POST', root, { Block: { ltem: 2 } }), { status: 422, body: { element: '0.1.0' } })
  t.equal(await sizeNow(), before)
  t.match(await ana.call('POST', root, { A: 1, '\u0410': 2 }), { status: 409, body: { code: 'name_confusable' } })
  t.match(await ana.call('POST', root, choice('Oslo', '\u041eslo')), {
    status: 422,
    body: { code: 'option_confusable' },
  })
})

t.test('titles, options and choices are one text however they are composed', async (t) => {
  const opened = await ana.call('POST', '/api/Contract', { title: 'Zu\u0308rich' })
  t.match(opened, { status: 201, body: { title: 'Zürich' } })
  t.equal((await ana.call('POST', root, choice('Zu\u0308rich', 'Oslo'))).status, 201)
  t.equal((await ana.call('PUT', `${root}/Choice`, 'Zu\u0308rich')).status, 200)
  t.match(await ana.call('GET', root), { body: { Choice: 'Zürich' } })
})

t.test('the command line refuses such a name before it makes anything, and such a title', async (t) => {
  const said: string[] = []
  t.capture(process.stderr, 'write', (text: string) => said.push(text) > 0)
  const dir = `${t.testdir()}/new`
  const init = (handle: string, name: string) => main(['init', '--data', dir, '--handle', handle, '--name', name])
  t.not(await init('ben', 'Ben Re\nfingerprint 1234'), 0)
  t.match(said.join(''), /U\+000A at place 7.*\[configuration_invalid\]/s)
  t.not(await init('Ben', 'Ben Re'), 0)
  t.not(await main(['contract', 'open', 'Fleet\u202e', '--data', ana.data]), 0)
  t.match(said.join(''), /the title has .*U\+202E at place 6/)
})

t.test('an entry is named by its key wherever a path is, in a body or a query', async (t) => {
  const at = root.replace('new-api', 'api/Contract')
  const entry = { Insurer: { $field: { type: 'text' } }, Share: { $field: { type: 'decimal' } } }
  const list = { $list: { entriesMax: 9, key: 'Insurer', entry } }
  t.equal((await ana.call('POST', root, { Lines: list })).status, 201)
  t.equal((await ana.call('POST', `${root}/Lines`, { Insurer: 'cornhill-re', Share: 1 })).status, 201)
  t.equal((await ana.call('POST', `${at}/RuleSets`, { name: 'Shares' })).status, 200)
  const named = async (entry: string) => {
    const share = `${entry}/Share`
    const rule = (at: string, ruleSet: number | null, says: object) =>
      ['POST', 'Rules?dry-run', { at, ruleSet, says }] as const
    const all = [
      ['POST', 'Erasures?dry-run', { paths: [share] }],
      ['PUT', 'Audiences?dry-run', { at: entry, parties: null }],
      ['POST', 'Disclosures?dry-run', { at: share }],
      rule(entry, null, { kind: 'trigger', condition: 'true', activates: { blocks: [entry] } }),
      rule('Lines', 1, { kind: 'access', who: { fields: [share] }, what: ['propose'] }),
      rule(share, 1, { kind: 'assignment', target: share, expression: '1' }),
      ['POST', 'Templates/Imports?dry-run', { at: entry, hash: '0'.repeat(64) }],
      ['GET', `Template?at=${encodeURIComponent(share)}`],
      ['GET', `Attachments?at=${encodeURIComponent(share)}`],
    ] as const
    const answers = await Promise.all(all.map(([method, path, body]) => ana.call(method, `${at}/${path}`, body)))
    return answers.map(({ status, body }) => `${status} ${body.code ?? body.reason?.code ?? body.outcome}`)
  }
  const byNumber = await named('Lines[1]')
  t.same(await named('Lines[Insurer = "cornhill-re"]'), byNumber)
  t.notOk(byNumber.includes('404 no_such_path'), byNumber.join())
  const strange = await named('Lines[Insurer = "nobody"]')
  t.same(new Set(strange.filter((_, place) => place !== 6)), new Set(['404 no_such_path']))

  t.equal((await ana.call('PUT', `${root}/Lines/1/Share`, '2')).status, 200)
  const uid = root.replace('/new-api/', '')
  const found = async (what: string, path: string) => {
    const { body } = await ana.call('GET', `/api/${what}?contract=${uid}&path=${encodeURIComponent(path)}`)
    return body.requests ?? body
  }
  await until('the read model to have it', async () => (await found('Request', 'Lines[1]/Share')).length === 2)
  for (const what of ['Elements', 'Request']) {
    const counted = await found(what, 'Lines[1]/Share')
    t.equal(counted.length, what === 'Elements' ? 1 : 2, what)
    t.same(await found(what, 'Lines[Insurer = "cornhill-re"]/Share'), counted, what)
    const other = { code: 'no_such_path', expected: 'Insurer' }
    t.match(await found(what, 'Lines[Share = 1]'), what === 'Elements' ? other : { code: other.code }, what)
  }
  t.same(await found('Elements', 'Lines[Insurer = "nobody"]'), [], 'as of a name that nothing has')
  t.match(await found('Elements', 'Lines[Insurer = "cornhill-re"]//Share'), { code: 'query_unfit' })
  t.match(await ana.call('GET', '/api/Elements?path=Lines%5BInsurer=%22x%22%5D'), { body: { code: 'query_unfit' } })
  const beside = (await ana.call('GET', `/api/Contracts/${uid}/Elements?path=Lines%5BInsurer=%22cornhill-re%22%5D`))
    .body
  t.match(beside, [{ path: 'Lines/1' }])
})

t.test('a text that begins with a byte order mark is shown in forms that keep it', async (t) => {
  t.equal((await ana.call('POST', root, { Marked: '\ufeffx', Beside: 'x\ufeff' })).status, 200)
  const shown = async (name: string, accept: string) => {
    const headers = { authorization: `Bearer ${ana.token}`, accept }
    const answer = await fetch(`${ana.api}${root}/${name}`, { headers })
    const type = String(answer.headers.get('content-type')).split(';', 1)[0]
    return [answer.status, type, await answer.text()]
  }
  t.same(await shown('Marked', '*/*'), [200, 'application/json', '"\ufeffx"'])
  t.match(await shown('Marked', 'text/plain'), [406, 'application/problem+json', /"application\/json"/])
  t.same(await shown('Beside', 'text/plain'), [200, 'text/plain', 'x\ufeff'])
  t.match((await ana.call('PUT', `${root}/Marked`, '\ufeffx')).body, { unchanged: true }, 'and put back')
})

t.test('wherever a time is written its T and its Z are capitals', async (t) => {
  t.equal((await ana.call('POST', root, { When: { $field: { type: 'date-time' } } })).status, 201)
  const [time, small] = ['2027-01-31T12:00:00Z', '2027-01-31t12:00:00z']
  const at = root.replace('new-api', 'api/Contract')
  const tried = (until: string) => ana.call('PUT', `${at}/Audiences?dry-run`, { at: '', parties: null, until })
  t.equal((await ana.call('PUT', `${root}/When`, time)).status, 200)
  t.match(await ana.call('PUT', `${root}/When`, small), { status: 422, body: { code: 'value_wrong_type' } })
  t.equal((await ana.call('GET', `${root}?at=${time}`)).status, 200)
  t.match(await ana.call('GET', `${root}?at=${small}`), { status: 400, body: { code: 'request_malformed' } })
  t.match(await ana.call('GET', `/api/Request?since=${small.replace('z', '.000z')}`), { status: 400 })
  t.match(await tried(small.replace('z', '.000z')), { status: 400, body: { code: 'request_malformed' } })
})

t.test('a path is spelled alike wherever it stands: its names escaped as in a URL', async (t) => {
  const block = '5% of (all)'
  const made = await ana.call('POST', root, { [block]: { 'Net rate': 'x', 'No value': { $field: { type: 'text' } } } })
  t.equal(made.status, 201)
  const path = '5%25%20of%20(all)/Net%20rate'
  const { body: schema } = await ana.call('GET', `${root}/${path}/~schema`)
  t.equal(schema.at, path)
  const uid = root.replace('/new-api/', '')
  const elements = async (asked: string) =>
    (await ana.call('GET', `/api/Elements?contract=${uid}&path=${encodeURIComponent(asked)}`)).body
  await until('the read model to have it', async () => (await elements(path)).length === 1)
  t.match(await elements(path), [{ name: 'Net rate', path, key: schema.element }])
  t.match(await elements(path.replace('%25', '%')), { code: 'query_unfit' }, 'it has no such escape')
  t.match(await elements('5%25 of (all)/Net rate'), [{ path }], 'what needs no escape may have none')
  t.same(
    (await ana.call('GET', `/api/Request?contract=${uid}&path=${encodeURIComponent(path)}`)).body.requests.length,
    1,
    'the one that has added it',
  )
  const at = `${root.replace('new-api', 'api/Contract')}`
  const { index } = made.body
  t.match((await ana.call('GET', `${at}/Diff?from=${index - 1}&to=${index}`)).body.values, [{ path }])
  t.match((await ana.call('GET', `${root}/~changes?after=${index - 1}`)).body.changes.at(-2), {
    subject: `${root}/${path}`,
  })
  const empty = path.replace('Net%20rate', 'No%20value')
  for (const [method, where, code, asked] of [
    ['GET', `${path}/More%20of`, 'no_such_path', `${path}/More%20of`],
    ['GET', `${empty}?format=text`, 'no_agreed_value', empty],
    ['GET', `${path}/~proposals/ana.1.0.0`, 'no_such_proposal', path],
  ] as const)
    t.match((await ana.call(method, `${root}/${where}`)).body, { code, path: asked }, code)
  const headers = { authorization: `Bearer ${ana.token}`, 'if-match': '"x"' }
  for (const method of ['GET', 'DELETE']) {
    const answer = await fetch(`${ana.api}${root}/${path}`, { method, headers })
    t.match(await answer.json(), { code: 'precondition_failed', path }, method)
  }
})
