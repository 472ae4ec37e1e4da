import { Type } from 'typebox'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { type Hash, hashJson } from '../crypto/hash.ts'
import type { ContractEvent } from './contract-events.ts'
import {
  CountSchema,
  type Handle,
  HandleSchema,
  HashSchema,
  type LedgerIndex,
  type RequestRef,
  RequestRefSchema,
  TimeSchema,
} from './ids.ts'
import { ENTRY_EVENTS_MAX } from './limits.ts'
import { type Outcome, voidCodes } from './outcome.ts'

/** One acknowledged request in its final place. Its canonical JSON is the Merkle leaf `index` (design §4). */
export interface LedgerEntry {
  readonly index: LedgerIndex
  readonly request: RequestRef
  readonly author: Handle
  /** Core hash of the statement that carries the request. */
  readonly statement: Hash
  readonly answers: Hash
  readonly outcome: Outcome
  readonly events: readonly ContractEvent[]
  /** Record hash after this entry; stands in the last entry of each statement. */
  readonly record?: Hash
  /** When the request was made (design §5a, *request time*), where rules in force before or after this entry read it. */
  readonly time?: string
}

const closed = { additionalProperties: false }
/** More than one entry has room for, with what is switched, flagged and ended beside it (decision 0150). */
const EVENTS_MAX = 2 * ENTRY_EVENTS_MAX

/** The form of an entry that was judged by values, as somebody gives it; what its events say the engine knows. */
export const JudgedEntrySchema = Type.Object(
  {
    answers: HashSchema,
    author: HandleSchema,
    events: Type.Array(Type.Object({ type: Type.String({ maxLength: 64 }) }, { additionalProperties: true }), {
      maxItems: EVENTS_MAX,
    }),
    index: CountSchema,
    outcome: Type.Union([
      Type.Object({ kind: Type.Literal('accepted') }, closed),
      Type.Object(
        {
          kind: Type.Literal('void'),
          reason: Type.Object(
            {
              code: Type.Enum(Object.keys(voidCodes) as (keyof typeof voidCodes)[]),
              command: CountSchema,
              with: Type.Optional(Type.Array(Type.String())),
            },
            closed,
          ),
        },
        closed,
      ),
    ]),
    record: Type.Optional(HashSchema),
    request: RequestRefSchema,
    statement: HashSchema,
    time: Type.Optional(TimeSchema),
  },
  closed,
)

/** Whether values have decided what it came to: who withdraws or refuses a request says so in a statement that everybody holds. */
export function isJudged({ outcome }: Pick<LedgerEntry, 'outcome'>): boolean {
  return outcome.kind === 'accepted' || outcome.kind === 'void'
}

/** Core hashes of the statements that answered and decided a request: so different inputs can never look alike. */
export interface Answers {
  /** Of every other member at this index, in the order of admission: its first statement that covers the request. */
  readonly answered: readonly { readonly handle: Handle; readonly statement: Hash }[]
  /** Of a tentative request: the statement in which its author decided it. */
  readonly decided: Hash | null
}

export function answersHash(answers: Answers): Hash {
  return hashJson('answers', answers)
}

/** The seals of what rules have computed in an entry. */
export function computedSealsIn({ events }: Pick<LedgerEntry, 'events'>): Hash[] {
  return events.flatMap((event) => (event.type === 'ValueComputed' && event.seal !== null ? [event.seal] : []))
}

/** The bytes of the Merkle leaf, as text. */
export function encodeEntry(entry: LedgerEntry): string {
  return canonicalJson(entry)
}
