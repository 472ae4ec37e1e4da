import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Audience } from '../../../events/audience.ts'
import { type ElementId, type Handle, parentIdOf } from '../../../events/ids.ts'
import { TEMPLATE_ROOT, type Template, type TemplateElement, type TemplateRule } from '../../../events/template.ts'
import { definitionHash } from '../../../events/type-definition.ts'
import { completed } from '../../../runtime/turns.ts'
import { renamed } from './rule-body.ts'

/** What another version of a template has that this one has not, and so on. Elements by their ids in the template, parties as roles. */
export interface TemplateDiff {
  /** With all below them. */
  readonly added: readonly TemplateElement[]
  readonly removed: readonly TemplateElement[]
  /** Of another kind or type, so that what stands there falls: with all below them. */
  readonly replaced: readonly { readonly from: TemplateElement; readonly to: TemplateElement }[]
  readonly renamed: readonly { readonly element: ElementId; readonly from: string; readonly to: string }[]
  readonly granted: readonly {
    readonly element: ElementId
    readonly from: Handle | null
    readonly to: Handle | null
  }[]
  readonly arranged: readonly { readonly element: ElementId; readonly order: readonly number[] }[]
  /** Null: as above it. */
  readonly audiences: readonly {
    readonly element: ElementId
    readonly from: Audience | null
    readonly to: Audience | null
    readonly until?: string
  }[]
  /** By their ids in the template. */
  readonly rules: {
    readonly added: readonly TemplateRule[]
    readonly removed: readonly TemplateRule[]
    readonly changed: readonly { readonly from: TemplateRule; readonly to: TemplateRule }[]
  }
  /** Names of new ones. */
  readonly ruleSets: readonly string[]
  readonly types: readonly string[]
}

export function templateDiff(from: Template, to: Template): TemplateDiff {
  return completed(differing(from, to))
}

/** The same in steps. */
export function* differing(from: Template, to: Template): Generator<void, TemplateDiff> {
  const before = new Map(from.elements.map((element) => [element.id as ElementId, element]))
  const after = new Map(to.elements.map((element) => [element.id as ElementId, element]))
  const shapeBefore = shapesOf(before)
  const shapeAfter = shapesOf(after)
  const isKept = (id: ElementId) => before.has(id) && shapeBefore(id) === shapeAfter(id)
  const added: TemplateElement[] = []
  const replaced: { from: TemplateElement; to: TemplateElement }[] = []
  const kept: ElementId[] = []
  const fresh = new Set<ElementId>()
  for (const [id, element] of after) {
    yield
    const isBelowFresh = fresh.has(parentIdOf(id))
    if (isBelowFresh || !isKept(id)) {
      fresh.add(id)
      const known = before.get(id)
      if (!isBelowFresh && known !== undefined) replaced.push({ from: known, to: element })
      else if (!isBelowFresh) added.push(element)
    } else kept.push(id)
  }
  const gone = new Set<ElementId>()
  const removed: TemplateElement[] = []
  for (const [id, element] of before) {
    const isBelowGone = gone.has(parentIdOf(id)) || fresh.has(parentIdOf(id))
    if (!isBelowGone && after.has(id)) continue
    gone.add(id)
    if (!isBelowGone) removed.push(element)
  }
  const pairs = kept.map((id) => [before.get(id), after.get(id)] as [TemplateElement, TemplateElement])
  return {
    added,
    arranged: pairs.flatMap(([old, now]) =>
      canonicalJson(orderOf(old)) === canonicalJson(orderOf(now)) ? [] : { element: now.id, order: orderOf(now) },
    ),
    audiences: audiencesBetween(from, to, (id) => isKept(id) && !fresh.has(id)),
    granted: pairs.flatMap(([old, now]) =>
      old.owner === now.owner ? [] : { element: now.id, from: old.owner, to: now.owner },
    ),
    removed,
    // What was exported is called as whoever imports it has it.
    renamed: pairs.flatMap(([old, now]) =>
      old.name === now.name || now.id === TEMPLATE_ROOT ? [] : { element: now.id, from: old.name, to: now.name },
    ),
    replaced,
    ruleSets: to.ruleSets.filter((name) => !from.ruleSets.includes(name)),
    rules: rulesBetween(from, to),
    types: typesBetween(from, to),
  }
}

/** What of an element cannot change as long as it is the same one: of a list what its entries are, and what tells them apart. */
function shapesOf(elements: ReadonlyMap<ElementId, TemplateElement>): (id: ElementId) => string {
  const shapeOf = (element: TemplateElement | undefined) =>
    element?.kind === 'field' ? element.field : (element?.kind ?? null)
  return (id) => {
    const element = elements.get(id)
    if (element?.kind !== 'list') return canonicalJson(shapeOf(element))
    const { entriesMax, keyed } = element
    const key = keyed ? shapeOf(elements.get(`${id}.0.0` as ElementId)) : null
    return canonicalJson({ entriesMax, entry: shapeOf(elements.get(`${id}.0` as ElementId)), key })
  }
}

function orderOf(element: TemplateElement): readonly number[] {
  return element.kind === 'block' ? (element.order ?? []) : []
}

/** Those of elements that are there in both; of others they come and go with them. */
function audiencesBetween(from: Template, to: Template, isKept: (id: ElementId) => boolean): TemplateDiff['audiences'] {
  const before = new Map(from.audiences.map((audience) => [audience.element, audience]))
  const after = new Map(to.audiences.map((audience) => [audience.element, audience]))
  return [...new Set([...before.keys(), ...after.keys()])].filter(isKept).flatMap((element) => {
    const [old, now] = [before.get(element), after.get(element)]
    if (old !== undefined && now !== undefined && canonicalJson(old) === canonicalJson(now)) return []
    const until = now?.until === undefined ? {} : { until: now.until }
    return { element, from: old?.parties ?? null, to: now?.parties ?? null, ...until }
  })
}

function rulesBetween(from: Template, to: Template): TemplateDiff['rules'] {
  const names = [...new Set([...from.ruleSets, ...to.ruleSets])]
  const saidIn = ({ ruleSets }: Template, { at, body, ruleSet }: TemplateRule) => {
    const named = (place: number) => names.indexOf(ruleSets[place - 1] as string)
    const same = <T>(it: T) => it
    const said = renamed(body, { element: same, party: same, ruleSet: named })
    return canonicalJson({ at, body: said, ruleSet: ruleSet === null ? null : named(ruleSet) })
  }
  const before = new Map(from.rules.map((rule) => [rule.id, rule]))
  const after = new Map(to.rules.map((rule) => [rule.id, rule]))
  return {
    added: to.rules.filter(({ id }) => !before.has(id)),
    changed: to.rules.flatMap((rule) => {
      const known = before.get(rule.id)
      return known === undefined || saidIn(from, known) === saidIn(to, rule) ? [] : { from: known, to: rule }
    }),
    removed: from.rules.filter(({ id }) => !after.has(id)),
  }
}

function typesBetween(from: Template, to: Template): string[] {
  const known = new Set(from.types.map(definitionHash))
  return to.types.filter((type) => !known.has(definitionHash(type))).map(({ name }) => name)
}
