import type { Equivocation } from '../agreement/reception.ts'
import type { HeldState } from '../agreement/state.ts'
import type { KnownEntry, WantedEntries } from '../agreement/values/known-entries.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import type { SignedStatement, StatementRefused } from '../events/statement-codec.ts'
import type { Credit } from './credit.ts'
import type { Announcement, HoldUp, PayloadLine, Wanted } from './message.ts'
import type { PieceLine, WantedPieces } from './piece-line.ts'
import type { LedgerProgress } from './schedule.ts'

/** What is given of what a peer wants. */
export interface PayloadLines {
  readonly lines: readonly string[]
  /** How many of the wanted statements, from the first on, were looked up; for the others there was no room. */
  readonly lookedUp: number
}

/** The contents of one contract as gossip sees them (decision 0127). */
export interface ContentsPort {
  /** Whether a peer is to be asked for pieces that are missing here. */
  lacksPiecesOf(peer: Handle): boolean
  /** At most that number of them: until the peer has answered, no other is asked for the same. */
  take(peer: Handle, room: number): readonly WantedPieces[]
  /** The call in which a peer was asked has come to its end, whatever it brought. */
  answered(peer: Handle): void
  /** Lines with what is held here of what a peer wants and may have. `room`: characters, about. */
  lines(peer: Handle, wanted: readonly WantedPieces[], room: number): Promise<readonly string[]>
  /** Resolves when those that belong to what is missing here are durable. `credit`: of the peer that brought them. */
  arrived(pieces: readonly PieceLine[], credit: Credit): Promise<readonly StatementRefused[]>
}

/** One contract as gossip sees it; `contracts/replica/live-contract.ts` is the one in a node. */
export interface ReplicaPort extends LedgerProgress {
  readonly contract: Uid
  readonly self: Handle
  /** What is held, all of it durable. */
  readonly state: HeldState
  /** Whether requests of this node are signed and not settled yet: then it carries the news around. */
  readonly hasUnsettled: boolean
  /** What this node has to say that it cannot say in its feed: that it joins, or not, or that its key is revoked. */
  readonly words: readonly Announcement[]
  /** Proofs of equivocation: everybody is to see them. */
  readonly evidence: readonly Equivocation[]
  /** Whom this node has to hear of, parties or not, before it signs anything. */
  readonly awaited: readonly Handle[]
  /** Values that are missing here. */
  readonly wants: readonly Wanted[]
  /** Entries that are missing here, whose values nobody may have any more; undefined: none. */
  readonly wantsEntries: WantedEntries | undefined
  /** Why this node leaves uncovered what it holds, should it do so. */
  readonly holdUp: HoldUp | undefined
  /** A peer says the same of itself. */
  holdsUp(peer: Handle, why: HoldUp | undefined): void
  /** Lines with what is held here of what a peer wants and may see. `room`: characters, about. */
  payloadLines(peer: Handle, wanted: readonly Wanted[], room: number): Promise<PayloadLines>
  /** Lines with settled entries for a peer that cannot judge them any more. `room`: characters, about. */
  entryLines(peer: Handle, wanted: WantedEntries, room: number): Promise<readonly string[]>
  readonly contents: ContentsPort
  /** Statements of a party that run ahead of what is held here. */
  waitingOf(party: Handle): readonly SignedStatement[]
  /** A peer has said what it holds, asked by this node. What it says in a call of its own may be older than a restore here. */
  heard(peer: Handle, frontier: Frontier): void
  /**
   * Resolves when all that came of the statements, and of the payloads, is durable, an own statement too where one was due.
   * `credit`: of the peer that brought them; once it is spent, the rest is skipped.
   */
  deliver(
    statements: readonly SignedStatement[],
    credit: Credit,
    payloads: readonly PayloadLine[],
    entries: readonly KnownEntry[],
  ): Promise<{ readonly refused: readonly StatementRefused[] }>
  /** A peer is free again: what was held back may go. */
  wake(): void
  /** Loads the pruned history, which some work with `state` needs. */
  recall(): Promise<void>
}

/** A contract that is not in memory: nothing is under way in it that is for this node to bring on. */
export interface AtRest extends LedgerProgress {
  readonly frontier: Frontier
  isPartyTo(peer: Peer): boolean
  /** Whether values are missing. */
  readonly lacksValues: boolean
  /** Whether a party with this frontier lacks nothing that it may see, and holds nothing that this node lacks. */
  isEvenWith(party: Handle, theirs: Frontier): boolean
}

/** All contracts of a node, as gossip sees them. */
export interface ReplicasPort {
  /** The party of this node. */
  readonly self: Handle
  /** Whether it is held, in memory or not. */
  has(contract: Uid): boolean
  /** If it is in memory. */
  find(contract: Uid): ReplicaPort | undefined
  /** Those that are in memory. */
  active(): Iterable<ReplicaPort>
  /** If it is held, and not in memory. */
  passive(contract: Uid): AtRest | undefined
  /** The next passive contracts, in the order of their UIDs, of which a party may see something. */
  passiveWith(party: Handle, after: Uid | '', limit: number): Uid[]
  /** Works with one, which is in memory as long. Undefined: it is not held. Rejects if it cannot be loaded. */
  use<Result>(contract: Uid, work: (replica: ReplicaPort) => Promise<Result>): Promise<Result | undefined>
  /**
   * Somebody approved sends statements: false if their contract is not held, and they do not begin it. Rejects with
   * StatementRefused if the first of them all is not valid.
   */
  begin(contract: Uid, statements: readonly SignedStatement[], from: Handle): Promise<boolean>
  /** A word of a party has come. */
  took(word: Announcement): Promise<void>
}

/** Another party's node. */
export interface Peer {
  readonly handle: Handle
  /** Its signing key: it must be the one that a contract knows the party by. */
  readonly signingKey: string
  /** One exchange call: body and answer as in message.ts. Rejects when it did not come about. */
  exchange(body: string): Promise<string>
}
