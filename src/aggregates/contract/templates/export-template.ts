import { canonicalizing } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { ElementId, Handle } from '../../../events/ids.ts'
import type { RuleBody } from '../../../events/rule.ts'
import {
  TEMPLATE_ELEMENTS_MAX,
  TEMPLATE_ROOT,
  type Template,
  type TemplateElement,
  templateHash,
} from '../../../events/template.ts'
import { definitionHash } from '../../../events/type-definition.ts'
import { nameRules } from '../../names/engine-1.ts'
import type { StoredBlock, StoredElement } from '../document/element.ts'
import { type Rule, ruleSetNumbered } from '../rules/rule-book.ts'
import { type ContractState, find } from '../state.ts'
import { namedBy, renamed } from './rule-body.ts'

/** What is to be taken, and under which names. */
export interface ToExport {
  readonly element: ElementId
  /** What the first element is called in the template: the root of a document has no name of its own. */
  readonly name?: string
  /** Roles by the parties that have them here. A party that is left out is a role of its own handle. */
  readonly roles?: { readonly [handle: Handle]: Handle }
  /** Size and root of the settled ledger. */
  readonly size: number
  readonly root: Hash
  /** Rules that name what is outside of it are left out, instead of standing in the way. */
  readonly leavesOut?: boolean
}

export interface Exported {
  readonly template: Template
  /** Its bytes. */
  readonly text: string
  readonly hash: Hash
  /** Numbers of rules that name something outside. */
  readonly leftOut: readonly number[]
}

/** Why an element is no template: it is not there, or in an entry; or these rules name something outside of it. */
export type ExportProblem =
  | { readonly problem: 'place' }
  | { readonly problem: 'rules'; readonly rules: readonly number[] }

/** How many elements are taken in one step. */
const STEP = 256

/** All that stands at and below an element, without values and entries, in steps. */
export function* exportingTemplate(state: ContractState, asked: ToExport): Generator<void, Exported | ExportProblem> {
  const { element: root, name, root: treeRoot, size, roles: roleOf = {}, leavesOut = false } = asked
  const from = find(state, root)
  if (from === undefined || from.instance !== undefined) return { problem: 'place' }
  const isInside = (id: ElementId) => id === root || id.startsWith(`${root}.`)
  const governing = state.rules.rules.filter(({ terms }) => isInside(terms.at) && find(state, terms.at) !== undefined)
  const leftOut = governing.filter(({ terms }) => !isWhole(terms.body, isInside, state)).map(({ terms }) => terms.id)
  if (leftOut.length > 0 && !leavesOut) return { problem: 'rules', rules: leftOut }
  const rules = governing.filter(({ terms }) => !leftOut.includes(terms.id))
  const placed = (id: ElementId) => `${TEMPLATE_ROOT}${id.slice(root.length)}` as ElementId
  const named = new Set<Handle>()
  const role = (handle: Handle) => {
    const found = Object.hasOwn(roleOf, handle) ? (roleOf[handle] as Handle) : handle
    named.add(found)
    return found
  }
  const owner = (handle: Handle | null) => (handle === null ? null : role(handle))
  // More are no template: whoever is given it is told so.
  const elements: TemplateElement[] = []
  for (const element of elementsOf(from as StoredElement, placed, owner).take(TEMPLATE_ELEMENTS_MAX + 1)) {
    if (elements.push(element) % STEP === 0) yield
  }
  const [first, ...others] = elements as [TemplateElement, ...TemplateElement[]]
  const ruleSets = ruleSetsOf(rules, state)
  const audiences = state.audiences.filter(({ element }) => isInside(element))
  const template: Template = {
    audiences: audiences.map(({ element, parties, until }) => ({
      element: placed(element),
      parties: [...new Set(parties.map(role))].sort(),
      ...(until !== undefined && { until }),
    })),
    elements: [{ ...first, name: name ?? nameOf(first.name, state) }, ...others],
    format: 'concordata-template/1',
    from: { contract: state.contract, element: root, root: treeRoot, size },
    roles: [],
    ruleSets: ruleSets.map((id) => ruleSetNumbered(state.rules, id)?.name as string),
    rules: rules.map(({ terms: { at, body, id, ruleSet } }) => ({
      at: placed(at),
      body: renamed(body, { element: placed, party: role, ruleSet: (number) => ruleSets.indexOf(number) + 1 }),
      id,
      ruleSet: ruleSet === null ? null : ruleSets.indexOf(ruleSet) + 1,
    })),
    types: typesOf(elements, state),
  }
  const text = yield* canonicalizing({ ...template, roles: [...named].sort() })
  return { hash: templateHash(text), leftOut, template: JSON.parse(text) as Template, text }
}

/** In the order of their ids; a list's prototype comes behind it, and the key of that behind that. */
function* elementsOf(
  element: StoredElement,
  placed: (id: ElementId) => ElementId,
  owner: (handle: Handle | null) => Handle | null,
): Generator<TemplateElement> {
  const named = { id: placed(element.id), name: element.name, owner: owner(element.owner) }
  switch (element.kind) {
    case 'block': {
      const { children, order } = element as StoredBlock
      yield { ...named, kind: 'block', ...(order !== null && { order: [...order] }) }
      for (const child of children) yield* elementsOf(child, placed, owner)
      return
    }
    case 'field':
      yield { ...named, field: element.field, kind: 'field' }
      return
    case 'list': {
      const { entriesMax, keyed, prototype } = element
      yield { ...named, entriesMax, keyed, kind: 'list' }
      yield* elementsOf(prototype, placed, owner)
    }
  }
}

/** Whether a rule means something without what is outside. */
function isWhole(body: RuleBody, isInside: (id: ElementId) => boolean, state: ContractState): boolean {
  return [...namedBy(body).elements].every((id) => isInside(id) && find(state, id) !== undefined)
}

/** Numbers of those that the rules stand in, or name, in ascending order. */
function ruleSetsOf(rules: readonly Rule[], state: ContractState): number[] {
  const numbers = new Set(
    rules.flatMap(({ terms }) => [...(terms.ruleSet === null ? [] : [terms.ruleSet]), ...namedBy(terms.body).ruleSets]),
  )
  return state.rules.ruleSets.map(({ id }) => id).filter((id) => numbers.has(id))
}

/** Those that fields have, in the order in which they were defined, each once. */
function typesOf(elements: readonly TemplateElement[], { types }: ContractState): Template['types'] {
  const used = new Set<Hash>()
  for (const element of elements)
    if (element.kind === 'field' && element.field.type === 'custom') used.add(element.field.definition)
  const found: Template['types'] = []
  for (const definition of types.defined) {
    // One that was defined again stands here twice.
    if (!used.delete(definitionHash(definition))) continue
    const { base, constraint, hints, name } = definition
    found.push({ base, constraint, hints, name })
  }
  return found
}

/** The root is called like the contract, as far as a title can be a step of a path. */
function nameOf(name: string, { title }: ContractState): string {
  if (name !== '' && name !== '0') return name
  return nameRules.elementNameFault(title) === undefined ? title : 'Contract'
}
