import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import type { PayloadRef } from '../payload-group.ts'
import type { Appended, RecordedEvent, StoredGroup, Write } from '../port.ts'

/** A batch took effect, with the result of each of its appends in their order, or it did not. */
export type BatchResult = { readonly appended: readonly Appended[] } | { readonly error: unknown }

/** Events in the order of positions, and how far they go. */
export interface EventsPiece {
  readonly events: readonly RecordedEvent[]
  /** Every wanted event up to this position is in the piece. Equal to where the piece begins: there is nothing new. */
  readonly through: number
}

/** Groups as they stand, and how far they go: a place of the engine's own. */
export interface GroupPiece {
  readonly groups: readonly StoredGroup[]
  /** Every wanted group up to this place is in the piece. Equal to where the piece begins: there are no more. */
  readonly through: number
}

/** Before the first position of an engine. */
export const START = 0

/** A piece ends with this many events, or once their data have this many characters: so memory stays bounded. */
export const PIECE_EVENTS_MAX = 256
export const PIECE_CHARACTERS_MAX = 1024 * 1024
/** A piece of few streams passes over this many positions at most, so that other work gets its turn. */
export const PIECE_POSITIONS_MAX = 4096

/**
 * What an adapter within this process has to be able to do, at once and without waiting; `EmbeddedStore` makes the port
 * of it. Positions are 1, 2, 3 … Methods throw the errors of the port, and StoreLocked when they may be called again soon.
 */
export interface StoreEngine {
  /**
   * Applies each batch whole or not at all, in order, seeing what those before it did; durable on return. An error of
   * one batch is its outcome and leaves the others alone. Throws if no batch took effect, or none is known to.
   */
  commit(batches: readonly (readonly Write[])[]): readonly BatchResult[]

  lastRevision(stream: string): number
  /** At least one event, at most `count`, from a revision that exists on. */
  readStream(stream: string, from: number, count: number): readonly RecordedEvent[]
  lastPosition(): number
  /** The next piece of the events of streams that begin with the prefix. */
  readAfter(position: number, streamPrefix: string): EventsPiece

  payloads(contract: Uid, refs: readonly PayloadRef[]): Map<Hash, string>
  /** The next piece of what stands there of a contract. */
  groupsAfter(place: number, contract: Uid): GroupPiece
  erase(contract: Uid, refs: readonly PayloadRef[]): void

  /** A number that changes when another connection has committed. Left out: there are no others. */
  foreignVersion?(): number
  /** Has the rest done in a later turn, other work first. What is passed on is called exactly once. */
  defer(rest: () => void): void
  close(): void
}
