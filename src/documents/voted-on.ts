import { erasureId } from '../aggregates/contract/erased-values.ts'
import { type Rule, ruleHash, ruleNumbered } from '../aggregates/contract/rules/rule-book.ts'
import { type ContractState, membersOf } from '../aggregates/contract/state.ts'
import { useAt } from '../aggregates/contract/templates/template-book.ts'
import { isWithin } from '../aggregates/rules/schema.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Command } from '../events/commands.ts'
import type { CandidateEnd, ChangeSetEnd, ContractEvent } from '../events/contract-events.ts'
import {
  type ElementId,
  type EngineVersion,
  type Handle,
  type LedgerIndex,
  type ProposalId,
  requestKey,
} from '../events/ids.ts'
import type { VoidReason } from '../events/outcome.ts'
import type { Request } from '../events/statement.ts'
import type { Roles } from '../events/template.ts'
import { candidateAt, missingVotes } from './candidates/candidate-at.ts'

/** Why it is open no more, and nothing has come of it. `member_admitted`: somebody came in who was not asked. `released`: of a lock. `reopened`: of a rule, whose votes are dropped. */
export type VoteEnd = CandidateEnd | ChangeSetEnd | 'removed' | 'released' | 'member_admitted' | 'reopened' | 'resigned'

/** What votes are cast on, as it is named to whoever has cast one. */
export type VoteSubject =
  /** By its request. */
  | { readonly changeSet: string }
  | { readonly proposal: ProposalId }
  | { readonly engine: EngineVersion }
  | { readonly erasure: Hash }
  /** The lock to be broken: the ledger index at which it was taken. */
  | { readonly lock: LedgerIndex }
  /** The template as which the element is to go on. */
  | { readonly element: ElementId; readonly template: Hash }
  /** What a rule says, by its hash. */
  | { readonly rule: number; readonly hash: Hash }
  /** Into which the rules are to go back. */
  | { readonly phase: 'edit' }

type EndedBy = 'agreed' | { readonly why: VoteEnd; readonly reason?: VoidReason } | undefined

/** One thing that is voted on. */
export interface VotedOn {
  readonly subject: VoteSubject
  /** Those without whose YES it waits, where it is open, and `self` is still counted where all members have to vote. Undefined: it is open no more. */
  waitsFor(agreed: ContractState, self: Handle): readonly Handle[] | undefined
  /** What that event makes of it, after the vote of `self`. `agreed`: the document as it stands now. */
  endedBy(event: ContractEvent, self: Handle, agreed: ContractState): EndedBy
}

/** What a request votes on, or is as a change set; undefined: it does neither. `key`: of the request. */
export function votedOnBy(request: Request, key: string): VotedOn | undefined {
  if (request.changeSet) return changeSet(key)
  // A command of a later engine than is known here is none of these.
  const [command] = request.commands as readonly Command[]
  switch (command?.type) {
    case 'CastVote':
      if ('request' in command) return changeSet(requestKey(command.request))
      if ('rule' in command) return ruleSaying(command)
      return 'field' in command ? candidate(command.field, command.proposal) : undefined
    case 'UpgradeEngine':
      return engine(command.to)
    case 'EraseValues':
      return erasure(erasureId(command.seals))
    case 'KeepValues':
      return erasure(command.erasure)
    case 'BreakLock':
      return lock(command.lock)
    case 'UpgradeTemplate':
      return template(command)
    case 'ReopenEdit':
      return reopening
    default:
      return undefined
  }
}

function changeSet(key: string): VotedOn {
  return {
    subject: { changeSet: key },
    waitsFor({ changeSets }) {
      const open = changeSets.find(({ request }) => requestKey(request) === key)
      return open && missingVotes(open)
    },
    endedBy(event) {
      if (event.type !== 'ChangeSetAgreed' && event.type !== 'ChangeSetEnded') return undefined
      if (requestKey(event.request) !== key) return undefined
      if (event.type === 'ChangeSetAgreed') return 'agreed'
      const { reason, why } = event
      return { why, ...(reason && { reason }) }
    },
  }
}

function candidate(id: ElementId, proposal: ProposalId): VotedOn {
  return {
    subject: { proposal },
    waitsFor(agreed) {
      const open = candidateAt(agreed, { field: id, proposal })
      return open?.voters ? missingVotes(open) : undefined
    },
    endedBy(event) {
      switch (event.type) {
        case 'ProposalAgreed':
          return event.proposal === proposal ? 'agreed' : undefined
        case 'CandidateEnded':
          return event.proposal === proposal ? { why: event.why } : undefined
        default:
          return removedBy(event, id)
      }
    },
  }
}

interface RuleVote {
  readonly rule: number
  readonly hash: Hash
  readonly vote: 'yes' | 'no'
}

/** With all votes it is still open: it takes effect when it is published. */
function ruleSaying({ rule: id, hash, vote }: RuleVote): VotedOn {
  const saysSo = ({ rules }: ContractState): Rule | undefined => {
    const rule = ruleNumbered(rules, id)
    return rule && ruleHash(rule.terms) === hash ? rule : undefined
  }
  return {
    subject: { rule: id, hash },
    waitsFor(agreed, self) {
      const rule = saysSo(agreed)
      if (rule === undefined || rule.isInForce || rule.yes.includes(self) !== (vote === 'yes')) return undefined
      const members = membersOf(agreed).map(({ card: { handle } }) => handle)
      return members.filter((member) => member !== rule.by && !rule.yes.includes(member))
    },
    endedBy(event, self, agreed) {
      switch (event.type) {
        case 'RulesPublished': {
          const ruleSet = saysSo(agreed)?.terms.ruleSet
          if (ruleSet === undefined) return undefined
          return ruleSet === null || event.ruleSets.includes(ruleSet) ? 'agreed' : undefined
        }
        case 'RuleEdited':
          return event.rule === id ? { why: 'replaced' } : undefined
        case 'RuleVoteCast':
          return event.rule === id && event.by === self && event.vote !== vote ? { why: 'replaced' } : undefined
        case 'RuleRemoved':
          return event.rule === id ? { why: 'removed' } : undefined
        case 'EditReopened':
          return { why: 'reopened' }
        default:
          return event.type === 'PartyResigned' && event.handle === self ? { why: 'resigned' } : undefined
      }
    },
  }
}

function engine(to: EngineVersion): VotedOn {
  return {
    subject: { engine: to },
    waitsFor(agreed, self) {
      return ofAll(
        agreed,
        self,
        agreed.engineVotes.filter((vote) => vote.to === to).map(({ by }) => by),
      )
    },
    endedBy(event, self) {
      if (event.type === 'EngineUpgraded') return event.to === to ? 'agreed' : undefined
      if (event.type === 'EngineVoted') return event.by === self && event.to !== to ? { why: 'replaced' } : undefined
      return endedByMembership(event, self)
    },
  }
}

function erasure(id: Hash): VotedOn {
  return {
    subject: { erasure: id },
    waitsFor(agreed, self) {
      const open = agreed.erasures.open.find((one) => one.id === id)
      return open && ofAll(agreed, self, open.votes)
    },
    endedBy(event, self) {
      if (event.type === 'ValuesErased') return event.erasure === id ? 'agreed' : undefined
      if (event.type === 'ValuesKept') return event.erasure === id ? { why: 'turned_down' } : undefined
      return endedByMembership(event, self)
    },
  }
}

function lock(index: LedgerIndex): VotedOn {
  return {
    subject: { lock: index },
    waitsFor(agreed, self) {
      if (agreed.lock?.index !== index) return undefined
      const { breakVotes, holder } = agreed.lock
      return ofAll(agreed, self, breakVotes)?.filter((member) => member !== holder)
    },
    endedBy(event, self) {
      if (event.type === 'LockBroken') return event.lock === index ? 'agreed' : undefined
      if (event.type === 'RecordReleased') return event.lock === index ? { why: 'released' } : undefined
      return event.type === 'PartyResigned' && event.handle === self ? { why: 'resigned' } : undefined
    },
  }
}

function template(asked: { readonly element: ElementId; readonly to: Hash; readonly roles: Roles }): VotedOn {
  const { element, to } = asked
  const roles = canonicalJson(asked.roles)
  const isSame = (other: { readonly to: Hash; readonly roles: Roles }) =>
    other.to === to && canonicalJson(other.roles) === roles
  return {
    subject: { element, template: to },
    waitsFor(agreed, self) {
      const use = useAt(agreed.templates, element)
      return (
        use &&
        ofAll(
          agreed,
          self,
          use.votes.filter(isSame).map(({ by }) => by),
        )
      )
    },
    endedBy(event, self) {
      switch (event.type) {
        case 'TemplateUpgraded':
          return event.element === element && isSame(event) ? 'agreed' : undefined
        case 'TemplateUpgradeVoted':
          return event.element === element && event.by === self && !isSame(event) ? { why: 'replaced' } : undefined
        case 'ElementRemoved':
          return removedBy(event, element)
        default:
          return endedByMembership(event, self)
      }
    },
  }
}

const reopening: VotedOn = {
  subject: { phase: 'edit' },
  waitsFor: (agreed, self) => ofAll(agreed, self, agreed.rules.reopenVotes),
  endedBy: (event, self) => (event.type === 'EditReopened' ? 'agreed' : endedByMembership(event, self)),
}

/** Members whose vote is missing, as long as that of `self` counts. */
function ofAll(agreed: ContractState, self: Handle, votes: readonly Handle[]): Handle[] | undefined {
  if (!votes.includes(self)) return undefined
  return membersOf(agreed).flatMap(({ card: { handle } }) => (votes.includes(handle) ? [] : [handle]))
}

/** Whoever comes in was not asked, so all have to vote anew; and who goes votes no more. */
function endedByMembership(event: ContractEvent, self: Handle): EndedBy {
  if (event.type === 'PartyAdmitted') return { why: 'member_admitted' }
  return event.type === 'PartyResigned' && event.handle === self ? { why: 'resigned' } : undefined
}

function removedBy(event: ContractEvent, element: ElementId): EndedBy {
  return event.type === 'ElementRemoved' && isWithin(element, event.element) ? { why: 'removed' } : undefined
}
