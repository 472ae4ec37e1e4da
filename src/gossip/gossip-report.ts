import type { Handle, Uid } from '../events/ids.ts'
import type { StatementRefused } from '../events/statement-codec.ts'
import type { ConcordataError } from '../runtime/errors.ts'
import type { Peer } from './replica-port.ts'

/** What went wrong on the way, for logs and alarms. */
export interface GossipReport {
  /** With every call that does not come about. */
  unreachable(peer: Peer, error: unknown): void
  /** A call came about: the first since the peer is known, or the first after some that did not. */
  reached?(peer: Peer): void
  /** The party is no peer any more: blocked, or not allowed. */
  removed?(handle: Handle): void
  /** The peer takes no more calls for a while; that counts as no failure. */
  busy?(peer: Peer, error: ConcordataError): void
  refused(peer: Peer, refused: readonly StatementRefused[]): void
  /** What came for a contract could not be taken in; the others are not concerned. */
  failed?(contract: Uid, error: unknown): void
}
