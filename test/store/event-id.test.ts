import fc from 'fast-check'
import t from 'tap'
import { eventId } from '../../src/store/event-id.ts'

t.test('the id of an event is a UUID of version 8, made of its type and data', async (t) => {
  // printf 'concordata/v1/event-id\nFact\n{"n":1}' | sha256sum
  // 045ce9dbd79fc4b7ca0279fd6f797c501b3959d4440c2f95c19ae40dfdac7fb8
  t.equal(eventId({ type: 'Fact', data: '{"n":1}' }), '045ce9db-d79f-84b7-8a02-79fd6f797c50')
})

t.test('ids have the form that RFC 9562 gives, whatever the content', async () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (type, data) =>
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(eventId({ type, data })),
    ),
  )
})

t.test('equal contents have one id, others have others', async (t) => {
  const id = eventId({ type: 'Fact', data: '1' })
  t.equal(eventId({ type: 'Fact', data: '1' }), id)
  t.not(eventId({ type: 'Fact', data: '2' }), id)
  t.not(eventId({ type: 'Other', data: '1' }), id)
  t.not(eventId({ type: 'Fac', data: 't\n1' }), id)
})
