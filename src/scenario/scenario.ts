import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type FieldType, FieldTypeSchema } from '../events/field-type.ts'
import { HandleSchema } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'
import slip from './reinsurance-slip.json' with { type: 'json' }

/** A scenario file does not have its form. Evidence: `path` in the file. */
export class ScenarioMalformed extends ConcordataError {}

const closed = { additionalProperties: false }

/** What the document has before anybody writes a value: blocks, and fields with their types. */
export type ScenarioElement =
  | { readonly kind: 'block'; readonly name: string; readonly children: readonly ScenarioElement[] }
  | { readonly kind: 'field'; readonly name: string; readonly field: FieldType }

const ElementSchema = Type.Cyclic(
  {
    Element: Type.Union([
      Type.Object(
        { kind: Type.Literal('block'), name: Type.String(), children: Type.Array(Type.Ref('Element')) },
        closed,
      ),
      Type.Object({ kind: Type.Literal('field'), name: Type.String(), field: FieldTypeSchema }, closed),
    ]),
  },
  'Element',
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
    parties: Type.Array(Type.Object({ handle: HandleSchema, name: Type.String(), role: Type.String() }, closed), {
      minItems: 1,
    }),
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
  const [error] = form.Errors(json)
  const path = error?.instancePath ?? ''
  throw new ScenarioMalformed('scenario_malformed', `the scenario: ${path} ${error?.message ?? 'is malformed'}`, {
    path,
  })
}

/** A property catastrophe layer is placed: the sections of a London market slip (Market Reform Contract). */
export function reinsuranceSlip(): Scenario {
  return loadScenario(slip)
}
