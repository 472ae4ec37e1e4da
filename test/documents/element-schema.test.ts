import t from 'tap'
import { elementSchema, wholeSchema } from '../../src/documents/elements/element-schema.ts'
import { block, entry, field, given, list, openedBy } from '../support/document.ts'
import { broker, lead } from '../support/ruled-document.ts'

t.test('a large schema is made in steps, and is the one that is made as it is looked at', (t) => {
  const fields = Array.from({ length: 500 }, (_, n) => field(`Terms/Field ${n}`))
  const { state } = given(
    openedBy(broker, lead),
    block('Terms'),
    ...fields,
    list('Lines'),
    field('Lines/0/A'),
    entry('Lines'),
  )
  const steps = wholeSchema(state.document, state)
  let taken = 0
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) taken++
  t.ok(taken >= 7, `${taken} steps`)
  t.equal(JSON.stringify(step.value), JSON.stringify(elementSchema(state.document, state)))
  t.end()
})
