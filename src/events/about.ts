import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Hash } from '../crypto/hash.ts'
import { ABOUT_TEXT_CHARACTERS_MAX, ABOUT_TITLE_CHARACTERS_MAX } from './limits.ts'
import { valueUnder } from './seal.ts'

/** What a person has to say about a request, a vote, a refusal, a withdrawal. Only its seal is ever signed (design §5). */
export const AboutSchema = Type.Object(
  {
    title: Type.Optional(Type.String({ minLength: 1, maxLength: ABOUT_TITLE_CHARACTERS_MAX })),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: ABOUT_TEXT_CHARACTERS_MAX })),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type About = Static<typeof AboutSchema>

const form = Compile(AboutSchema)

/** Whether it is one: its form makes no statement invalid, but what is none is neither signed here nor shown. */
export function isAbout(value: unknown): value is About {
  return form.Check(value)
}

/** What a reader of a seal is shown. `isHeld` is false where the text was erased, or never came to this node. */
export interface ShownAbout extends About {
  readonly seal: Hash
  readonly isHeld: boolean
}

/** `text`: the payload as it is kept; undefined if it is not held here. Throws SealedDamaged. */
export function shownAbout(seal: Hash, text: string | undefined): ShownAbout {
  if (text === undefined) return { seal, isHeld: false }
  const value = valueUnder(seal, text)
  return { seal, isHeld: true, ...(isAbout(value) ? value : {}) }
}
