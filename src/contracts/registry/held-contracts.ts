import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Handle, HandleSchema, type Uid, UidSchema } from '../../events/ids.ts'
import { FounderSchema, isFoundedBy } from '../../events/uid.ts'
import { StoreCorrupt } from '../../store/errors.ts'
import type { EventStore, RecordedEvent } from '../../store/port.ts'
import { CONTRACTS_STREAM } from '../../store/streams.ts'
import { jsonIn } from '../signing/untrusted-json.ts'

const HeldSchema = Type.Object(
  {
    contract: UidSchema,
    /** With its key, so that the UID vouches for whose feed is to be read first. */
    founder: FounderSchema,
    /** Who has brought it. Left out: this party has founded it. */
    from: Type.Optional(HandleSchema),
    /** The contract that is not held from now on, to make room for this one. */
    insteadOf: Type.Optional(UidSchema),
    /** The id of its first request, where the caller has named it (requests/keyed-id.ts). */
    named: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type ContractHeld = Static<typeof HeldSchema>
const form = Compile(HeldSchema)

/**
 * What an event of the `contracts` stream says: that this node has come to hold a contract (decision 0057). Undefined: it says nothing.
 * Whether the UID is that of the founder it names is another matter (`isTrue`).
 * Throws StoreCorrupt for what is no JSON: which contracts there are is not known then.
 */
export function contractHeldIn({
  data,
  stream,
  revision,
}: Pick<RecordedEvent, 'data' | 'stream' | 'revision'>): ContractHeld | undefined {
  const held = jsonIn(data)
  if (held === undefined) {
    throw new StoreCorrupt('store_corrupt', `event ${revision} of ${stream} is no JSON`, { stream, revision })
  }
  return form.Check(held) ? held : undefined
}

/** Whether the UID belongs to the founder named beside it: no node writes it otherwise. */
export function isTrue({ contract, founder }: ContractHeld): boolean {
  return isFoundedBy(contract, founder)
}

/** Whether an event says it of that contract, and truly. */
export function isHeldBy({ data }: Pick<RecordedEvent, 'data'>, contract: Uid): boolean {
  const held = jsonIn(data)
  return form.Check(held) && held.contract === contract && isTrue(held)
}

/** Who founded a contract that this party has held once. Undefined: it never has. */
export async function founderOf(events: EventStore, contract: Uid): Promise<Handle | undefined> {
  for await (const event of events.read(CONTRACTS_STREAM)) {
    const held = contractHeldIn(event)
    if (held?.contract === contract && isTrue(held)) return held.founder.handle
  }
  return undefined
}
