import type { Engines, EngineUnknown } from '../../aggregates/contract/engines.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import type { Equivocation, OtherBranch, Reception } from '../../agreement/receive.ts'
import type { Divergence } from '../../agreement/settlement.ts'
import type { Held } from '../../agreement/verified-statement.ts'
import type { Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import type { Snapshots } from '../../store/snapshot-port.ts'
import type { Policy } from '../approvals/policy.ts'
import type { Desk } from '../commands/command-queue.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'
import type { RoomAsked } from '../requests/request-budget.ts'
import type { SigningGuard } from '../signing/signing-guard.ts'
import type { SigningPorts } from '../signing/signing-keys.ts'
import type { LiveContract } from './live-contract.ts'
import type { RoomAhead } from './reorder-buffer.ts'

/** What a process says in the feeds of its party, and who else writes to its store (design §9). */
export type Role =
  /** Everything, and the store is its own. */
  | 'node'
  /** Requests, decisions, answers, notes; `receive` and another `transmit` write to the same store. */
  | 'transmit'
  /** Only what the statements of others call for. */
  | 'receive'
  /** Nothing: it has no key, and leaves what its users ask for in the outbox. */
  | 'serve'

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
  readonly desk?: Desk
  /** Those that this node has. Left out: all that this software has. */
  readonly engines?: Engines
  /** For what runs ahead, of all contracts of this process. Left out: each has its own. */
  readonly roomAhead?: RoomAhead
  /** For what local users have asked for, of all contracts of this process. Left out: each has its own. */
  readonly roomAsked?: RoomAsked
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

/** What others in the node want to hear of. All of it is durable when it is told. */
export interface ContractListener {
  /** It has been loaded, again or for the first time. `hasNews`: while it was at rest, others have stored something of it. */
  woke?(contract: LiveContract, hasNews: boolean): void
  /** It is not in memory any more. */
  rested?(contract: Uid): void
  /** Statements were taken in or made: there may be something to carry to others. */
  news?(contract: LiveContract, change: { readonly made: Held | undefined; readonly taken: readonly Held[] }): void
  /** Values are missing: the others are to be asked for them, again and again until it has them. */
  wanting?(contract: LiveContract): void
  settled?(contract: LiveContract, entries: readonly Acknowledged[]): void
  refused?(contract: LiveContract, refused: Reception['refused']): void
  equivocated?(contract: LiveContract, equivocations: readonly Equivocation[]): void
  diverged?(contract: LiveContract, divergences: readonly Divergence[]): void
  /** It goes on in an engine that this node does not have; told once. */
  engineUnknown?(contract: LiveContract, error: EngineUnknown): void
  /** Why this node signs nothing in this contract, when that begins; undefined when it ends. */
  silenced?(contract: LiveContract, obstacle: ObstacleCode | undefined): void
  /** Each signer once, as long as there is no proof of what it means. */
  otherBranch?(contract: LiveContract, branches: readonly OtherBranch[]): void
  /** The store failed; the contract goes on from what it holds. */
  failed?(contract: LiveContract, error: unknown): void
}
