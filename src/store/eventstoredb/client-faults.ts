import type { EventStoreDBClient } from '@eventstore/db-client'
import { understandable } from './client-errors.ts'

/** Receives what the client throws outside of any call. */
export type FaultReport = (error: Error) => void

/** Where the client's own code lies, and gRPC's, which it runs on. */
const CLIENT_FRAME = /[\\/]node_modules[\\/](?:@eventstore[\\/]db-client|@grpc[\\/]grpc-js)[\\/]/
const NODE_FRAME = /\(?node:/

/** What the client keeps to itself (6.2.1). */
interface Inside {
  /** Turns to another server after a failure: begun by each call that failed, and awaited by none. */
  handleError(client: unknown, error: Error): Promise<void>
  /** What opens the answer of a reading or a subscription. */
  GRPCStreamCreator(service: unknown, name: string, creator: StreamCreator, cache?: unknown): () => Promise<unknown>
}

type StreamCreator = (client: unknown) => Promise<NodeJS.EventEmitter>

const reports = new Set<FaultReport>()

/**
 * Mends two things of the client. It fails outside of any call while it looks for another server, since it waits for a discovery
 * that a later call has begun: each caller learns of it from its own call. And a reading whose error the client cannot take
 * apart would end as if there were no more events.
 */
export function contained(client: EventStoreDBClient): EventStoreDBClient {
  const inside = client as unknown as Inside
  const { handleError, GRPCStreamCreator } = inside
  inside.handleError = (...failed) => handleError(...failed).catch(() => {})
  inside.GRPCStreamCreator = (service, name, creator, cache) => {
    const understood: StreamCreator = async (of) =>
      (await creator(of)).prependListener('error', (error: Error) => void understandable(error))
    return GRPCStreamCreator(service, name, understood, cache)
  }
  return client
}

/**
 * From the first call on, for as long as the process lives, an exception or a rejection that the client raises outside of any
 * call does not end the process: listeners receive it until they unsubscribe; without a listener the process warns. The
 * call that it belongs to ends by its own time limit. Everything else ends the process as ever (decision 0067).
 */
export function containClientFaults(report: FaultReport): () => void {
  if (!process.listeners('uncaughtException').includes(judge)) process.on('uncaughtException', judge)
  // Two that report alike are two.
  const own: FaultReport = (error) => report(error)
  reports.add(own)
  return () => void reports.delete(own)
}

/** Whether the client's code raised it: the innermost frame that is not Node's own. */
export function isOfClient(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const innermost = frames.find((frame) => !NODE_FRAME.test(frame))
  return innermost !== undefined && CLIENT_FRAME.test(innermost)
}

/** Also of a rejection that nobody handles, which Node raises as an exception. */
function judge(error: unknown): void {
  if (isOfClient(error)) {
    if (reports.size === 0) process.emitWarning(error)
    for (const report of reports) report(error)
    return
  }
  // Somebody else judges, too.
  if (process.listenerCount('uncaughtException') > 1) return
  process.off('uncaughtException', judge)
  process.nextTick(() => {
    throw error
  })
}
