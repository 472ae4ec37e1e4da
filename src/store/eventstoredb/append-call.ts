import { type BaseOptions, convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import services from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js'
import messages from '@eventstore/db-client/generated/streams_pb.js'
import { StoreUnavailable } from '../errors.ts'
import type { NewEvent } from '../port.ts'
import { understandable } from './client-errors.ts'
import type { Connection } from './connection.ts'
import { safe, within } from './reading.ts'

/** Where the last event stands; the server may leave its position out. Undefined: the stream is not at that revision. */
export type Sent = { readonly revision: number; readonly position: number | undefined } | undefined

/** An event under the id by which the server knows it again. */
export interface NamedEvent extends NewEvent {
  readonly id: string
  /** Of the server itself, which reads it. */
  readonly isJson?: boolean
}

/**
 * What the client keeps to itself: to make a call on the connection of the moment, which it makes anew after a failure.
 * `append` of its own starts the call inside of an asynchronous executor: begun while a connection is let go, it never ends,
 * and its error, which nobody can catch, ends the process (6.2.1) (decision 0065).
 */
interface Calling {
  execute<Answer>(
    service: typeof StreamsClient,
    name: string,
    call: (streams: StreamsClient) => Promise<Answer>,
  ): Promise<Answer>
  callArguments(
    options: BaseOptions,
  ): Parameters<StreamsClient['append']> extends [...infer Given, unknown] ? Given : never
}

/** Appends to a stream as the server names it. `expected`: a revision, or as the protocol has it. Throws what the client throws, and StoreUnavailable. */
export async function sendAppend(
  { client, callOptions, timeoutMs }: Connection,
  stream: string,
  expected: number | 'any' | 'no_stream',
  events: readonly NamedEvent[],
  doing: string,
): Promise<Sent> {
  const requests = [header(stream, expected), ...events.map(proposal)]
  const answer = await within(timeoutMs, send(client, { ...callOptions, deadline: timeoutMs }, requests), doing)
  if (answer.hasWrongExpectedVersion()) return undefined
  const success = answer.getSuccess()
  if (success === undefined) {
    throw new StoreUnavailable('store_unavailable', `${doing}: EventStoreDB answers neither with yes nor with no`)
  }
  const commit = success.hasPosition() ? BigInt(success.getPosition()?.getCommitPosition() ?? -1) : undefined
  const isKnown = commit !== undefined && commit >= 0n && commit <= BigInt(Number.MAX_SAFE_INTEGER)
  const revision = safe(BigInt(success.getCurrentRevision()), stream)
  return { revision, position: isKnown ? Number(commit) : undefined }
}

function send(client: EventStoreDBClient, options: BaseOptions, requests: readonly AppendReq[]): Promise<AppendResp> {
  const calling = client as unknown as Calling
  return calling.execute(
    services.StreamsClient,
    'append',
    (streams) =>
      new Promise((resolve, reject) => {
        const call = streams.append(...calling.callArguments(options), (error, answer) => {
          if (error === null) resolve(answer)
          else reject(commandError(error))
        })
        call.on('error', (error: Error) => reject(commandError(error)))
        // No more than one append may have, so it need not wait for the connection to take it.
        for (const request of requests) call.write(request)
        call.end()
      }),
  )
}

function commandError(error: Error): Error {
  return convertToCommandError(understandable(error)) as Error
}

function header(stream: string, expected: number | 'any' | 'no_stream'): AppendReq {
  const identifier = new shared.StreamIdentifier()
  identifier.setStreamName(Buffer.from(stream))
  const options = new messages.AppendReq.Options()
  options.setStreamIdentifier(identifier)
  if (expected === 'any') options.setAny(new shared.Empty())
  else if (expected === 'no_stream') options.setNoStream(new shared.Empty())
  else options.setRevision(String(expected))
  const request = new messages.AppendReq()
  request.setOptions(options)
  return request
}

/** Ours are binary, since what is told to be JSON is JSON to the server's projections, and signatures stand on every character. */
function proposal({ id, type, data, isJson = false }: NamedEvent): AppendReq {
  const uuid = new shared.UUID()
  uuid.setString(id)
  const message = new messages.AppendReq.ProposedMessage()
  message.setId(uuid)
  message.getMetadataMap().set('type', type)
  message.getMetadataMap().set('content-type', isJson ? 'application/json' : 'application/octet-stream')
  message.setData(Buffer.from(data))
  const request = new messages.AppendReq()
  request.setProposedMessage(message)
  return request
}
