import { Map as ImmutableMap } from 'immutable'
import type { Engines } from '../../aggregates/contract/engines.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { LedgerIndex } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Outcome } from '../../events/outcome.ts'
import type { Payload } from '../../events/statement.ts'

/**
 * An entry as somebody has it who judged it when its values were there: the own store, or another party. What it says of the
 * outcome counts where the values were erased, and only once every member's head has signed for it.
 */
export interface KnownEntry {
  readonly entry: LedgerEntry
  /** What rules have computed in it, and what was not erased of that; by its seals. */
  readonly computed: ReadonlyMap<Hash, Payload>
  /** Given: it counts only where nothing else is missing than what is under these seals. */
  readonly erased?: ReadonlySet<Hash>
}

/** By ledger index: those that may be needed, and those that the ledger has taken. */
export type KnownEntries = ImmutableMap<LedgerIndex, KnownEntry>

export const noneKnown: KnownEntries = ImmutableMap()

/** What follows from the statements of an entry, whatever its values were. */
export type Determined = Pick<LedgerEntry, 'index' | 'request' | 'author' | 'statement' | 'answers'>

export interface KnownFate {
  readonly outcome: Outcome
  readonly events: readonly ContractEvent[]
  readonly document: ContractState
  readonly computed: ReadonlyMap<Hash, Payload>
}

/**
 * What an entry says of a request that nobody can judge here; undefined where it is of other statements, or cannot be.
 * Attacker-controlled: all of it beyond its schema.
 */
export function knownFate(
  { entry, computed }: KnownEntry,
  determined: Determined,
  document: ContractState,
  engines: Engines,
): KnownFate | undefined {
  const { index, request, author, statement, answers, outcome, events } = entry
  if (canonicalJson({ answers, author, index, request, statement }) !== canonicalJson(determined)) return undefined
  if (outcome.kind === 'void') return events.length === 0 ? { outcome, events, document, computed: nothing } : undefined
  if (outcome.kind !== 'accepted') return undefined
  const after = evolved(document, events, engines, { index, request })
  return after && { outcome, events, document: after, computed }
}

const nothing: ReadonlyMap<Hash, Payload> = new Map()

/** Undefined: they are no events. */
function evolved(
  document: ContractState,
  events: readonly ContractEvent[],
  engines: Engines,
  origin: Pick<LedgerEntry, 'index' | 'request'>,
): ContractState | undefined {
  try {
    return engines.evolve(document, events, origin)
  } catch (error) {
    // Of events that the engine has made it never throws; these are somebody's claim, and looked at member by member.
    if (error instanceof TypeError || error instanceof RangeError) return undefined
    throw error
  }
}
