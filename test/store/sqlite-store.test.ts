import t from 'tap'
import { eventStoreConformance } from '../support/event-store-conformance.ts'
import { open } from '../support/open-sqlite.ts'

const opener = new URL('../support/open-sqlite.ts', import.meta.url)

t.test('sqlite', (t) => eventStoreConformance(t, open, { durable: { opener }, atomic: true }))
