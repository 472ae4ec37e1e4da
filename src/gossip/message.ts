import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson, isCanonicalJson, orderedObject } from '../crypto/canonical-json.ts'
import { type SignedAcceptance, SignedAcceptanceSchema } from '../events/acceptance.ts'
import { type SignedDecline, SignedDeclineSchema } from '../events/decline.ts'
import { type Uid, UidSchema } from '../events/ids.ts'
import { type SignedRevocation, SignedRevocationSchema } from '../events/key-change.ts'
import { type Frontier, FrontierSchema } from '../events/statement.ts'
import { type Decoded, decodeSigned, StatementRefused } from '../events/statement-codec.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { exceededBound, type JsonBounds } from '../runtime/json-bounds.ts'
import { completed } from '../runtime/turns.ts'

/** What came over the network is no exchange message. */
export class ExchangeMalformed extends ConcordataError {}

/**
 * Body and answer of `POST /exchange` have the same form, lines of canonical JSON (application/x-ndjson): a header with
 * the sender's frontier on each contract, then the signed statements that the other is believed to lack, and words.
 */
export interface ExchangeMessage {
  readonly frontiers: ReadonlyMap<Uid, Frontier>
  readonly statements: readonly Decoded[]
  readonly words: readonly Word[]
  /** Statements that were refused on sight. After REFUSALS_PER_MESSAGE_MAX nothing more of the message is looked at. */
  readonly refused: readonly StatementRefused[]
}

/** What a party that cannot say it in its feed has signed: that it joins, that it does not, that its key is revoked. */
export type Word = SignedAcceptance | SignedDecline | SignedRevocation

/** The contract that it is about. */
export function contractOf(word: Word): Uid {
  if ('acceptance' in word) return word.acceptance.contract
  return 'decline' in word ? word.decline.contract : word.revocation.contract
}

/** Contracts that one message may speak of. */
export const CONTRACTS_PER_MESSAGE_MAX = 1000
/** Words that one message may carry: this party's answer to its invitation and the revocation of its key, of each contract. */
export const WORDS_PER_MESSAGE_MAX = 2 * CONTRACTS_PER_MESSAGE_MAX
/** Statements that are refused on sight until the message ends. Nobody who is honest sends one. */
export const REFUSALS_PER_MESSAGE_MAX = 16
/** Of a header: some hundred parties in each of a thousand contracts. */
const HEADER_BOUNDS = { depthMax: 4, membersMax: 262_144, widthMax: 1_000 }
/** Places in the header where a sender stops adding contracts: what is answered may have more, since the caller may lack some. */
export const PLACES_SOFT_MAX = 65_536
/** Of a word. */
const WORD_BOUNDS = { depthMax: 8, membersMax: 64 }
/** Where a sender stops adding statements and leaves the rest to the next call, in characters. */
export const MESSAGE_CHARACTERS_SOFT_MAX = 4 * 1024 * 1024

const headerForm = Compile(
  Type.Object(
    {
      contracts: Type.Record(UidSchema, FrontierSchema, {
        additionalProperties: false,
        maxProperties: CONTRACTS_PER_MESSAGE_MAX,
      }),
      v: Type.Literal(1),
    },
    { additionalProperties: false },
  ),
)
const wordForm = Compile(Type.Union([SignedAcceptanceSchema, SignedDeclineSchema, SignedRevocationSchema]))
const wordStart = /^\{"(?:acceptance|decline|proof)":/

/** `statements`: lines as `encodeSigned` makes them. */
export function encodeMessage(
  frontiers: ReadonlyMap<Uid, Frontier>,
  statements: readonly string[],
  words: readonly Word[],
): string {
  const header = canonicalJson({ contracts: orderedObject(frontiers), v: 1 })
  return [header, ...statements, ...words.map((word) => canonicalJson(word))].join('\n')
}

/** Attacker-controlled: `text`, whole. Throws ExchangeMalformed for what is not even a message. */
export function decodeMessage(text: string): ExchangeMessage {
  return completed(decodingOf(text))
}

/** The same in steps, a line each. */
export function* decodingOf(text: string): Generator<void, ExchangeMessage> {
  const lines = linesIn(text)
  const frontiers = decodeHeader(lines.next().value ?? '')
  const statements: Decoded[] = []
  const words: Word[] = []
  const refused: StatementRefused[] = []
  for (const line of lines) {
    yield
    if (wordStart.test(line)) {
      if (words.length === WORDS_PER_MESSAGE_MAX) throw new ExchangeMalformed('exchange_malformed', 'too many words')
      words.push(decodeWord(line))
      continue
    }
    try {
      statements.push(decodeSigned(line))
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error
      refused.push(error)
      if (refused.length === REFUSALS_PER_MESSAGE_MAX) break
    }
  }
  return { frontiers, statements, words, refused }
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

function decodeHeader(line: string): Map<Uid, Frontier> {
  const header = parse(line, HEADER_BOUNDS)
  if (!headerForm.Check(header))
    throw new ExchangeMalformed('exchange_malformed', 'the first line is no exchange header')
  assertCanonical(line, header)
  return new Map(Object.entries(header.contracts)) as unknown as Map<Uid, Frontier>
}

function decodeWord(line: string): Word {
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
