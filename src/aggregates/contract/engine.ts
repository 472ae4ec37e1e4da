import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { EngineVersion, Uid } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import type { ChangeSet } from './change-sets/change-set.ts'
import type { DecideContext, Origin, Verdict } from './decider.ts'
import type { ContractState } from './state.ts'

/**
 * All that says what a ledger makes of a contract, in one version (design §5): pure functions, with tables of their own. Once
 * released it is frozen: a ledger is judged with it for ever, by each engine from the index on at which its state names it.
 */
export interface Engine {
  readonly version: EngineVersion
  /** Of a contract that this engine is to open. */
  initialState(contract: Uid): ContractState
  /** The state as this engine has it, of that in which the engine before it ended: it names this one already. */
  adopt(state: ContractState): ContractState
  /** What a request comes to, on a state that names this engine; in steps. */
  deciding(commands: Request['commands'], state: ContractState, context: DecideContext): Generator<void, Verdict>
  /** What an open change set would come to if it had all its votes; in steps. The ledger never asks. */
  tryChangeSet(set: ChangeSet, state: ContractState, context: DecideContext): Generator<void, Verdict>
  /** What an event of an entry that this engine has judged changes. Never throws. */
  evolve(state: ContractState, event: ContractEvent, origin: Origin): ContractState
  /** The same in steps. */
  evolving(state: ContractState, event: ContractEvent, origin: Origin): Generator<void, ContractState>
  /** Whether rules that are in force read the time of a request: its entry has it. */
  readsTime(state: ContractState): boolean
  /** Over the whole of a state that names this engine. */
  recordHash(state: ContractState): Hash
  /** In steps: makes of it what takes long, and is kept. */
  hashing(state: ContractState): Generator<void, void>
}
