import fastify from 'fastify'
import t from 'tap'
import { entityTag, namesTag } from '../../../src/api/http/entity-tag.ts'
import { parsePreferences, readPreferences, waitOf } from '../../../src/api/http/prefer-header.ts'
import { problemOf } from '../../../src/api/http/problems/problem.ts'
import { answerTo } from '../../../src/api/http/request-response.ts'
import { readUrl, withElementAsOne } from '../../../src/api/http/url.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import { textOf, valueFromText } from '../../../src/documents/field-text.ts'
import { parsePath, subjectOf } from '../../../src/documents/path.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { ConcordataError } from '../../../src/runtime/errors.ts'

t.test('preferences are read as RFC 7240 writes them, and one that there is none of is passed over', async (t) => {
  const cases: [string | string[] | undefined, object][] = [
    [undefined, { waitSeconds: undefined, isLenient: false }],
    ['wait=2', { waitSeconds: 2, isLenient: false }],
    ['wait="5", respond-async', { waitSeconds: 5, isLenient: true }],
    [['handling=lenient', 'wait=1'], { waitSeconds: 1, isLenient: true }],
    ['Respond-Async; foo="a, b"', { waitSeconds: undefined, isLenient: true }],
    ['return=minimal, constructor=1, toString', { waitSeconds: undefined, isLenient: false }],
    ['wait=999999', { waitSeconds: 300, isLenient: false }],
    ['wait=99999999', { waitSeconds: 300, isLenient: false }],
    ['handling="Strict", wait=1', { waitSeconds: 1, isLenient: false, isStrict: true }],
    ['wait=5, Retry', { waitSeconds: 5, isLenient: false, isPatient: true }],
    ['foo=1, foo=2, respond-async, handling=lenient', { waitSeconds: undefined, isLenient: true }],
    ['foo="a, wait=1, \\", wait=2", wait=3', { waitSeconds: 3, isLenient: false }],
    ['wait=3, foo="open, wait=4', { waitSeconds: 3, isLenient: false }],
    ['wait=3, foo="open, wait=4\\', { waitSeconds: 3, isLenient: false }],
  ]
  for (const [header, expected] of cases) t.same(parsePreferences(header), expected, String(header))
})

t.test('a preference that is understood has a value that is, or the call is refused', async (t) => {
  const cases = ['handling=dryrun', 'handling', 'handling="dry run"', 'wait=1, handling=Nope', 'wait=soon', 'wait=-1']
  for (const header of [...cases, 'wait', 'wait=1.5', 'retry=no', 'respond-async=0', 'handling=dry-run=1'])
    t.throws(() => parsePreferences(header), { code: 'request_malformed', evidence: { path: '/prefer' } }, header)
})

t.test('a preference stands once, whatever it says the second time, and none contradicts another', async (t) => {
  const cases: (string | string[])[] = [
    'handling=strict, handling=dry-run',
    ['handling=record', 'handling=lenient'],
    'wait=1, wait=300',
    'wait=5, Wait="5"',
    'retry, wait=1, retry',
    'respond-async, respond-async',
    'respond-async, handling=strict',
  ]
  for (const header of cases)
    t.throws(
      () => parsePreferences(header),
      { code: 'request_malformed', evidence: { path: '/prefer' } },
      String(header),
    )
})

t.test('the header Prefer is read once, for whatever looks at it later', async (t) => {
  const app = fastify()
  t.teardown(() => app.close())
  readPreferences(app)
  app.post('/', async (request) => {
    request.headers.prefer = 'nonsense that is read by nobody, wait=soon'
    return waitOf(request, 1)
  })
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/', headers: { prefer: 'wait=7' } })
  t.same([statusCode, JSON.parse(body)], [200, { timeoutMs: 7000 }])
})

t.test('what is asked of an element beside its value is routed by the element as one step', async (t) => {
  const cases: [asked: string, routed: string][] = [
    ['/new-api/u/A/B%20C/~proposals', '/new-api/u/%2FA%2FB%2520C/~proposals'],
    ['/new-api/u/~proposals/', '/new-api/u/%2F/~proposals'],
    ['/new-api/u/A/~proposals/a.1.0.0/votes?token=x', '/new-api/u/%2FA/~proposals/a.1.0.0/votes?token=x'],
    ['/new-api/u/A%23Proposals/a.1.0.0/~Votes', '/new-api/u/%2FA/~proposals/a.1.0.0/votes'],
    ['/new-api/u/A%2FB/~votes', '/new-api/u/%2FA%252FB/~votes'],
    ['/new-api/u/A/~other', '/new-api/u/A/~other'],
    ['/new-api/u/A?b=~votes', '/new-api/u/A?b=~votes'],
    ['/api/~votes', '/api/~votes'],
  ]
  for (const [asked, routed] of cases) t.equal(withElementAsOne(readUrl(asked)), routed)
})

t.test('an entity tag is in a list, weak or not, or it is not', async (t) => {
  const tag = entityTag('application/json', '1')
  t.not(tag, entityTag('text/plain', '1'))
  for (const header of [tag, `"x", ${tag}`, `W/${tag}`, '*']) t.equal(namesTag(header, tag), true, String(header))
  for (const header of [undefined, '', '"x"', tag.slice(1)]) t.equal(namesTag(header, tag), false, String(header))
})

t.test('a path is taken apart and put together again', async (t) => {
  t.same(parsePath('/Risk%20Details/Limit/'), ['Risk Details', 'Limit'])
  t.same(parsePath(''), [])
  t.same(parsePath('/'), [])
  t.throws(() => parsePath('/a//b'), { code: 'path_malformed' })
  t.throws(() => parsePath('/%zz'), { code: 'path_malformed' })
  t.equal(subjectOf('u', ['Risk Details', 'Ö']), '/new-api/u/Risk%20Details/%C3%96')
})

t.test('values are written in text as people write them', async (t) => {
  const money = { type: 'money' } as const
  t.equal(textOf({ amount: '12.50', currency: 'USD' }), 'USD 12.50')
  t.same(valueFromText(money, ' USD 12.50\n'), { amount: '12.50', currency: 'USD' })
  t.throws(() => valueFromText(money, '12.50'), { code: 'value_unreadable' })
  t.equal(valueFromText({ type: 'integer' }, '12'), 12)
  t.equal(valueFromText({ type: 'integer' }, '9007199254740993'), '9007199254740993')
  t.equal(valueFromText({ type: 'boolean' }, 'true'), true)
  t.throws(() => valueFromText({ type: 'boolean' }, 'yes'), { code: 'value_unreadable' })
  t.equal(valueFromText({ type: 'text' }, ' as is '), ' as is ')
  t.equal(valueFromText({ type: 'decimal' }, ' 1.5 '), '1.5')
})

t.test('every fate of a request has its status', async (t) => {
  const request = { handle: 'ana' as Handle, seq: 1, index: 0 }
  const contract = 'u' as Uid
  const about = { seal: sha256('no'), isHeld: true, text: 'no' }
  const settled = (outcome: object, more = {}) =>
    answerTo({ contract, kind: 'settled', request, index: 7, outcome, ...more } as never)
  t.match(settled({ kind: 'accepted' }), { status: 200, body: { request: 'ana.1.0', index: 7 } })
  t.match(settled({ kind: 'accepted' }, { createdAt: ['x y'] }), {
    status: 201,
    headers: { location: '/new-api/u/x%20y' },
  })
  t.match(settled({ kind: 'void', reason: { code: 'not_owner', command: 0, with: ['ben'] } }), {
    status: 403,
    body: { code: 'not_owner', with: ['ben'] },
  })
  t.match(settled({ kind: 'void', reason: { code: 'value_wrong_type', command: 2 } }), {
    status: 422,
    body: { command: 2 },
  })
  t.match(settled({ kind: 'refused', by: [{ handle: 'ben', seq: 3, code: 'person', about }] }), {
    status: 409,
    body: { code: 'refused', by: [{ handle: 'ben', code: 'person', about: { isHeld: true, text: 'no' } }] },
  })
  t.match(settled({ kind: 'withdrawn', seq: 2, code: 'timed_out' }), {
    status: 504,
    body: { code: 'withdrawn', because: 'timed_out' },
  })
  t.match(answerTo({ contract, kind: 'withdrawn', request, seq: 2, about: { seal: about.seal, isHeld: false } }), {
    status: 409,
    body: { code: 'withdrawn', about: { seal: about.seal, isHeld: false } },
  })
  t.match(answerTo({ contract, kind: 'pending', request, waitingFor: ['ben' as Handle] }), {
    status: 202,
    headers: { location: '/api/Contract/u/Requests/ana.1.0' },
  })
  t.match(answerTo({ contract, kind: 'timed out', waitingFor: ['ben' as Handle] }), {
    status: 504,
    body: { code: 'not_unanimous_in_time', waitingFor: ['ben'] },
  })
  t.match(answerTo({ contract, kind: 'dropped' }), { status: 409, body: { code: 'party_resigned' } })
})

t.test('a fault of ours tells a client nothing, one of its own everything', async (t) => {
  t.match(problemOf(new Error('secret')), { status: 500, code: 'internal', detail: /^(?!.*secret)/ })
  t.match(problemOf(new ConcordataError('content_missing', 'at Wording', { path: 'Wording' })), { path: 'Wording' })
  for (const evidence of [{ socket: '/run/secret.sock' }, { path: '/var/secret.sqlite', contract: 'c' }]) {
    for (const code of ['signer_unreachable', 'store_unavailable', 'store_corrupt'] as const) {
      const told = problemOf(new ConcordataError(code, 'at /secret', evidence))
      t.notMatch(JSON.stringify(told), /secret|socket/, 'nothing of this machine')
      t.equal('contract' in told, 'contract' in evidence)
    }
  }
  t.match(problemOf(new ConcordataError('no_such_path', 'no x here', { path: 'x' })), {
    status: 404,
    path: 'x',
    detail: 'no x here',
  })
})
