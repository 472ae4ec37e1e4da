import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Clock } from '../../runtime/clock.ts'
import { StoreUnavailable, WrongExpectedRevision } from '../../store/errors.ts'
import type { EventStore, RecordedEvent } from '../../store/port.ts'

/** How often something is appended behind what others have appended meanwhile, and by how much the pauses grow. Milliseconds. */
const RACES_MAX = 20
const RACE_PAUSE_MS = 5

/**
 * Appends one event to the end of a stream to which other processes of this party append, too. `isIt` recognizes an
 * event that makes this one superfluous. The end of the stream is taken from the refusal, since this process may not
 * be able to read all that others append. Returns the revision of the event; undefined: it was there already. Throws
 * StoreUnavailable where others were faster each time.
 */
export async function appendBehind(
  events: EventStore,
  clock: Clock,
  stream: string,
  { type, data }: { readonly type: string; readonly data: unknown },
  isIt?: (event: RecordedEvent) => boolean,
): Promise<number | undefined> {
  let expected = await events.lastRevision(stream)
  for (let race = 0; race < RACES_MAX; race++) {
    if (race > 0) await new Promise<void>((resolve) => clock.after(RACE_PAUSE_MS * (race - 1), resolve))
    try {
      return (await events.append(stream, expected, [{ type, data: canonicalJson(data) }])).revision
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error
      for await (const event of events.read(stream, { from: expected + 1 })) if (isIt?.(event)) return undefined
      expected = error.actual
    }
  }
  const message = `append to ${stream}: others were faster ${RACES_MAX} times`
  throw new StoreUnavailable('store_unavailable', message, { stream })
}
