import { Type } from 'typebox'
import { AboutSchema } from '../../events/about.ts'
import { UidSchema } from '../../events/ids.ts'

/** For objects that hold nothing else. */
export const closed = { additionalProperties: false }

export const OptionalAbout = Type.Optional(AboutSchema)
export const ContractParams = Type.Object({ uid: UidSchema })
export const RequestParams = Type.Object({ uid: UidSchema, request: Type.String({ maxLength: 100 }) })
