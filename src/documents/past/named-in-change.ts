import { type RuleTerms, ruleHash, ruleNumbered } from '../../aggregates/contract/rules/rule-book.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { type EngineVersion, type LedgerIndex, type ProposalId, requestKey } from '../../events/ids.ts'
import { ruleText } from '../rules/rule-text.ts'
import { pathOf, ruleWritten } from '../written-rule.ts'
import type { Around } from './watched.ts'

/** Which one a change is about, besides the place, by the names that requests and answers have for it. */
export interface NamedInChange {
  readonly proposal?: ProposalId
  /** By its request. */
  readonly changeSet?: string
  readonly vote?: 'yes' | 'no'
  /** The number of a rule; `hash` and `text`: what it says, as a vote names it, and as a sentence. */
  readonly rule?: number
  readonly hash?: Hash
  readonly text?: string
  readonly ruleSet?: number
  readonly ruleSets?: readonly number[]
  /** Of a rule set. */
  readonly name?: string
  readonly erasure?: Hash
  readonly engine?: EngineVersion
  /** The ledger index at which it was taken. */
  readonly lock?: LedgerIndex
  readonly template?: Hash
  /** Paths: where a rule stands, or is flagged. */
  readonly at?: readonly string[]
}

/** Empty: the place says it all. */
export function namedIn(event: ContractEvent, { before, after }: Around): NamedInChange {
  switch (event.type) {
    case 'ValueProposed':
    case 'VotersNamed':
    case 'ProposalAgreed':
    case 'CandidateEnded':
    case 'ValueRevealed':
      return { proposal: event.proposal }
    case 'VoteCast':
      return { proposal: event.proposal, vote: event.vote }
    case 'ValueComputed':
      return { proposal: event.proposal, rule: event.rule }
    case 'ChangeSetProposed':
    case 'ChangeSetAgreed':
    case 'ChangeSetEnded':
      return { changeSet: requestKey(event.request) }
    case 'ChangeSetVoteCast':
      return { changeSet: requestKey(event.request), vote: event.vote }
    case 'RuleSetAdded':
      return { ruleSet: event.ruleSet, name: event.name }
    case 'RuleDrafted':
    case 'RuleEdited': {
      const { about, at, body, rule: id, ruleSet } = event
      return ruleSaid({ id, at, ruleSet, body, ...(about !== undefined && { about }) }, after)
    }
    case 'RuleRemoved':
      return { rule: event.rule, ...ruleIn(before, event.rule) }
    case 'RuleVoteCast': {
      const said = ruleIn(after, event.rule)
      return { rule: event.rule, ...(said?.hash === event.hash && said), hash: event.hash, vote: event.vote }
    }
    case 'RulesPublished':
      return { ruleSets: event.ruleSets }
    case 'RuleSetSwitched':
      return { ruleSet: event.ruleSet }
    case 'RuleFlagged':
    case 'RuleCleared':
      return { rule: event.rule, at: [pathOf(event.at, after)] }
    case 'ErasureVoted':
    case 'ValuesKept':
    case 'ValuesErased':
      return { erasure: event.erasure }
    case 'EngineVoted':
    case 'EngineUpgraded':
      return { engine: event.to }
    case 'RecordReleased':
    case 'LockBreakVoted':
    case 'LockBroken':
      return { lock: event.lock }
    case 'TemplateImported':
      return { template: event.template }
    case 'TemplateUpgradeVoted':
    case 'TemplateUpgraded':
      return { template: event.to }
    default:
      return {}
  }
}

function ruleIn(state: ContractState, number: number): NamedInChange | undefined {
  const rule = ruleNumbered(state.rules, number)
  return rule && ruleSaid(rule.terms, state)
}

/** By the names of then. */
function ruleSaid(terms: RuleTerms, state: ContractState): NamedInChange {
  const at = pathOf(terms.at, state)
  return { rule: terms.id, hash: ruleHash(terms), text: ruleText(ruleWritten(terms, state), at), at: [at] }
}
