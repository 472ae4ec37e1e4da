import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson, isCanonicalJson } from '../../crypto/canonical-json.ts'
import { HandleSchema, HashSchema, TimeSchema } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { parseStored } from '../../runtime/stored-json.ts'
import type { NewEvent, RecordedEvent } from '../../store/port.ts'
import { SignedIntroductionSchema } from './introduction.ts'

/** An event of the directory stream is not one that Concordata writes. Evidence: `revision`, `type`. */
export class DirectoryDamaged extends ConcordataError {}

const closed = { additionalProperties: false }

/** What happens in the directory: one schema an event, its data in the store. `time`: when, by this node's clock. */
const directoryEventSchemas = {
  /**
   * Somebody looked the party up, or, `unasked`, it introduced itself. It counts for nothing until it is approved. `insteadOf`:
   * whose introduction is not kept any more, to make room for this one.
   */
  PartyIntroduced: Type.Object(
    {
      signed: SignedIntroductionSchema,
      unasked: Type.Optional(Type.Literal(true)),
      insteadOf: Type.Optional(Type.Object({ handle: HandleSchema, fingerprint: HashSchema }, closed)),
      time: TimeSchema,
    },
    closed,
  ),
  /** A person has compared the fingerprint. */
  PartyApproved: Type.Object({ handle: HandleSchema, fingerprint: HashSchema, time: TimeSchema }, closed),
  /** Until it is approved again, this node neither calls the party nor answers it. */
  PartyBlocked: Type.Object(
    {
      handle: HandleSchema,
      fingerprint: HashSchema,
      reason: Type.Optional(Type.String({ maxLength: 500 })),
      time: TimeSchema,
    },
    closed,
  ),
  /** A newer introduction, under the keys that are known: another endpoint, certificate or name. */
  EndpointChanged: Type.Object({ signed: SignedIntroductionSchema, time: TimeSchema }, closed),
} as const

type EventType = keyof typeof directoryEventSchemas
type EventOf<T extends EventType> = { readonly type: T } & Static<(typeof directoryEventSchemas)[T]>
export type DirectoryEvent = { [T in EventType]: EventOf<T> }[EventType]

const forms = {
  PartyIntroduced: Compile(directoryEventSchemas.PartyIntroduced),
  PartyApproved: Compile(directoryEventSchemas.PartyApproved),
  PartyBlocked: Compile(directoryEventSchemas.PartyBlocked),
  EndpointChanged: Compile(directoryEventSchemas.EndpointChanged),
}

export function encodeDirectoryEvent({ type, ...data }: DirectoryEvent): NewEvent {
  return { type, data: canonicalJson(data) }
}

/** Throws DirectoryDamaged. */
export function decodeDirectoryEvent({ type, data, revision }: RecordedEvent): DirectoryEvent {
  const parsed = parse(data)
  if (Object.hasOwn(forms, type) && forms[type as EventType].Check(parsed) && isCanonicalJson(data, parsed)) {
    return { type, ...(parsed as object) } as DirectoryEvent
  }
  const message = `event ${revision} of the directory is no ${type} as Concordata writes it`
  throw new DirectoryDamaged('directory_damaged', message, { revision, event: type })
}

function parse(data: string): unknown {
  try {
    return parseStored(data)
  } catch {
    return undefined
  }
}
