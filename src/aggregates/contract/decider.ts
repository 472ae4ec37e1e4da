import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex, RequestRef, Uid } from '../../events/ids.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Payload } from '../../events/statement.ts'
import type { Rejection } from './rejection.ts'
import type { Authority } from './rules/authority.ts'
import type { Open } from './rules/document-view.ts'
import type { ContractState } from './state.ts'

/**
 * A consistency boundary as pure functions: what a command does, and what a fact changes. Functions of their arguments
 * alone, the same on every machine and in every later build. `evolve` never throws: what has happened has happened.
 */
export interface Decider<State, Command, Event> {
  initialState(contract: Uid): State
  /** In steps, where it may take long. */
  decide(command: Command, state: State, context: CommandContext): DecidedInSteps<Event>
  evolve(state: State, event: Event, origin: Origin): State
}

/** The ledger entry that an event stands in. A `LedgerEntry` is one: a ledger rebuilds the document that it led to. */
export interface Origin {
  readonly index: LedgerIndex
  readonly request: RequestRef
}

/** What a request comes to: what it made of the document, or why it changes nothing. */
export type Verdict =
  | {
      readonly kind: 'accepted'
      readonly events: readonly ContractEvent[]
      readonly state: ContractState
      /** What rules have computed, by its seals. */
      readonly computed: ReadonlyMap<Hash, Payload>
    }
  /** It takes these values, which are not held here: nothing can be said about it. */
  | { readonly kind: 'lacking'; readonly seals: ReadonlySet<Hash> }
  | { readonly kind: 'void'; readonly reason: VoidReason }

/** Where in the ledger a request is decided, and what of the ledger the rules may look at. */
export interface DecideContext extends Origin {
  readonly contract: Uid
  /** When it was made (design §5a, *request time*), RFC 3339; undefined where rules have nothing to ask. */
  readonly time?: string
  /** Requires a member, or the founder of a contract that is not open yet: whose requests count is decided elsewhere. */
  readonly author: Handle
  /** The request is a change set; `about`: seal of what its author says about it. */
  readonly changeSet?: { readonly about?: Hash }
  /** What is under a seal of this request; undefined if the value has been taken (erased). */
  readonly reveal: (seal: Hash) => { readonly value: unknown } | undefined
  /**
   * What is under the seal of a confidential value of this request, for a node of its audience that looks whether it takes that. The
   * ledger opens none, so that all judge alike.
   */
  readonly confidential?: (seal: Hash) => { readonly value: unknown } | undefined
  /** What is under the seal of a value that stands in the document; undefined where it is not held here. */
  readonly open: Open
  /**
   * The seals of all that rules have computed, before this entry, from values under these seals, or from what was computed from
   * them. Throws HistoryPruned.
   */
  readonly computedFrom: (seals: ReadonlySet<Hash>) => ReadonlySet<Hash>
  /** The ledger's root at a size up to `index`; undefined beyond. */
  readonly rootAt: (size: number) => Hash | undefined
}

/** The same for one of its commands. */
export interface CommandContext extends DecideContext {
  /** The command's place in the request, from 0. */
  readonly place: number
  /** What rules in force give to whom; undefined where none is. */
  readonly authority: Authority | undefined
  /** It is one of a change set that has, or needs, no more votes. */
  readonly isAgreedAsOne: boolean
}

export type CommandOutcome = readonly ContractEvent[] | Rejection

/** What a command comes to, or the steps that lead there. */
export type DecidedInSteps<Event = ContractEvent> =
  | readonly Event[]
  | Rejection
  | Generator<void, readonly Event[] | Rejection>
