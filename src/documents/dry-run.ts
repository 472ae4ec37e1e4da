import type { ContractState } from '../aggregates/contract/state.ts'
import { nextVerdict } from '../agreement/next-verdict.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Command } from '../events/commands.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import type { Handle } from '../events/ids.ts'
import type { VoidReason } from '../events/outcome.ts'
import type { Payloads } from '../events/statement.ts'
import { pathOf } from './written-rule.ts'

/** What a request would come to if it were the next one in the ledger, by the code that decides (design §5a). Nothing is signed. */
export interface DryRun {
  readonly kind: 'dry run'
  readonly outcome: 'accepted' | 'void' | 'undecided'
  /** Of what is void. */
  readonly reason?: VoidReason
  /** Fields that get another value, or none (null); `rule`: which computes it. */
  readonly fields: readonly { readonly path: string; readonly value: unknown; readonly rule?: number }[]
  /** Values that wait for votes, or stand in conflict where nobody is asked. */
  readonly candidates: readonly { readonly path: string; readonly voters: readonly Handle[] }[]
  /** Proposals that end. */
  readonly ended: readonly { readonly path: string; readonly proposal: string; readonly why: string }[]
  readonly switched: readonly { readonly path?: string; readonly ruleSet?: number; readonly active: boolean }[]
  readonly flagged: readonly { readonly path: string; readonly rule: number; readonly holds: boolean }[]
}

/** On the ledger as it is here, with what has not settled. Throws HistoryPruned. */
export function dryRun(
  commands: readonly Command[],
  payloads: Payloads,
  state: AgreementState,
  author: Handle,
): DryRun {
  const verdict = nextVerdict(commands, payloads, state, author)
  const nothing = { fields: [], candidates: [], ended: [], switched: [], flagged: [], kind: 'dry run' as const }
  if (verdict.kind === 'lacking') return { ...nothing, outcome: 'undecided' }
  if (verdict.kind === 'void') return { ...nothing, outcome: 'void', reason: verdict.reason }
  const opened = (seal: Hash | null) => (seal === null ? null : (payloads[seal] ?? verdict.computed.get(seal))?.value)
  return { ...nothing, outcome: 'accepted', ...changesIn(verdict.events, verdict.state, opened) }
}

function changesIn(
  events: readonly ContractEvent[],
  state: ContractState,
  opened: (seal: Hash | null) => unknown,
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
          fields.push({ path: pathOf(event.field, state), value: opened(seals.get(event.proposal) ?? null) })
        }
        break
      case 'ValueComputed':
        fields.push({ path: pathOf(event.field, state), rule: event.rule, value: opened(event.seal) })
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
