import { type Static, Type } from 'typebox'
import type { Hash } from '../crypto/hash.ts'
import { AudienceSchema } from './audience.ts'
import {
  CountSchema,
  type Handle,
  HandleSchema,
  HashSchema,
  RequestRefSchema,
  SaltSchema,
  SignatureSchema,
  TimeSchema,
  UidSchema,
} from './ids.ts'
import { ceilings } from './limits.ts'
import { type KeyChange, KeyChangeSchema } from './parties/key-change.ts'
import { RefusalCodeSchema, WithdrawalCodeSchema } from './reasons.ts'

const closed = { additionalProperties: false }
/** Seal of what a person has to say about it (about.ts). Nobody waits for what is under it. */
const AboutSeal = Type.Optional(HashSchema)
/** Who gets what is under it: the audience of what it is about. Left out: everybody. */
const AboutAudience = Type.Optional(AudienceSchema)

/**
 * One imperative step. Only its envelope is checked here: an unknown or malformed command makes its request `void`
 * at its place in the ledger, it does not make the statement invalid (design §3).
 */
export const CommandEnvelopeSchema = Type.Object(
  { type: Type.String({ minLength: 1, maxLength: 64 }) },
  { title: 'Command', additionalProperties: Type.Unknown() },
)

export const RequestSchema = Type.Object(
  {
    /** The author's own name for its intent, to find it again. Not unique by any promise. */
    id: Type.String({ minLength: 1, maxLength: 64 }),
    /** It counts only if the author, having seen everybody's answer, confirms it. */
    tentative: Type.Optional(Type.Literal(true)),
    /** Until when the author means to wait. Only said; decides nothing. */
    deadline: Type.Optional(TimeSchema),
    /** What it says of elements and values is voted, and takes effect, as one (design §5). */
    changeSet: Type.Optional(Type.Literal(true)),
    about: AboutSeal,
    /** Seal of who asked for it at the author's company. Nobody waits for what is under it. */
    user: Type.Optional(HashSchema),
    commands: Type.Array(CommandEnvelopeSchema, { minItems: 1, maxItems: ceilings.commandsPerRequest }),
  },
  closed,
)
export type Request = Static<typeof RequestSchema>

export const FrontierSchema = Type.Record(HandleSchema, Type.Object({ seq: CountSchema, hash: HashSchema }, closed), {
  ...closed,
  maxProperties: ceilings.members,
})
/** For each party the newest statement held (or covered) of it. Shape: `{ [handle]: { seq, hash } }`. */
export type Frontier = { readonly [handle: Handle]: { readonly seq: number; readonly hash: Hash } }

/** Its places with their handles, which the type system forgets in `Object.entries`. */
export function placesOf(frontier: Frontier): [Handle, { readonly seq: number; readonly hash: Hash }][] {
  return Object.entries(frontier) as [Handle, { readonly seq: number; readonly hash: Hash }][]
}

export const HeadSchema = Type.Object({ size: CountSchema, root: HashSchema, record: HashSchema }, closed)
/** Size and Merkle root of a ledger, and the hash of the document after its last entry. */
export type Head = Static<typeof HeadSchema>

export const RefusalSchema = Type.Object(
  { request: RequestRefSchema, code: RefusalCodeSchema, about: AboutSeal, audience: AboutAudience },
  closed,
)
export type Refusal = Static<typeof RefusalSchema>

export const DecisionSchema = Type.Union([
  Type.Object({ request: RequestRefSchema, decision: Type.Literal('confirmed') }, closed),
  Type.Object(
    {
      request: RequestRefSchema,
      decision: Type.Literal('withdrawn'),
      code: WithdrawalCodeSchema,
      about: AboutSeal,
      audience: AboutAudience,
    },
    closed,
  ),
])
export type Decision = Static<typeof DecisionSchema>

export const NoteSchema = Type.Object(
  { size: CountSchema, root: HashSchema, time: CountSchema, signature: SignatureSchema },
  closed,
)
/** A cosignature on the newest settled head, made over the C2SP signed note (merkle/note.ts). `time`: Unix seconds. The record hash
 * is not in it: it stands in the leaf before. */
export type Note = Static<typeof NoteSchema>

export const StatementSchema = Type.Object(
  {
    v: Type.Literal(1),
    contract: UidSchema,
    party: HandleSchema,
    seq: CountSchema,
    prev: Type.Union([HashSchema, Type.Null()]),
    clock: CountSchema,
    time: TimeSchema,
    seen: FrontierSchema,
    refusals: Type.Array(RefusalSchema, { maxItems: ceilings.requestsPerStatement }),
    decided: Type.Array(DecisionSchema, { maxItems: ceilings.requestsPerStatement }),
    requests: Type.Array(RequestSchema, { maxItems: ceilings.requestsPerStatement }),
    head: HeadSchema,
    key: Type.Optional(KeyChangeSchema),
    note: Type.Optional(NoteSchema),
  },
  closed,
)

/** What one party signs, and the only thing that crosses the network about a contract (design §3). */
export interface Statement {
  readonly v: 1
  readonly contract: Static<typeof UidSchema>
  readonly party: Handle
  readonly seq: number
  /** Hash of the party's previous statement; null only at seq 0. */
  readonly prev: Hash | null
  /** Exactly 1 + the greatest clock among `prev` and all that the statement covers. */
  readonly clock: number
  /** RFC 3339; the party's own claim, decides nothing. */
  readonly time: string
  readonly seen: Frontier
  readonly refusals: readonly Refusal[]
  readonly decided: readonly Decision[]
  readonly requests: readonly Request[]
  /** Of the ledger that the statement's causal past, itself included, acknowledges. */
  readonly head: Head
  readonly key?: KeyChange
  readonly note?: Note
}

/** A statement before its head is known: what the core hash is taken over, together with no `note`. */
export type StatementCore = Omit<Statement, 'head' | 'note'>

export const PayloadSchema = Type.Object({ salt: SaltSchema, value: Type.Unknown() }, closed)
/** An opened seal: the value, and the 16 random bytes (base64url) that keep it from being guessed. */
export interface Payload {
  readonly salt: string
  readonly value: unknown
}
export const PayloadsSchema = Type.Record(HashSchema, PayloadSchema, closed)
export type Payloads = { readonly [seal: Hash]: Payload }

export const SignedSchema = Type.Object(
  {
    payloads: PayloadsSchema,
    signature: SignatureSchema,
    statement: StatementSchema,
  },
  closed,
)

export const StoredSchema = Type.Object({ signature: SignatureSchema, statement: StatementSchema }, closed)
