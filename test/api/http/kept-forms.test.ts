import t from 'tap'
import { initialState } from '../../../src/aggregates/contract/state.ts'
import { KeptForms } from '../../../src/api/http/forms/kept-forms.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { exactNode, JSON_TYPE } from '../../support/exact-node.ts'
import { until } from '../../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const [ONE, OTHER] = ['one', 'other'] as [Uid, Uid]
const [first, second] = [initialState(ONE), initialState(ONE)]
const shown = (body: string) => ({ body, mediaType: 'text/plain', tag: `"${body}"` })

t.test('what was shown is known as long as its document stands', async (t) => {
  const forms = new KeptForms()
  forms.keep(forms.of(ONE, first), '/A', shown('a'))
  t.match(forms.of(ONE, first).shown.get('/A'), { body: 'a' })
  t.equal(forms.of(OTHER, first).shown.size, 0, 'of another contract')
  t.match(forms.of(ONE, first).shown.get('/A'), { body: 'a' }, 'others do not push it out')
  t.equal(forms.of(ONE, second).shown.size, 0, 'of another document')
  t.equal(forms.bytes, 0, 'and it is not in memory any more')
})

t.test('what is let go of is not in memory, nor what was read meanwhile', async (t) => {
  const forms = new KeptForms()
  const kept = forms.of(ONE, first)
  forms.keep(kept, '/A', shown('a'))
  forms.drop(ONE)
  t.equal(forms.bytes, 0)
  forms.keep(kept, '/B', shown('read before it was let go of'))
  t.equal(forms.bytes, 0)
  t.equal(forms.of(ONE, first).shown.size, 0)
  forms.drop(OTHER)
})

t.test('however much is read, no more is kept than the bound; what was kept first goes', async (t) => {
  const max = 100_000
  const forms = new KeptForms(max)
  for (let read = 0; read < 500; read++) {
    forms.keep(forms.of(ONE, first), `/${read}`, shown('x'.repeat(read)))
    t.ok(forms.bytes <= max)
  }
  t.ok(forms.bytes > max / 2)
  const { shown: ofOne } = forms.of(ONE, first)
  t.notOk(ofOne.has('/0'))
  t.ok(ofOne.has('/499'))
  for (let read = 0; read < 500; read++) forms.keep(forms.of(OTHER, second), `/${read}`, shown('x'.repeat(read)))
  t.equal(forms.of(ONE, first).shown.size, 0, 'of a contract that nobody asks for any more nothing')
  forms.keep(forms.of(ONE, first), '/large', shown('x'.repeat(max / 8)))
  t.notOk(forms.of(ONE, first).shown.has('/large'), 'what would take the room of many is made each time')
})

t.test('what is read again is what stands: another value, another form, and nothing that was erased', async (t) => {
  const { json, root, send, uid } = await exactNode(t, { Name: 'Ana', Other: 'x' })
  const read = (headers: Record<string, string> = {}, query = '') => send(`GET ${root}/Name${query}`, headers)
  const both = async (...how: Parameters<typeof read>) => {
    const [once, again] = [await read(...how), await read(...how)]
    t.same([again.status, again.text, again.headers.etag], [once.status, once.text, once.headers.etag])
    return again
  }
  const before = await both()
  t.equal(before.text, 'Ana')
  t.equal((await both({ accept: JSON_TYPE })).text, '"Ana"')
  t.match((await both({}, '?format=xml')).text, /<Name[^>]*>Ana</)
  t.equal((await both({ accept: 'image/png' })).status, 406)
  const tag = String(before.headers.etag)
  t.equal((await both({ 'if-none-match': tag })).status, 304)
  t.equal((await both({ 'if-match': '"another"' })).code, 'precondition_failed')

  await json('PUT', `${root}/Name`, '"Eve"')
  t.equal((await both({ 'if-none-match': tag })).text, 'Eve')
  t.equal((await both({ accept: JSON_TYPE })).text, '"Eve"')

  const long = 'é'.repeat(20_000)
  await json('PUT', `${root}/Other`, JSON.stringify(long))
  const whole = () => send(`GET ${root}`)
  const [once, again] = [await whole(), await whole()]
  t.same(JSON.parse(again.text), { Name: 'Eve', Other: long }, 'what is large comes in the same bytes')
  t.same(again.headers['content-type'], 'application/json; charset=utf-8')
  t.same([again.text, again.headers.etag], [once.text, once.headers.etag])
  await json('PUT', `${root}/Other`, '"x"')

  const erasures = `/api/Contract/${uid}/Erasures`
  t.equal((await json('POST', erasures, '{"paths":["Name"]}')).status, 200)
  // It is asked for all the while, so that what was read before the end would be known after it.
  await until('it to be gone', async () => (await read()).code === 'no_agreed_value')
  t.equal((await both()).code, 'no_agreed_value')
  t.same(JSON.parse((await send(`GET ${root}`)).text), { Name: null, Other: 'x' })
})
