import { Compile } from 'typebox/compile'
import { entriesWanted } from '../agreement/completing.ts'
import { receiveEntries } from '../agreement/receive-entries.ts'
import type { Reception } from '../agreement/reception.ts'
import type { KnownEntry } from '../agreement/values/known-entries.ts'
import { type Hash, hashCanonical } from '../crypto/hash.ts'
import { computedSealsIn, JudgedEntrySchema, type LedgerEntry } from '../events/ledger-entry.ts'
import type { Payload } from '../events/statement.ts'
import { type AuditSource, isStoreCorrupt } from './source.ts'

const entryForm = Compile(JudgedEntrySchema)

/**
 * The same with what the stored ledger says of requests whose values all members have voted to erase: it counts where every
 * member's head has signed for it, and nowhere else. What was lost, and not erased, stays missing.
 */
export async function withErasedTaken(source: AuditSource, reception: Reception): Promise<Reception> {
  if (entriesWanted(reception.state) === undefined) return reception
  try {
    const { entries, erased } = await storedEntries(source)
    if (erased.size === 0) return reception
    const computed = await computedIn(source)
    const known = entries.map((entry): KnownEntry => ({ computed: computedOf(entry, computed), entry, erased }))
    return receiveEntries(reception, known)
  } catch (error) {
    if (isStoreCorrupt(error)) return reception
    throw error
  }
}

async function storedEntries(source: AuditSource): Promise<{ entries: LedgerEntry[]; erased: ReadonlySet<Hash> }> {
  const entries: LedgerEntry[] = []
  const erased = new Set<Hash>()
  for await (const { data } of source.ledger()) {
    const entry = entryIn(data)
    if (entry === undefined) continue
    entries.push(entry)
    for (const event of entry.events) {
      if (event.type === 'ValuesErased' && Array.isArray(event.seals)) for (const seal of event.seals) erased.add(seal)
    }
  }
  return { entries, erased }
}

/** Undefined: it is none that was judged by values. */
function entryIn(data: string): LedgerEntry | undefined {
  try {
    const entry: unknown = JSON.parse(data)
    return entryForm.Check(entry) ? (entry as unknown as LedgerEntry) : undefined
  } catch {
    return undefined
  }
}

/** What rules have computed, as far as it is there and as it was. */
async function computedIn(source: AuditSource): Promise<ReadonlyMap<Hash, Payload>> {
  const computed = new Map<Hash, Payload>()
  for await (const { group, entries } of source.groups()) {
    if (!group.startsWith('computed-')) continue
    for (const [seal, text] of entries) {
      if (hashCanonical('seal', text) === seal) computed.set(seal, JSON.parse(text) as Payload)
    }
  }
  return computed
}

function computedOf(entry: LedgerEntry, computed: ReadonlyMap<Hash, Payload>): Map<Hash, Payload> {
  const own = new Map<Hash, Payload>()
  for (const seal of computedSealsIn(entry)) {
    const payload = computed.get(seal)
    if (payload !== undefined) own.set(seal, payload)
  }
  return own
}
