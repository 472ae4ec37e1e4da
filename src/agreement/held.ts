import type { Decoded } from '../events/statement-codec.ts'
import type { Past } from './past.ts'

/** A statement that is valid and whose causal past is held: a part of this member's view. */
export interface Held extends Decoded {
  /** Its causal past, itself included. */
  readonly past: Past
}
