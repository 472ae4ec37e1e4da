import { Type } from 'typebox'

/**
 * Why somebody did something, as far as it is signed: a code of a closed list. What a person has to say about it stands in
 * an `about` beside it (about.ts), under a seal, since what is signed can never be erased.
 */

/** Why a member refuses a request. */
export const refusalCodes = {
  person: 'A person at the member refuses it.',
  policy: 'The policy of the member’s node refuses it.',
  payload_missing: 'A value that it names did not come to the member in time.',
  value_unfit: 'A value that it names is not one that the member’s node takes.',
  time_off: 'The time that its statement claims is too far from the member’s own clock.',
  engine_unknown: 'The member’s node does not have the engine that it asks for.',
} as const
export type RefusalCode = keyof typeof refusalCodes

/** Why the author of a tentative request withdraws it. */
export const withdrawalCodes = {
  timed_out: 'Not everybody had answered when its time was up.',
  user: 'Its user took it back.',
  restarted: 'Its node was restarted, and nobody waits for it any more, or has lost a value of it.',
} as const
export type WithdrawalCode = keyof typeof withdrawalCodes

/** What a member takes the record lock for. */
export const lockPurposes = {
  review: 'The record is to be read, compared or audited while nothing in it moves.',
  edit: 'Several changes belong together, and nobody is to come between them.',
  transfer: 'The record is being brought in from another system, or out to one.',
  other: 'Something else.',
} as const
export type LockPurpose = keyof typeof lockPurposes

/** Why a member leaves. */
export const resignationReasons = {
  fulfilled: 'What the contract is about is done.',
  transferred: 'Another party has taken over its part.',
  terminated: 'It ends the business that the contract is about.',
  other: 'Something else.',
} as const
export type ResignationReason = keyof typeof resignationReasons

const oneOf = <Code extends string>(codes: Readonly<Record<Code, string>>) =>
  Type.Unsafe<Code>(Type.Union(Object.keys(codes).map((code) => Type.Literal(code))))

export const RefusalCodeSchema = oneOf(refusalCodes)
export const WithdrawalCodeSchema = oneOf(withdrawalCodes)
export const LockPurposeSchema = oneOf(lockPurposes)
export const ResignationReasonSchema = oneOf(resignationReasons)
