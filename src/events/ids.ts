import { type TSchema, Type } from 'typebox'
import { HASH_PATTERN, type Hash } from '../crypto/hash.ts'
import { PUBLIC_KEY_PATTERN, SIGNATURE_PATTERN } from '../crypto/tagged.ts'

declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** A contract's universal identifier, bound to its founder: 256 bits in lower-case Crockford base32, 52 characters (uid.ts). */
export type Uid = Branded<string, 'Uid'>
/** A party's short name inside a contract, such as `acme-re`. Never used twice in a contract. */
export type Handle = Branded<string, 'Handle'>
/** Place of a statement in its party's feed, from 0; equals the stream revision. */
export type Seq = number
/** Place of an entry in the ledger, from 0; equals the Merkle leaf index. */
export type LedgerIndex = number
/** Of the code and tables that judge a ledger (design §5 *Engines*), from 1. */
export type EngineVersion = number
/** Ordinals on the way from the document root to an element: `0` is the root, `0.3.12` child 12 of its child 3. */
export type ElementId = Branded<string, 'ElementId'>
/**
 * A proposal is named by the command that made it: `<handle>.<seq>.<index>.<command>`; a value that a rule has computed at a ledger
 * index `rule:<rule>.<index>`, and in an entry of a list behind that the ordinals of its field.
 */
export type ProposalId = Branded<string, 'ProposalId'>

const branded = <T>(schema: TSchema) => Type.Unsafe<T>(schema)

export const UID_PATTERN = '^[01][0-9a-hjkmnp-tv-z]{51}$'
export const HANDLE_PATTERN = '^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$'
/** Of what `requestKey` makes. */
export const REQUEST_KEY_PATTERN = `${HANDLE_PATTERN.slice(0, -1)}\\.(?:0|[1-9][0-9]{0,15})\\.(?:0|[1-9][0-9]{0,5})$`
export const PROPOSAL_PATTERN =
  '^(?:[a-z0-9-]{1,32}(?:\\.(?:0|[1-9][0-9]{0,15})){3}|rule:[1-9][0-9]{0,6}(?:\\.(?:0|[1-9][0-9]{0,15}))+)$'

export const UidSchema = branded<Uid>(Type.String({ pattern: UID_PATTERN }))
export const HandleSchema = branded<Handle>(Type.String({ pattern: HANDLE_PATTERN }))
/** Under which a signing key was asked for: a MAC. */
export const KeyNameSchema = Type.String({ pattern: '^[\\w-]{22}$' })
export const HashSchema = branded<Hash>(Type.String({ pattern: HASH_PATTERN }))
export const CountSchema = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const EngineVersionSchema = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
/** Long enough for ordinals of nine digits at the greatest depth, 64 (limits.ts). */
export const ElementIdSchema = branded<ElementId>(
  Type.String({ pattern: '^0(?:\\.(?:0|[1-9][0-9]{0,8}))*$', maxLength: 641 }),
)
export const OrdinalSchema = Type.Integer({ minimum: 0, maximum: 999_999_999 })
export const ProposalIdSchema = branded<ProposalId>(
  Type.String({
    pattern: PROPOSAL_PATTERN,
    maxLength: 700,
  }),
)
export const PublicKeySchema = Type.String({ pattern: PUBLIC_KEY_PATTERN })
export const SignatureSchema = Type.String({ pattern: SIGNATURE_PATTERN })
/** 16 bytes in base64url without padding and with zero spare bits. */
export const SaltSchema = Type.String({ pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' })
/** RFC 3339 in UTC with milliseconds, the only spelling of a time that statements use. */
export const TimeSchema = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' })

/** The name of a request: which statement of which party, and where in it. Nothing else ever names a request. */
export const RequestRefSchema = Type.Object(
  { handle: HandleSchema, seq: CountSchema, index: CountSchema },
  { additionalProperties: false },
)
export interface RequestRef {
  readonly handle: Handle
  readonly seq: Seq
  readonly index: number
}

/** The same as one string, `<handle>.<seq>.<index>`: for keys of maps, URLs, and as the stem of proposal ids. */
export function requestKey(request: RequestRef): string {
  return `${request.handle}.${request.seq}.${request.index}`
}

/** The inverse of `requestKey`. Requires what that made. */
export function requestOf(key: string): RequestRef {
  const [handle, seq, index] = key.split('.') as [Handle, string, string]
  return { handle, index: Number(index), seq: Number(seq) }
}

const COMPUTED = 'rule:'

export function computedId(rule: number, index: LedgerIndex, ofEntry: ElementId | undefined): ProposalId {
  return `${COMPUTED}${rule}.${index}${ofEntry === undefined ? '' : ofEntry.slice(1)}` as ProposalId
}

/** Whether a value was computed. No handle has a colon in it. */
export function isComputed(id: ProposalId): boolean {
  return id.startsWith(COMPUTED)
}

/** The ledger index at which it was. Requires a value that was computed. */
export function computedAt(id: ProposalId): LedgerIndex {
  return Number(id.split('.', 2)[1])
}

export const ROOT = '0' as ElementId

/** The way from the root: empty for the root itself. */
export function ordinalsOf(id: ElementId): number[] {
  const ordinals: number[] = []
  for (let start = id.indexOf('.'); start !== -1; ) {
    const end = id.indexOf('.', start + 1)
    ordinals.push(Number(id.slice(start + 1, end === -1 ? id.length : end)))
    start = end
  }
  return ordinals
}

/** An element's place among its siblings. Requires another than the root. */
export function ordinalOf(id: ElementId): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}

/** Requires another than the root. */
export function parentIdOf(id: ElementId): ElementId {
  return id.slice(0, id.lastIndexOf('.')) as ElementId
}

/** How many ordinals lead to an element. */
export function depthOf(id: ElementId): number {
  return ordinalsOf(id).length
}

/** The element that number of ordinals from the root, on the way to another. */
export function ancestorAt(id: ElementId, depth: number): ElementId {
  return id.split('.', depth + 1).join('.') as ElementId
}

/** The elements on the way from the root to one, and itself. */
export function* ancestorsOf(id: ElementId): Generator<ElementId> {
  for (let end = id.indexOf('.'); end !== -1; end = id.indexOf('.', end + 1)) yield id.slice(0, end) as ElementId
  yield id
}
