import { type Static, Type } from 'typebox'
import { type Hash, hashJson } from '../crypto/hash.ts'

const closed = { additionalProperties: false }
const bases = [
  'text',
  'integer',
  'decimal',
  'money',
  'date',
  'date-time',
  'duration',
  'boolean',
  'choice',
  'party',
  'contract',
] as const
/** Digits, or a date: as values of the base are written. */
const Bound = Type.Optional(Type.String({ maxLength: 36, pattern: '^[0-9.-]+$' }))
const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 }))

/** What values of the base a type takes. Which member goes with which base the engine says. */
export const ConstraintSchema = Type.Object(
  {
    /** Of integers, decimals, dates, and of money in one currency: the least and the greatest. */
    minimum: Bound,
    maximum: Bound,
    /** Of decimals: how many at most. */
    decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 33 })),
    /** Of texts: how long, in code points. */
    lengthMin: Count,
    lengthMax: Count,
    /** Of money: its only currency. */
    currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
    /** Of choices, which must have them. */
    options: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 500 })),
  },
  closed,
)
export type Constraint = Static<typeof ConstraintSchema>

/** For whoever shows a value: `{"display": "percent"}`, `{"format": "#,##0.00"}`. ASCII, so that nobody reads it otherwise. */
export const HintsSchema = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
  Type.String({ pattern: '^[ -~]{1,64}$' }),
  { maxProperties: 16, additionalProperties: false },
)

export const typeDefinitionMembers = {
  name: Type.String({ maxLength: 200 }),
  base: Type.Enum([...bases]),
  constraint: Type.Optional(ConstraintSchema),
  hints: Type.Optional(HintsSchema),
}

export const TypeDefinitionSchema = Type.Object(
  {
    name: typeDefinitionMembers.name,
    base: typeDefinitionMembers.base,
    constraint: ConstraintSchema,
    hints: HintsSchema,
  },
  closed,
)

/** A type that a contract defines. Never changed: another definition of its name is another one. */
export interface TypeDefinition {
  readonly name: string
  readonly base: (typeof bases)[number]
  readonly constraint: Constraint
  readonly hints: Static<typeof HintsSchema>
}

/** By which fields name it. */
export function definitionHash({ base, constraint, hints, name }: TypeDefinition): Hash {
  return hashJson('type', { base, constraint, hints, name })
}
