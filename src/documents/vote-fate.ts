import { settledFrom } from '../contracts/replica/find-settled.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex } from '../events/ids.ts'
import type { VoidReason } from '../events/outcome.ts'
import type { EventStore } from '../store/port.ts'
import type { VotedOn, VoteEnd, VoteSubject } from './voted-on.ts'

/** How much of the document an entry has changed: of each kind how many. */
export interface ChangeCounts {
  /** Fields whose agreed value is another, or none any more. */
  readonly values: number
  readonly computed: number
  readonly added: number
  readonly removed: number
  readonly renamed: number
  readonly granted: number
  readonly arranged: number
  /** Values that nobody keeps any more, with those that were computed from them. */
  readonly erased: number
}

/** What has become of what was voted on, as whoever has cast a vote on it, or has put it to the vote, is told. */
export type VoteFate = VoteSubject & Fate

type Fate =
  /** Those without whose YES it waits. */
  | { readonly state: 'open'; readonly waitsFor: readonly Handle[] }
  | { readonly state: 'agreed'; readonly endedAt: LedgerIndex; readonly changes: ChangeCounts }
  | { readonly state: 'ended'; readonly endedAt: LedgerIndex; readonly why: VoteEnd; readonly reason?: VoidReason }

/** By the settled entries from that index on, the one of the request. Undefined: it is open no more, and no entry is there that says why. */
export async function voteFate(
  { endedBy, subject, waitsFor }: VotedOn,
  from: LedgerIndex,
  { contract, self, state }: LiveContract,
  events: EventStore,
): Promise<VoteFate | undefined> {
  // As it stands when the entries are read: what has ended by then stands in one of them.
  const { agreed } = state.settling
  const missing = waitsFor(agreed, self)
  for await (const entry of settledFrom(events, contract, from)) {
    for (const event of entry.events) {
      const end = endedBy(event, self, agreed)
      if (end === 'agreed') return { ...subject, state: end, endedAt: entry.index, changes: changesIn(entry.events) }
      if (end !== undefined) return { ...subject, state: 'ended', endedAt: entry.index, ...end }
    }
    if (missing !== undefined) return { ...subject, state: 'open', waitsFor: missing }
  }
  return undefined
}

function changesIn(events: readonly ContractEvent[]): ChangeCounts {
  const fields = new Set<ElementId>()
  const counts = { computed: 0, added: 0, removed: 0, renamed: 0, granted: 0, arranged: 0, erased: 0 }
  for (const event of events) {
    if (event.type === 'ValuesErased') counts.erased += event.seals.length
    const kind = changedBy(event)
    if (kind === undefined) continue
    if (typeof kind === 'string') counts[kind]++
    else fields.add(kind.field)
  }
  return { values: fields.size, ...counts }
}

/** A value of a change set is put up and agreed by two events, and counts once. */
function changedBy(
  event: ContractEvent,
): Exclude<keyof ChangeCounts, 'values' | 'erased'> | { field: ElementId } | undefined {
  switch (event.type) {
    case 'ProposalAgreed':
      return event
    case 'ValueProposed':
      return event.candidate === undefined ? event : undefined
    case 'ValueComputed':
      return 'computed'
    case 'BlockAdded':
    case 'FieldAdded':
    case 'ListAdded':
    case 'EntryAdded':
      return 'added'
    case 'ElementRemoved':
      return 'removed'
    case 'ElementRenamed':
      return 'renamed'
    case 'ElementGranted':
      return 'granted'
    case 'ChildrenArranged':
      return 'arranged'
    default:
      return undefined
  }
}
