import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { type About, AboutSchema } from '../../events/about.ts'
import { CONTENT_PIECE_BYTES, type NamedContent } from '../../events/attachments/content.ts'
import { type Charter, CharterSchema } from '../../events/charter.ts'
import {
  CountSchema,
  HashSchema,
  KeyNameSchema,
  type RequestRef,
  RequestRefSchema,
  SignatureSchema,
  type Uid,
  UidSchema,
} from '../../events/ids.ts'
import { type Revocation, RevocationSchema } from '../../events/parties/key-change.ts'
import { type Payloads, PayloadsSchema, type Request, RequestSchema } from '../../events/statement.ts'
import { ConcordataError, type ErrorCode, errorCodes } from '../../runtime/errors.ts'
import type { NewEvent, RecordedEvent } from '../../store/port.ts'
import { jsonIn } from '../signing/untrusted-json.ts'

/** An event in the command queue, or in the invitations, is not one that this program writes. */
export class AskMalformed extends ConcordataError {}

/** What a local user asks of the process that has the key. `contract`: of which contract; null of the node as a whole. */
export type AskedCommand =
  | {
      readonly kind: 'request'
      readonly request: Request
      readonly payloads: Payloads
      readonly retry?: true
      readonly traceparent?: string
    }
  | { readonly kind: 'withdraw'; readonly request: RequestRef; readonly about?: About }
  | { readonly kind: 'answer'; readonly request: RequestRef; readonly refusal: PersonsRefusal | null }
  | { readonly kind: 'accept' | 'decline' | 'keys' | 'prepare-revocation' | 'go-on' }
  | { readonly kind: 'rotate'; readonly name?: string }
  | { readonly kind: 'revoke'; readonly revocation: Revocation; readonly signature: string }
  | { readonly kind: 'open'; readonly title: string; readonly charter: Charter }
  /** Bytes of a content that a request is about to name, in base64url; and that all of them are there. */
  | { readonly kind: 'piece'; readonly content: NamedContent; readonly index: number; readonly piece: string }
  | { readonly kind: 'content'; readonly content: NamedContent }

/** A person's NO, and what the person has to say about it. */
export interface PersonsRefusal {
  readonly about?: About
}

export interface QueuedCommand {
  /** Of a `request`: the request's own id. */
  readonly id: string
  readonly contract: Uid | null
  readonly ask: AskedCommand
}

/** What became of it: carried out, with what that gave, or not, with a code of the registry. */
export type CommandResult =
  | { readonly id: string; readonly contract: Uid | null; readonly result: unknown }
  | { readonly id: string; readonly contract: Uid | null; readonly problem: Problem }

export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly evidence: Record<string, unknown>
}

/** A person's or a program's text; the limits of what becomes of it are checked where it is carried out. */
const TEXT_CHARACTERS_MAX = 100_000
const closed = { additionalProperties: false }
const Text = Type.String({ maxLength: TEXT_CHARACTERS_MAX })
const PersonsRefusalSchema = Type.Object({ about: Type.Optional(AboutSchema) }, closed)
const ContentSchema = Type.Object({ bytes: Type.Integer({ minimum: 1 }), hash: HashSchema, name: HashSchema }, closed)
const PieceSchema = Type.String({ minLength: 2, maxLength: Math.ceil((CONTENT_PIECE_BYTES * 4) / 3) })
const askForms = {
  request: Compile(
    Type.Object(
      {
        kind: Type.Literal('request'),
        request: RequestSchema,
        payloads: PayloadsSchema,
        retry: Type.Optional(Type.Literal(true)),
        traceparent: Type.Optional(Type.String({ pattern: '^[0-9a-f-]{55}$' })),
      },
      closed,
    ),
  ),
  withdraw: Compile(
    Type.Object(
      { kind: Type.Literal('withdraw'), request: RequestRefSchema, about: Type.Optional(AboutSchema) },
      closed,
    ),
  ),
  answer: Compile(
    Type.Object(
      {
        kind: Type.Literal('answer'),
        request: RequestRefSchema,
        refusal: Type.Union([PersonsRefusalSchema, Type.Null()]),
      },
      closed,
    ),
  ),
  accept: Compile(Type.Object({ kind: Type.Literal('accept') }, closed)),
  decline: Compile(Type.Object({ kind: Type.Literal('decline') }, closed)),
  rotate: Compile(Type.Object({ kind: Type.Literal('rotate'), name: Type.Optional(KeyNameSchema) }, closed)),
  keys: Compile(Type.Object({ kind: Type.Literal('keys') }, closed)),
  'prepare-revocation': Compile(Type.Object({ kind: Type.Literal('prepare-revocation') }, closed)),
  'go-on': Compile(Type.Object({ kind: Type.Literal('go-on') }, closed)),
  revoke: Compile(
    Type.Object({ kind: Type.Literal('revoke'), revocation: RevocationSchema, signature: SignatureSchema }, closed),
  ),
  piece: Compile(
    Type.Object(
      { kind: Type.Literal('piece'), content: ContentSchema, index: CountSchema, piece: PieceSchema },
      closed,
    ),
  ),
  content: Compile(Type.Object({ kind: Type.Literal('content'), content: ContentSchema }, closed)),
  open: Compile(Type.Object({ kind: Type.Literal('open'), title: Text, charter: CharterSchema }, closed)),
}
const isKind = (kind: unknown): kind is keyof typeof askForms =>
  typeof kind === 'string' && Object.hasOwn(askForms, kind)

const Id = Type.String({ minLength: 1, maxLength: 256 })
const Contract = Type.Union([UidSchema, Type.Null()])
const queuedForm = Compile(
  Type.Object({ id: Id, contract: Contract, ask: Type.Object({ kind: Type.String() }) }, closed),
)
const signedForm = Compile(Type.Object({ id: Id, contract: Contract, result: Type.Unknown() }, closed))
const rejectedForm = Compile(
  Type.Object(
    {
      id: Id,
      contract: Contract,
      problem: Type.Object({ code: Text, message: Text, evidence: Type.Record(Type.String(), Type.Unknown()) }, closed),
    },
    closed,
  ),
)
const throughForm = Compile(Type.Object({ through: Type.Integer({ minimum: -1 }) }, closed))

export function queued(ask: QueuedCommand): NewEvent {
  return { type: 'IntentQueued', data: canonicalJson(ask) }
}

export function done(outcome: CommandResult): NewEvent {
  return { type: 'problem' in outcome ? 'IntentRejected' : 'IntentSigned', data: canonicalJson(outcome) }
}

/** All commands up to that revision of the queue are done. */
export function doneThrough(through: number): NewEvent {
  return { type: 'IntentsDone', data: canonicalJson({ through }) }
}

export type OutboxEvent =
  | { readonly queued: QueuedCommand }
  | { readonly done: CommandResult }
  | { readonly through: number }

/** Throws AskMalformed. */
export function decodeOutbox({ type, data, stream, revision }: RecordedEvent): OutboxEvent {
  const parsed = jsonIn(data)
  if (type === 'IntentQueued' && queuedForm.Check(parsed)) {
    const { kind } = parsed.ask
    if (isKind(kind) && askForms[kind].Check(parsed.ask)) {
      const asked = parsed as unknown as QueuedCommand
      if (asked.ask.kind !== 'request' || asked.ask.request.id === asked.id) return { queued: asked }
    }
  }
  if (type === 'IntentSigned' && signedForm.Check(parsed)) return { done: parsed as CommandResult }
  if (type === 'IntentRejected' && rejectedForm.Check(parsed)) return { done: parsed as unknown as CommandResult }
  if (type === 'IntentsDone' && throughForm.Check(parsed)) return parsed
  throw askMalformed({ stream, revision })
}

export function askMalformed({ stream, revision }: Pick<RecordedEvent, 'stream' | 'revision'>): AskMalformed {
  const message = `event ${revision} of ${stream} does not have the form of what stands there`
  return new AskMalformed('ask_malformed', message, { stream, revision })
}

/**
 * The same for commands of the process without keys, the least trusted one: a malformed command is reported and
 * skipped, since nobody can carry it out.
 */
export function askIn(event: RecordedEvent, failed: (error: unknown) => void): OutboxEvent | undefined {
  try {
    return decodeOutbox(event)
  } catch (error) {
    if (!(error instanceof AskMalformed)) throw error
    failed(error)
    return undefined
  }
}

/** How a failure is reported to another process. */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof ConcordataError)) return undefined
  const { code, message, evidence } = error
  return { code, message, evidence: JSON.parse(JSON.stringify(evidence)) }
}

/** What the process with the key has refused; told as if it had been refused here. */
export class AskRefused extends ConcordataError {}

export function errorOf({ code, message, evidence }: Problem): AskRefused {
  return new AskRefused(Object.hasOwn(errorCodes, code) ? code : 'ask_malformed', message, evidence)
}
