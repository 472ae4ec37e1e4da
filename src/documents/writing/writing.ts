import {
  type Block,
  childLike,
  childrenOf,
  type Element,
  entriesOf,
  type Field,
  keyOf,
  type List,
} from '../../aggregates/contract/document/element.ts'
import { builtInOf } from '../../aggregates/contract/document/types.ts'
import { standingAt } from '../../aggregates/contract/values/standing.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Command } from '../../events/commands.ts'
import type { ElementId } from '../../events/ids.ts'
import { isSealed } from '../sealed-value.ts'
import { Additions, arrayFor } from './additions.ts'
import { type Gathered, type Ground, RequestDraft } from './request-draft.ts'
import { fitNewName, isObject, namedIn, WriteUnfit, wireValue } from './written-value.ts'

/** PUT and PATCH have it stand like this, POST adds. */
export type How = 'put' | 'post' | 'merge'

/** Gathers the commands of one request. */
export class Writing {
  readonly #draft: RequestDraft
  readonly #additions: Additions
  readonly #agreed: Ground['agreed']
  readonly #own: Ground['own']

  constructor(ground: Ground) {
    this.#draft = new RequestDraft(ground)
    this.#additions = new Additions(this.#draft)
    this.#agreed = ground.agreed
    this.#own = ground.own
  }

  changes(): Gathered {
    return this.#draft.gathered
  }

  /** How many there are. */
  get commands(): number {
    return this.#draft.gathered.commands.length
  }

  /** As POST has it: what is not there is added, to a list one entry, and what stands agreed is proposed once more. The names added. */
  post(element: Element, value: unknown): string[] {
    if (element.kind === 'block') return this.fill(element, objectFor(value), 'post')
    if (element.kind === 'field') this.propose(element, value)
    else this.#additions.addEntry(element, element.id, value)
    return []
  }

  /** As PUT has it: what is there gets other values, a list the entries of an array, and what is not there is added. The names added. */
  put(element: Element, value: unknown): string[] {
    if (element.kind === 'block') return this.fill(element, objectFor(value, element), 'put')
    if (element.kind === 'list') this.replaceEntries(element, value)
    else if (element.candidates.length === 0 || isSealedHere(element, value, this.#agreed))
      this.putAmong(element, value)
    else this.propose(element, value)
    return []
  }

  /**
   * A field that is named among others. What is shown of it is written back by whoever means another one, so it is not put up against the
   * candidates that wait there, and what is shown of a value that this party has not, stays as it is (decision 0155).
   */
  putAmong(field: Field, value: unknown): void {
    if (isSealedHere(field, value, this.#agreed) || this.#isAgreed(field, value)) return
    this.propose(field, value)
  }

  /**
   * As PATCH has it (RFC 7396): as PUT, but that null removes what is no field. The names added.
   */
  merge(element: Element, value: unknown): string[] {
    if (element.kind === 'block') return this.fill(element, objectFor(value, element), 'merge')
    return this.put(element, value)
  }

  /** What is no value. */
  order(command: Command): void {
    this.#draft.push(command)
  }

  /**
   * Replaces whatever stands there; what the node has not seen makes it void (`exclusive`), as naive clients expect. Null empties.
   * What this party has put up already, and waits for votes, is not put up once more: that would lose the votes it has.
   */
  propose(field: Field, value: unknown): void {
    const own = this.#own.get(field.id)
    if (own !== undefined && this.#isSame(field, own.value, value)) {
      this.#draft.awaits(own)
      return
    }
    const basis = standingAt(field).map(({ id }) => id)
    if (value === null) {
      this.#draft.push({ basis, exclusive: true, field: field.id, type: 'EmptyField' })
      return
    }
    const proposed = { field: field.id, basis, exclusive: true } as const
    this.#draft.proposeValue(proposed, field.field, value, this.#draft.audienceAt(field.id))
  }

  /** The names that it adds right in this block. */
  fill(block: Block, members: Record<string, unknown>, how: How): string[] {
    const added: string[] = []
    for (const [name, value] of namedIn(members)) {
      const like = childLike(block, name)
      const child = like?.name === name ? like : undefined
      if (child === undefined) {
        if (how === 'merge' && value === null) continue
        if (block.instance !== undefined) {
          throw new WriteUnfit('write_unfit', `entries have no ${name}; it is added at the prototype, 0`, { name })
        }
        // Of what type it would be, null does not say.
        if (how === 'put' && value === null)
          throw new WriteUnfit('write_unfit', `there is no ${name} here that could be emptied`, { name })
        fitNewName(name)
        if (like !== undefined) {
          const message = `${name} can be taken for ${like.name}, which stands here already`
          throw new WriteUnfit('write_unfit', message, { name, element: like.id })
        }
        this.#additions.add(block.id, name, value, this.#draft.audienceAt(block.id))
        added.push(name)
      } else this.#write(child, value, how)
    }
    return added
  }

  #write(element: Element, value: unknown, how: How): void {
    const { kind, name } = element
    if (kind === 'field') {
      this.putAmong(element, value)
    } else if (value === null && how === 'merge') {
      this.#draft.push({ type: 'RemoveElement', element: element.id })
    } else if (kind === 'block') {
      if (!isObject(value)) throw new WriteUnfit('write_unfit', `${name} is a block and takes an object`, { name })
      this.fill(element, value, how)
    } else if (how !== 'post') this.replaceEntries(element, value)
    else for (const item of arrayFor(element, value)) this.#additions.addEntry(element, element.id, item)
  }

  /**
   * Makes the entries of a list those of an array, in a list with a key by their keys, else by their places: of others that are
   * there the surplus is removed, what is missing is added. For each item: how many commands stand before it.
   */
  replaceEntries(list: List, value: unknown): number[] {
    const items = arrayFor(list, value)
    const entries = [...entriesOf(list)]
    const entryFor = this.#matching(list, entries, items)
    const matched = items.map((item, place) => ({ item, entry: entryFor(item, place) }))
    const kept = new Set(matched.map(({ entry }) => entry))
    for (const entry of entries) if (!kept.has(entry)) this.#draft.push({ type: 'RemoveElement', element: entry.id })
    return matched.map(({ item, entry }) => {
      const before = this.commands
      if (entry === undefined) this.#additions.addEntry(list, list.id, item)
      else this.#write(entry, item, 'put')
      return before
    })
  }

  /** Which entry an item of an array is meant for; undefined: a new one. */
  #matching(list: List, entries: readonly Element[], items: readonly unknown[]) {
    const key = keyOf(list)
    if (key === undefined) return (_item: unknown, place: number) => entries[place]
    const keyIn = (item: unknown) => {
      const written = isObject(item) ? (item[key.name] ?? null) : null
      return canonicalJson(written === null ? null : wireValue(builtInOf(key.field, this.#draft.types), written))
    }
    const keys = items.map(keyIn).filter((written) => written !== 'null')
    const seen = new Set<string>()
    const twice = keys.find((written) => seen.size === seen.add(written).size)
    if (twice !== undefined) {
      const message = `two entries have the same ${key.name}: ${twice.slice(0, 200)}`
      throw new WriteUnfit('write_unfit', message, { name: key.name })
    }
    // Those without a key in their order.
    const waiting = new Map<string, Element[]>()
    for (const entry of entries) {
      const agreed = canonicalJson(this.#agreed.get(`${entry.id}.0` as ElementId) ?? null)
      waiting.set(agreed, [...(waiting.get(agreed) ?? []), entry])
    }
    return (item: unknown) => waiting.get(keyIn(item))?.shift()
  }

  /** Whether it is what all have agreed on, and GET shows. */
  #isAgreed({ id, field, agreed }: Field, value: unknown): boolean {
    if (value === null || agreed === null) return value === null && agreed === null
    return this.#agreed.has(id) && this.#isSame({ field }, this.#agreed.get(id), value)
  }

  #isSame({ field }: Pick<Field, 'field'>, known: unknown, value: unknown): boolean {
    const written = value === null ? null : wireValue(builtInOf(field, this.#draft.types), value)
    return canonicalJson(known) === canonicalJson(written)
  }
}

/** Whether this is what is shown of the value that stands there and is not held here. */
function isSealedHere({ agreed, id }: Field, value: unknown, known: Ground['agreed']): boolean {
  if (!isSealed(value) || agreed?.audience === undefined || known.has(id)) return false
  const { proposal } = isObject(value.$sealed) ? value.$sealed : {}
  return proposal === agreed.id
}

/** `like`: as `GET` shows it, an object without members is what a block without children is. */
function objectFor(value: unknown, like?: Block): Record<string, unknown> {
  if (!isObject(value)) throw new WriteUnfit('write_unfit', 'a block takes an object: its children by name')
  const isEmpty = Object.keys(value).length === 0
  if (isEmpty && (like === undefined || !childrenOf(like).next().done))
    throw new WriteUnfit('write_unfit', 'the object says nothing to write')
  return value
}
