import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Hash } from '../../crypto/hash.ts'
import { valueUnder } from '../seal.ts'

/** Who asked for a request at its author's company: the name of a key, or the subject of a token, and the role by which it was allowed. */
export const UserSchema = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 300 }), role: Type.Optional(Type.String({ maxLength: 40 })) },
  { additionalProperties: false },
)
export type User = Static<typeof UserSchema>

const form = Compile(UserSchema)

/** What a reader of the seal is shown. `isHeld` is false at all others, and where it was erased. */
export interface ShownUser extends Partial<User> {
  readonly seal: Hash
  readonly isHeld: boolean
}

/** `text`: the payload as it is kept; undefined if it is not held here. Throws SealedDamaged. */
export function shownUser(seal: Hash, text: string | undefined): ShownUser {
  if (text === undefined) return { seal, isHeld: false }
  const value = valueUnder(seal, text)
  return { seal, isHeld: true, ...(form.Check(value) ? value : {}) }
}
