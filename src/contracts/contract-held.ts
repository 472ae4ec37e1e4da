import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { HandleSchema, UidSchema } from '../events/ids.ts'
import { jsonIn } from './stream-json.ts'

const HeldSchema = Type.Object({ contract: UidSchema, founder: HandleSchema }, { additionalProperties: false })
const form = Compile(HeldSchema)

/** What an event of the `contracts` stream says: that this node has come to hold a contract. Undefined: it says nothing. */
export function contractHeldIn(data: string): Static<typeof HeldSchema> | undefined {
  const held = jsonIn(data)
  return form.Check(held) ? held : undefined
}
