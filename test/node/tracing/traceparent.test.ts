import t from 'tap'
import { isRecorded, isTraceparent, partsOf } from '../../../src/node/tracing/traceparent.ts'

const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']

t.test('a traceparent is of the one version that is known, and names a trace and a span', async (t) => {
  t.ok(isTraceparent(`00-${trace}-${span}-01`))
  t.same(partsOf(`00-${trace}-${span}-01`), { traceId: trace, spanId: span })
  const wrong = [
    undefined,
    '',
    7,
    [`00-${trace}-${span}-01`],
    `01-${trace}-${span}-01`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-1`,
    `00-${trace}-${span}-01-x`,
    `00-${trace}-${span}-01\n`,
    ` 00-${trace}-${span}-01`,
  ]
  for (const text of wrong) t.notOk(isTraceparent(text), JSON.stringify(text))
})

t.test('its last bit says whether it is recorded; of the other flags nothing is known', async (t) => {
  for (const flags of ['01', '03', 'ff']) t.ok(isRecorded(`00-${trace}-${span}-${flags}`))
  for (const flags of ['00', '02', 'fe']) t.notOk(isRecorded(`00-${trace}-${span}-${flags}`))
})
