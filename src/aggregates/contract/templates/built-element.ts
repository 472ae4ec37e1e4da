import type { ElementId } from '../../../events/ids.ts'
import type { Roles, Template, TemplateElement } from '../../../events/template.ts'
import { emptyBlock, noEntries, type StoredBlock, type StoredElement, withChildIn } from '../document/element.ts'
import { nothing } from '../values/standing.ts'
import { ownerOf } from './imported-events.ts'

interface Ground {
  readonly elements: Template['elements']
  readonly placed: (id: ElementId) => ElementId
  readonly roles: Roles
  /** Key of the request that gives the names. */
  readonly namedBy: string
}

/**
 * The first element of a template with all below it, as the events that add them one by one would make it: as one, since ten
 * thousand of them would each copy the way to what they change. In steps.
 */
export function* builtElement(ground: Ground, name: string): Generator<void, StoredElement> {
  const [first] = ground.elements as [TemplateElement, ...TemplateElement[]]
  return (yield* built({ ...first, name }, 0, ground)).element
}

const ELEMENTS_A_STEP = 64

interface Built {
  readonly element: StoredElement
  /** The place behind it, and all below it, in the list of all. */
  readonly end: number
}

function* built(element: TemplateElement, place: number, ground: Ground): Generator<void, Built> {
  const { elements, namedBy, placed, roles } = ground
  const about = { id: placed(element.id), name: element.name, namedBy, owner: ownerOf(element.owner, roles) }
  switch (element.kind) {
    case 'field':
      return { element: { ...about, ...nothing, field: element.field, kind: 'field' }, end: place + 1 }
    case 'list': {
      const { entriesMax, keyed } = element
      const prototype = yield* built(elements[place + 1] as TemplateElement, place + 1, ground)
      const entry = prototype.element as Exclude<StoredElement, { kind: 'list' }>
      const list = {
        ...about,
        entries: noEntries(about.id),
        entriesMax,
        keyed,
        kind: 'list',
        prototype: entry,
      } as const
      return { element: list, end: prototype.end }
    }
    case 'block': {
      let block: StoredBlock = emptyBlock(about)
      const prefix = `${element.id}.`
      let next = place + 1
      while (elements[next]?.id.startsWith(prefix)) {
        if (next % ELEMENTS_A_STEP === 0) yield
        const child = yield* built(elements[next] as TemplateElement, next, ground)
        block = withChildIn(block, child.element)
        next = child.end
      }
      return { element: element.order === undefined ? block : { ...block, order: element.order }, end: next }
    }
  }
}
