import t from 'tap'
import { entityTag, preconditionIn } from '../../../src/api/http/entity-tag.ts'
import { requireSame } from '../../../src/api/http/idempotency.ts'
import { keyedId } from '../../../src/contracts/requests/keyed-id.ts'
import type { Handle } from '../../../src/events/ids.ts'

const [one, other] = [entityTag('text/plain', 'one'), entityTag('text/plain', 'other')]

t.test('If-Match compares strongly, If-None-Match weakly, and a comma may stand in a tag', async (t) => {
  const holds = (headers: Record<string, string>, tags = [one]) => preconditionIn(headers)?.(tags)
  t.equal(holds({}), undefined, 'nothing is asked for')
  const cases: [Record<string, string>, boolean][] = [
    [{ 'if-match': one }, true],
    [{ 'if-match': `"a,b" ,, ${one}` }, true],
    [{ 'if-match': `W/${one}` }, false],
    [{ 'if-match': other }, false],
    [{ 'if-match': '*' }, true],
    [{ 'if-match': '' }, false],
    [{ 'if-none-match': one }, false],
    [{ 'if-none-match': `W/${one}` }, false],
    [{ 'if-none-match': other }, true],
    [{ 'if-none-match': '*' }, false],
    [{ 'if-match': one, 'if-none-match': other }, true],
    [{ 'if-match': one, 'if-none-match': one }, false],
  ]
  for (const [headers, expected] of cases) t.equal(holds(headers), expected, JSON.stringify(headers))
  t.equal(holds({ 'if-match': '*' }, []), false, 'nothing is shown')
  t.equal(holds({ 'if-none-match': '*' }, []), true)
  for (const header of ['x', '"a" "b"', '*, "a"', 'w/"a"', '"a']) {
    for (const name of ['if-match', 'if-none-match'])
      t.throws(() => preconditionIn({ [name]: header }), { code: 'request_malformed' }, `${name}: ${header}`)
  }
})

t.test('a key is good for what was asked for under it', async (t) => {
  const [key, content, another] = ['k', 'c', 'd'].map((letter) => letter.repeat(22)) as [string, string, string]
  const keyed = { id: keyedId(key, content), key: `k.${key}` }
  const before = (id: string) => ({ at: { handle: 'ana' as Handle, index: 1, seq: 2 }, request: { commands: [], id } })
  t.doesNotThrow(() => requireSame(before(keyed.id), keyed))
  t.throws(() => requireSame(before(keyedId(key, another)), keyed), {
    code: 'idempotency_key_reused',
    evidence: { request: 'ana.2.1' },
  })
})
