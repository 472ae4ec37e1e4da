import type { Uid } from '../../events/ids.ts'
import { StoreUnavailable, WrongExpectedRevision } from '../../store/errors.ts'
import type { Store, Write } from '../../store/port.ts'

/**
 * Writes what is to become durable, but for what another process of this party has stored of it since: the same events at the same
 * places. It may stand there and not be readable yet as what is held, since the entries that it follows from have not settled. Throws
 * WrongExpectedRevision where something else stands there, and what the store throws.
 */
export async function writeBeyond(store: Store, writes: readonly Write[]): Promise<void> {
  for (let left = writes; left.length > 0; ) {
    try {
      await store.write(left)
      return
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error
      const beyond = await beyondWhatStands(store, left)
      if (beyond === undefined) throw error
      left = beyond
    }
  }
}

/** Undefined: something else stands there, or nothing of it. */
async function beyondWhatStands({ events: stored }: Store, writes: readonly Write[]): Promise<Write[] | undefined> {
  const left: Write[] = []
  let standing = 0
  for (const write of writes) {
    if (write.kind !== 'append' || write.expectedRevision === 'any') {
      left.push(write)
      continue
    }
    const { stream, expectedRevision, events } = write
    let there = 0
    for await (const { type, data } of stored.read(stream, { from: expectedRevision + 1, limit: events.length })) {
      if (type !== events[there]?.type || data !== events[there]?.data) return undefined
      there++
    }
    standing += there
    const rest = events.slice(there)
    // Each by itself: what it went along with may be gone.
    if (rest.length > 0) left.push({ kind: 'append', stream, expectedRevision: expectedRevision + there, events: rest })
  }
  return standing === 0 ? undefined : left
}

/** Another process of this party has made a statement meanwhile: the turn is taken anew. */
export class OvertakenError extends Error {}

/** How often a turn is taken anew because another process of this party was faster. */
const RACES_MAX = 20

/** Takes a turn, and takes it anew, after `lost`, for each time that another process of this party was faster. */
export async function untilFirst<Result>(
  contract: Uid,
  lost: () => void,
  turn: () => Promise<Result>,
): Promise<Result> {
  for (let race = 0; ; race++) {
    try {
      return await turn()
    } catch (error) {
      const isRace = error instanceof WrongExpectedRevision || error instanceof OvertakenError
      if (!isRace) throw error
      if (race === RACES_MAX) throw error instanceof OvertakenError ? (error.cause ?? tooSlow(contract)) : error
      lost()
    }
  }
}

/** Nothing is wrong, and it is tried again: the others do what this one would do. */
function tooSlow(contract: Uid): StoreUnavailable {
  const message = `other processes of this party were faster ${RACES_MAX} times`
  return new StoreUnavailable('store_unavailable', message, { contract })
}
