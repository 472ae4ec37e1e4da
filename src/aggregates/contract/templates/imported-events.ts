import type { ContractEvent } from '../../../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex } from '../../../events/ids.ts'
import { type Roles, TEMPLATE_ROOT, type Template } from '../../../events/template.ts'
import { definitionHash } from '../../../events/type-definition.ts'
import { additionOf } from './element-events.ts'
import { type Renaming, renamed } from './rule-body.ts'
import type { TemplateUse } from './template-book.ts'

export type TemplateImported = Extract<ContractEvent, { type: 'TemplateImported' }>

/**
 * The events that add the same one by one: what an import comes to in the document, and in read models. `template`: that of the
 * event.
 */
export function* importedEvents(event: TemplateImported, template: Template): Generator<ContractEvent> {
  const { element, name, roles } = event
  yield* typesDefined(event, template)
  yield* elementsFrom(template.elements, 0, template.elements.length, placedAt(element), roles, name)
  yield* rulesDrafted(event, template)
}

export function placedAt(root: ElementId): (id: ElementId) => ElementId {
  return (id) => `${root}${id.slice(TEMPLATE_ROOT.length)}` as ElementId
}

export function* typesDefined({ types }: TemplateImported, template: Template): Generator<ContractEvent> {
  for (const { base, constraint, hints, name } of template.types) {
    const definition = definitionHash({ base, constraint, hints, name })
    if (types.includes(definition)) yield { base, constraint, definition, hints, name, type: 'TypeDefined' }
  }
}

/** The rule sets that are new, the rules, and who gets the values. */
export function* rulesDrafted(event: TemplateImported, template: Template): Generator<ContractEvent> {
  const { by, element: root, roles, ruleSets, newRuleSets, rules: firstRule } = event
  const placed = placedAt(root)
  for (const [place, number] of ruleSets.entries()) {
    if (number >= newRuleSets) yield { name: template.ruleSets[place] as string, ruleSet: number, type: 'RuleSetAdded' }
  }
  const renaming: Renaming = { element: placed, party: bound(roles), ruleSet: (place) => ruleSets[place - 1] as number }
  for (const [place, { at, body, ruleSet }] of template.rules.entries()) {
    yield {
      at: placed(at),
      body: renamed(body, renaming),
      by,
      rule: firstRule + place,
      ruleSet: ruleSet === null ? null : renaming.ruleSet(ruleSet),
      type: 'RuleDrafted',
    }
  }
  for (const { element, parties, until } of template.audiences) {
    const audience = { element: placed(element), parties: partiesOf(parties, roles), type: 'AudienceSet' } as const
    yield until === undefined ? audience : { ...audience, until }
  }
}

/** What says that an element has come from the template. */
export function useOf(
  { by, element, roles, rules: first, template: hash }: TemplateImported,
  { rules }: Template,
  index: LedgerIndex,
): TemplateUse {
  return {
    by,
    element,
    index,
    moved: [],
    roles,
    rules: rules.map(({ id }, place) => [id, first + place] as const),
    template: hash,
    upgrades: [],
    votes: [],
  }
}

/** Adds those elements of a template that stand between two places of its list, and puts their children in order. */
export function* elementsFrom(
  elements: Template['elements'],
  first: number,
  end: number,
  placed: (id: ElementId) => ElementId,
  roles: Roles,
  nameOfFirst?: string,
): Generator<ContractEvent> {
  for (let place = first; place < end; ) {
    const addition = additionOf(elements, place)
    // A template that was taken lacks none.
    if (addition === undefined) return
    const { added, granted, count } = addition
    const name = place === first && nameOfFirst !== undefined ? nameOfFirst : added.name
    yield { ...added, element: placed(added.element), name, owner: ownerOf(added.owner, roles) }
    for (const grant of granted) yield { ...grant, element: placed(grant.element), to: ownerOf(grant.to, roles) }
    place += count
  }
  for (let place = first; place < end; place++) {
    const element = elements[place]
    if (element?.kind !== 'block' || element.order === undefined) continue
    yield { block: placed(element.id), order: element.order, type: 'ChildrenArranged' }
  }
}

function bound(roles: Roles): (role: Handle) => Handle {
  return (role) => roles[role] as Handle
}

export function ownerOf(role: Handle | null, roles: Roles): Handle | null {
  return role === null ? null : bound(roles)(role)
}

/** In the order of their handles, each once. */
export function partiesOf(named: readonly Handle[], roles: Roles): Handle[] {
  return [...new Set(named.map(bound(roles)))].sort()
}
