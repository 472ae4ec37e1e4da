import type { Hash } from '../../crypto/hash.ts'
import type { PayloadGroup, PayloadRef } from '../../store/payload-group.ts'

/** What is said of a rule, or of a vote, as a row has it: the seal, and where what is under it is kept. */
export interface RecordedAbout {
  readonly about: Hash | null
  readonly aboutIn: PayloadGroup | null
}

/** Of rows that say something. */
export function recordedAbouts(rows: readonly RecordedAbout[]): PayloadRef[] {
  return rows.flatMap(({ about, aboutIn: group }) => (about === null || group === null ? [] : [{ group, seal: about }]))
}
