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
  /** Each event is a message to a server: of what is many elsewhere there is a fifth. */
  readonly remote?: true
}

/** How many of something there are, where there are many. */
export type Many = (count: number) => number

/** The contract of src/store/port.ts as tests: what every adapter has to pass. */
export async function eventStoreConformance(t: Test, open: OpenStore, options: ConformanceOptions): Promise<void> {
  const many = (count: number) => (options.remote === true ? Math.ceil(count / 5) : count)
  // Payloads first: who looks for all groups goes through all that the server has.
  const parts = { payloads, appending, reading, subscribing, closing, modelled }
  for (const [name, part] of Object.entries(parts)) await t.test(name, (t) => part(t, open, many))
  await t.test('writing', (t) => writing(t, open, options.atomic))
  const { durable } = options
  if (!durable) return
  await t.test('restarting', (t) => restarting(t, open))
  await t.test('sharing', (t) => sharing(t, open, durable.opener, many))
  await t.test('crashing', (t) => crashing(t, open, durable.opener, options.atomic, many))
}
