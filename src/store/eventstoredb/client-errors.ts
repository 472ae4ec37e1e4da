import {
  AccessDeniedError,
  convertToCommandError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
} from '@eventstore/db-client'
import { ConcordataError } from '../../runtime/errors.ts'
import { StoreAccessDenied, StoreCorrupt, StoreUnavailable, StoreWriteTooLarge } from '../errors.ts'

/** gRPC status codes. */
const PERMISSION_DENIED = 7
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16
/** How often a call is made again with whom the server has named as the leader. */
const LEADER_CHANGES_MAX = 5

/** Makes a call, once more with whom the server names as leader: the client has turned to that one then. Nothing was done before. */
export async function withLeader<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let changes = 0; ; changes++) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof NotLeaderError) || changes === LEADER_CHANGES_MAX) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** The same for a reading: only the first event can say that another one leads. */
export async function* readWithLeader<Item>(reading: () => AsyncGenerator<Item>): AsyncGenerator<Item> {
  const { first, items } = await withLeader(async () => {
    const items = reading()
    return { first: await items.next(), items }
  })
  if (first.done === true) return
  try {
    yield first.value
    yield* items
  } finally {
    await items.return(undefined)
  }
}

/**
 * The error of a call, so that the client can take it apart. Its own way to do so throws where a server that does not lead
 * does not say who does: then it is an error of a server that cannot be had, after which the client looks for the leader.
 */
export function understandable(error: Error): Error {
  try {
    convertToCommandError(error)
  } catch {
    const { metadata } = error as { metadata?: { remove(name: string): void } }
    metadata?.remove('exception')
    Object.assign(error, { code: UNAVAILABLE })
  }
  return error
}

/** Whether the server does not know the user, or the password is wrong. */
export function isUnauthenticated(error: unknown): boolean {
  return (error as { code?: unknown }).code === UNAUTHENTICATED
}

/**
 * What the client threw, as an error of the port. Some of its errors have an empty message, some have no type but a gRPC
 * code, and what it does not know means that the call did not come through: the outcome of a write is unknown.
 */
export function toStoreError(error: unknown, doing: string): ConcordataError {
  if (error instanceof ConcordataError) return error
  const { code, message } = error as { code?: unknown; message?: string }
  if (isUnauthenticated(error)) {
    return new StoreAccessDenied(`${doing}: EventStoreDB knows no such user, or the password is wrong`, {
      cause: error,
    })
  }
  if (error instanceof AccessDeniedError || code === PERMISSION_DENIED) {
    return new StoreAccessDenied(`${doing}: EventStoreDB does not allow it to this user`, { cause: error })
  }
  if (error instanceof StreamDeletedError) {
    return new StoreCorrupt('store_corrupt', `${doing}: somebody has deleted the stream for good`, {}, { cause: error })
  }
  if (error instanceof MaxAppendSizeExceededError) {
    return new StoreWriteTooLarge(doing, 'append', error.maxAppendSize, { cause: error })
  }
  const why = message || (error as { type?: string }).type || 'no answer'
  return new StoreUnavailable('store_unavailable', `${doing}: EventStoreDB: ${why}`, {}, { cause: error })
}
