import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type { AppendReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { Metadata } from '@grpc/grpc-js'
import grpc from '@grpc/grpc-js'
import type { Expected, Proposed, Stored } from './database.ts'

/** .NET counts time in units of 100 ns. */
const TICKS_PER_MS = 10_000n

export function nameIn(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString()
}

export function identifierOf(stream: string): StreamIdentifier {
  const identifier = new shared.StreamIdentifier()
  identifier.setStreamName(Buffer.from(stream))
  return identifier
}

export function uuidOf(text: string): UUID {
  const uuid = new shared.UUID()
  uuid.setString(text)
  return uuid
}

/** What an append brings with it; both kinds of append say it with the same fields. */
export function proposedIn(message: AppendReq.ProposedMessage): Proposed {
  return {
    id: message.getId()?.getString() ?? '',
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: Buffer.from(message.getData_asU8()),
    metadata: Buffer.from(message.getCustomMetadata_asU8()),
  }
}

export function readEvent(event: Stored): ReadResp {
  const record = new streams.ReadResp.ReadEvent.RecordedEvent()
  record.setId(uuidOf(event.id))
  record.setStreamIdentifier(identifierOf(event.stream))
  record.setStreamRevision(String(event.revision))
  record.setCommitPosition(String(event.position))
  record.setPreparePosition(String(event.position))
  record.getMetadataMap().set('type', event.type)
  record.getMetadataMap().set('content-type', event.contentType)
  record.getMetadataMap().set('created', String(BigInt(event.createdMs) * TICKS_PER_MS))
  record.setCustomMetadata(event.metadata)
  record.setData(event.data)
  const read = new streams.ReadResp.ReadEvent()
  read.setEvent(record)
  read.setCommitPosition(String(event.position))
  const response = new streams.ReadResp()
  response.setEvent(read)
  return response
}

export function notFound(stream: string): ReadResp {
  const missing = new streams.ReadResp.StreamNotFound()
  missing.setStreamIdentifier(identifierOf(stream))
  const response = new streams.ReadResp()
  response.setStreamNotFound(missing)
  return response
}

/** An error as the server sends it: the client tells its kind by the `exception` in the trailing metadata. */
export function failure(code: number, details: string, trailers: Record<string, string> = {}) {
  const metadata: Metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value)
  return Object.assign(new Error(details), { code, details, metadata })
}

export const streamDeleted = (stream: string) =>
  failure(grpc.status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  })

export const tooLarge = (bytesMax: number) =>
  failure(grpc.status.INVALID_ARGUMENT, `Maximum Append Size of ${bytesMax} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(bytesMax),
  })

export const notLeader = (port: number) =>
  failure(grpc.status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': '127.0.0.1',
    'leader-endpoint-port': String(port),
  })

/** Of one that does not know itself who leads. */
export const noLeader = () => failure(grpc.status.NOT_FOUND, 'No leader info available', { exception: 'not-leader' })

/** Of an append that was dropped. */
export const commitTimeout = () => failure(grpc.status.ABORTED, 'Operation timed out: Commit phase timeout')

export const notReady = () => failure(grpc.status.UNKNOWN, 'Could not recognize Server Is Not Ready')

export function expectedIn(options: AppendReq.Options): Expected {
  if (options.hasAny()) return 'any'
  if (options.hasNoStream()) return 'no_stream'
  return options.hasStreamExists() ? 'stream_exists' : Number(options.getRevision())
}
