import { type TSchema, Type } from 'typebox'
import { BuiltInTypeSchema } from '../../events/field-type.ts'
import { CountSchema, ElementIdSchema, HandleSchema, HashSchema, ProposalIdSchema } from '../../events/ids.ts'
import { RuleNumberSchema } from '../../events/rule.ts'
import { TypeDefinitionSchema } from '../../events/type-definition.ts'
import { candidateEnds } from './candidates.ts'
import { AnyValue, ElementPath, Handles, object, orNull, RequestKey, Time } from './common.ts'

/** A type that a contract defines, with the hash by which fields have it. */
export const CustomTypeSchema = object({ ...TypeDefinitionSchema.properties, definition: HashSchema }, 'CustomType')

export const elementMembers = {
  element: ElementIdSchema,
  at: ElementPath,
  name: Type.String(),
  owner: orNull(HandleSchema),
  audience: Type.Optional(object({ parties: Handles, until: Type.Optional(Time) }, 'EffectiveAudience')),
  isActive: Type.Boolean(),
}
const common = { ...elementMembers, rules: Type.Array(RuleNumberSchema) }
export const typeMembers = {
  type: Type.Union(BuiltInTypeSchema.anyOf, { title: 'FieldType' }),
  custom: Type.Optional(CustomTypeSchema),
}
const kinds = (below: TSchema) =>
  Type.Union(
    [
      object({ ...common, kind: Type.Literal('block'), children: Type.Array(below) }, 'BlockElement'),
      object(
        {
          ...common,
          kind: Type.Literal('list'),
          entry: below,
          entriesMax: CountSchema,
          key: Type.Optional(Type.String()),
        },
        'ListElement',
      ),
      object(
        {
          ...common,
          kind: Type.Literal('field'),
          ...typeMembers,
        },
        'FieldElement',
      ),
    ],
    { title: 'Element' },
  )
/** Of an element and all below it. */
export const ElementSchema = Type.Cyclic({ Element: kinds(Type.Ref('Element')) }, 'Element')

export const HistorySchema = object(
  {
    values: Type.Array(
      object(
        {
          proposal: ProposalIdSchema,
          at: ElementPath,
          by: orNull(HandleSchema),
          value: AnyValue,
          isHeld: Type.Boolean(),
          audience: Type.Optional(Handles),
          index: CountSchema,
          time: Time,
          agreedAt: Type.Optional(CountSchema),
          endedAt: Type.Optional(CountSchema),
          endedBy: Type.Optional(Type.Enum([...candidateEnds, 'emptied'])),
          erasedAt: Type.Optional(CountSchema),
        },
        'PastValue',
      ),
    ),
    before: Type.Optional(CountSchema),
  },
  'History',
)

export const ElementStandingSchema = object(
  { tier: Type.Enum([0, 1, 2, 3, 4]), requests: Type.Array(RequestKey), isConflict: Type.Boolean() },
  'ElementStanding',
)
