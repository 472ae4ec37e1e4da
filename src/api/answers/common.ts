import { type TProperties, type TSchema, Type } from 'typebox'
import { AboutSchema } from '../../events/about.ts'
import { CountSchema, EngineVersionSchema, HandleSchema, HashSchema, TimeSchema, UidSchema } from '../../events/ids.ts'
import { ConstraintSchema } from '../../events/type-definition.ts'

/** An object that holds nothing else. */
export const object = <Members extends TProperties>(members: Members, title?: string) =>
  Type.Object(members, { additionalProperties: false, ...(title !== undefined && { title }) })

/** A value of the contract, a document, or a part of one: whatever it says. */
export const AnyValue = Type.Unknown({
  title: 'AnyValue',
  description: 'A value, or a document, as its fields have it.',
})
export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
export const mapOf = <Schema extends TSchema>(schema: Schema) => Type.Record(Type.String(), schema)

export const Handles = Type.Array(HandleSchema)
export const YesOrNo = Type.Enum(['yes', 'no'])
export const Phase = Type.Enum(['edit', 'live'])
/** `<handle>.<seq>.<index>` */
export const RequestKey = Type.String({
  title: 'RequestKey',
  description: '<handle>.<seq>.<index>',
  examples: ['acme-re.7.0'],
})
/** Names from the root on with slashes between, escaped as in a URL; '' is the root. */
export const ElementPath = Type.String({
  title: 'ElementPath',
  description: "Names from the root on with slashes between, escaped as in a URL; '' is the root.",
})
/** As an author claims it, or as a rule has it: RFC 3339. */
export const Time = TimeSchema
export const Head = { size: CountSchema, root: HashSchema, record: HashSchema }
export const HeadSchema = object(Head, 'Head')
export const InContract = { contract: UidSchema, title: orNull(Type.String()) }

/** What a person has said, where this node has it. */
export const ShownAboutSchema = object({ seal: HashSchema, isHeld: Type.Boolean(), ...AboutSchema.properties }, 'About')
export const MaybeAbout = Type.Optional(ShownAboutSchema)

export const VoidReasonSchema = object(
  { code: Type.String(), command: CountSchema, with: Type.Optional(Type.Array(Type.String())) },
  'VoidReason',
)
/** What a request that is void would take. */
export const voidDetails = {
  path: Type.Optional(ElementPath),
  expected: Type.Optional(Type.String()),
  example: Type.Optional(AnyValue),
  options: Type.Optional(Type.Array(Type.String())),
  currency: Type.Optional(Type.String()),
  constraint: Type.Optional(ConstraintSchema),
  limit: Type.Optional(object({ name: Type.String(), max: Type.Optional(Type.Number()) }, 'ExceededLimit')),
  cell: Type.Optional(object({ row: CountSchema, column: Type.Optional(Type.String()) }, 'Cell')),
}
export const EngineVoteSchema = object({ by: HandleSchema, to: EngineVersionSchema }, 'EngineVote')
export const VoteSchema = object({ by: HandleSchema, vote: YesOrNo, about: MaybeAbout }, 'Vote')

/** Why parties leave uncovered what they hold, as far as they say. */
export const HoldUps = Type.Record(Type.String(), Type.Enum(['person', 'payload']))
export const HeldUp = { waitingFor: Handles, why: Type.Optional(HoldUps) }

/** Of an answer that has none. */
export const NoBody = Type.Undefined({ title: 'NoBody' })
