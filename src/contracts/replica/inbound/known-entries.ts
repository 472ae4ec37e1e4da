import type { HeldState } from '../../../agreement/state.ts'
import type { KnownEntry, WantedEntries } from '../../../agreement/values/known-entries.ts'
import { type Hash, hashCanonical } from '../../../crypto/hash.ts'
import type { LedgerIndex, Uid } from '../../../events/ids.ts'
import { computedSealsIn, isJudged, type LedgerEntry } from '../../../events/ledger-entry.ts'
import type { Payload } from '../../../events/statement.ts'
import { encodeKnownEntry } from '../../../gossip/known-entry-line.ts'
import { computedGroup } from '../../../store/payload-group.ts'
import type { Store, Write } from '../../../store/port.ts'
import { contractStream, erasuresStream } from '../../../store/streams.ts'

/** How many entries are looked at for one message: a peer that lacks more asks again. */
const ENTRIES_MAX = 256
const TAKEN = 'EntriesTaken'

/**
 * The settled entries that the store has of those that are wanted, for who lacks the values that they were judged by; `limit`: no more
 * than that of those from one on. `until`: before which ledger index.
 */
export async function* storedEntries(
  store: Store,
  contract: Uid,
  { computed, from }: WantedEntries,
  limit = Number.MAX_SAFE_INTEGER,
  until: LedgerIndex = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<KnownEntry & { readonly texts: ReadonlyMap<Hash, string> }> {
  const ranges = [
    ...computed.map((index) => ({ from: index, limit: 1 })),
    { from, limit: Math.min(limit, until - from) },
  ]
  for (const range of ranges.filter((one) => one.from < until)) {
    for await (const { data } of store.events.read(contractStream(contract), range)) {
      const entry = JSON.parse(data) as LedgerEntry
      const texts = await computedTexts(store, contract, entry)
      yield { entry, computed: new Map([...texts].map(([seal, text]) => [seal, JSON.parse(text) as Payload])), texts }
    }
  }
}

/** What is kept in the stream of erasures: entries below that were taken from others. What their values were this store may never have had. */
export function entriesTaken(contract: Uid, until: LedgerIndex): Write {
  const events = [{ type: TAKEN, data: JSON.stringify({ until }) }]
  return { kind: 'append', stream: erasuresStream(contract), expectedRevision: 'any', events }
}

/** Before which ledger index entries have been taken from others; 0: none. */
export async function storedTakenUntil(store: Store, contract: Uid): Promise<LedgerIndex> {
  let taken = 0
  for await (const { type, data } of store.events.read(erasuresStream(contract))) {
    const said: unknown = type === TAKEN ? JSON.parse(data) : undefined
    if (typeof said === 'object' && said !== null && 'until' in said && Number.isSafeInteger(said.until))
      taken = Math.max(taken, said.until as LedgerIndex)
  }
  return taken
}

async function computedTexts(store: Store, contract: Uid, entry: LedgerEntry): Promise<Map<Hash, string>> {
  const group = computedGroup(entry.index)
  const refs = computedSealsIn(entry).map((seal) => ({ group, seal }))
  if (refs.length === 0) return new Map()
  const texts = await store.payloads.get(contract, refs)
  // What the store has damaged is none.
  return new Map([...texts].filter(([seal, text]) => hashCanonical('seal', text) === seal))
}

/**
 * Lines with the entries that a party wants, which cannot judge them: those before the last erasure, since what comes behind it
 * hangs on nothing that was erased; not those that follow from statements alone. As many as there is room for, one at least if
 * there is any. `room`: characters. `entriesMax`: are looked at, beside those that are wanted for what has been computed in them.
 */
export async function entryLines(
  store: Store,
  { contract, settling }: HeldState,
  until: number,
  wanted: WantedEntries,
  room: number,
  entriesMax = ENTRIES_MAX,
): Promise<string[]> {
  const { newest } = settling.agreed.erasures
  const end = Math.min(newest ?? 0, until)
  const lines: string[] = []
  let left = room
  for await (const { entry, texts } of storedEntries(store, contract, wanted, entriesMax, end)) {
    if (left <= 0) break
    if (!isJudged(entry)) continue
    const line = encodeKnownEntry(contract, entry, texts)
    left -= line.length
    lines.push(line)
  }
  return lines
}
