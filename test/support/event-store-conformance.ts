import type { Test } from 'tap'
import type { Store } from '../../src/store/port.ts'
import { appending } from './store-conformance/appending.ts'
import { closing } from './store-conformance/closing.ts'
import { crashing } from './store-conformance/crashing.ts'
import { modelled } from './store-conformance/model.ts'
import { payloads } from './store-conformance/payloads.ts'
import { reading } from './store-conformance/reading.ts'
import { restarting } from './store-conformance/restarting.ts'
import { sharing } from './store-conformance/sharing.ts'
import { subscribing } from './store-conformance/subscribing.ts'
import { writing } from './store-conformance/writing.ts'

/** Opens the store that lives in a directory, a new one if there is none. */
export type OpenStore = (directory: string) => Promise<Store>

export interface ConformanceOptions {
  /**
   * Whether what was written outlives the process, and several may share a store; then a module that exports the same
   * `open`, so that other processes can open it too.
   */
  readonly durable: false | { readonly opener: URL }
  /** Whether `write` is all or nothing (port.ts). */
  readonly atomic: boolean
}

/** The contract of src/store/port.ts as tests: what every adapter has to pass. */
export async function eventStoreConformance(t: Test, open: OpenStore, options: ConformanceOptions): Promise<void> {
  const parts = { appending, reading, subscribing, payloads, closing, modelled }
  for (const [name, part] of Object.entries(parts)) await t.test(name, (t) => part(t, open))
  await t.test('writing', (t) => writing(t, open, options.atomic))
  const { durable } = options
  if (!durable) return
  await t.test('restarting', (t) => restarting(t, open))
  await t.test('sharing', (t) => sharing(t, open, durable.opener))
  await t.test('crashing', (t) => crashing(t, open, durable.opener, options.atomic))
}
