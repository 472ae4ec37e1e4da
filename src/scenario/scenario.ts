import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ELEMENT_NAME_PATTERN } from '../events/commands.ts'
import { type FieldType, FieldTypeSchema } from '../events/field-type.ts'
import { HandleSchema } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { firstError } from '../runtime/first-error.ts'
import slip from './reinsurance-slip.json' with { type: 'json' }

/** A scenario file does not have its form. Evidence: `path`, a JSON Pointer into the file (RFC 6901). */
export class ScenarioMalformed extends ConcordataError {}

const closed = { additionalProperties: false }
const ElementName = Type.String({ pattern: ELEMENT_NAME_PATTERN, maxLength: 200 })

/** What the document has before anybody writes a value: blocks, and fields with their types. */
export type ScenarioElement =
  | { readonly kind: 'block'; readonly name: string; readonly children: readonly ScenarioElement[] }
  | { readonly kind: 'field'; readonly name: string; readonly field: FieldType }

const ElementSchema = Type.Cyclic(
  {
    Element: Type.Union([
      Type.Object(
        { kind: Type.Literal('block'), name: ElementName, children: Type.Array(Type.Ref('Element')) },
        closed,
      ),
      Type.Object({ kind: Type.Literal('field'), name: ElementName, field: FieldTypeSchema }, closed),
    ]),
  },
  'Element',
)

const PartySchema = Type.Object(
  {
    handle: HandleSchema,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    role: Type.Union([Type.Literal('broker'), Type.Literal('lead'), Type.Literal('follow')]),
  },
  closed,
)

const StepSchema = Type.Object(
  {
    by: HandleSchema,
    /** One line of narration. */
    say: Type.String({ minLength: 1, maxLength: 200 }),
    /** Values by path, `Block/Block/Field`, in the wire form of the field's type; one atomic request. */
    set: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
)

export const ScenarioSchema = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    /** The first opens the contract and drafts the document. */
    parties: Type.Array(PartySchema, { minItems: 1 }),
    document: Type.Array(ElementSchema),
    steps: Type.Array(StepSchema),
  },
  closed,
)

/** Several companies' part in one story: who is there, what the document looks like, who writes what in which order. */
export interface Scenario extends Pick<Static<typeof ScenarioSchema>, 'title' | 'parties' | 'steps'> {
  readonly document: readonly ScenarioElement[]
}

const form = Compile(ScenarioSchema)

/** Throws ScenarioMalformed. */
export function loadScenario(json: unknown): Scenario {
  if (form.Check(json)) return json as unknown as Scenario
  const { instancePath: path, message } = firstError(form, json)
  throw new ScenarioMalformed('scenario_malformed', `${path || 'the scenario'} ${message}`, { path })
}

/** A property catastrophe layer is placed: the sections of a London market slip (Market Reform Contract). */
export function reinsuranceSlip(): Scenario {
  return loadScenario(slip)
}
