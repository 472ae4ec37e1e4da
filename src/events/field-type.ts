import { type Static, Type } from 'typebox'
import { HashSchema } from './ids.ts'

const closed = { additionalProperties: false }
const Hint = Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z][a-z0-9-]*$' }))

/**
 * The types that every contract has. On the wire a value is: text, choice, party — a string; integer — a JSON integer within
 * ±(2^53−1), or beyond that its digits as a string; decimal — a string such as `-12.50`; money — `{amount, currency}`
 * with a decimal string and the ISO 4217 code of a currency, of no more decimals than that has; date — `2026-01-31`; date-time — RFC 3339 with offset or Z; duration —
 * ISO 8601 such as `P1Y` or `PT36H`, of years and months or of what has a length in seconds, never of both; boolean — true or false; contract — the UID of another one, which decides nothing;
 * attachment — `{bytes, hash, name, type}`, whose bytes are a content beside the value (attachment.ts). `hint` is for presentation only (`percent`, `colour`).
 */
export const BuiltInTypeSchema = Type.Union([
  Type.Object({ type: Type.Literal('text'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('integer'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('decimal'), hint: Hint }, closed),
  Type.Object(
    {
      type: Type.Literal('money'),
      /** The only one that values have. Which there are the engine says. */
      currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
      hint: Hint,
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('date'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('date-time'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('duration'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('boolean'), hint: Hint }, closed),
  Type.Object(
    {
      type: Type.Literal('choice'),
      /** None that is, or can be taken for, another: the engine says so. */
      options: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 500 }),
      hint: Hint,
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('party'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('contract'), hint: Hint }, closed),
  Type.Object({ type: Type.Literal('attachment'), hint: Hint }, closed),
])
export type BuiltInType = Static<typeof BuiltInTypeSchema>

/** One that the contract defines (type-definition.ts): a field keeps the definition that it was added with. */
const CustomTypeSchema = Type.Object({ type: Type.Literal('custom'), definition: HashSchema, hint: Hint }, closed)

export const FieldTypeSchema = Type.Union([...BuiltInTypeSchema.anyOf, CustomTypeSchema])
export type FieldType = Static<typeof FieldTypeSchema>
