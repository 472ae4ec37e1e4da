import type { Verdict } from '../aggregates/contract/decider.ts'
import type { ContractState } from '../aggregates/contract/state.ts'
import { changeSetVerdict, nextVerdict } from '../agreement/next-verdict.ts'
import type { AgreementState } from '../agreement/state.ts'
import { openIn } from '../agreement/values/opened-values.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Command } from '../events/commands.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import { type Handle, type ProposalId, requestKey } from '../events/ids.ts'
import type { VoidReason } from '../events/outcome.ts'
import type { Payloads } from '../events/statement.ts'
import { publicationOf, type ShownWarning } from './publication-preview.ts'
import type { RefusingRule } from './refusing-rule.ts'
import { erasureIn, type ShownErasure } from './requests/erasure-asked.ts'
import type { VoidDetails } from './requests/void-details.ts'
import { pathOf } from './written-rule.ts'

/** What a request would come to if it were the next one in the ledger, by the code that decides (design §5a). Nothing is signed. */
export interface DryRun {
  readonly kind: 'dry run'
  readonly outcome: 'accepted' | 'void' | 'undecided'
  /** Of what is void. */
  readonly reason?: VoidReason
  /** By which it is void. */
  readonly rule?: RefusingRule
  /** Of what is void. */
  readonly details?: VoidDetails
  /** Fields that get another value, or none (null); `rule`: which computes it. */
  readonly fields: readonly { readonly path: string; readonly value: unknown; readonly rule?: number }[]
  /** Values that wait for votes, or stand in conflict where nobody is asked. */
  readonly candidates: readonly { readonly path: string; readonly voters: readonly Handle[] }[]
  /** Proposals that end. */
  readonly ended: readonly { readonly path: string; readonly proposal: string; readonly why: string }[]
  readonly switched: readonly { readonly path?: string; readonly ruleSet?: number; readonly active: boolean }[]
  readonly flagged: readonly { readonly path: string; readonly rule: number; readonly holds: boolean }[]
  /** Change sets that would wait, take effect or fall. All else is then what the one that would wait comes to with all its votes. */
  readonly changeSets: readonly ShownFate[]
  /** That is asked for, or voted for. */
  readonly erasure?: ShownErasure
  /** What a publication would come to if every member had voted YES on its rules: of a request that drafts or votes on rules, or publishes. */
  readonly publication?: PublicationDryRun
}

interface PublicationDryRun extends Omit<DryRun, 'kind' | 'candidates' | 'changeSets' | 'erasure' | 'publication'> {
  readonly ruleSets: readonly number[]
  readonly warnings: readonly ShownWarning[]
}

interface ShownFate {
  readonly request: string
  readonly fate: 'waits' | 'agreed' | 'ended'
  /** Of one that would wait. */
  readonly voters?: readonly Handle[]
  readonly why?: string
  readonly reason?: VoidReason
}

/** A request that is not made. */
export interface Tried {
  /** Requests of one command each that are made before it, and that it needs. */
  readonly before?: readonly Command[] | undefined
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  readonly isChangeSet: boolean
  /** RFC 3339, taken for when it is made. */
  readonly time: string
}

/** Of what nothing is to be asked for. */
export const noChange: DryRun = {
  kind: 'dry run',
  outcome: 'accepted',
  fields: [],
  candidates: [],
  ended: [],
  switched: [],
  flagged: [],
  changeSets: [],
}

/** On the ledger as it is here, with what has not settled; in steps. Throws HistoryPruned. */
export function* dryRun(tried: Tried, held: AgreementState, author: Handle): Generator<void, DryRun> {
  const { before = [], commands, payloads, isChangeSet, time } = tried
  let state = held
  for (const command of before) {
    const needed = yield* nextVerdict([command], payloads, state, author, { time })
    if (needed.kind !== 'accepted') return yield* requestDryRun(needed, tried, state)
    state = { ...state, ledger: { ...state.ledger, document: needed.state } }
  }
  const verdict = yield* nextVerdict(commands, payloads, state, author, { time, ...(isChangeSet && { changeSet: {} }) })
  const isDrafted = verdict.kind === 'accepted' && verdict.state.phase === 'edit'
  const after = isDrafted ? verdict.state : state.ledger.document
  const publication = yield* publicationDryRun(tried, state, author, after)
  return { ...(yield* requestDryRun(verdict, tried, state)), ...(publication && { publication }) }
}

function* publicationDryRun(
  tried: Tried,
  state: AgreementState,
  author: Handle,
  after: ContractState,
): Generator<void, PublicationDryRun | undefined> {
  const voted = publicationOf(tried.commands, after)
  if (voted === undefined) return undefined
  const { command, document, ruleSets, warnings } = voted
  const published = { ...state, ledger: { ...state.ledger, document } }
  const verdict = yield* nextVerdict([command], tried.payloads, published, author, { time: tried.time })
  const {
    candidates: _none,
    changeSets: _sets,
    erasure: _erasure,
    kind: _kind,
    ...would
  } = yield* requestDryRun(verdict, tried, published)
  return { ...would, ruleSets, warnings }
}

function* requestDryRun(verdict: Verdict, { payloads, time }: Tried, state: AgreementState): Generator<void, DryRun> {
  if (verdict.kind === 'lacking') return { ...noChange, outcome: 'undecided' }
  if (verdict.kind === 'void') return { ...noChange, outcome: 'void', reason: verdict.reason }
  const changeSets = fatesIn(verdict.events)
  const waits = verdict.events.some(({ type }) => type === 'ChangeSetProposed')
    ? verdict.state.changeSets.at(-1)
    : undefined
  const wanted = waits === undefined ? verdict : yield* changeSetVerdict(waits, payloads, state, verdict.state, time)
  if (wanted.kind !== 'accepted') return { ...noChange, changeSets }
  const open = openIn(state.ledger, state.feeds)
  const opened = (id: ProposalId, seal: Hash | null) =>
    seal === null ? null : (payloads[seal] ?? wanted.computed.get(seal) ?? open({ id, seal }))?.value
  const erasure = erasureIn(verdict.events, verdict.state)
  return { ...noChange, ...changesIn(wanted.events, wanted.state, opened), changeSets, ...(erasure && { erasure }) }
}

function fatesIn(events: readonly ContractEvent[]): ShownFate[] {
  return events.flatMap((event): ShownFate[] => {
    switch (event.type) {
      case 'ChangeSetProposed':
        return [{ request: requestKey(event.request), fate: 'waits', voters: event.voters }]
      case 'ChangeSetAgreed':
        return [{ request: requestKey(event.request), fate: 'agreed' }]
      case 'ChangeSetEnded': {
        const { reason, request, why } = event
        return [{ request: requestKey(request), fate: 'ended', why, ...(reason && { reason }) }]
      }
      default:
        return []
    }
  })
}

function changesIn(
  events: readonly ContractEvent[],
  state: ContractState,
  opened: (id: ProposalId, seal: Hash | null) => unknown,
): Pick<DryRun, 'fields' | 'candidates' | 'ended' | 'switched' | 'flagged'> {
  const seals = new Map<string, Hash | null>()
  const waiting = new Map<string, { path: string; voters: readonly Handle[] }>()
  const fields: DryRun['fields'][number][] = []
  const ended: DryRun['ended'][number][] = []
  const switched: DryRun['switched'][number][] = []
  const flagged: DryRun['flagged'][number][] = []
  for (const event of events) {
    switch (event.type) {
      case 'ValueProposed':
        seals.set(event.proposal, event.seal)
        if (event.candidate) waiting.set(event.proposal, { path: pathOf(event.field, state), voters: [] })
        break
      case 'VotersNamed':
        waiting.set(event.proposal, { path: pathOf(event.field, state), voters: event.voters })
        break
      case 'ProposalAgreed':
        waiting.delete(event.proposal)
        // What had been proposed before is not in the request: its value is for the document to show.
        if (seals.has(event.proposal)) {
          fields.push({
            path: pathOf(event.field, state),
            value: opened(event.proposal, seals.get(event.proposal) ?? null),
          })
        }
        break
      case 'ValueComputed':
        fields.push({ path: pathOf(event.field, state), rule: event.rule, value: opened(event.proposal, event.seal) })
        break
      case 'CandidateEnded':
        waiting.delete(event.proposal)
        ended.push({ path: pathOf(event.field, state), proposal: event.proposal, why: event.why })
        break
      case 'BlockSwitched':
        switched.push({ path: pathOf(event.element, state), active: event.active })
        break
      case 'RuleSetSwitched':
        switched.push({ ruleSet: event.ruleSet, active: event.active })
        break
      case 'RuleFlagged':
      case 'RuleCleared':
        flagged.push({ path: pathOf(event.at, state), rule: event.rule, holds: event.type === 'RuleCleared' })
        break
    }
  }
  return { candidates: [...waiting.values()], ended, fields, flagged, switched }
}
