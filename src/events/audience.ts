import { Type } from 'typebox'
import { type Handle, HandleSchema } from './ids.ts'
import { ceilings } from './limits.ts'

/** Who gets the values of a confidential block (design §5). */
export type Audience = readonly Handle[]

export const AudienceSchema = Type.Array(HandleSchema, {
  minItems: 1,
  maxItems: ceilings.members,
  uniqueItems: true,
})
