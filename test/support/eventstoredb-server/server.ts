import { setTimeout as pause } from 'node:timers/promises'
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import services from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type {
  AppendReq,
  AppendResp,
  DeleteReq,
  DeleteResp,
  TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { Metadata, ServerReadableStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import grpc from '@grpc/grpc-js'
import { freePort } from '../../../src/cli/demo/free-port.ts'
import { type Access, credentialsIn, type Right } from './access.ts'
import { APPEND_BYTES_MAX, type AppendOutcome, Database, type Expected } from './database.ts'
import { type Member, tellMembers } from './members.ts'
import {
  commitTimeout,
  expectedIn,
  failure,
  nameIn,
  noLeader,
  notLeader,
  notReady,
  proposedIn,
  streamDeleted,
  tooLarge,
} from './messages.ts'
import { answerRead, type ReadCall } from './reading.ts'
import { Slowness } from './slowness.ts'

/** What the server does to its callers, when a test wants it. */
export interface Faults {
  /** Every call fails as it does while the server starts. */
  isStarting: boolean
  /** The next append is stored, but its caller is cut off instead of answered. */
  cutNextAnswer: boolean
  /** The next append is not stored, and its caller is cut off. */
  cutNextAppend: boolean
  /** Another server of the cluster leads: who asks for the leader is sent there. Its port; undefined: this one leads. */
  leader: number | undefined
  /** It leads nobody any more: what it has begun to append is cut off, one after another, and all else refused. */
  hasLostQuorum: boolean
  /** It follows, and does not know whom: who asks for the leader is told just that. */
  knowsNoLeader: boolean
  /** It stands still in the middle of an append, a reading or a subscription. */
  readonly slowness: Slowness
  /** Each append and each reading waits for it before it is done, and is named to it. */
  gate?: (call: string) => Promise<void>
}

export interface EventStoreDbServer {
  /** `esdb://127.0.0.1:port`, with `?tls=false` if that is so. */
  readonly url: string
  readonly port: number
  readonly faults: Faults
  readonly database: Database
  /** Breaks every connection, and answers nobody any more; its data may live on with another server of the cluster. */
  stop(): void
  /** The same, and lets go of the data; what it then has is durable. */
  close(): void
}

export interface ServerOptions {
  /** Default: any that is free. */
  readonly port?: number
  /** PEM. Left out: without TLS, and nobody is asked who he is. */
  readonly tls?: { readonly key: string; readonly certificate: string; readonly passwords: Record<string, string> }
  /** Users and ACLs, as on a server that is not run insecurely; users are made over HTTP. */
  readonly access?: Access
  /** Of another server: both are of one cluster then, and have the same at once. */
  readonly database?: Database
  /** What it tells of the cluster to whoever looks for the leader. */
  members?(): readonly Member[]
}

/** Our reading of the protocol (README.md); the data lie in the directory. */
export async function startServer(directory: string, options: ServerOptions = {}): Promise<EventStoreDbServer> {
  const { port = await freePort(), tls, access } = options
  const database = options.database ?? new Database(directory)
  await access?.keepIn(database)
  const slowness = new Slowness()
  const faults: Faults = {
    isStarting: false,
    cutNextAnswer: false,
    cutNextAppend: false,
    leader: undefined,
    hasLostQuorum: false,
    knowsNoLeader: false,
    slowness,
  }
  const refusal = (metadata: Metadata) => {
    if (faults.isStarting) return notReady()
    if (faults.knowsNoLeader && metadata.get('requires-leader')[0] === 'true') return noLeader()
    if (faults.leader !== undefined && metadata.get('requires-leader')[0] === 'true') return notLeader(faults.leader)
    if (access !== undefined)
      return access.userOf(authorizationIn(metadata)) === undefined ? unauthenticated() : undefined
    return tls === undefined || isKnown(metadata, tls.passwords) ? undefined : unauthenticated()
  }
  const denial = (metadata: Metadata, right: Right, stream: string) => {
    const user = access?.userOf(authorizationIn(metadata))
    return user === undefined || access?.allows(database, user, right, stream) === true ? undefined : denied()
  }
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 })
  server.addService(services.StreamsService as unknown as grpc.ServiceDefinition, {
    read: (call: ReadCall) => {
      const refused = faults.hasLostQuorum ? notReady() : refusal(call.metadata)
      const denies = refused ?? denial(call.metadata, '$r', streamRead(call))
      if (denies !== undefined) call.emit('error', denies)
      else if (call.request.getOptions()?.hasSubscription()) answerRead(database, slowness, call)
      else passing(faults, `read ${streamRead(call)}`, () => answerRead(database, slowness, call))
    },
    append: (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>) => {
      const refused = refusal(call.metadata)
      if (refused !== undefined) answer(refused)
      else answerAppend(database, faults, call, answer, (stream) => denial(call.metadata, '$w', stream))
    },
    delete: (call: ServerUnaryCall<DeleteReq, DeleteResp>, answer: sendUnaryData<DeleteResp>) => {
      const refused = refusal(call.metadata)
      const denies = refused ?? denial(call.metadata, '$d', nameIn(call.request.getOptions()?.getStreamIdentifier()))
      if (denies !== undefined) answer(denies)
      else answerDelete(database, call, answer)
    },
    tombstone: (call: ServerUnaryCall<TombstoneReq, TombstoneResp>, answer: sendUnaryData<TombstoneResp>) => {
      const refused = refusal(call.metadata)
      const denies = refused ?? denial(call.metadata, '$d', nameIn(call.request.getOptions()?.getStreamIdentifier()))
      if (denies !== undefined) answer(denies)
      else answerTombstone(database, call, answer)
    },
  })
  const { members } = options
  if (members !== undefined) server.addService(gossip.GossipService as never, tellMembers(members))
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentialsFor(tls), (error, port) => {
      if (error === null) resolve(port)
      else reject(error)
    })
  })
  return {
    url: `esdb://127.0.0.1:${bound}${tls === undefined ? '?tls=false' : ''}`,
    port: bound,
    faults,
    database,
    stop: () => server.forceShutdown(),
    close: () => {
      server.forceShutdown()
      if (options.database === undefined) database.close()
    },
  }
}

async function passing({ gate }: Faults, call: string, answer: () => Promise<void>): Promise<void> {
  await gate?.(call)
  await answer()
}

function credentialsFor(tls: ServerOptions['tls']): grpc.ServerCredentials {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure()
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) }
  return grpc.ServerCredentials.createSsl(null, [pair])
}

function authorizationIn(metadata: Metadata): string {
  return String(metadata.get('authorization')[0] ?? '')
}

function isKnown(metadata: Metadata, passwords: Record<string, string>): boolean {
  const { user, password } = credentialsIn(authorizationIn(metadata))
  return Object.hasOwn(passwords, user) && passwords[user] === password
}

/** The stream that a reading is about; `$all` for all of them. */
function streamRead(call: ReadCall): string {
  const options = call.request.getOptions()
  return options?.hasStream() ? nameIn(options.getStream()?.getStreamIdentifier()) : '$all'
}

/** What the client takes for its AccessDeniedError, with code 7 where each call has credentials of its own. */
const denied = () => failure(grpc.status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })

const unauthenticated = () => failure(grpc.status.UNAUTHENTICATED, 'Bad HTTP status code: 401')

const cut = () => failure(grpc.status.UNAVAILABLE, 'Connection dropped')

/** How far apart the appends are cut off that a leader had begun when it lost its quorum. Milliseconds. */
const CUT_PAUSE_MS = 250
const lastCuts = new WeakMap<Database, Promise<void>>()

async function cutInTurn(database: Database) {
  const turn = (lastCuts.get(database) ?? Promise.resolve()).then(() => pause(CUT_PAUSE_MS))
  lastCuts.set(database, turn)
  await turn
  return cut()
}

async function answerAppend(
  database: Database,
  faults: Faults,
  call: ServerReadableStream<AppendReq, AppendResp>,
  answer: sendUnaryData<AppendResp>,
  denialOf: (stream: string) => ReturnType<typeof denied> | undefined,
): Promise<void> {
  const messages: AppendReq[] = []
  try {
    for await (const message of call) messages.push(message as AppendReq)
  } catch {
    // The caller is gone in the middle of it: then nothing of it counts.
    return
  }
  const [header, ...rest] = messages
  const options = header?.getOptions()
  const events = rest.map((message) => message.getProposedMessage()).filter((event) => event !== undefined)
  if (options === undefined) return answer(failure(grpc.status.INVALID_ARGUMENT, 'An append begins with its options.'))
  const stream = nameIn(options.getStreamIdentifier())
  const expected = expectedIn(options)
  const denies = denialOf(stream)
  if (denies !== undefined) return answer(denies)
  if (faults.cutNextAppend) {
    faults.cutNextAppend = false
    return answer(cut())
  }
  await faults.slowness.step('append')
  await faults.gate?.(`append ${stream}`)
  if (faults.hasLostQuorum) return answer(await cutInTurn(database))
  const outcome = await database.append(stream, expected, events.map(proposedIn))
  if (faults.cutNextAnswer) {
    faults.cutNextAnswer = false
    return answer(cut())
  }
  if (outcome.kind === 'deleted') answer(streamDeleted(stream))
  else if (outcome.kind === 'too-large') answer(tooLarge(APPEND_BYTES_MAX))
  else if (outcome.kind === 'dropped') answer(commitTimeout())
  else answer(null, appendAnswer(outcome, expected))
}

type Answerable = Extract<AppendOutcome, { kind: 'done' } | { kind: 'wrong-version' }>

function appendAnswer(outcome: Answerable, expected: Expected): AppendResp {
  const response = new streams.AppendResp()
  if (outcome.kind === 'wrong-version') {
    const wrong = new streams.AppendResp.WrongExpectedVersion()
    if (outcome.actual < 0) wrong.setCurrentNoStream(new shared.Empty())
    else wrong.setCurrentRevision(String(outcome.actual))
    if (typeof expected === 'number') wrong.setExpectedRevision(String(expected))
    else if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty())
    else if (expected === 'stream_exists') wrong.setExpectedStreamExists(new shared.Empty())
    response.setWrongExpectedVersion(wrong)
    return response
  }
  const success = new streams.AppendResp.Success()
  if (outcome.revision < 0) success.setNoStream(new shared.Empty())
  else success.setCurrentRevision(String(outcome.revision))
  if (outcome.position === undefined) success.setNoPosition(new shared.Empty())
  else {
    const position = new streams.AppendResp.Position()
    position.setCommitPosition(String(outcome.position))
    position.setPreparePosition(String(outcome.position))
    success.setPosition(position)
  }
  response.setSuccess(success)
  return response
}

async function answerDelete(
  database: Database,
  call: ServerUnaryCall<DeleteReq, DeleteResp>,
  answer: sendUnaryData<DeleteResp>,
): Promise<void> {
  const options = call.request.getOptions()
  const stream = nameIn(options?.getStreamIdentifier())
  const expected = options?.hasRevision() ? Number(options.getRevision()) : 'any'
  const outcome = await database.delete(stream, expected, false)
  if (outcome.kind === 'done') return answer(null, new streams.DeleteResp())
  answer(
    outcome.kind === 'deleted' ? streamDeleted(stream) : failure(grpc.status.FAILED_PRECONDITION, 'Wrong version.'),
  )
}

async function answerTombstone(
  database: Database,
  call: ServerUnaryCall<TombstoneReq, TombstoneResp>,
  answer: sendUnaryData<TombstoneResp>,
): Promise<void> {
  const stream = nameIn(call.request.getOptions()?.getStreamIdentifier())
  const outcome = await database.delete(stream, 'any', true)
  if (outcome.kind === 'done') answer(null, new streams.TombstoneResp())
  else answer(streamDeleted(stream))
}
