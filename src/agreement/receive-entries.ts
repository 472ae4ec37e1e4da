import type { Handle } from '../events/ids.ts'
import { completed } from '../runtime/turns.ts'
import { entriesWanted, takingKnown, withLateComputed } from './completing.ts'
import { receiving } from './receive.ts'
import { joined, nothingReceived, type Reception } from './reception.ts'
import type { KnownEntry } from './values/known-entries.ts'

const nobody: ReadonlySet<Handle> = new Set()

/** Entries of whoever had the values of their requests, and what waits for them. As `receive`. */
export function receiveEntries(
  before: Reception,
  entries: readonly KnownEntry[],
  self?: Handle,
  convicted: ReadonlySet<Handle> = nobody,
): Reception {
  return completed(receivingEntries(before, entries, self, convicted))
}

/** The same in steps. */
export function* receivingEntries(
  before: Reception,
  entries: readonly KnownEntry[],
  self?: Handle,
  convicted: ReadonlySet<Handle> = nobody,
): Generator<void, Reception> {
  if (entriesWanted(before.state) === undefined) return { ...before, state: withLateComputed(before.state, entries) }
  const { state, acknowledged, settled } = yield* takingKnown(before.state, entries)
  const reception = joined(before, { ...nothingReceived(state, before.waiting), acknowledged, settled })
  if (reception.waiting.length === 0) return reception
  return joined(reception, yield* receiving(state, reception.waiting, self, convicted))
}
