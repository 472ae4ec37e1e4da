import t from 'tap'
import { formatFor, isNamedFirst } from '../../../src/api/http/forms/accept.ts'

t.test('what clients say that nobody has told anything', async (t) => {
  for (const [accept, format] of [
    // Java's HttpURLConnection.
    ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'json'],
    ['*', 'json'],
    ['', 'json'],
    [' ', 'json'],
    ['*/*;q=0.33333, application/xml ; q = .3', 'json'],
    ['*/*;q=0.3, application/xml;q=.33333', 'xml'],
    ['application/json;q=0.0001', 'json'],
    ['application/json;q=1., application/xml;q=1.0000', 'json'],
    ['application/json;q=0., application/xml', 'xml'],
  ] as const)
    t.equal(formatFor(accept, ['json', 'xml']), format, accept)
  for (const accept of ['*;q=0', 'application/json;q=2', 'application/json;q=.', 'application/json;q=x', 'json'])
    t.throws(() => formatFor(accept, ['json', 'xml']), { code: 'not_acceptable' }, accept)
})

t.test('events, which do not end, are for whoever likes them best', async (t) => {
  const events = 'text/event-stream'
  for (const [accept, wants] of [
    [events, true],
    ['Text/Event-Stream;q=0.5', true],
    ['text/event-stream, application/json', true],
    ['text/event-stream, */*;q=0.1', true],
    ['application/json, text/event-stream', false],
    ['text/event-stream;q=0.1, application/json', false],
    ['text/event-stream;q=0, application/json', false],
    ['text/event-stream;q=0', false],
    ['*/*', false],
    [undefined, false],
  ] as const)
    t.equal(isNamedFirst(accept, events), wants, accept ?? 'nothing')
})
