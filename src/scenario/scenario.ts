import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { nameRules } from '../aggregates/names/engine-1.ts'
import { describeFault } from '../aggregates/names/fit-text.ts'
import type { TextFault } from '../aggregates/names/name-rules.ts'
import { type FieldType, FieldTypeSchema } from '../events/field-type.ts'
import { HandleSchema } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { firstError } from '../runtime/first-error.ts'
import slip from './reinsurance-slip.json' with { type: 'json' }

/** A scenario file does not have its form. Evidence: `path`, a JSON Pointer into the file (RFC 6901). */
export class ScenarioMalformed extends ConcordataError {}

const closed = { additionalProperties: false }
const ElementName = Type.String({ maxLength: 200 })

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
  if (form.Check(json)) {
    const scenario = json as unknown as Scenario
    verifyTexts(scenario)
    return scenario
  }
  const { instancePath: path, message } = firstError(form, json)
  throw new ScenarioMalformed('scenario_malformed', `${path || 'the scenario'} ${message}`, { path })
}

/** What contracts would refuse. */
function verifyTexts({ title, parties, document }: Scenario): void {
  verify('/title', nameRules.textFault(title))
  for (const [place, { name }] of parties.entries()) verify(`/parties/${place}/name`, nameRules.textFault(name))
  verifyElements('/document', document)
}

function verifyElements(path: string, elements: readonly ScenarioElement[]): void {
  for (const [place, element] of elements.entries()) {
    const at = `${path}/${place}`
    verify(`${at}/name`, nameRules.elementNameFault(element.name))
    if (element.kind === 'block') verifyElements(`${at}/children`, element.children)
    else if (element.field.type === 'choice') {
      for (const [option, text] of element.field.options.entries()) {
        verify(`${at}/field/options/${option}`, nameRules.textFault(text))
      }
    }
  }
}

function verify(path: string, fault: TextFault | undefined): void {
  if (fault === undefined) return
  throw new ScenarioMalformed('scenario_malformed', describeFault(path, fault), { path })
}

/** A property catastrophe layer is placed: the sections of a London market slip (Market Reform Contract). */
export function reinsuranceSlip(): Scenario {
  return loadScenario(slip)
}
