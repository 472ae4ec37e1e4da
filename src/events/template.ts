import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Hash, hashCanonical } from '../crypto/hash.ts'
import { AudienceSchema } from './audience.ts'
import { FieldTypeSchema } from './field-type.ts'
import {
  CountSchema,
  type ElementId,
  ElementIdSchema,
  type Handle,
  HandleSchema,
  HashSchema,
  OrdinalSchema,
  TimeSchema,
  UidSchema,
} from './ids.ts'
import { ceilings } from './limits.ts'
import { RuleBodySchema, RuleNumberSchema } from './rule.ts'
import { TypeDefinitionSchema } from './type-definition.ts'

/** Of one template, as UTF-8; how many elements and rules it has at most. Fixed for engine 1. */
export const TEMPLATE_BYTES_MAX = 4 * 1024 * 1024
export const TEMPLATE_ELEMENTS_MAX = 16_384
export const TEMPLATE_RULES_MAX = 1_000
/** Of how many pieces it is brought at most, but for the last: what stands in the ledger for it stays in proportion to it. */
export const TEMPLATE_PIECES_MAX = 1_024
/** Ordinals that a template has are so small that what is added behind them has room. */
export const TEMPLATE_ORDINAL_MAX = 1_000_000
/** Where what was exported stands in a template: alone in a document of its own. */
export const TEMPLATE_ROOT = '0.0' as ElementId
/** How many JSON values one has, and how deep they are nested. */
export const TEMPLATE_MEMBERS_MAX = 1_000_000
export const TEMPLATE_DEPTH_MAX = 16

const closed = { additionalProperties: false }
const Name = Type.String({ maxLength: 200 })
/** A role stands where a document has a party. */
const Owner = Type.Union([HandleSchema, Type.Null()])
const named = { id: ElementIdSchema, name: Name, owner: Owner }

/** `order`: the ordinals of children that are shown first. */
const BlockSchema = Type.Object(
  { ...named, kind: Type.Literal('block'), order: Type.Optional(Type.Array(OrdinalSchema, { maxItems: 100_000 })) },
  closed,
)
const FieldSchema = Type.Object({ ...named, kind: Type.Literal('field'), field: FieldTypeSchema }, closed)
/** Its prototype is its child 0, of the name `0`; where it is keyed, child 0 of that is the key. */
const ListSchema = Type.Object(
  {
    ...named,
    kind: Type.Literal('list'),
    entriesMax: Type.Integer({ minimum: 1, maximum: ceilings.entriesPerList }),
    keyed: Type.Boolean(),
  },
  closed,
)
export const TemplateElementSchema = Type.Union([BlockSchema, FieldSchema, ListSchema])
export type TemplateElement = Static<typeof TemplateElementSchema>

/** What version 1 of a template is (docs/templates.md). Its bytes are its canonical JSON. */
export const TemplateSchema = Type.Object(
  {
    format: Type.Literal('concordata-template/1'),
    /** From which element of which contract it was taken, when the settled ledger had that size and that root. */
    from: Type.Object({ contract: UidSchema, element: ElementIdSchema, root: HashSchema, size: CountSchema }, closed),
    /** What is to be bound to parties. In ascending order, as all that a template lists by name. */
    roles: Type.Array(HandleSchema, { maxItems: ceilings.members, uniqueItems: true }),
    /** Those that its fields have. */
    types: Type.Array(TypeDefinitionSchema, { maxItems: ceilings.types }),
    /** In pre-order; the first is what was exported, `0.0`, and the ids of all others begin with that. */
    elements: Type.Array(TemplateElementSchema, { minItems: 1, maxItems: TEMPLATE_ELEMENTS_MAX }),
    audiences: Type.Array(
      Type.Object({ element: ElementIdSchema, parties: AudienceSchema, until: Type.Optional(TimeSchema) }, closed),
      { maxItems: 1_024 },
    ),
    /** By name. A rule means them by their places here, from 1. */
    ruleSets: Type.Array(Name, { maxItems: 256 }),
    /** `id`: tells it apart from the others of this and of later versions. In ascending order. */
    rules: Type.Array(
      Type.Object(
        {
          id: RuleNumberSchema,
          at: ElementIdSchema,
          ruleSet: Type.Union([RuleNumberSchema, Type.Null()]),
          body: RuleBodySchema,
        },
        closed,
      ),
      { maxItems: TEMPLATE_RULES_MAX },
    ),
  },
  { ...closed, $id: 'concordata-template/1', title: 'Concordata template, version 1' },
)
export type Template = Static<typeof TemplateSchema>
export type TemplateRule = Template['rules'][number]

const form = Compile(TemplateSchema)

export function isTemplate(value: unknown): value is Template {
  return form.Check(value)
}

/** By which a template is named. Requires canonical JSON. */
export function templateHash(text: string): Hash {
  return hashCanonical('template', text)
}

/** Which party stands for which role. */
export type Roles = { readonly [role: Handle]: Handle }
export const RolesSchema = Type.Unsafe<Roles>(
  Type.Record(HandleSchema, HandleSchema, { ...closed, maxProperties: ceilings.members }),
)
