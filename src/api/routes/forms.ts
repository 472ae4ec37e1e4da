import { Type } from 'typebox'
import { AboutSchema } from '../../events/about.ts'
import { REQUEST_KEY_PATTERN, UidSchema } from '../../events/ids.ts'

/** For objects that hold nothing else. */
export const closed = { additionalProperties: false }

export const OptionalAbout = Type.Optional(AboutSchema)
export const ContractParams = Type.Object({ uid: UidSchema })
export const RequestParams = Type.Object({ uid: UidSchema, request: Type.String({ maxLength: 100 }) })

/** Of the request that has proposed a change set. */
export const ChangeSetKeySchema = Type.String({
  pattern: REQUEST_KEY_PATTERN,
})
