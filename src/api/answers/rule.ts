import { Type } from 'typebox'
import { RuleWrittenSchema } from '../../documents/written-rule.ts'
import { HandleSchema, HashSchema } from '../../events/ids.ts'
import { RuleNumberSchema } from '../../events/rule.ts'
import { AnyValue, ElementPath, Handles, MaybeAbout, object, orNull, Phase, VoteSchema } from './common.ts'

/** What a rule says, in the words of people. */
export const Says = Type.Union(RuleWrittenSchema.anyOf, { title: 'RuleWritten' })

/** By which a request is void, with what its expression reads. */
export const RefusingRuleSchema = object(
  {
    number: RuleNumberSchema,
    at: ElementPath,
    says: Says,
    inputs: Type.Array(object({ path: ElementPath, value: AnyValue })),
  },
  'RefusingRule',
)

const rule = {
  number: RuleNumberSchema,
  at: ElementPath,
  ruleSet: orNull(RuleNumberSchema),
  says: Says,
  text: Type.String(),
  about: MaybeAbout,
  hash: HashSchema,
  by: HandleSchema,
  yes: Handles,
  votes: Type.Array(VoteSchema),
  waitsFor: Handles,
  isInForce: Type.Boolean(),
  flaggedAt: Type.Array(ElementPath),
}

export const ElementRuleSchema = object(
  { ...rule, relations: Type.Array(Type.Enum(['governs', 'below', 'reads', 'assigns'])) },
  'ElementRule',
)

export const RulesSchema = object(
  {
    phase: Phase,
    ruleSets: Type.Array(
      object({ number: RuleNumberSchema, name: Type.String(), isActive: Type.Boolean() }, 'RuleSet'),
    ),
    rules: Type.Array(object(rule, 'Rule')),
    inactive: Type.Array(ElementPath),
    reopenVotes: Handles,
  },
  'Rules',
)

/** Of one rule, with those that have not voted. */
export const RuleVotesSchema = Type.Array(
  Type.Union([VoteSchema, object({ by: HandleSchema, vote: Type.Null() }, 'MissingVote')]),
)
