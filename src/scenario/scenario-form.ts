import { type Static, Type } from 'typebox'
import { ChangesSchema } from '../documents/change-sets.ts'
import { RuleWrittenSchema } from '../documents/written-rule.ts'
import { AboutSchema } from '../events/about.ts'
import { AudienceSchema } from '../events/audience.ts'
import { FieldTypeSchema } from '../events/field-type.ts'
import { HandleSchema, TimeSchema } from '../events/ids.ts'
import { RuleNumberSchema } from '../events/rule.ts'
import { typeDefinitionMembers } from '../events/type-definition.ts'

const closed = { additionalProperties: false }
const Line = Type.String({ minLength: 1, maxLength: 200 })
/** As over the API: names from the root on with slashes between, escaped as in a URL; '' is the root. */
const Path = Type.String({ maxLength: 4_000 })

const PartySchema = Type.Object({ handle: HandleSchema, name: Line, role: Line }, closed)

const TypeSchema = Type.Object(typeDefinitionMembers, closed)

const NamedTypeSchema = Type.Object({ type: Type.Literal('custom'), name: Line }, closed)
const FieldSchema = Type.Object({ $field: Type.Union([...FieldTypeSchema.anyOf, NamedTypeSchema]) }, closed)

/** What is added by `POST /new-api/<uid>`, without values: blocks by their names, fields by their types, lists by their prototypes. */
const DocumentSchema = Type.Cyclic(
  {
    Field: FieldSchema,
    List: Type.Object(
      {
        $list: Type.Object(
          {
            entry: Type.Union([Type.Ref('Field'), Type.Ref('Block')]),
            entriesMax: Type.Integer({ minimum: 1 }),
            key: Type.Optional(Line),
          },
          closed,
        ),
      },
      closed,
    ),
    Block: Type.Object(
      {
        $block: Type.Optional(
          Type.Object(
            { owner: HandleSchema, audience: Type.Optional(AudienceSchema), until: Type.Optional(TimeSchema) },
            closed,
          ),
        ),
      },
      { additionalProperties: Type.Union([Type.Ref('Field'), Type.Ref('List'), Type.Ref('Block')]) },
    ),
  },
  'Block',
)

const RuleSchema = Type.Object(
  {
    /** By which steps, tests and people name it. */
    name: Line,
    at: Path,
    /** Place in `ruleSets`, from 1; null for a trigger. */
    ruleSet: Type.Union([RuleNumberSchema, Type.Null()]),
    says: RuleWrittenSchema,
  },
  closed,
)

/** Of every step. */
const common = {
  by: HandleSchema,
  /** One line of narration. */
  say: Line,
  /** It does not take effect: the code of the problem, and by which rule. */
  refused: Type.Optional(Type.Object({ code: Line, rule: Type.Optional(Line) }, closed)),
  /** The rules that are flagged, somewhere, after it. */
  flags: Type.Optional(Type.Array(Line)),
  /** What parties read after it, the one whose step it is unless another is named: as text, null where the value is for others. */
  reads: Type.Optional(
    Type.Array(
      Type.Object({ at: Path, by: Type.Optional(HandleSchema), is: Type.Union([Type.String(), Type.Null()]) }, closed),
    ),
  ),
}

const Values = Type.Record(Type.String(), Type.Unknown())

export const StepSchema = Type.Union([
  /** Values by path from `at` on, in the wire form of the field's type, of a list an array of its entries; one atomic request. */
  Type.Object({ ...common, at: Type.Optional(Path), set: Values }, closed),
  /** An entry of a list, or what a block has more. */
  Type.Object({ ...common, at: Path, add: Values }, closed),
  Type.Object({ ...common, at: Path, remove: Type.Literal(true) }, closed),
  /** Who gets what is written there from now on. */
  Type.Object(
    { ...common, at: Path, audience: Type.Union([AudienceSchema, Type.Null()]), until: Type.Optional(TimeSchema) },
    closed,
  ),
  /** Gives a confidential value to everybody. */
  Type.Object({ ...common, at: Path, reveal: Type.Literal(true) }, closed),
  /** All rules: drafted in their order, voted YES on, published, or put out of force. */
  Type.Object({ ...common, rules: Type.Enum(['draft', 'agree', 'publish', 'reopen']) }, closed),
  /** A change set, named for the steps in which it is voted. */
  Type.Object({ ...common, changeSet: Line, propose: ChangesSchema, about: Type.Optional(AboutSchema) }, closed),
  Type.Object(
    { ...common, changeSet: Line, vote: Type.Enum(['yes', 'no']), about: Type.Optional(AboutSchema) },
    closed,
  ),
])
export type ScenarioStep = Static<typeof StepSchema>

export const ScenarioSchema = Type.Object(
  {
    title: Line,
    /** The first opens the contract and drafts the document. */
    parties: Type.Array(PartySchema, { minItems: 1 }),
    types: Type.Array(TypeSchema),
    document: DocumentSchema,
    ruleSets: Type.Array(Line),
    rules: Type.Array(RuleSchema),
    steps: Type.Array(StepSchema),
  },
  closed,
)
