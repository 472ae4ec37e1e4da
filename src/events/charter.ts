import { type Static, Type } from 'typebox'

/** What the founders fixed at opening about going on without a party that is gone (design §4). */
export const CharterSchema = Type.Object(
  {
    /**
     * The percentage of the members, rounded up, that must take part in a continuation: always more than half.
     * Null: the contract never goes on without one of them.
     */
    continuationQuorumPercent: Type.Union([Type.Integer({ minimum: 51, maximum: 100 }), Type.Null()]),
  },
  { additionalProperties: false },
)
export type Charter = Static<typeof CharterSchema>

export const defaultCharter: Charter = { continuationQuorumPercent: null }
