import type { ContractEvent } from '../../../events/contract-events.ts'
import type { FieldType } from '../../../events/field-type.ts'
import type { ElementId } from '../../../events/ids.ts'
import type { TemplateElement } from '../../../events/template.ts'

type ListElement = Extract<TemplateElement, { kind: 'list' }>
type Added = Extract<ContractEvent, { type: 'BlockAdded' | 'FieldAdded' | 'ListAdded' }>
type Granted = Extract<ContractEvent, { type: 'ElementGranted' }>

/** What adds an element of a template where it stands in that; with a list come its prototype and its key, which are given to others behind it. */
export interface Addition {
  readonly added: Added
  readonly granted: readonly Granted[]
  /** How many elements of the template it adds. */
  readonly count: number
}

/** Of the element at a place of the list of all. Undefined: what has to follow a list does not. */
export function additionOf(elements: readonly TemplateElement[], place: number): Addition | undefined {
  const element = elements[place] as TemplateElement
  const { id, name, owner } = element
  switch (element.kind) {
    case 'block':
      return { added: { element: id, name, owner, type: 'BlockAdded' }, count: 1, granted: [] }
    case 'field':
      return { added: { element: id, field: element.field, name, owner, type: 'FieldAdded' }, count: 1, granted: [] }
    case 'list':
      return listAddition(element, elements[place + 1], elements[place + 2])
  }
}

function listAddition(
  { id, name, owner, entriesMax, keyed }: ListElement,
  prototype: TemplateElement | undefined,
  first: TemplateElement | undefined,
): Addition | undefined {
  if (prototype?.id !== `${id}.0` || prototype.name !== '0' || prototype.kind === 'list') return undefined
  const entry = prototype.kind === 'field' ? prototype.field : 'block'
  const list = (key: { field: FieldType; name: string } | null): Added => {
    return { element: id, entriesMax, entry, key, name, owner, type: 'ListAdded' }
  }
  if (!keyed) return { added: list(null), count: 2, granted: grantedTo(owner, prototype) }
  if (first?.id !== `${id}.0.0` || first.kind !== 'field') return undefined
  const key = { field: first.field, name: first.name }
  return { added: list(key), count: 3, granted: grantedTo(owner, prototype, first) }
}

/** What comes with a list is its owner's. */
function grantedTo(owner: ListElement['owner'], ...parts: readonly TemplateElement[]): Granted[] {
  return parts.flatMap((part) =>
    part.owner === owner ? [] : { element: part.id as ElementId, to: part.owner, type: 'ElementGranted' },
  )
}
