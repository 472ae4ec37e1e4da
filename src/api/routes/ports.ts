import type { ObstacleShown } from '../../contracts/obstacles/obstacles.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { Documents } from '../../documents/documents.ts'
import type { Handle } from '../../events/ids.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { Store } from '../../store/port.ts'

/** What the routes of contracts and parties answer from. */
export interface RoutePorts {
  readonly documents: Documents
  readonly contracts: Contracts
  readonly store: Store
  /** How long a write waits for unanimity when the client says nothing. Milliseconds. */
  readonly defaultWaitMs: number
  /** The card of a party that is approved when this is called. Rejects with the store's errors. */
  readonly cardOf: (handle: Handle) => Promise<PartyCard | undefined>
  /** Every party that this node knows when this is called. Rejects with the store's errors. */
  readonly parties: () => Promise<readonly KnownParty[]>
  /** What stops the contract at the moment, and what to do. */
  readonly obstaclesOf: (live: LiveContract) => readonly ObstacleShown[]
  /** Has what this party says beside its feed carried to the others at once. */
  readonly announce: (live: LiveContract) => void
}

export interface KnownParty {
  readonly card: PartyCard
  readonly endpoint: string
  readonly status: 'introduced' | 'approved' | 'blocked'
}
