import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { KnownEntry } from '../agreement/values/known-entries.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { type Hash, hashCanonical } from '../crypto/hash.ts'
import { type Uid, UidSchema } from '../events/ids.ts'
import { JudgedEntrySchema, type LedgerEntry } from '../events/ledger-entry.ts'
import { payloadsJson } from '../events/seal.ts'
import { type Payload, PayloadsSchema } from '../events/statement.ts'

/** An entry as a peer says that it was judged, of a contract. */
export interface EntryLine {
  readonly contract: Uid
  readonly known: KnownEntry
}

const closed = { additionalProperties: false }
const lineForm = Compile(
  Type.Object(
    {
      computed: PayloadsSchema,
      entry: JudgedEntrySchema,
      of: UidSchema,
    },
    closed,
  ),
)

/** How a line with an entry begins. */
export const ENTRY_LINE_START = '{"computed":'

/** `texts`: canonical JSON of what rules have computed in it, by their seals. */
export function encodeKnownEntry(contract: Uid, entry: LedgerEntry, texts: ReadonlyMap<Hash, string>): string {
  return `{"computed":${payloadsJson(texts)},"entry":${canonicalJson(entry)},"of":"${contract}"}`
}

/**
 * Attacker-controlled: `parsed`, beyond that it is JSON in bounds. Undefined: it is no entry that could have been judged by values. What
 * does not hash to its seal is left out.
 */
export function knownEntryIn(parsed: unknown): EntryLine | undefined {
  if (!lineForm.Check(parsed)) return undefined
  const { computed, entry, of } = parsed
  const fitting = Object.entries(computed).filter(
    ([seal, payload]) => hashCanonical('seal', canonicalJson(payload)) === seal,
  )
  return {
    contract: of as Uid,
    known: { computed: new Map(fitting as [Hash, Payload][]), entry: entry as unknown as LedgerEntry },
  }
}
