import { childNamed, childrenOf, type Element, entriesOf } from '../../src/aggregates/contract/document/element.ts'
import type { ContractState } from '../../src/aggregates/contract/state.ts'
import { audienceAt } from '../../src/aggregates/contract/values/effective-audience.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { AgreedView } from '../../src/documents/agreed-view.ts'
import { removal } from '../../src/documents/changes.ts'
import { parsePath, selectorIn } from '../../src/documents/path.ts'
import { Writing } from '../../src/documents/writing/writing.ts'
import { ruleBody } from '../../src/documents/written-rule.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import type { Payload } from '../../src/events/statement.ts'
import { assert } from '../../src/runtime/assert.ts'
import { type Scenario, withContracts } from '../../src/scenario/scenario.ts'
import type { ScenarioStep } from '../../src/scenario/scenario-form.ts'
import { type Act, type Document, given, openedBy, UID } from './document.ts'
import { Party } from './document-party.ts'

/**
 * What a scenario comes to on the engine alone: its structure, then all that its steps write and nobody refuses or turns down, and only
 * then its rules. Who may write what, and which votes are asked for, is for nodes to show.
 */
export function workedDocument(scenario: Scenario): Document {
  const [first, ...others] = scenario.parties.map(({ handle }) => new Party(handle)) as [Party, ...Party[]]
  const types = scenario.types.map(({ base, name, ...more }) => first.defines(name, base, more))
  const structure = writes(first.handle, (writing, { state }) => writing.post(state.document, scenario.document))
  const ruleSets = scenario.ruleSets.map((name) => first.addsRuleSet(name))
  const drafts = scenario.rules.map(
    ({ at, ruleSet, says }): Act => ({
      author: first.handle,
      write: ({ state }) => {
        const named = (path: string) => elementNamed(path, state)
        const element = named(at)
        const command = { type: 'DraftRule', at: element.id, ruleSet, body: ruleBody(says, element, state, named) }
        return { commands: [command], values: new Map() }
      },
    }),
  )
  const votes = others.flatMap((party) => scenario.rules.map((_, place) => party.votesOnRule(place + 1)))
  const published = first.publishes(...scenario.ruleSets.map((_, place) => place + 1))
  return given(openedBy(first, ...others), types, structure, actsOf(scenario), ruleSets, drafts, votes, published)
}

/** A document as it is read: a block as an object, a list as an array. */
export function jsonOf(document: Document, element: Element = document.state.document): unknown {
  if (element.kind === 'field')
    return element.agreed?.audience === undefined ? (valueAt(document, element) ?? null) : null
  const children = [...childrenOf(element)].map((child): [string, unknown] => [child.name, jsonOf(document, child)])
  return element.kind === 'list' ? children.map(([, entry]) => entry) : Object.fromEntries(children)
}

function actsOf({ steps }: Scenario): Act[] {
  const turnedDown = new Set(steps.flatMap((step) => ('vote' in step && step.vote === 'no' ? step.changeSet : [])))
  return steps.flatMap((step): Act[] => {
    if (step.refused !== undefined || ('changeSet' in step && turnedDown.has(step.changeSet))) return []
    const changes = changesOf(step)
    if (changes.length === 0) return []
    const write = (writing: Writing, document: Document) => {
      const found = changes.map((change) => ({ ...change, element: located(document, change.at) }))
      for (const { element, ...change } of found) {
        if ('add' in change)
          writing.post(
            element,
            withContracts(change.add, () => UID),
          )
        else if ('set' in change)
          writing.put(
            element,
            withContracts(change.set, () => UID),
          )
        else for (const command of removal(element).commands) writing.order(command)
      }
    }
    return [writes(step.by as Handle, write)]
  })
}

type Change = { readonly at: string } & (
  | { readonly set: unknown }
  | { readonly add: unknown }
  | { readonly remove: true }
)

function changesOf(step: ScenarioStep): readonly Change[] {
  if ('propose' in step)
    return step.propose.filter((change) => 'set' in change || 'add' in change || 'remove' in change)
  if ('add' in step) return [{ at: step.at, add: step.add }]
  if ('remove' in step) return [{ at: step.at, remove: true }]
  if (!('set' in step)) return []
  const { at = '', set } = step
  return Object.entries(set).map(([path, value]) => ({ at: at === '' ? path : `${at}/${path}`, set: value }))
}

function writes(author: Handle, write: (writing: Writing, document: Document) => unknown): Act {
  return {
    author,
    write: (document) => {
      const { state } = document
      const audienceOf = (id: ElementId) => audienceAt(state, id)?.parties
      const newSalt = () => new Uint8Array(16)
      const ground = {
        agreed: agreedIn(document),
        audienceAt: audienceOf,
        fileUnder: () => undefined,
        newSalt,
        own: new Map(),
        types: state.types,
      }
      const writing = new Writing(ground)
      write(writing, document)
      const { commands, payloads } = writing.changes()
      return { commands: [...commands], values: new Map(Object.entries(payloads) as [Hash, Payload][]) }
    },
  }
}

/** An element by its path; an entry by its key, too. */
function located(document: Document, path: string): Element {
  const element = path
    .split('/')
    .reduce<Element | undefined>((at, name) => at && below(document, at, name), document.state.document)
  assert(element !== undefined, `the document has ${path}`)
  return element
}

/** By names alone, as rules of scenarios have it. */
export function elementNamed(path: string, state: ContractState): Element {
  const element = new AgreedView(state, state.contract, { get: async () => new Map() }).find(parsePath(`/${path}`))
  assert(element !== undefined, `the document has ${path}`)
  return element
}

function below(document: Document, parent: Element, name: string): Element | undefined {
  const child = childNamed(parent, name)
  const selector = child === undefined ? selectorIn(name) : undefined
  if (selector === undefined) return child
  const list = childNamed(parent, selector.list)
  if (list?.kind !== 'list') return undefined
  if ('number' in selector) return childNamed(list, selector.number)
  return [...entriesOf(list)].find((entry) => valueAt(document, childNamed(entry, selector.key)) === selector.value)
}

function valueAt(document: Document, field: Element | undefined): unknown {
  return field && document.agreedAt(AgreedView.namesOf(document.state, field.id)?.join('/') ?? '')
}

function agreedIn(document: Document): Map<ElementId, unknown> {
  const values = new Map<ElementId, unknown>()
  const walk = (element: Element) => {
    if (element.kind !== 'field') for (const child of childrenOf(element)) walk(child)
    else if (element.agreed !== null) values.set(element.id, valueAt(document, element))
  }
  walk(document.state.document)
  return values
}
