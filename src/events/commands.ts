import { type Static, Type } from 'typebox'
import { AudienceSchema } from './audience.ts'
import { CharterSchema } from './charter.ts'
import { FieldTypeSchema } from './field-type.ts'
import {
  CountSchema,
  ElementIdSchema,
  EngineVersionSchema,
  HandleSchema,
  HashSchema,
  OrdinalSchema,
  ProposalIdSchema,
  RequestRefSchema,
  TimeSchema,
} from './ids.ts'
import { ceilings, LimitsSchema } from './limits.ts'
import { SignedAcceptanceSchema } from './parties/acceptance.ts'
import { SignedDeclineSchema } from './parties/decline.ts'
import { PartyCardSchema } from './parties/party-card.ts'
import { LockPurposeSchema, ResignationReasonSchema } from './reasons.ts'
import { RuleBodySchema, RuleNumberSchema } from './rule.ts'
import { RolesSchema, TEMPLATE_BYTES_MAX } from './template.ts'
import { typeDefinitionMembers } from './type-definition.ts'

const closed = { additionalProperties: false }

/**
 * An element that exists, or `#n`: the one that command n of the same request adds; behind that the ordinals on the way to what
 * comes with it: `#0.0` is the prototype of a list, `#0.2` a field of an entry.
 */
export const ElementRefSchema = Type.Union([
  ElementIdSchema,
  Type.String({ pattern: '^#(?:0|[1-9][0-9]{0,3})(?:\\.(?:0|[1-9][0-9]{0,8}))*$', maxLength: 641 }),
])

/** The name of an element among its siblings, and its step in paths. What it can be the engine says; of a contract, `nameCharacters`. */
const ElementName = Type.String({ maxLength: 200 })
const EntrySchema = Type.Union([Type.Literal('block'), FieldTypeSchema])
/** A party owns the element and alone changes the structure under it; null: it is shared. */
const Owner = Type.Union([HandleSchema, Type.Null()])
/** The proposals that the author saw standing: once agreed, this one takes their place. */
const Basis = Type.Array(ProposalIdSchema, { maxItems: 1000 })
/** Void instead of a conflict, should a value be agreed, or stand in conflict, that `basis` does not name. */
const Exclusive = Type.Optional(Type.Literal(true))
/** Seal of what a person has to say about it (about.ts). */
const AboutSeal = Type.Optional(HashSchema)

const YesOrNo = Type.Union([Type.Literal('yes'), Type.Literal('no')])
const RuleTerms = { ruleSet: Type.Union([RuleNumberSchema, Type.Null()]), body: RuleBodySchema, about: AboutSeal }

/** Everything a request can order. One schema a command; `aggregates/contract` decides each. */
export const commandSchemas = {
  OpenContract: Type.Object(
    {
      type: Type.Literal('OpenContract'),
      title: Type.String({ minLength: 1, maxLength: 200 }),
      engine: Type.Literal(1),
      charter: CharterSchema,
      limits: LimitsSchema,
      founder: PartyCardSchema,
    },
    closed,
  ),
  InviteParty: Type.Object({ type: Type.Literal('InviteParty'), party: PartyCardSchema }, closed),
  /** Stands alone in its request. */
  AdmitParty: Type.Object({ type: Type.Literal('AdmitParty'), accepted: SignedAcceptanceSchema }, closed),
  /** By who invited; by any member when that one has gone. */
  WithdrawInvitation: Type.Object({ type: Type.Literal('WithdrawInvitation'), party: HandleSchema }, closed),
  /** By any member: what counts is the invitee's signature in it. */
  DeclineInvitation: Type.Object({ type: Type.Literal('DeclineInvitation'), declined: SignedDeclineSchema }, closed),
  /** Stands alone in its request. */
  Resign: Type.Object(
    { type: Type.Literal('Resign'), reason: Type.Optional(ResignationReasonSchema), about: AboutSeal },
    closed,
  ),

  /** From here on only the author's requests are accepted, until it releases the lock, resigns, or all others break it. */
  LockRecord: Type.Object({ type: Type.Literal('LockRecord'), purpose: LockPurposeSchema, about: AboutSeal }, closed),
  ReleaseLock: Type.Object({ type: Type.Literal('ReleaseLock') }, closed),
  /** The author's vote to end the lock that was taken at that ledger index. Stands alone in its request. */
  BreakLock: Type.Object({ type: Type.Literal('BreakLock'), lock: CountSchema }, closed),

  /** The author's vote that the contract goes on in that engine. Stands alone in its request. */
  UpgradeEngine: Type.Object({ type: Type.Literal('UpgradeEngine'), to: EngineVersionSchema }, closed),

  AddBlock: Type.Object(
    {
      type: Type.Literal('AddBlock'),
      parent: ElementRefSchema,
      name: ElementName,
      /** Left out: as the parent. Given: the author, or null for shared. */
      owner: Type.Optional(Owner),
    },
    closed,
  ),
  AddField: Type.Object(
    {
      type: Type.Literal('AddField'),
      parent: ElementRefSchema,
      name: ElementName,
      field: FieldTypeSchema,
      owner: Type.Optional(Owner),
    },
    closed,
  ),
  /** Its child 0 is the prototype, which says what its entries are made of. */
  AddList: Type.Object(
    {
      type: Type.Literal('AddList'),
      parent: ElementRefSchema,
      name: ElementName,
      /** What an entry is: a field of this type, or a block, whose children are then added to the prototype. */
      entry: EntrySchema,
      /** How many may be there at a time. */
      entriesMax: Type.Integer({ minimum: 1, maximum: ceilings.entriesPerList }),
      /** Child 0 of a prototype that is a block: a field that tells entries apart. */
      key: Type.Optional(Type.Object({ name: ElementName, field: FieldTypeSchema }, closed)),
      owner: Type.Optional(Owner),
    },
    closed,
  ),
  AddEntry: Type.Object({ type: Type.Literal('AddEntry'), list: ElementRefSchema }, closed),
  /** In which order the children of a block are shown. Those that are not named come behind, in the order in which they were added. */
  ArrangeChildren: Type.Object(
    { type: Type.Literal('ArrangeChildren'), block: ElementRefSchema, order: Type.Array(OrdinalSchema) },
    closed,
  ),
  /** A type that fields can then have, by the hash of its definition; a name that is defined again gets another one. */
  DefineType: Type.Object({ type: Type.Literal('DefineType'), ...typeDefinitionMembers }, closed),
  RenameElement: Type.Object(
    { type: Type.Literal('RenameElement'), element: ElementIdSchema, name: ElementName },
    closed,
  ),
  RemoveElement: Type.Object({ type: Type.Literal('RemoveElement'), element: ElementIdSchema }, closed),
  GrantElement: Type.Object({ type: Type.Literal('GrantElement'), element: ElementIdSchema, to: Owner }, closed),

  ProposeValue: Type.Object(
    {
      type: Type.Literal('ProposeValue'),
      field: ElementRefSchema,
      seal: HashSchema,
      basis: Basis,
      exclusive: Exclusive,
      /** Who gets the value: in a confidential block those whom its author meant; left out: everybody. */
      audience: Type.Optional(AudienceSchema),
    },
    closed,
  ),
  /** Proposes that the field have no value: like a value, it can need votes, and can be in conflict. */
  EmptyField: Type.Object(
    { type: Type.Literal('EmptyField'), field: ElementIdSchema, basis: Basis, exclusive: Exclusive },
    closed,
  ),
  /** Of a candidate. An agreed value is everybody's: it is replaced or emptied. */
  WithdrawProposal: Type.Object(
    { type: Type.Literal('WithdrawProposal'), field: ElementIdSchema, proposal: ProposalIdSchema },
    closed,
  ),
  /** On a candidate; on what a rule says: its hash; or on a change set: then it stands alone in its request. */
  CastVote: Type.Union([
    Type.Object(
      {
        type: Type.Literal('CastVote'),
        field: ElementIdSchema,
        proposal: ProposalIdSchema,
        vote: YesOrNo,
        about: AboutSeal,
        /** Who gets what is said of it: as of the proposal. */
        audience: Type.Optional(AudienceSchema),
      },
      closed,
    ),
    Type.Object(
      { type: Type.Literal('CastVote'), rule: RuleNumberSchema, hash: HashSchema, vote: YesOrNo, about: AboutSeal },
      closed,
    ),
    Type.Object(
      {
        type: Type.Literal('CastVote'),
        request: RequestRefSchema,
        vote: YesOrNo,
        about: AboutSeal,
        /** Who gets what is said of it: those whom all confidential values of the set are for. */
        audience: Type.Optional(AudienceSchema),
      },
      closed,
    ),
  ]),
  /** By its author, as long as it waits for votes. */
  WithdrawChangeSet: Type.Object({ type: Type.Literal('WithdrawChangeSet'), request: RequestRefSchema }, closed),

  /** By the owner of a block or a list: who gets the values that are proposed at and below it from here on. Null: as above it. */
  SetAudience: Type.Object(
    {
      type: Type.Literal('SetAudience'),
      element: ElementRefSchema,
      parties: Type.Union([AudienceSchema, Type.Null()]),
      /** When nodes stop handing out earlier values, each by its own clock. It decides nothing in the ledger. */
      until: Type.Optional(TimeSchema),
    },
    closed,
  ),
  /** Makes a confidential value that stands an ordinary one: what is under its seal comes with this request, to everybody. */
  RevealValue: Type.Object(
    { type: Type.Literal('RevealValue'), field: ElementIdSchema, proposal: ProposalIdSchema, seal: HashSchema },
    closed,
  ),

  /**
   * A piece of the bytes of a template, from a place on; those before it have been brought by the same party. With the last one the
   * contract has the template.
   */
  BringTemplate: Type.Object(
    {
      type: Type.Literal('BringTemplate'),
      hash: HashSchema,
      /** Of the whole, as UTF-8. */
      bytes: Type.Integer({ minimum: 1, maximum: TEMPLATE_BYTES_MAX }),
      from: Type.Integer({ minimum: 0, maximum: TEMPLATE_BYTES_MAX - 1 }),
      text: Type.String({ minLength: 1, maxLength: ceilings.statementBytes }),
    },
    closed,
  ),
  /** Adds all that a template has below a block, under this name. Each of its roles is bound to a member. */
  ImportTemplate: Type.Object(
    {
      type: Type.Literal('ImportTemplate'),
      at: ElementRefSchema,
      name: ElementName,
      hash: HashSchema,
      roles: RolesSchema,
    },
    closed,
  ),
  /**
   * The author's vote, in place of another that it has cast, that what came from one template goes on as another one has it. Stands
   * alone in its request.
   */
  UpgradeTemplate: Type.Object(
    {
      type: Type.Literal('UpgradeTemplate'),
      element: ElementIdSchema,
      from: HashSchema,
      to: HashSchema,
      roles: RolesSchema,
    },
    closed,
  ),

  AddRuleSet: Type.Object({ type: Type.Literal('AddRuleSet'), name: ElementName }, closed),
  /** At an element that the author owns, or a shared one. `ruleSet`: null exactly for a trigger. */
  DraftRule: Type.Object({ type: Type.Literal('DraftRule'), at: ElementIdSchema, ...RuleTerms }, closed),
  /** Says something else with the same number; nobody has voted on it yet. */
  EditRule: Type.Object({ type: Type.Literal('EditRule'), rule: RuleNumberSchema, ...RuleTerms }, closed),
  RemoveRule: Type.Object({ type: Type.Literal('RemoveRule'), rule: RuleNumberSchema }, closed),
  /** Puts all rules of these rule sets and all triggers into force: `rules` has each of them, as it was read, by number. */
  PublishRules: Type.Object(
    {
      type: Type.Literal('PublishRules'),
      ruleSets: Type.Array(RuleNumberSchema, { minItems: 1, maxItems: 1000, uniqueItems: true }),
      rules: Type.Array(Type.Object({ rule: RuleNumberSchema, hash: HashSchema }, closed), { maxItems: 4096 }),
    },
    closed,
  ),
  /** The author's vote that no rule is in force any more, so that rules can be drafted. Stands alone in its request. */
  ReopenEdit: Type.Object({ type: Type.Literal('ReopenEdit') }, closed),

  /**
   * The author's vote that nobody keeps what is under these seals, nor what was computed from it. Votes for the same seals are
   * for the same erasure. Stands alone in its request.
   */
  EraseValues: Type.Object(
    {
      type: Type.Literal('EraseValues'),
      seals: Type.Array(HashSchema, { minItems: 1, maxItems: 1000, uniqueItems: true }),
      about: AboutSeal,
    },
    closed,
  ),
  /** Ends an erasure that is voted on; `erasure`: the hash of its seals. */
  KeepValues: Type.Object({ type: Type.Literal('KeepValues'), erasure: HashSchema, about: AboutSeal }, closed),
} as const

export type CommandType = keyof typeof commandSchemas
export type CommandOf<T extends CommandType> = Static<(typeof commandSchemas)[T]>
export type Command = { [T in CommandType]: CommandOf<T> }[CommandType]
