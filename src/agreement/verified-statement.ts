import type { Hash } from '../crypto/hash.ts'
import type { SignedStatement } from '../events/statement-codec.ts'
import type { VersionVector } from './version-vector.ts'

/** A statement that is valid and whose causal past is held: a part of this member's state. */
export interface VerifiedStatement extends SignedStatement {
  /** Its causal past, itself included. */
  readonly past: VersionVector
  /** Seals of values in its requests whose payloads are not held. */
  readonly lacks: readonly Hash[]
}
