import { canonicalJson } from '../crypto/canonical-json.ts'
import { type Hash, hashJson } from '../crypto/hash.ts'
import type { ContractEvent } from './contract-events.ts'
import type { Handle, LedgerIndex, RequestRef } from './ids.ts'
import type { Outcome } from './outcome.ts'

/** One acknowledged request in its final place. Its canonical JSON is the Merkle leaf `index` (design §4). */
export interface LedgerEntry {
  readonly index: LedgerIndex
  readonly request: RequestRef
  readonly author: Handle
  /** Core hash of the statement that carries the request. */
  readonly statement: Hash
  readonly answers: Hash
  readonly outcome: Outcome
  readonly events: readonly ContractEvent[]
  /** Record hash after this entry; stands in the last entry of each statement. */
  readonly record?: Hash
}

/** Core hashes of the statements that answered and decided a request: so different inputs can never look alike. */
export interface Answers {
  /** Of every other member at this index, in the order of admission: its first statement that covers the request. */
  readonly answered: readonly { readonly handle: Handle; readonly statement: Hash }[]
  /** Of a tentative request: the statement in which its author decided it. */
  readonly decided: Hash | null
}

export function answersHash(answers: Answers): Hash {
  return hashJson('answers', answers)
}

/** The bytes of the Merkle leaf, as text. */
export function encodeEntry(entry: LedgerEntry): string {
  return canonicalJson(entry)
}
