import { type Static, Type } from 'typebox'
import type { Handle } from '../../events/ids.ts'
import { HandleSchema } from '../../events/ids.ts'
import { ABOUT_TEXT_CHARACTERS_MAX } from '../../events/limits.ts'
import type { Request } from '../../events/statement.ts'

const closed = { additionalProperties: false }
const Reason = Type.String({ minLength: 1, maxLength: ABOUT_TEXT_CHARACTERS_MAX })

/** Which requests a rule is for. What is left out does not matter; of a list one must fit. */
const Match = {
  authors: Type.Optional(Type.Array(HandleSchema)),
  /** Types of commands, such as `Resign`: one of the request's is enough. */
  commands: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }))),
}

/**
 * What this node answers to other parties' requests (design §4): the first rule that fits decides, and what none fits is
 * acknowledged. A reason goes to everybody beside the code `policy`; only its seal is signed.
 */
export const PolicySchema = Type.Array(
  Type.Union([
    Type.Object({ ...Match, answer: Type.Literal('acknowledge') }, closed),
    Type.Object({ ...Match, answer: Type.Literal('refuse'), reason: Reason }, closed),
    Type.Object(
      {
        ...Match,
        answer: Type.Literal('ask'),
        /** How long a person may take, in seconds; then `otherwise` is the answer. Until then nothing goes on in the contract. */
        forSeconds: Type.Integer({ minimum: 1, maximum: 7 * 24 * 3600 }),
        otherwise: Type.Union([Type.Literal('acknowledge'), Type.Literal('refuse')]),
        reason: Reason,
      },
      closed,
    ),
  ]),
  { maxItems: 1000 },
)
export type Policy = Static<typeof PolicySchema>
export type PolicyRule = Policy[number]

export const acknowledgeAll: Policy = []

/** The rule for a request; undefined: it is acknowledged. */
export function ruleFor(policy: Policy, author: Handle, { commands }: Request): PolicyRule | undefined {
  return policy.find((rule) => {
    const isAuthor = rule.authors === undefined || rule.authors.includes(author)
    const isCommand = rule.commands === undefined || commands.some(({ type }) => rule.commands?.includes(type))
    return isAuthor && isCommand
  })
}
