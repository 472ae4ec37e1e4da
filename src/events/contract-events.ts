import type { Hash } from '../crypto/hash.ts'
import type { Audience } from './audience.ts'
import type { Charter } from './charter.ts'
import type { Command } from './commands.ts'
import type { FieldType } from './field-type.ts'
import type { ElementId, EngineVersion, Handle, LedgerIndex, ProposalId, RequestRef } from './ids.ts'
import type { Limits } from './limits.ts'
import type { VoidReason } from './outcome.ts'
import type { PartyCard } from './parties/party-card.ts'
import type { LockPurpose, ResignationReason } from './reasons.ts'
import type { RuleBody } from './rule.ts'
import type { Roles } from './template.ts'
import type { TypeDefinition } from './type-definition.ts'

/**
 * The facts that follow from an accepted request; they stand in its ledger entry, so their bytes are part of the
 * protocol: a field is never added to one of these without a new engine version.
 */
export type ContractEvent =
  | {
      readonly type: 'ContractOpened'
      readonly title: string
      readonly engine: EngineVersion
      readonly charter: Charter
      readonly limits: Limits
      readonly founder: PartyCard
    }
  | { readonly type: 'PartyInvited'; readonly by: Handle; readonly party: PartyCard }
  | { readonly type: 'PartyAdmitted'; readonly handle: Handle; readonly invitation: LedgerIndex }
  | { readonly type: 'InvitationWithdrawn'; readonly handle: Handle; readonly invitation: LedgerIndex }
  | { readonly type: 'InvitationDeclined'; readonly handle: Handle; readonly invitation: LedgerIndex }
  /** `about`, here and below: seal of what a person has to say about it. */
  | {
      readonly type: 'PartyResigned'
      readonly handle: Handle
      readonly reason?: ResignationReason
      readonly about?: Hash
    }
  | { readonly type: 'RecordLocked'; readonly holder: Handle; readonly purpose: LockPurpose; readonly about?: Hash }
  /** `lock`: the ledger index at which it was taken, here and below. */
  | { readonly type: 'RecordReleased'; readonly lock: LedgerIndex; readonly holder: Handle }
  | { readonly type: 'LockBreakVoted'; readonly lock: LedgerIndex; readonly by: Handle }
  /** All members but the holder have voted for it. */
  | { readonly type: 'LockBroken'; readonly lock: LedgerIndex; readonly holder: Handle }
  | { readonly type: 'EngineVoted'; readonly to: EngineVersion; readonly by: Handle }
  /** All members have voted for it. The last event of its entry. */
  | { readonly type: 'EngineUpgraded'; readonly to: EngineVersion }
  | {
      readonly type: 'BlockAdded'
      readonly element: ElementId
      readonly name: string
      readonly owner: Handle | null
    }
  | {
      readonly type: 'FieldAdded'
      readonly element: ElementId
      readonly name: string
      readonly field: FieldType
      readonly owner: Handle | null
    }
  | {
      readonly type: 'ListAdded'
      readonly element: ElementId
      readonly name: string
      readonly owner: Handle | null
      /** What its prototype is. */
      readonly entry: 'block' | FieldType
      readonly entriesMax: number
      readonly key: { readonly name: string; readonly field: FieldType } | null
    }
  | { readonly type: 'EntryAdded'; readonly element: ElementId }
  /** `order`: the ordinals of children that are there, each once; the others come behind. */
  | { readonly type: 'ChildrenArranged'; readonly block: ElementId; readonly order: readonly number[] }
  /** `definition`: its hash. */
  | ({ readonly type: 'TypeDefined'; readonly definition: Hash } & TypeDefinition)
  | { readonly type: 'ElementRenamed'; readonly element: ElementId; readonly name: string }
  | { readonly type: 'ElementRemoved'; readonly element: ElementId }
  | { readonly type: 'ElementGranted'; readonly element: ElementId; readonly to: Handle | null }
  | {
      readonly type: 'ValueProposed'
      readonly field: ElementId
      readonly proposal: ProposalId
      readonly by: Handle
      /** Null: that the field be emptied. */
      readonly seal: Hash | null
      /** Of a confidential value: who gets it. */
      readonly audience?: Audience
      /** It stays a candidate. Left out where it is agreed at once. */
      readonly candidate?: {
        readonly exclusive: boolean
        /** The standing proposals that its author had seen, in the order in which they stood. */
        readonly seen: readonly ProposalId[]
      }
    }
  /** Who must vote on a candidate of the same request, in the order of their admission. A candidate that has none is in conflict. */
  | {
      readonly type: 'VotersNamed'
      readonly field: ElementId
      readonly proposal: ProposalId
      readonly voters: readonly Handle[]
    }
  /** It takes the place of the agreed value. */
  | { readonly type: 'ProposalAgreed'; readonly field: ElementId; readonly proposal: ProposalId }
  | {
      readonly type: 'CandidateEnded'
      readonly field: ElementId
      readonly proposal: ProposalId
      readonly why: CandidateEnd
    }
  | {
      readonly type: 'VoteCast'
      readonly field: ElementId
      readonly proposal: ProposalId
      readonly by: Handle
      readonly vote: 'yes' | 'no'
      readonly about?: Hash
    }
  /** A request that waits, whole, for the votes of these. `commands`: its own, the bases without what did not stand. */
  | {
      readonly type: 'ChangeSetProposed'
      readonly request: RequestRef
      readonly about?: Hash
      readonly commands: readonly Command[]
      readonly voters: readonly Handle[]
    }
  | {
      readonly type: 'ChangeSetVoteCast'
      readonly request: RequestRef
      readonly by: Handle
      readonly vote: 'yes' | 'no'
      readonly about?: Hash
    }
  /** It has all votes that it needs: what its commands have come to follows. */
  | { readonly type: 'ChangeSetAgreed'; readonly request: RequestRef }
  | {
      readonly type: 'ChangeSetEnded'
      readonly request: RequestRef
      readonly why: ChangeSetEnd
      /** Of `conflict` and `unfit`: by which command, and what it met. */
      readonly reason?: VoidReason
    }
  /** `parties`: in the order of their handles; null: as above it. `until`: of handing out earlier values. */
  | {
      readonly type: 'AudienceSet'
      readonly element: ElementId
      readonly parties: Audience | null
      readonly until?: string
    }
  /** It is an ordinary value from here on: its request carries what is under the seal. */
  | { readonly type: 'ValueRevealed'; readonly field: ElementId; readonly proposal: ProposalId }
  /** A piece of it, from a place of its bytes on; with the last one the contract has it. */
  | {
      readonly type: 'TemplateBrought'
      readonly by: Handle
      readonly hash: Hash
      readonly bytes: number
      readonly from: number
      readonly text: string
    }
  /** All that the template has is in the document from here on (aggregates/contract/templates/imported-events.ts says as what). */
  | {
      readonly type: 'TemplateImported'
      readonly element: ElementId
      readonly name: string
      readonly by: Handle
      readonly template: Hash
      readonly roles: Roles
      /** Hashes of those of its types that the contract did not have. */
      readonly types: readonly Hash[]
      /** Numbers of its rule sets, in its order: of those that the contract had already, and, from `newRuleSets` on, of new ones. */
      readonly ruleSets: readonly number[]
      readonly newRuleSets: number
      /** Number of its first rule; the others follow. */
      readonly rules: number
    }
  | {
      readonly type: 'TemplateUpgradeVoted'
      readonly element: ElementId
      readonly from: Hash
      readonly to: Hash
      readonly roles: Roles
      readonly by: Handle
    }
  /** All members have voted for it. What that changes stands before it in the same entry. */
  | {
      readonly type: 'TemplateUpgraded'
      readonly element: ElementId
      readonly from: Hash
      readonly to: Hash
      readonly roles: Roles
      /** Elements of the template that did not get their own ordinals, and where they are. */
      readonly moved: readonly (readonly [ElementId, ElementId])[]
      /** Numbers of its rules, by their ids in the template. */
      readonly rules: readonly (readonly [number, number])[]
    }
  | { readonly type: 'RuleSetAdded'; readonly ruleSet: number; readonly name: string }
  | ({ readonly type: 'RuleDrafted' | 'RuleEdited'; readonly by: Handle } & RuleSaid)
  | { readonly type: 'RuleRemoved'; readonly rule: number }
  | {
      readonly type: 'RuleVoteCast'
      readonly rule: number
      /** Of what it says: the vote counts for nothing else. */
      readonly hash: Hash
      readonly by: Handle
      readonly vote: 'yes' | 'no'
      readonly about?: Hash
    }
  /** They and all triggers are in force from here on. */
  | { readonly type: 'RulesPublished'; readonly ruleSets: readonly number[] }
  | { readonly type: 'ReopenVoted'; readonly by: Handle }
  /** All members have voted for it: no rule is in force, all is active, nothing is flagged. */
  | { readonly type: 'EditReopened' }
  /** `erasure`: its name, the hash of its seals. */
  | {
      readonly type: 'ErasureVoted'
      readonly erasure: Hash
      /** In ascending order, here and below. */
      readonly seals: readonly Hash[]
      readonly by: Handle
      readonly about?: Hash
    }
  /** A member does not want them erased. */
  | { readonly type: 'ValuesKept'; readonly erasure: Hash; readonly by: Handle; readonly about?: Hash }
  /** All members have voted for it. `seals`: of what was not erased before, with all that was computed from it. */
  | { readonly type: 'ValuesErased'; readonly erasure: Hash; readonly seals: readonly Hash[] }
  /** An assignment has given its target a value, or none. `proposal`: the name of the value. */
  | {
      readonly type: 'ValueComputed'
      readonly field: ElementId
      readonly rule: number
      readonly proposal: ProposalId
      readonly seal: Hash | null
    }
  | { readonly type: 'BlockSwitched'; readonly element: ElementId; readonly active: boolean }
  | { readonly type: 'RuleSetSwitched'; readonly ruleSet: number; readonly active: boolean }
  /** A condition does not hold, and holds again. `at`: the element of a list's entry for which, where there is one for each. */
  | { readonly type: 'RuleFlagged'; readonly rule: number; readonly at: ElementId }
  | { readonly type: 'RuleCleared'; readonly rule: number; readonly at: ElementId }

/** What a rule says, as its author has put it. */
interface RuleSaid {
  readonly rule: number
  readonly at: ElementId
  readonly ruleSet: number | null
  readonly body: RuleBody
  readonly about?: Hash
}

/**
 * `replaced`: by a proposal whose author had seen it, or by another one of its own author. `turned_down`: by a voter's NO.
 * `conflict`: an exclusive one had its last YES when a value was agreed that its author had not seen.
 * `inactive`: a trigger has switched off a block that the field stands in. `key_taken`: with the resignation of its last voter it would
 * have given an entry the key of another one. `erased`: all members have given its value up.
 */
export type CandidateEnd = 'replaced' | 'withdrawn' | 'turned_down' | 'conflict' | 'inactive' | 'key_taken' | 'erased'

/**
 * `replaced`: by a proposal for one of its fields that its author has made, or whose author had seen it. `removed`: an element that
 * it names. `conflict`: at its last YES a value was agreed that its author had not seen. `unfit`: at its last YES it would have been void.
 * `erased`: all members have given up a value of it.
 */
export type ChangeSetEnd =
  | 'replaced'
  | 'withdrawn'
  | 'turned_down'
  | 'removed'
  | 'inactive'
  | 'conflict'
  | 'unfit'
  | 'erased'
