import type { ElementSchema } from '../../documents/elements/element-schema.ts'
import { textOf } from '../../documents/field-text.ts'
import { isSealed } from '../../documents/sealed-value.ts'

/**
 * A document, or an element of it, as a person reads it: a line for each element, indented by its depth. `value`: what a GET of that
 * element shows. `heading`: what stands above all.
 */
export function outline(schema: ElementSchema, value: unknown, heading: string): string[] {
  return linesOf(schema, value, '', heading)
}

/** A value of a field, as the API shows it in JSON. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (isSealed(value)) return `(confidential, for ${value.$sealed.audience.join(', ')})`
  return textOf(value)
}

function linesOf(schema: ElementSchema, value: unknown, indent: string, heading: string): string[] {
  const below = `${indent}  `
  if (schema.kind === 'field')
    return `${indent}${heading}: ${shownValue(value)}`.replaceAll('\n', `\n${below}`).split('\n')
  const lines =
    schema.kind === 'block'
      ? schema.children.flatMap((child) => linesOf(child, membersOf(value)[child.name], below, child.name))
      : itemsOf(value).flatMap((item, place) => linesOf(schema.entry, item, below, `${place + 1}`))
  return [`${indent}${heading}${notesOf(schema)}`, ...lines]
}

function notesOf({ audience, isActive, owner }: ElementSchema): string {
  const notes = [
    ...(owner === null ? [] : [`of ${owner}`]),
    ...(audience === undefined ? [] : [`for ${audience.parties.join(', ')}`]),
    ...(isActive ? [] : ['switched off']),
  ]
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`
}

function membersOf(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : {}
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
