import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { nameRules } from '../aggregates/names/engine-1.ts'
import { describeFault } from '../aggregates/names/fit-text.ts'
import type { TextFault } from '../aggregates/names/name-rules.ts'
import type { FieldType } from '../events/field-type.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { firstError, pointerStep } from '../runtime/first-error.ts'
import { ScenarioSchema, type ScenarioStep } from './scenario-form.ts'

/** A scenario file does not have its form. Evidence: `path`, a JSON Pointer into the file (RFC 6901). */
export class ScenarioMalformed extends ConcordataError {}

export interface ScenarioField {
  readonly $field: FieldType | { readonly type: 'custom'; readonly name: string }
}
export interface ScenarioList {
  readonly $list: { readonly entry: ScenarioField | ScenarioBlock; readonly entriesMax: number; readonly key?: string }
}
/** Elements by their names; `$block` says whose it is, and for whom. */
export interface ScenarioBlock {
  readonly [name: string]: ScenarioField | ScenarioList | ScenarioBlock
}

/**
 * Several companies' part in one story: who is there, what the document looks like, by which rules it judges, and who does what in which
 * order, as the API has it.
 */
export interface Scenario extends Omit<Static<typeof ScenarioSchema>, 'document'> {
  readonly document: ScenarioBlock
}

const form = Compile(ScenarioSchema)

/** Throws ScenarioMalformed. */
export function loadScenario(json: unknown): Scenario {
  if (!form.Check(json)) {
    const { instancePath: path, message } = firstError(form, json)
    throw malformed(path, `${path || 'the scenario'} ${message}`)
  }
  const scenario = json as unknown as Scenario
  verifyTexts(scenario)
  verifyNames(scenario)
  return scenario
}

export function isField(element: ScenarioBlock[string]): element is ScenarioField {
  return '$field' in element
}

export function isList(element: ScenarioBlock[string]): element is ScenarioList {
  return '$list' in element
}

/** The elements of a block by their names. */
export function elementsOf(block: ScenarioBlock): [string, ScenarioBlock[string]][] {
  return Object.entries(block).filter(([name]) => name !== '$block')
}

/** A value with the UIDs of contracts that stand in it as `{"$contract": name}`. */
export function withContracts(value: unknown, uidOf: (name: string) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withContracts(item, uidOf))
  if (typeof value !== 'object' || value === null) return value
  if ('$contract' in value) return uidOf(String(value.$contract))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withContracts(member, uidOf)]))
}

/** What contracts would refuse. */
function verifyTexts({ title, parties, document }: Scenario): void {
  verify('/title', nameRules.textFault(title))
  for (const [place, { name }] of parties.entries()) verify(`/parties/${place}/name`, nameRules.textFault(name))
  verifyElements('/document', document)
}

function verifyElements(path: string, block: ScenarioBlock): void {
  for (const [name, element] of elementsOf(block)) {
    const at = `${path}/${pointerStep(name)}`
    verify(at, nameRules.elementNameFault(name))
    verifyElement(at, element)
  }
}

function verifyElement(at: string, element: ScenarioBlock[string]): void {
  if (isList(element)) verifyElement(`${at}/$list/entry`, element.$list.entry)
  else if (!isField(element)) verifyElements(at, element)
  else if (element.$field.type === 'choice') {
    for (const [option, text] of element.$field.options.entries()) {
      verify(`${at}/$field/options/${option}`, nameRules.textFault(text))
    }
  }
}

/** Steps name parties, rules and change sets that there are. */
function verifyNames({ parties, rules, ruleSets, steps }: Scenario): void {
  const handles = new Set<string>(parties.map(({ handle }) => handle))
  const names = new Set(rules.map(({ name }) => name))
  if (names.size < rules.length) throw malformed('/rules', '/rules has one name twice')
  for (const [place, { ruleSet }] of rules.entries()) {
    if ((ruleSet ?? 1) > ruleSets.length) throw unknown(`/rules/${place}/ruleSet`, String(ruleSet))
  }
  const proposed = new Set<string>()
  for (const [place, step] of steps.entries()) {
    const at = `/steps/${place}`
    for (const by of [step.by, ...(step.reads ?? []).flatMap((read) => read.by ?? [])]) {
      if (!handles.has(by)) throw unknown(`${at}/by`, by)
    }
    for (const rule of rulesNamedBy(step)) if (!names.has(rule)) throw unknown(at, rule)
    if ('propose' in step) proposed.add(step.changeSet)
    if ('vote' in step && !proposed.has(step.changeSet)) throw unknown(`${at}/changeSet`, step.changeSet)
  }
}

function rulesNamedBy({ flags = [], refused }: ScenarioStep): string[] {
  return refused?.rule === undefined ? flags : [...flags, refused.rule]
}

function verify(path: string, fault: TextFault | undefined): void {
  if (fault !== undefined) throw malformed(path, describeFault(path, fault))
}

function unknown(path: string, name: string): ScenarioMalformed {
  return malformed(path, `${path} names ${name}, which the scenario does not have`)
}

function malformed(path: string, message: string): ScenarioMalformed {
  return new ScenarioMalformed('scenario_malformed', message, { path })
}
