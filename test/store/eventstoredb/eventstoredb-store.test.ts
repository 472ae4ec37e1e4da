import t from 'tap'
import { eventStoreConformance } from '../../support/event-store-conformance.ts'
import { serverUnderTest } from '../../support/eventstoredb-under-test.ts'
import { open } from '../../support/open-eventstoredb.ts'

const opener = new URL('../../support/open-eventstoredb.ts', import.meta.url)
await serverUnderTest(t)

t.test('eventstoredb', (t) => eventStoreConformance(t, open, { durable: { opener }, atomic: false, remote: true }))
