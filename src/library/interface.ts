import type { Static } from 'typebox'
import type { CandidateSchema, TickSchema } from '../api/answers/candidates.ts'
import type { ChangeSetSchema, ChangeSetsSchema } from '../api/answers/change-sets.ts'
import type { ContractSchema, ContractSummarySchema } from '../api/answers/contracts.ts'
import type {
  AttachmentsSchema,
  AttributesSchema,
  ChangeSchema,
  EvidenceSchema,
  TiersSchema,
} from '../api/answers/element-views.ts'
import type { HistorySchema } from '../api/answers/elements.ts'
import type { RequestStatusSchema } from '../api/answers/requests.ts'
import type { ElementRuleSchema, RulesSchema } from '../api/answers/rule.ts'
import type { ElementSchema } from '../documents/elements/element-schema.ts'
import type { RuleWritten } from '../documents/written-rule.ts'
import type { About } from '../events/about.ts'
import type { Charter } from '../events/charter.ts'
import type { PartyCard } from '../events/parties/party-card.ts'
import type { TypeDefinition } from '../events/type-definition.ts'
import type { Outcome, WriteOptions } from './calls/api-calls.ts'
import type { Call } from './calls/calls.ts'
import type { At, In, Known, NameIn } from './typed/paths.ts'
import type { Added, AnyDocument, Written } from './typed/values.ts'

export type ContractSummary = Static<typeof ContractSummarySchema>
export type ContractShown = Static<typeof ContractSchema>
export type Candidate = Static<typeof CandidateSchema>
export type Tick = Static<typeof TickSchema>
export type Change = Static<typeof ChangeSchema>
export type RequestStatus = Static<typeof RequestStatusSchema>
export type Attributes = Static<typeof AttributesSchema>
export type Party = Omit<PartyCard, 'lei'> & {
  readonly endpoint?: string
  readonly status: 'self' | 'introduced' | 'approved' | 'blocked'
}

/** What there is to say about a write. */
export interface Said {
  readonly about?: About
}
export type Vote = 'yes' | 'no'

/**
 * A node, in this process (`openNode`) or another (`connect`). All that is refused is thrown as a ProblemError, whose code is
 * that of docs/errors.md; a node that cannot be reached as NodeNotRunning.
 */
export interface ConcordataNode {
  contracts(): Promise<readonly ContractSummary[]>
  /** By its UID, whether or not there is one: what is asked of it says so. `Document`: as `concordata types` writes it. */
  contract<Document = AnyDocument>(uid: string): Contract<Document>
  /** Opens a contract whose only member, so far, is the party of the node. */
  open<Document = AnyDocument>(
    title: string,
    options?: WriteOptions & { readonly charter?: Charter },
  ): Promise<Contract<Document>>
  parties(): Promise<readonly Party[]>
  /** Whatever else the inward API has (docs/api.md): the JSON that it answers. */
  call(method: Call['method'], path: string, body?: unknown, options?: WriteOptions): Promise<unknown>
  /** Of `openNode`, stops the node. */
  close(): Promise<void>
}

/** A contract by the names in its document. */
export interface Contract<Document = AnyDocument> {
  readonly uid: string
  /** `''` is the document itself, `Claimant/Address` a block in a block, `Lines/3` an entry; names are escaped as in a URL, or stand in an array as they are. */
  at<const Path extends string | readonly string[]>(path: Path & Known<Document, Path>): Place<At<Document, Path>>
  summary(): Promise<ContractShown>
  invite(party: string, options?: WriteOptions): Promise<Outcome>
  /** Accepts an invitation; waits until the party is a member. */
  accept(options?: WriteOptions): Promise<ContractSummary>
  decline(): Promise<void>
  /** Puts several changes to the vote as one; with the consent that rules ask for they take effect together, or none does. */
  change(
    title: string,
    write: (draft: Draft<Document>) => void | Promise<void>,
    options?: WriteOptions,
  ): Promise<Outcome>
  changeSets(): Promise<Static<typeof ChangeSetsSchema>>
  /** `request`: of its proposal. */
  changeSet(request: string): Promise<Static<typeof ChangeSetSchema>>
  voteOnChangeSet(request: string, vote: Vote, options?: WriteOptions & Said): Promise<Outcome>
  withdrawChangeSet(request: string, options?: WriteOptions): Promise<Outcome>
  defineType(definition: TypeDefinition, options?: WriteOptions): Promise<Outcome>
  readonly rules: Rules
  /** How far a request has come. */
  request(request: string): Promise<RequestStatus>
  /** Takes a request back that is not confirmed yet. */
  withdraw(request: string): Promise<RequestStatus>
}

export type Element = string | readonly string[]

/** A place in a document. `Value`: what stands there. */
export interface Place<Value> {
  /** What stands agreed; undefined if there is no such place. `at`: after that entry of the ledger, or at that time. */
  get(options?: { readonly at?: number | string }): Promise<Value | undefined>
  /** With the tag by which a write may ask whether it still stands (`ifMatch`). */
  read(): Promise<{ readonly value: Value; readonly tag: string }>
  /** With all that is on its way, as it will stand if everybody agrees. */
  live(): Promise<{ readonly value?: Value; readonly tentative: readonly object[]; readonly isWhole: boolean }>
  /** Has children of a block stand like this: one, or many as one request. What is not there is added. */
  set<Name extends NameIn<Value>>(name: Name, value: Written<In<Value, Name>>, options?: WriteOptions): Promise<Outcome>
  set(values: Written<Value>, options?: WriteOptions): Promise<Outcome>
  /** Has this stand here: a value of a field, null for none, all entries of a list. */
  propose(value: Written<Value>, options?: WriteOptions): Promise<Outcome>
  /** An entry of a list, or children of a block that need not be there yet (docs/api.md says how types are written). */
  add(value: Added<Value>, options?: WriteOptions): Promise<Outcome>
  /** RFC 7396. */
  merge(value: unknown, options?: WriteOptions): Promise<Outcome>
  remove(options?: WriteOptions): Promise<Outcome>
  /** Another name, owner, order or audience. */
  describe(attributes: WantedAttributes, options?: WriteOptions): Promise<Outcome>
  attributes(): Promise<Attributes>
  schema(): Promise<ElementSchema>
  history(page?: Page): Promise<Static<typeof HistorySchema>>
  tiers(page?: { readonly after?: number; readonly limit?: number }): Promise<Static<typeof TiersSchema>>
  evidence(page?: Page): Promise<Static<typeof EvidenceSchema>>
  attachments(): Promise<Static<typeof AttachmentsSchema>>
  /** Those that have to do with it. */
  rules(): Promise<readonly Static<typeof ElementRuleSchema>[]>
  /** Values that were put up, and are not agreed. */
  proposals(): Promise<readonly Candidate[]>
  votes(): Promise<readonly Tick[]>
  vote(proposal: string, vote: Vote, options?: WriteOptions & Said): Promise<Outcome>
  /** Puts it up in the place of all that stands in conflict. */
  choose(proposal: string, options?: WriteOptions): Promise<Outcome>
  /** Takes a value back that this party has put up. */
  withdraw(proposal: string, options?: WriteOptions): Promise<Outcome>
  /**
   * What changes here and below, in ledger order, without an end. `after`: the entry behind which it begins; left out: the first
   * entry. It asks for more only when all that it has was taken; `after` of it says where to go on.
   */
  subscribe(options?: { readonly after?: number; readonly signal?: AbortSignal }): Changes
}

export interface Changes extends AsyncIterableIterator<Change, undefined> {
  /** All up to this entry, with it, has been told; −1: none. */
  readonly after: number
  return(): Promise<IteratorResult<Change, undefined>>
  [Symbol.asyncDispose](): Promise<void>
}

interface Page {
  readonly limit?: number
  /** As the page before had it. */
  readonly before?: number
}

export interface WantedAttributes {
  readonly name?: string
  readonly owner?: string | null
  readonly order?: readonly string[]
  readonly audience?: { readonly parties: readonly string[]; readonly until?: string } | null
}

/** Changes that are gathered, and proposed as one. */
export interface Draft<Document> {
  at<const Path extends string | readonly string[]>(path: Path & Known<Document, Path>): DraftPlace<At<Document, Path>>
}

export interface DraftPlace<Value> {
  set<Name extends NameIn<Value>>(name: Name, value: Written<In<Value, Name>>): void
  set(values: Written<Value>): void
  propose(value: Written<Value>): void
  add(value: Added<Value>): void
  remove(): void
  rename(name: string): void
  arrange(names: readonly string[]): void
  /** Null: to all. */
  grant(party: string | null): void
}

export interface Rules {
  list(): Promise<Static<typeof RulesSchema>>
  addSet(name: string, options?: WriteOptions): Promise<Outcome>
  draft(rule: DraftedRule & { readonly at: Element }, options?: WriteOptions): Promise<Outcome>
  edit(number: number, rule: DraftedRule, options?: WriteOptions): Promise<Outcome>
  remove(number: number, options?: WriteOptions): Promise<Outcome>
  /** `hash`: of what was read. */
  vote(number: number, hash: string, vote: Vote, options?: WriteOptions & Said): Promise<Outcome>
  /** `rules`: each one that comes into force, as it was read. */
  publish(
    ruleSets: readonly number[],
    rules: readonly { readonly rule: number; readonly hash: string }[],
    options?: WriteOptions,
  ): Promise<Outcome>
  /** A vote that rules are out of force, to be changed. */
  reopen(options?: WriteOptions): Promise<Outcome>
}

interface DraftedRule extends Said {
  readonly ruleSet: number | null
  readonly says: RuleWritten
}
