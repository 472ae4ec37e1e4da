import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson, isCanonicalJson } from '../crypto/canonical-json.ts'
import { type SignedAcceptance, SignedAcceptanceSchema } from '../events/acceptance.ts'
import { type SignedDecline, SignedDeclineSchema } from '../events/decline.ts'
import { type Uid, UidSchema } from '../events/ids.ts'
import { type SignedRevocation, SignedRevocationSchema } from '../events/key-change.ts'
import { type Frontier, FrontierSchema } from '../events/statement.ts'
import { type Decoded, decodeSigned, StatementRefused } from '../events/statement-codec.ts'
import { ConcordataError } from '../runtime/errors.ts'

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
  /** Statements that were refused on sight; the rest of the message is taken all the same. */
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
  const header = canonicalJson({ contracts: Object.fromEntries(frontiers), v: 1 })
  return [header, ...statements, ...words.map((word) => canonicalJson(word))].join('\n')
}

/** Attacker-controlled: `text`, whole. Throws ExchangeMalformed for what is not even a message. */
export function decodeMessage(text: string): ExchangeMessage {
  const [headerLine, ...lines] = text.split('\n')
  const header = parse(headerLine ?? '')
  if (!headerForm.Check(header))
    throw new ExchangeMalformed('exchange_malformed', 'the first line is no exchange header')
  assertCanonical(headerLine ?? '', header)
  const frontiers = new Map(Object.entries(header.contracts)) as unknown as Map<Uid, Frontier>
  const statements: Decoded[] = []
  const words: Word[] = []
  const refused: StatementRefused[] = []
  for (const line of lines) {
    if (wordStart.test(line)) {
      words.push(decodeWord(line))
      continue
    }
    try {
      statements.push(decodeSigned(line))
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error
      refused.push(error)
    }
  }
  return { frontiers, statements, words, refused }
}

function decodeWord(line: string): Word {
  const word = parse(line)
  if (!wordForm.Check(word)) throw new ExchangeMalformed('exchange_malformed', 'a line is neither statement nor word')
  assertCanonical(line, word)
  return word
}

/** What a parser silently repairs, and what has two spellings, is no message. */
function assertCanonical(line: string, parsed: unknown): void {
  if (!isCanonicalJson(line, parsed)) throw new ExchangeMalformed('exchange_malformed', 'a line is not canonical JSON')
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new ExchangeMalformed('exchange_malformed', 'a line is not JSON', {}, { cause })
  }
}
