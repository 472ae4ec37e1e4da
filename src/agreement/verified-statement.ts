import type { Hash } from '../crypto/hash.ts'
import type { Decoded } from '../events/statement-codec.ts'
import type { Past } from './version-vector.ts'

/** A statement that is valid and whose causal past is held: a part of this member's view. */
export interface Held extends Decoded {
  /** Its causal past, itself included. */
  readonly past: Past
  /** Seals of values in its requests whose payloads are not held. */
  readonly lacks: readonly Hash[]
}
