import t from 'tap'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { eventStoreConformance } from '../../support/event-store-conformance.ts'

t.test('memory', (t) => eventStoreConformance(t, async () => openMemoryStore(), { durable: false, atomic: true }))
