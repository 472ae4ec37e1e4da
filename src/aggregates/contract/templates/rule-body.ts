import type { ElementId, Handle } from '../../../events/ids.ts'
import type { Expression, RuleBody, Who } from '../../../events/rule.ts'

/** What a rule names, each put for something else: a template's by those of a document, or the other way round. */
export interface Renaming {
  element(id: ElementId): ElementId
  party(handle: Handle): Handle
  ruleSet(number: number): number
}

/** The same rule, of other elements, parties and rule sets. Two parties that become one are named once. */
export function renamed(body: RuleBody, by: Renaming): RuleBody {
  switch (body.kind) {
    case 'constraint':
      return { ...body, condition: expression(body.condition, by) }
    case 'assignment':
      return { ...body, expression: expression(body.expression, by), target: by.element(body.target) }
    case 'access':
      return { ...body, who: who(body.who, by) }
    case 'validation': {
      const notify = body.notify && { notify: parties(body.notify, by) }
      return { ...body, ...notify, who: who(body.who, by) }
    }
    case 'required':
      return body.before === 'live' ? body : { ...body, before: by.ruleSet(body.before) }
    case 'single':
      return body
    case 'trigger': {
      const { activates, deactivates, condition } = body
      const switched = ({ blocks, ruleSets }: typeof activates) => ({
        blocks: blocks.map((id) => by.element(id)),
        ruleSets: ruleSets.map((number) => by.ruleSet(number)),
      })
      return {
        ...body,
        activates: switched(activates),
        condition: expression(condition, by),
        deactivates: switched(deactivates),
      }
    }
  }
}

function who({ fields, parties: named }: Who, by: Renaming): Who {
  return { fields: fields.map((id) => by.element(id)), parties: parties(named, by) }
}

function parties(handles: readonly Handle[], by: Renaming): Handle[] {
  return [...new Set(handles.map((handle) => by.party(handle)))]
}

function expression({ language, nodes }: Expression, by: Renaming): Expression {
  const renamedNode = (node: Expression['nodes'][number]) => {
    const [operator, id, ...operands] = node
    const isNaming = operator === 'ref' || operator === 'path'
    return isNaming && typeof id === 'string' ? [operator, by.element(id as ElementId), ...operands] : node
  }
  return { language, nodes: nodes.map(renamedNode) }
}

/** All that a rule names. */
export interface Named {
  readonly elements: ReadonlySet<ElementId>
  readonly parties: ReadonlySet<Handle>
  readonly ruleSets: ReadonlySet<number>
}

export function namedBy(body: RuleBody): Named {
  const named = { elements: new Set<ElementId>(), parties: new Set<Handle>(), ruleSets: new Set<number>() }
  renamed(body, {
    element: (id) => noted(named.elements, id),
    party: (handle) => noted(named.parties, handle),
    ruleSet: (number) => noted(named.ruleSets, number),
  })
  return named
}

function noted<Item>(set: Set<Item>, item: Item): Item {
  set.add(item)
  return item
}
