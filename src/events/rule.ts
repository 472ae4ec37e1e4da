import { type Static, type TSchema, Type } from 'typebox'
import { CountSchema, ElementIdSchema, HandleSchema } from './ids.ts'

const closed = { additionalProperties: false }

/** As many rules, rule sets, parties or targets as one list of a command names. */
const NAMED_MAX = 1000

/**
 * The tree of an expression: its nodes in post-order, operands by their places. What more it has to be the language of the rules
 * says (`aggregates/rules/validate-ast.ts`); this bounds what that looks at.
 */
const ExpressionSchema = Type.Object(
  {
    language: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    nodes: Type.Array(
      Type.Array(Type.Union([Type.String({ maxLength: 2_000 }), CountSchema]), { minItems: 1, maxItems: 2_001 }),
      { minItems: 1, maxItems: 2_000 },
    ),
  },
  closed,
)
export type Expression = Static<typeof ExpressionSchema>

const few = <T extends TSchema>(items: T) => Type.Array(items, { maxItems: NAMED_MAX, uniqueItems: true })

/** Parties by their handles, and those that fields of the type party name at the time. */
const WhoSchema = Type.Object({ parties: few(HandleSchema), fields: few(ElementIdSchema) }, closed)
export type Who = Static<typeof WhoSchema>

const SwitchedSchema = Type.Object({ blocks: few(ElementIdSchema), ruleSets: few(CountSchema) }, closed)

/** What an access rule gives: to propose values, to add or remove elements, to vote on values, to invite parties. */
export const accessRights = ['propose', 'add', 'remove', 'vote', 'invite'] as const
export type AccessRight = (typeof accessRights)[number]

/** What a rule says (design §5a). It governs the element that it stands at, and all below. */
export const RuleBodySchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('constraint'),
      condition: ExpressionSchema,
      severity: Type.Union([Type.Literal('reject'), Type.Literal('warn')]),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('assignment'), target: ElementIdSchema, expression: ExpressionSchema }, closed),
  Type.Object(
    {
      kind: Type.Literal('access'),
      who: WhoSchema,
      what: Type.Array(Type.Enum(accessRights), {
        minItems: 1,
        maxItems: accessRights.length,
        uniqueItems: true,
      }),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('validation'), who: WhoSchema, notify: Type.Optional(few(HandleSchema)) }, closed),
  /** The fields that it governs have a value before rules are published, or before a rule set is active: its number. */
  Type.Object({ kind: Type.Literal('required'), before: Type.Union([Type.Literal('live'), CountSchema]) }, closed),
  /** No candidate stands against an agreed value: what would be in conflict is void. */
  Type.Object({ kind: Type.Literal('single') }, closed),
  Type.Object(
    {
      kind: Type.Literal('trigger'),
      condition: ExpressionSchema,
      activates: SwitchedSchema,
      deactivates: SwitchedSchema,
    },
    closed,
  ),
])
export type RuleBody = Static<typeof RuleBodySchema>

/** The number of a rule, or of a rule set, in the order of the ledger, from 1. */
export const RuleNumberSchema = Type.Integer({ minimum: 1, maximum: 1_000_000 })
