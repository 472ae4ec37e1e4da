import { Type } from 'typebox'
import { AttachmentSchema } from '../../events/attachments/attachment.ts'
import {
  CountSchema,
  ElementIdSchema,
  EngineVersionSchema,
  HandleSchema,
  HashSchema,
  ProposalIdSchema,
} from '../../events/ids.ts'
import { RuleNumberSchema } from '../../events/rule.ts'
import { NoteSchema } from '../../events/statement.ts'
import { AnyValue, ElementPath, HeadSchema, object, RequestKey, Time, YesOrNo } from './common.ts'
import { ElementStandingSchema, elementMembers, typeMembers } from './elements.ts'

/** Of an element alone. */
export const AttributesSchema = Type.Union(
  [
    object({ ...elementMembers, kind: Type.Literal('block'), order: Type.Array(Type.String()) }, 'BlockAttributes'),
    object(
      { ...elementMembers, kind: Type.Literal('list'), entriesMax: CountSchema, key: Type.Optional(Type.String()) },
      'ListAttributes',
    ),
    object({ ...elementMembers, kind: Type.Literal('field'), ...typeMembers }, 'FieldAttributes'),
  ],
  { title: 'Attributes' },
)

export const TiersSchema = object(
  {
    tiers: Type.Array(
      object({ element: ElementIdSchema, at: ElementPath, ...ElementStandingSchema.properties }, 'ElementTier'),
    ),
    after: Type.Optional(CountSchema),
  },
  'Tiers',
)

export const EvidenceSchema = object(
  {
    head: HeadSchema,
    notes: Type.Array(object({ party: HandleSchema, note: NoteSchema }, 'MemberNote')),
    values: Type.Array(
      object(
        {
          at: ElementPath,
          proposal: ProposalIdSchema,
          seal: HashSchema,
          opened: Type.Optional(object({ salt: Type.String(), value: AnyValue }, 'Opened')),
          statement: Type.Optional(object({ text: Type.String(), signature: Type.String() }, 'SignedText')),
          index: CountSchema,
          entry: Type.String(),
          inclusion: Type.Array(HashSchema),
        },
        'ValueEvidence',
      ),
    ),
    before: Type.Optional(CountSchema),
  },
  'ElementEvidence',
)

export const AttachmentsSchema = Type.Array(
  object({ at: ElementPath, ...AttachmentSchema.properties }, 'ShownAttachment'),
)

/** A file that waits for a request which names it. */
export const StagedFileSchema = object({ $file: HashSchema, ...AttachmentSchema.properties, until: Time }, 'StagedFile')

/** What has changed at an element, as it was then. */
export const ChangeSchema = object(
  {
    subject: Type.String(),
    index: CountSchema,
    request: RequestKey,
    change: Type.String({ description: 'The type of an event of the ledger: docs/api.md, "Live", names them.' }),
    by: HandleSchema,
    time: Time,
    was: Type.Optional(Type.String()),
    at: Type.Optional(Type.Array(ElementPath)),
    proposal: Type.Optional(ProposalIdSchema),
    changeSet: Type.Optional(RequestKey),
    vote: Type.Optional(YesOrNo),
    rule: Type.Optional(RuleNumberSchema),
    hash: Type.Optional(HashSchema),
    text: Type.Optional(Type.String()),
    ruleSet: Type.Optional(RuleNumberSchema),
    ruleSets: Type.Optional(Type.Array(RuleNumberSchema)),
    name: Type.Optional(Type.String()),
    erasure: Type.Optional(HashSchema),
    engine: Type.Optional(EngineVersionSchema),
    lock: Type.Optional(CountSchema),
    template: Type.Optional(HashSchema),
    value: Type.Optional(AnyValue),
  },
  'Change',
)

/** What has changed since an entry; `after` is -1 where there is none. */
export const ChangesSchema = object(
  { changes: Type.Array(ChangeSchema), after: Type.Integer({ minimum: -1 }), more: Type.Boolean() },
  'Changes',
)
