import type { Engines } from '../../aggregates/contract/engines.ts'
import type { Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import type { Snapshots } from '../../store/snapshot-port.ts'
import type { Policy } from '../approvals/policy.ts'
import type { CommandQueue } from '../commands/command-queue.ts'
import type { ContentRoom } from '../contents/content-room.ts'
import type { Role } from '../duties.ts'
import type { RoomAsked } from '../requests/request-budget.ts'
import type { SigningGuard } from '../signing/signing-guard.ts'
import type { SigningPorts } from '../signing/signing-keys.ts'
import type { ReorderBuffer } from './inbound/reorder-buffer.ts'

/** What one contract's life in a node needs from outside. */
export interface ContractPorts extends SigningPorts {
  /** Left out: `node`. */
  readonly role?: Role
  readonly store: Store
  /** Where contracts are kept that are not in memory. Left out: all are in memory. */
  readonly snapshots?: Snapshots
  readonly clock: Clock
  readonly random: Random
  /** Left out: whatever comes is worked off at once. */
  readonly turns?: Turns
  /** Left out where there is no key. */
  readonly guard?: SigningGuard
  /** Where a process without a key takes what its users ask for. */
  readonly commandQueue?: CommandQueue
  /** Those that this node has. Left out: all that this software has. */
  readonly engines?: Engines
  /** For what runs ahead, of all contracts of this process. Left out: each has its own. */
  readonly reorderBuffer?: ReorderBuffer
  /** For what local users have asked for, of all contracts of this process. Left out: each has its own. */
  readonly roomAsked?: RoomAsked
  /** How many entries are given to who lacks them at once. Left out: 256. */
  readonly entriesAtOnceMax?: number
  /** For contents that are being fetched, of all contracts of this process. Left out: each has its own. */
  readonly contentRoom?: ContentRoom
  /** How this node answers others' requests. Left out: it acknowledges all. */
  readonly policy?: Policy
  /** For how long it waits for the values that a statement came without, until it refuses what names them. Left out: 10 s. */
  readonly payloadWaitMs?: number
  /**
   * Whether a new statement could leave at once. Where it could not, requests wait for others to ride along with them,
   * but no longer than HOLD_MS. Left out: always.
   */
  canSend?(contract: Uid): boolean
}
