import type { Uid } from '../../events/ids.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { ContractPorts } from '../replica/ports.ts'
import type { UnaskedBounds } from './unasked-contracts.ts'

/** What all contracts of a node need from outside. */
export interface ContractsPorts extends ContractPorts {
  /** Who this node is, in every contract. */
  readonly card: PartyCard
  /** The UID of the n-th contract that this node comes to hold (design §9). */
  uidOf(number: number): Uid
  /** A name for a new request. */
  newRequestId(): string
  /** How many contracts are in memory, as far as nothing keeps more of them there. Left out: all. */
  readonly activeMax?: number
  /** For contracts that others bring and nobody here has asked for. Left out: the default. */
  readonly unaskedBounds?: UnaskedBounds
  /** A contract could not be loaded; all else goes on. */
  failed?(error: unknown): void
}
