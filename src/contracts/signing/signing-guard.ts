import { Type } from 'typebox'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { HASH_PATTERN, type Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { SIGNED_CHARACTERS_MAX } from '../../events/limits.ts'
import { ConcordataError } from '../../runtime/errors.ts'

export const GuardedSchema = Type.Object(
  {
    seq: Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }),
    hash: Type.Union([Type.String({ pattern: HASH_PATTERN }), Type.Null()]),
    line: Type.Union([Type.String({ maxLength: SIGNED_CHARACTERS_MAX }), Type.Null()]),
  },
  { additionalProperties: false },
)
/** The newest statement that this party has signed on a contract. `seq` −1: none, and it is known that there is none. */
export interface Guarded {
  readonly seq: number
  readonly hash: Hash | null
  /** The line in which the statement travels; null where there is none. */
  readonly line: string | null
}

/**
 * Remembers the newest statement signed on each contract, outside of the event store and of its backups: so a
 * restored node does not sign a second statement for a place that it already filled (design §3). Where several
 * processes sign with one key, they share one guard (decision 0038).
 */
export interface SigningGuard {
  /** Undefined: it knows nothing of the contract. */
  read(contract: Uid): Promise<Guarded | undefined>
  /**
   * Durable on return. Compares and sets: throws GuardRefused if the place and hash that it holds are not those of
   * `from`: another process has signed.
   */
  advance(contract: Uid, from: Guarded | undefined, to: Guarded): Promise<void>
}

/** Another process has signed with this party's key meanwhile, or the guard and the store are of different histories. */
export class GuardRefused extends ConcordataError {}

export function isSamePlace(one: Guarded | undefined, other: Guarded | undefined): boolean {
  return one?.seq === other?.seq && one?.hash === other?.hash
}

export function guardRefused(contract: Uid, expected: Guarded | undefined, found: Guarded | undefined): GuardRefused {
  const message = 'another process has signed with the key of this party; only one of the two may go on'
  return new GuardRefused('guard_refused', message, {
    contract,
    expected: expected === undefined ? null : { seq: expected.seq, hash: expected.hash },
    found: found === undefined ? null : { seq: found.seq, hash: found.hash },
  })
}

/** What a guard says about a store that was just loaded. */
export type GuardStanding =
  /** They fit; `isAhead`: the store has one statement more, which nobody has seen: the guard is to be told of it. */
  | { readonly kind: 'fits'; readonly isAhead: boolean }
  /** The store is older than the guard: nothing is signed until the statement that the guard names is there again. */
  | { readonly kind: 'set back'; readonly to: Guarded }
  /** The guard is missing, or older than the store: nothing is signed until every member has said what it holds. */
  | { readonly kind: 'unknown' }
  /** Store and guard contradict each other: another node has signed with the key. */
  | { readonly kind: 'contradicts'; readonly to: Guarded }

/** `own`: the own feed as the store has it. */
export function standingOf(
  guarded: Guarded | undefined,
  own: { readonly size: number; get(seq: number): VerifiedStatement | undefined },
): GuardStanding {
  if (guarded === undefined) return { kind: 'unknown' }
  const newest = own.size - 1
  if (guarded.seq > newest) return { kind: 'set back', to: guarded }
  if (guarded.seq >= 0 && own.get(guarded.seq)?.hash !== guarded.hash) return { kind: 'contradicts', to: guarded }
  if (guarded.seq === newest) return { kind: 'fits', isAhead: false }
  return guarded.seq === newest - 1 ? { kind: 'fits', isAhead: true } : { kind: 'unknown' }
}

/** In memory: as durable as the process. For tests, and for nodes in which nothing else is durable either. */
export function memoryGuard(): SigningGuard {
  const kept = new Map<Uid, Guarded>()
  return {
    read: async (contract) => kept.get(contract),
    advance: async (contract, from, to) => {
      const found = kept.get(contract)
      if (!isSamePlace(found, from)) throw guardRefused(contract, from, found)
      kept.set(contract, to)
    },
  }
}
