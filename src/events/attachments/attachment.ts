import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Hash } from '../../crypto/hash.ts'
import { HashSchema } from '../ids.ts'
import { ceilings } from '../limits.ts'
import { confidentialSealsOf, valueSealsOf } from '../seal.ts'
import type { Payloads, Statement } from '../statement.ts'
import type { NamedContent } from './content.ts'

/**
 * What an attachment can be, as its author says. None of them is run or interpreted by a browser that is told not to guess: no HTML,
 * no SVG, no script, no archive. Fixed for engine 1.
 */
export const mediaTypes = [
  'application/json',
  'application/pdf',
  'application/rtf',
  'application/vnd.oasis.opendocument.presentation',
  'application/vnd.oasis.opendocument.spreadsheet',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/tiff',
  'image/webp',
  'text/csv',
  'text/plain',
] as const
export type MediaType = (typeof mediaTypes)[number]

export function isMediaType(type: string): type is MediaType {
  return (mediaTypes as readonly string[]).includes(type)
}

/** In UTF-16 code units. Fixed for engine 1. */
export const ATTACHMENT_NAME_CHARACTERS_MAX = 200

/** The value of a field of that type. Its bytes are a content under the seal of the value. */
export const AttachmentSchema = Type.Object(
  {
    bytes: Type.Integer({ minimum: 1, maximum: ceilings.attachmentBytes }),
    hash: HashSchema,
    name: Type.String({ minLength: 1, maxLength: ATTACHMENT_NAME_CHARACTERS_MAX }),
    type: Type.Enum([...mediaTypes]),
  },
  { additionalProperties: false },
)
export type Attachment = Static<typeof AttachmentSchema>

const form = Compile(AttachmentSchema)

/** Whether it has the form of one. No other type of field has values of that form. Attacker-controlled: `value`, any JSON. */
export function isAttachment(value: unknown): value is Attachment {
  return typeof value === 'object' && value !== null && 'hash' in value && form.Check(value)
}

const none: readonly NamedContent[] = []

/** What values say that have the form of attachments. Requires that none of them is what an `about` says. */
export function attachmentsAmong(payloads: Payloads): readonly NamedContent[] {
  let found: NamedContent[] | undefined
  for (const [seal, { value }] of Object.entries(payloads)) {
    if (!isAttachment(value)) continue
    found ??= []
    found.push({ bytes: value.bytes, hash: value.hash, name: seal as Hash })
  }
  return found ?? none
}

/** The contents that the values of requests name, as far as these are here: what an `about` says is no value, whatever its form. */
export function attachmentsIn(requests: Statement['requests'], payloads: Payloads): readonly NamedContent[] {
  const found = attachmentsAmong(payloads)
  if (found.length === 0) return none
  const named = valueSealsOf(requests).union(confidentialSealsOf(requests))
  return found.filter(({ name }) => named.has(name))
}
