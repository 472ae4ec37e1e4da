import { type ContractState, find } from '../aggregates/contract/state.ts'
import { isWithin } from '../aggregates/rules/schema.ts'
import { settledFrom } from '../contracts/replica/find-settled.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import type { CommandOf } from '../events/commands.ts'
import type { CandidateEnd, ChangeSetEnd, ContractEvent } from '../events/contract-events.ts'
import { type ElementId, type Handle, type LedgerIndex, type ProposalId, requestKey } from '../events/ids.ts'
import type { VoidReason } from '../events/outcome.ts'
import type { Request } from '../events/statement.ts'
import type { EventStore } from '../store/port.ts'

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
}

/** What has become of what was voted on, as whoever has cast a vote on it, or has put it to the vote, is told. */
export type VoteFate = Subject & Fate

/** A change set, by its request, or a value. */
type Subject = { readonly changeSet: string } | { readonly proposal: ProposalId }
type Fate =
  /** Those without whose YES it waits. */
  | { readonly state: 'open'; readonly waitsFor: readonly Handle[] }
  | { readonly state: 'agreed'; readonly endedAt: LedgerIndex; readonly changes: ChangeCounts }
  | {
      readonly state: 'ended'
      readonly endedAt: LedgerIndex
      readonly why: CandidateEnd | ChangeSetEnd | 'removed'
      readonly reason?: VoidReason
    }

type VotedOn = { readonly changeSet: string } | Candidate

interface Candidate {
  readonly field: ElementId
  readonly proposal: ProposalId
}

/** What a request votes on, or is as a change set; undefined: it does neither. `key`: of the request. */
export function votedOnBy(request: Request, key: string): VotedOn | undefined {
  if (request.changeSet) return { changeSet: key }
  const [command] = request.commands as readonly { readonly type: string }[]
  if (command?.type !== 'CastVote') return undefined
  const vote = command as CommandOf<'CastVote'>
  if ('request' in vote) return { changeSet: requestKey(vote.request) }
  return 'field' in vote ? { field: vote.field, proposal: vote.proposal } : undefined
}

/** By the settled entries from that index on, the one of the request. Undefined: it is open no more, and no entry is there that says why. */
export async function voteFate(
  voted: VotedOn,
  from: LedgerIndex,
  live: LiveContract,
  events: EventStore,
): Promise<VoteFate | undefined> {
  const subject = 'changeSet' in voted ? voted : { proposal: voted.proposal }
  // As it stands when the entries are read: what has ended by then stands in one of them.
  const waitsFor = waitsForOf(voted, live)
  for await (const entry of settledFrom(events, live.contract, from)) {
    for (const event of entry.events) {
      const fate = fateBy(event, voted)
      if (fate === 'agreed') return { ...subject, state: fate, endedAt: entry.index, changes: changesIn(entry.events) }
      if (fate !== undefined) return { ...subject, state: 'ended', endedAt: entry.index, ...fate }
    }
    if (waitsFor !== undefined) return { ...subject, state: 'open', waitsFor }
  }
  return undefined
}

/** Undefined: it is open no more. */
function waitsForOf(voted: VotedOn, { state }: LiveContract): Handle[] | undefined {
  const { agreed } = state.settling
  const open =
    'changeSet' in voted
      ? agreed.changeSets.find(({ request }) => requestKey(request) === voted.changeSet)
      : candidateOf(voted, agreed)
  return open?.voters?.filter((voter) => !open.yes.includes(voter))
}

function candidateOf({ field: id, proposal }: Candidate, agreed: ContractState) {
  const field = find(agreed, id)
  return field?.kind === 'field' ? field.candidates.find((candidate) => candidate.id === proposal) : undefined
}

function fateBy(event: ContractEvent, voted: VotedOn) {
  if ('changeSet' in voted) {
    if (event.type !== 'ChangeSetAgreed' && event.type !== 'ChangeSetEnded') return undefined
    if (requestKey(event.request) !== voted.changeSet) return undefined
    if (event.type === 'ChangeSetAgreed') return 'agreed' as const
    const { reason, why } = event
    return { why, ...(reason && { reason }) }
  }
  switch (event.type) {
    case 'ProposalAgreed':
      return event.proposal === voted.proposal ? ('agreed' as const) : undefined
    case 'CandidateEnded':
      return event.proposal === voted.proposal ? { why: event.why } : undefined
    case 'ElementRemoved':
      return isWithin(voted.field, event.element) ? { why: 'removed' as const } : undefined
    default:
      return undefined
  }
}

function changesIn(events: readonly ContractEvent[]): ChangeCounts {
  const fields = new Set<ElementId>()
  const counts = { computed: 0, added: 0, removed: 0, renamed: 0, granted: 0, arranged: 0 }
  for (const event of events) {
    const kind = changedBy(event)
    if (kind === undefined) continue
    if (typeof kind === 'string') counts[kind]++
    else fields.add(kind.field)
  }
  return { values: fields.size, ...counts }
}

/** A value of a change set is put up and agreed by two events, and counts once. */
function changedBy(event: ContractEvent): Exclude<keyof ChangeCounts, 'values'> | { field: ElementId } | undefined {
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
