import { Type } from 'typebox'
import { FieldTypeSchema } from '../../events/field-type.ts'
import { CountSchema, ElementIdSchema, HandleSchema, HashSchema } from '../../events/ids.ts'
import { RuleNumberSchema } from '../../events/rule.ts'
import {
  AnyValue,
  ElementPath,
  Handles,
  MaybeAbout,
  object,
  orNull,
  Phase,
  RequestKey,
  VoidReasonSchema,
  YesOrNo,
} from './common.ts'

const place = { element: ElementIdSchema, path: ElementPath }
const Names = Type.Array(Type.String())
const ShownValue = object(
  { proposal: Type.String(), by: orNull(HandleSchema), seal: HashSchema, value: Type.Optional(AnyValue) },
  'DiffValue',
)
const RuleState = object({ hash: HashSchema, isInForce: Type.Boolean() }, 'RuleState')

/** What one version of a document has and another has not. */
export const DiffSchema = object(
  {
    added: Type.Array(
      object({
        ...place,
        kind: Type.Enum(['block', 'list', 'field', 'entry']),
        field: Type.Optional(Type.Union(FieldTypeSchema.anyOf, { title: 'FieldOrCustomType' })),
      }),
    ),
    removed: Type.Array(object(place)),
    renamed: Type.Array(object({ ...place, from: Type.String(), to: Type.String() })),
    granted: Type.Array(object({ ...place, from: orNull(HandleSchema), to: orNull(HandleSchema) })),
    arranged: Type.Array(object({ ...place, from: Names, to: Names })),
    values: Type.Array(object({ ...place, from: orNull(ShownValue), to: orNull(ShownValue) })),
    rules: Type.Array(object({ rule: RuleNumberSchema, from: orNull(RuleState), to: orNull(RuleState) })),
    phase: Type.Optional(object({ from: Phase, to: Phase })),
    isWhole: Type.Boolean(),
  },
  'Diff',
)

const open = {
  request: RequestKey,
  by: HandleSchema,
  state: Type.Literal('open'),
  about: MaybeAbout,
  proposedAt: CountSchema,
  voters: Handles,
  yes: Handles,
  waitsFor: Handles,
}
const EndedSchema = object(
  {
    request: RequestKey,
    by: HandleSchema,
    state: Type.Enum(['agreed', 'ended']),
    about: MaybeAbout,
    proposedAt: CountSchema,
    endedAt: CountSchema,
    why: Type.Optional(
      Type.Enum(['replaced', 'withdrawn', 'turned_down', 'removed', 'inactive', 'conflict', 'unfit', 'erased']),
    ),
    reason: Type.Optional(VoidReasonSchema),
    voters: Handles,
    votes: Type.Array(object({ by: HandleSchema, vote: YesOrNo, castAt: CountSchema })),
  },
  'EndedChangeSet',
)
export const ChangeSetsSchema = object(
  { open: Type.Array(object(open, 'OpenChangeSet')), ended: Type.Array(EndedSchema) },
  'ChangeSets',
)
/** One that waits, with what it comes to; or one that has come to its end. */
export const ChangeSetSchema = Type.Union([
  object(
    { ...open, changes: Type.Optional(DiffSchema), wouldEnd: Type.Optional(VoidReasonSchema) },
    'OpenChangeSetWithChanges',
  ),
  EndedSchema,
])
