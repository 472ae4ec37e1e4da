import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { WANTED_COMPUTED_MAX, type WantedEntries } from '../agreement/values/known-entries.ts'
import { canonicalJson, isCanonicalJson, orderedObject } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import { CountSchema, type Handle, HandleSchema, HashSchema, type Seq, type Uid, UidSchema } from '../events/ids.ts'
import { JSON_DEPTH_MAX, JSON_MEMBERS_MAX, SIGNED_CHARACTERS_MAX } from '../events/limits.ts'
import { type SignedAcceptance, SignedAcceptanceSchema } from '../events/parties/acceptance.ts'
import { type SignedDecline, SignedDeclineSchema } from '../events/parties/decline.ts'
import { type SignedRevocation, SignedRevocationSchema } from '../events/parties/key-change.ts'
import { payloadsJson } from '../events/seal.ts'
import { type Frontier, FrontierSchema, type Payloads, PayloadsSchema } from '../events/statement.ts'
import {
  decodeReceived,
  isTooDeep,
  type SignedStatement,
  StatementRefused,
  sortPayloads,
} from '../events/statement-codec.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { exceededBound, type JsonBounds } from '../runtime/json-bounds.ts'
import { completed } from '../runtime/turns.ts'
import { ENTRY_LINE_START, type EntryLine, knownEntryIn } from './known-entry-line.ts'
import {
  PIECE_LINE_START,
  type PieceLine,
  pieceIn,
  WANTED_PIECES_MAX,
  type WantedPieces,
  WantedPiecesSchema,
} from './piece-line.ts'

/** What came over the network is no exchange message. */
export class ExchangeMalformed extends ConcordataError {}

/** Values that the sender lacks: of a statement that it holds, by their seals. */
export interface Wanted {
  readonly party: Handle
  readonly seals: readonly Hash[]
  readonly seq: Seq
}

/** Why a party leaves uncovered what it holds: a person is asked there, or values are missing there. */
export type HoldUp = 'person' | 'payload'

/** What a header has beside the frontiers. Nobody has signed it. */
export interface Asides {
  readonly wants: ReadonlyMap<Uid, readonly Wanted[]>
  /** Why the sender holds a contract up. */
  readonly waits: ReadonlyMap<Uid, HoldUp>
  /** Entries that the sender lacks, since it cannot judge what it holds the statements of. */
  readonly lacks: ReadonlyMap<Uid, WantedEntries>
  /** Pieces of contents that the sender lacks. */
  readonly pieces: ReadonlyMap<Uid, readonly WantedPieces[]>
}

/** Payloads of a statement without it. */
export interface PayloadLine {
  readonly contract: Uid
  readonly party: Handle
  readonly payloads: Payloads
  readonly seq: Seq
}

/**
 * Body and answer of `POST /exchange` have the same form, lines of canonical JSON (application/x-ndjson): a header with
 * the sender's frontier on each contract, then the signed statements that the other is believed to lack, payloads that it
 * wants, entries that it lacks, pieces of contents, and words (decision 0013).
 */
export interface ExchangeMessage extends Asides {
  readonly frontiers: ReadonlyMap<Uid, Frontier>
  readonly statements: readonly SignedStatement[]
  /** They hash to their seals; whether the statement names these, its holder knows. */
  readonly payloads: readonly PayloadLine[]
  readonly entries: readonly EntryLine[]
  /** Whether they belong to contents, whoever lacks these verifies. */
  readonly pieceLines: readonly PieceLine[]
  readonly words: readonly Announcement[]
  /** Statements and payloads that were refused on sight. After REFUSALS_PER_MESSAGE_MAX nothing more of the message is looked at. */
  readonly refused: readonly StatementRefused[]
}

/** What a party that cannot say it in its feed has signed: that it joins, that it does not, that its key is revoked. */
export type Announcement = SignedAcceptance | SignedDecline | SignedRevocation

/** The contract that it is about. */
export function contractOf(word: Announcement): Uid {
  if ('acceptance' in word) return word.acceptance.contract
  return 'decline' in word ? word.decline.contract : word.revocation.contract
}

/** Contracts that one message may speak of. */
export const CONTRACTS_PER_MESSAGE_MAX = 1000
/** Words that one message may carry: this party's answer to its invitation and the revocation of its key, of each contract. */
export const WORDS_PER_MESSAGE_MAX = 2 * CONTRACTS_PER_MESSAGE_MAX
/** Statements of one contract, values of one statement, and values in all that one message may want. More is for the next. */
export const WANTED_STATEMENTS_MAX = 256
export const WANTED_OF_ONE_MAX = 1_000
export const WANTED_VALUES_MAX = 4_096
/** Statements and payloads that are refused on sight until the message ends. Nobody who is honest sends one. */
export const REFUSALS_PER_MESSAGE_MAX = 16
/** Of a header: some hundred parties in each of a thousand contracts. */
const HEADER_BOUNDS = { depthMax: 5, membersMax: 262_144, widthMax: 1_000 }
/** Places in the header where a sender stops adding contracts: what is answered may have more, since the caller may lack some. */
export const PLACES_SOFT_MAX = 65_536
/** Of a word. */
const WORD_BOUNDS = { depthMax: 8, membersMax: 64 }
/** Of a piece of a content. */
const PIECE_BOUNDS = { depthMax: 2, membersMax: 64 }
/** Of a line of payloads: as of a statement. */
const PAYLOAD_BOUNDS = { depthMax: JSON_DEPTH_MAX + 2, membersMax: JSON_MEMBERS_MAX }
/** Where a sender stops adding statements and leaves the rest to the next call, in characters. */
export const MESSAGE_CHARACTERS_SOFT_MAX = 4 * 1024 * 1024

const closed = { additionalProperties: false }
const headerForm = Compile(
  Type.Object(
    {
      contracts: Type.Record(UidSchema, FrontierSchema, {
        ...closed,
        maxProperties: CONTRACTS_PER_MESSAGE_MAX,
      }),
      lacks: Type.Optional(
        Type.Record(
          UidSchema,
          Type.Object(
            { computed: Type.Array(CountSchema, { maxItems: WANTED_COMPUTED_MAX }), from: CountSchema },
            closed,
          ),
          { ...closed, minProperties: 1, maxProperties: CONTRACTS_PER_MESSAGE_MAX },
        ),
      ),
      pieces: Type.Optional(
        Type.Record(UidSchema, WantedPiecesSchema, {
          ...closed,
          minProperties: 1,
          maxProperties: CONTRACTS_PER_MESSAGE_MAX,
        }),
      ),
      v: Type.Literal(1),
      waits: Type.Optional(
        Type.Record(UidSchema, Type.Enum(['payload', 'person']), {
          ...closed,
          minProperties: 1,
          maxProperties: CONTRACTS_PER_MESSAGE_MAX,
        }),
      ),
      wants: Type.Optional(
        Type.Record(
          UidSchema,
          Type.Array(
            Type.Object(
              {
                party: HandleSchema,
                seals: Type.Array(HashSchema, { minItems: 1, maxItems: WANTED_OF_ONE_MAX }),
                seq: CountSchema,
              },
              closed,
            ),
            { minItems: 1, maxItems: WANTED_STATEMENTS_MAX },
          ),
          { ...closed, minProperties: 1, maxProperties: CONTRACTS_PER_MESSAGE_MAX },
        ),
      ),
    },
    closed,
  ),
)
const payloadForm = Compile(
  Type.Object({ contract: UidSchema, party: HandleSchema, payloads: PayloadsSchema, seq: CountSchema }, closed),
)
const payloadStart = '{"contract":'
export const WordSchema = Type.Union([SignedAcceptanceSchema, SignedDeclineSchema, SignedRevocationSchema])
const wordForm = Compile(WordSchema)
const wordStart = /^\{"(?:acceptance|decline|proof)":/

const none: ReadonlyMap<Uid, never> = new Map<Uid, never>()

/** `lines`: as `encodeSigned`, `encodePayloads`, `encodeKnownEntry` and `encodePiece` make them. */
export function encodeMessage(
  frontiers: ReadonlyMap<Uid, Frontier>,
  lines: readonly string[],
  words: readonly Announcement[],
  { lacks = none, pieces = none, wants = none, waits = none }: Partial<Asides> = {},
): string {
  const header = canonicalJson({
    contracts: orderedObject(frontiers),
    ...(lacks.size === 0 ? {} : { lacks: orderedObject(lacks) }),
    ...(pieces.size === 0 ? {} : { pieces: orderedObject(pieces) }),
    v: 1,
    ...(waits.size === 0 ? {} : { waits: orderedObject(waits) }),
    ...(wants.size === 0 ? {} : { wants: orderedObject(wants) }),
  })
  return [header, ...lines, ...words.map((word) => canonicalJson(word))].join('\n')
}

/** `texts`: canonical JSON of the payloads, by their seals. */
export function encodePayloads(
  { contract, party, seq }: Omit<PayloadLine, 'payloads'>,
  texts: ReadonlyMap<Hash, string>,
): string {
  return `{"contract":"${contract}","party":"${party}","payloads":${payloadsJson(texts)},"seq":${seq}}`
}

/** Attacker-controlled: `text`, whole. Throws ExchangeMalformed for what is not even a message. */
export function decodeMessage(text: string): ExchangeMessage {
  return completed(decodingOf(text))
}

/** The same in steps, a line each. */
export function* decodingOf(text: string): Generator<void, ExchangeMessage> {
  const lines = linesIn(text)
  const header = decodeHeader(lines.next().value ?? '')
  const statements: SignedStatement[] = []
  const payloads: PayloadLine[] = []
  const entries: EntryLine[] = []
  const pieceLines: PieceLine[] = []
  const words: Announcement[] = []
  const refused: StatementRefused[] = []
  for (const line of lines) {
    yield
    if (wordStart.test(line)) {
      if (words.length === WORDS_PER_MESSAGE_MAX) throw new ExchangeMalformed('exchange_malformed', 'too many words')
      words.push(decodeWord(line))
      continue
    }
    if (line.startsWith(ENTRY_LINE_START)) entries.push(decodeEntryLine(line))
    else if (line.startsWith(PIECE_LINE_START)) pieceLines.push(decodePieceLine(line))
    else if (line.startsWith(payloadStart)) {
      const { fitting, mismatch } = decodePayloads(line)
      payloads.push(fitting)
      if (mismatch !== undefined) refused.push(mismatch)
    } else {
      try {
        const { decoded, mismatch } = decodeReceived(line)
        statements.push(decoded)
        if (mismatch !== undefined) refused.push(mismatch)
      } catch (error) {
        if (!(error instanceof StatementRefused)) throw error
        refused.push(error)
      }
    }
    if (refused.length === REFUSALS_PER_MESSAGE_MAX) break
  }
  return { ...header, statements, payloads, entries, pieceLines, words, refused }
}

/** One after another: a text of nothing but line feeds has millions. */
function* linesIn(text: string): Generator<string, undefined> {
  let start = 0
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    yield text.slice(start, end)
    start = end + 1
  }
  yield text.slice(start)
}

function decodeHeader(line: string): Pick<ExchangeMessage, 'frontiers' | keyof Asides> {
  const header = parse(line, HEADER_BOUNDS)
  if (!headerForm.Check(header))
    throw new ExchangeMalformed('exchange_malformed', 'the first line is no exchange header')
  assertCanonical(line, header)
  const { contracts, lacks = {}, pieces = {}, waits = {}, wants = {} } = header
  const asked: readonly WantedPieces[] = Object.values(pieces).flat()
  if (asked.reduce((sum, { count }) => sum + count, 0) > WANTED_PIECES_MAX)
    throw new ExchangeMalformed('exchange_malformed', 'the header wants too many pieces')
  const wanted: readonly Wanted[] = Object.values(wants).flat()
  if (wanted.reduce((sum, { seals }) => sum + seals.length, 0) > WANTED_VALUES_MAX)
    throw new ExchangeMalformed('exchange_malformed', 'the header wants too many values')
  for (const entries of Object.values(wants) as (readonly Wanted[])[])
    if (!entries.every((entry, at) => at === 0 || byStatement(entries[at - 1] as Wanted, entry) < 0))
      throw new ExchangeMalformed('exchange_malformed', 'what the header wants is not in order, each statement once')
  for (const { computed, from } of Object.values(lacks) as readonly WantedEntries[])
    if (!computed.every((index, at) => index < (computed[at + 1] ?? from)))
      throw new ExchangeMalformed('exchange_malformed', 'the entries that the header lacks are not in order')
  return {
    frontiers: byUid<Frontier>(contracts),
    lacks: byUid<WantedEntries>(lacks),
    pieces: byUid<readonly WantedPieces[]>(pieces),
    wants: byUid<readonly Wanted[]>(wants),
    waits: byUid<HoldUp>(waits),
  }
}

/** The order of what a header wants of one contract. */
export function byStatement(one: Wanted, other: Wanted): number {
  if (one.party === other.party) return one.seq - other.seq
  return one.party < other.party ? -1 : 1
}

function byUid<Value>(record: object): Map<Uid, Value> {
  return new Map(Object.entries(record)) as Map<string, unknown> as Map<Uid, Value>
}

/** What does not hash to its seal is left out. */
function decodePayloads(line: string): { fitting: PayloadLine; mismatch: StatementRefused | undefined } {
  const parsed = parse(line, PAYLOAD_BOUNDS)
  if (!payloadForm.Check(parsed)) throw new ExchangeMalformed('exchange_malformed', 'a line is no payloads')
  assertCanonical(line, parsed)
  const sent = parsed as PayloadLine
  if (line.length > SIGNED_CHARACTERS_MAX || isTooDeep(sent.payloads))
    throw new ExchangeMalformed('exchange_malformed', 'a line of payloads is too long, or nested too deep')
  const { fitting, mismatch } = sortPayloads(sent, sent.payloads, () => true)
  return { fitting: { ...sent, payloads: fitting }, mismatch }
}

function decodeEntryLine(line: string): EntryLine {
  const parsed = parse(line, PAYLOAD_BOUNDS)
  assertCanonical(line, parsed)
  const entry = line.length > SIGNED_CHARACTERS_MAX ? undefined : knownEntryIn(parsed)
  if (entry === undefined) throw new ExchangeMalformed('exchange_malformed', 'a line is no entry of a ledger')
  return entry
}

function decodePieceLine(line: string): PieceLine {
  const parsed = parse(line, PIECE_BOUNDS)
  assertCanonical(line, parsed)
  const piece = pieceIn(parsed)
  if (piece === undefined) throw new ExchangeMalformed('exchange_malformed', 'a line is no piece of a content')
  return piece
}

function decodeWord(line: string): Announcement {
  const word = parse(line, WORD_BOUNDS)
  if (!wordForm.Check(word)) throw new ExchangeMalformed('exchange_malformed', 'a line is neither statement nor word')
  assertCanonical(line, word)
  return word
}

/** What a parser silently repairs, and what has two spellings, is no message. */
function assertCanonical(line: string, parsed: unknown): void {
  if (!isCanonicalJson(line, parsed)) throw new ExchangeMalformed('exchange_malformed', 'a line is not canonical JSON')
}

function parse(line: string, bounds: JsonBounds): unknown {
  if (exceededBound(line, bounds) !== undefined)
    throw new ExchangeMalformed('exchange_malformed', 'a line has more members, or deeper ones, than any')
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new ExchangeMalformed('exchange_malformed', 'a line is not JSON', {}, { cause })
  }
}
