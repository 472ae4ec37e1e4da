import { Type } from 'typebox'
import { AudienceSchema } from '../../events/audience.ts'
import {
  CountSchema,
  ElementIdSchema,
  HandleSchema,
  HashSchema,
  OrdinalSchema,
  TimeSchema,
  UidSchema,
} from '../../events/ids.ts'
import { TemplateElementSchema, TemplateSchema } from '../../events/template.ts'
import { ElementPath, Handles, mapOf, object, orNull, VoidReasonSchema } from './common.ts'

/** The document itself (docs/template.schema.json). */
export const TemplateDocument = object(TemplateSchema.properties, 'Template')

const votes = {
  votes: Type.Array(object({ by: HandleSchema, to: HashSchema }, 'UpgradeVote')),
  waitsFor: Handles,
}
export const TemplatesSchema = object(
  {
    templates: Type.Array(
      object(
        {
          template: HashSchema,
          bytes: CountSchema,
          name: Type.String(),
          from: TemplateSchema.properties.from,
          roles: Handles,
          elements: CountSchema,
          rules: CountSchema,
        },
        'HeldTemplate',
      ),
    ),
    uses: Type.Array(
      object(
        {
          at: ElementPath,
          element: ElementIdSchema,
          template: HashSchema,
          roles: mapOf(HandleSchema),
          by: HandleSchema,
          index: CountSchema,
          upgrades: Type.Array(object({ from: HashSchema, index: CountSchema })),
          ...votes,
        },
        'TemplateUse',
      ),
    ),
  },
  'Templates',
)

const Element = Type.Union(TemplateElementSchema.anyOf, { title: 'TemplateElement' })
const Rule = object(TemplateSchema.properties.rules.items.properties, 'TemplateRule')
const place = { element: ElementIdSchema }
const Audience = orNull(AudienceSchema)
const TemplateDiffSchema = object(
  {
    added: Type.Array(Element),
    removed: Type.Array(Element),
    replaced: Type.Array(object({ from: Element, to: Element })),
    renamed: Type.Array(object({ ...place, from: Type.String(), to: Type.String() })),
    granted: Type.Array(object({ ...place, from: orNull(HandleSchema), to: orNull(HandleSchema) })),
    arranged: Type.Array(object({ ...place, order: Type.Array(OrdinalSchema) })),
    audiences: Type.Array(object({ ...place, from: Audience, to: Audience, until: Type.Optional(TimeSchema) })),
    rules: object({
      added: Type.Array(Rule),
      removed: Type.Array(Rule),
      changed: Type.Array(object({ from: Rule, to: Rule })),
    }),
    ruleSets: Type.Array(Type.String()),
    types: Type.Array(Type.String()),
  },
  'TemplateDiff',
)
const Origin = object({ contract: UidSchema, element: ElementIdSchema }, 'TemplateOrigin')
export const UpgradePreviewSchema = object(
  {
    from: HashSchema,
    to: HashSchema,
    diff: TemplateDiffSchema,
    otherOrigin: Type.Optional(object({ from: Origin, to: Origin }, 'OtherOrigin')),
    falls: Type.Array(ElementPath),
    outcome: Type.Enum(['accepted', 'void', 'undecided']),
    reason: Type.Optional(VoidReasonSchema),
  },
  'UpgradePreview',
)
