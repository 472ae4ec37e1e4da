import { Type } from 'typebox'
import { AboutSchema } from '../../events/about.ts'
import { REQUEST_KEY_PATTERN, UidSchema } from '../../events/ids.ts'
import { YesOrNo } from '../answers/common.ts'

/** For objects that hold nothing else. */
export const closed = { additionalProperties: false }

export const OptionalAbout = Type.Optional(AboutSchema)
export const ContractParams = Type.Object({ uid: UidSchema })
export const RequestParams = Type.Object({ uid: UidSchema, request: Type.String({ maxLength: 100 }) })

/** Parameters of what is asked of an element; `element`: its whole path, as one step (url.ts). */
export const atElement = { uid: UidSchema, element: Type.String() }

export const VoteBody = Type.Object({ vote: YesOrNo, about: OptionalAbout }, closed)

/** Of a list: how many at most. */
export const LimitSchema = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 }))
/** Unless a query says otherwise. */
export const LIMIT = 100

/** Of the request that has proposed a change set. */
export const ChangeSetKeySchema = Type.String({ pattern: REQUEST_KEY_PATTERN })
