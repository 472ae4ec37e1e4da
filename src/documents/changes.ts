import { childNamed, type Element, entriesOf } from '../aggregates/contract/document/element.ts'
import { builtInOf } from '../aggregates/contract/document/types.ts'
import { nfc } from '../aggregates/names/normal-form.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Command } from '../events/commands.ts'
import { ordinalOf, ROOT } from '../events/ids.ts'
import type { Payloads } from '../events/statement.ts'
import type { Awaited } from './candidates/fates.ts'
import { valueFromText } from './field-text.ts'
import type { RowStarts } from './tables/cell.ts'
import { entriesIn, fieldsIn, type Table, type TableReading } from './tables/table.ts'
import type { Ground } from './writing/request-draft.ts'
import { type How, Writing } from './writing/writing.ts'
import { WriteUnfit } from './writing/written-value.ts'

/** What a write comes to: one atomic request. */
export interface Changes {
  /** None: all that is written stands agreed already. */
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  /** Of what is tried: the requests of one command each that it needs before it. */
  readonly before?: readonly Command[]
  /** What of it this party has put up before: it waits for votes. */
  readonly awaited?: readonly Awaited[]
  /** The names on the way to the element that it creates, if the request is for one. */
  readonly createdAt?: readonly string[]
  /** Of what a table says. */
  readonly rows?: RowStarts
  /** It is a change set; `about`: seal of what is said about it. */
  readonly asOne?: { readonly about?: Hash }
}

/** Removes an element with all below it. */
export function removal(element: Element): Changes {
  if (element.id === ROOT) throw new WriteUnfit('write_unfit', 'the record itself cannot be removed')
  return { commands: [{ type: 'RemoveElement', element: element.id }], payloads: {} }
}

/** The children of a block in the order of these names. */
export function arrangement(element: Element, names: readonly string[]): Changes {
  if (element.kind !== 'block') throw new WriteUnfit('write_unfit', 'only the children of a block are arranged')
  const order = names.map((name) => {
    const child = childNamed(element, nfc(name))
    if (child === undefined) throw new WriteUnfit('write_unfit', `there is no ${name} here`, { name })
    return ordinalOf(child.id)
  })
  return { commands: [{ type: 'ArrangeChildren', block: element.id, order }], payloads: {} }
}

/** A text written to a field: by POST it is proposed in any case. */
export function changesFromText(element: Element, text: string, isPosted: boolean, ground: Ground): Changes {
  if (element.kind === 'block') {
    throw new WriteUnfit(
      'write_unfit',
      'a block takes JSON (application/json) or XML (application/xml): its children by name',
    )
  }
  if (element.kind === 'list') {
    throw new WriteUnfit(
      'write_unfit',
      'a list takes JSON (application/json) or XML (application/xml): PUT all entries, POST one',
    )
  }
  const writing = new Writing(ground)
  const value = valueFromText(builtInOf(element.field, ground.types), text)
  if (isPosted) writing.propose(element, value)
  else writing.put(element, value)
  return writing.changes()
}

/**
 * A table written to a list says its entries: by POST they are added, by PUT they are what is there. Written to a block it says fields
 * by their paths, and these get other values.
 */
export function changesFromTable(
  element: Element,
  table: Table,
  isPosted: boolean,
  ground: Ground,
  parse: TableReading['parse'],
): Changes {
  const writing = new Writing(ground)
  const reading = { types: ground.types, parse }
  if (element.kind === 'field') throw new WriteUnfit('write_unfit', 'a field takes its value, and no table')
  const rows: number[] = []
  if (element.kind === 'block') {
    for (const said of fieldsIn(element, table, reading)) {
      rows.push(writing.commands)
      if (said !== undefined) writing.putAmong(said.field, said.value)
    }
  } else {
    const entries = entriesIn(element, table, isPosted ? 0 : [...entriesOf(element)].length, reading)
    if (!isPosted) rows.push(...writing.replaceEntries(element, entries))
    else {
      for (const entry of entries) {
        rows.push(writing.commands)
        writing.post(element, entry)
      }
    }
  }
  return { ...writing.changes(), rows }
}

/**
 * JSON written to a field: its value. JSON written to a block: an object with the names of its children. Those that are not there
 * yet are added, with the type that the value suggests, or as told by `{"$field": FieldType, "$value": …}` or
 * `{"$list": …}`. To a list POST adds one entry, and PUT takes an array of all. PATCH merges (RFC 7396).
 */
export function changesFromJson(
  element: Element,
  names: readonly string[],
  body: unknown,
  how: How,
  ground: Ground,
): Changes {
  const writing = new Writing(ground)
  const added = writing[how](element, body)
  const changes = writing.changes()
  if (element.kind === 'list' && how === 'post')
    return { ...changes, createdAt: [...names, String(element.entries.tree.slots)] }
  const [only] = added
  return added.length === 1 && only !== undefined ? { ...changes, createdAt: [...names, only] } : changes
}
