import { Map as ImmutableMap } from 'immutable'
import type { Engines } from '../../aggregates/contract/engines.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { CommandType } from '../../events/commands.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Outcome } from '../../events/outcome.ts'
import type { Payload, Request } from '../../events/statement.ts'

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

/** For how many entries the computed values are asked for at once. */
export const WANTED_COMPUTED_MAX = 16

/** Entries that a ledger cannot go on without. */
export interface WantedEntries {
  /** Those that rules have computed in, what of it is not held: of each the computed values. In ascending order, all below `from`. */
  readonly computed: readonly LedgerIndex[]
  /** From there on they stand in for what cannot be judged. */
  readonly from: LedgerIndex
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

type CommandEnvelope = Request['commands'][number]

/**
 * What an entry says of a request that nobody can judge here; undefined where it is of other statements, or cannot be.
 * Attacker-controlled: all of it beyond its schema.
 */
export function knownFate(
  { entry, computed }: KnownEntry,
  determined: Determined,
  document: ContractState,
  engines: Engines,
  commands: readonly CommandEnvelope[],
): KnownFate | undefined {
  const { index, request, author, statement, answers, outcome, events } = entry
  if (canonicalJson({ answers, author, index, request, statement }) !== canonicalJson(determined)) return undefined
  if (outcome.kind === 'void') return events.length === 0 ? { outcome, events, document, computed: nothing } : undefined
  if (outcome.kind !== 'accepted') return undefined
  const after = evolved(document, events, engines, { index, request }, () =>
    isBacked(events, commands, document, author),
  )
  return after && { outcome, events, document: after, computed }
}

/**
 * Who is on the contract, with which keys, and in which engine it goes on says who signs for what follows: an entry may say so only
 * where its request does.
 */
function isBacked(
  events: readonly ContractEvent[],
  commands: readonly CommandEnvelope[],
  { engineVotes }: ContractState,
  author: Handle,
): boolean {
  const said = canonicalJson(commands)
  const orders = (type: CommandType, what: string) => commands.some((one) => one.type === type) && said.includes(what)
  return events.every((event) => {
    switch (event.type) {
      case 'ContractOpened':
        return false
      case 'PartyInvited':
        return orders('InviteParty', canonicalJson(event.party))
      case 'PartyAdmitted':
        return orders('AdmitParty', canonicalJson(event.handle))
      case 'InvitationWithdrawn':
        return orders('WithdrawInvitation', canonicalJson(event.handle))
      case 'InvitationDeclined':
        return orders('DeclineInvitation', canonicalJson(event.handle))
      case 'PartyResigned':
        return event.handle === author && orders('Resign', '')
      case 'EngineUpgraded':
        return engineVotes.some(({ to }) => to === event.to)
      default:
        return true
    }
  })
}

const nothing: ReadonlyMap<Hash, Payload> = new Map()

/** Undefined: they are no events. */
function evolved(
  document: ContractState,
  events: readonly ContractEvent[],
  engines: Engines,
  origin: Pick<LedgerEntry, 'index' | 'request'>,
  isFit: () => boolean,
): ContractState | undefined {
  try {
    return isFit() ? engines.evolve(document, events, origin) : undefined
  } catch {
    // Of events that the engine has made it never throws; these are somebody's claim, of whatever form.
    return undefined
  }
}
