import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { HandleSchema, type Uid, UidSchema } from '../events/ids.ts'
import { StoreCorrupt } from '../store/errors.ts'
import type { RecordedEvent } from '../store/port.ts'
import { jsonIn } from './stream-json.ts'

const HeldSchema = Type.Object({ contract: UidSchema, founder: HandleSchema }, { additionalProperties: false })
const form = Compile(HeldSchema)

/**
 * What an event of the `contracts` stream says: that this node has come to hold a contract. Undefined: it says nothing.
 * Throws StoreCorrupt for what is no JSON: which contracts there are is not known then.
 */
export function contractHeldIn({
  data,
  stream,
  revision,
}: Pick<RecordedEvent, 'data' | 'stream' | 'revision'>): Static<typeof HeldSchema> | undefined {
  const held = jsonIn(data)
  if (held === undefined) {
    throw new StoreCorrupt('store_corrupt', `event ${revision} of ${stream} is no JSON`, { stream, revision })
  }
  return form.Check(held) ? held : undefined
}

/** Whether an event says it of that contract. */
export function isHeldBy({ data }: Pick<RecordedEvent, 'data'>, contract: Uid): boolean {
  const held = jsonIn(data)
  return form.Check(held) && held.contract === contract
}
