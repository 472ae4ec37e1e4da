import type { Uid } from '../../events/ids.ts'
import { StoreUnavailable, WrongExpectedRevision } from '../../store/errors.ts'

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
