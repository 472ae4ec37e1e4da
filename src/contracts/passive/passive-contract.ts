import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { missingFor } from '../../agreement/completing.ts'
import { frontierOf, type HeldFeeds, statementAt } from '../../agreement/feeds.ts'
import { nextKeyOf } from '../../agreement/keys/key-rules.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VersionVector } from '../../agreement/version-vector.ts'
import type { Hash } from '../../crypto/hash.ts'
import {
  CountSchema,
  EngineVersionSchema,
  type Handle,
  HandleSchema,
  PublicKeySchema,
  type Seq,
  UidSchema,
} from '../../events/ids.ts'
import { type Frontier, FrontierSchema, HeadSchema, placesOf } from '../../events/statement.ts'
import { visibleTo } from '../../gossip/exchange.ts'
import { assert } from '../../runtime/assert.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import { type Backlog, waitingIn } from './backlog.ts'
import { type ContractSummary, summaryOf } from './summary.ts'

/** What has to be known of a contract while it is not in memory. */
export interface PassiveContract {
  readonly frontier: Frontier
  /** Who may see something of it: by the keys that it knows them by, everything (null) or what leads up to there. */
  readonly parties: { readonly [handle: Handle]: { readonly keys: readonly string[]; readonly sees: Frontier | null } }
  /** How much of the ledger is settled. */
  readonly settled: number
  /** The key of this party's next statement, if it is a member. */
  readonly signing: string | null
  readonly waiting: Backlog
  /** Whether values are missing. */
  readonly lacksValues: boolean
  readonly summary: ContractSummary | null
}

const closed = { additionalProperties: false }
const Handles = Type.Array(HandleSchema)
const passiveForm = Compile(
  Type.Object(
    {
      frontier: FrontierSchema,
      parties: Type.Record(
        HandleSchema,
        Type.Object({ keys: Type.Array(PublicKeySchema), sees: Type.Union([FrontierSchema, Type.Null()]) }, closed),
        closed,
      ),
      settled: CountSchema,
      signing: Type.Union([PublicKeySchema, Type.Null()]),
      waiting: Type.Object(
        {
          unsettled: CountSchema,
          waitsFor: Handles,
          oldest: Type.Union([Type.String(), Type.Null()]),
          lags: Type.Array(Type.Tuple([HandleSchema, CountSchema])),
        },
        closed,
      ),
      lacksValues: Type.Boolean(),
      summary: Type.Union([
        Type.Object(
          {
            ...HeadSchema.properties,
            contract: UidSchema,
            title: Type.String(),
            standing: Type.Enum(['member', 'invited', 'resigned', 'stranger']),
            members: Handles,
            engine: EngineVersionSchema,
            engineVotes: Type.Array(Type.Object({ by: HandleSchema, to: EngineVersionSchema }, closed)),
            phase: Type.Enum(['edit', 'live']),
            tier: Type.Enum([1, 3, 4]),
            self: HandleSchema,
          },
          closed,
        ),
        Type.Null(),
      ]),
    },
    closed,
  ),
)

/** What was kept, as JSON. Undefined: it is damaged, and the contract is to be loaded. */
export function passiveContractOf(text: string): PassiveContract | undefined {
  return jsonOf(passiveForm, text) as PassiveContract | undefined
}

/** Throws HistoryPruned where it needs the whole history. */
export function passiveFormOf(state: AgreementState, self: Handle): PassiveContract {
  const { feeds, ledger, keys, settling } = state
  const whole: VersionVector = feeds.map((feed) => feed.size - 1)
  const parties: { [handle: Handle]: PassiveContract['parties'][Handle] } = {}
  for (const [handle, card] of ledger.cards) {
    const visible = handle === self ? undefined : visibleTo(state, handle)
    if (visible === undefined) continue
    const later = keys.later.get(handle)?.map(({ signing }) => signing) ?? []
    const sees = visible.equals(whole) ? null : frontierAt(state, visible)
    parties[handle] = { keys: [card.keys.signing, ...later], sees }
  }
  return {
    frontier: frontierOf(feeds),
    parties,
    settled: settling.settled,
    signing: nextKeyOf(state, self) ?? null,
    waiting: waitingIn(state, self),
    lacksValues: missingFor(state, self).length > 0,
    summary: summaryOf(state, self) ?? null,
  }
}

function frontierAt({ feeds }: AgreementState, past: VersionVector): Frontier {
  const frontier: { [handle: Handle]: { seq: Seq; hash: Hash } } = {}
  for (const [handle, seq] of past) {
    const held = statementAt(feeds, handle, seq)
    assert(held !== undefined, 'what may be seen is held')
    frontier[handle] = { seq, hash: held.hash }
  }
  return frontier
}

/** Whether these feeds are as long as they were when the contract was passivated. */
export function isWhatIsHeld({ frontier }: PassiveContract, feeds: HeldFeeds): boolean {
  return feeds.every((feed, handle) => feed.size - 1 === (frontier[handle]?.seq ?? -1))
}

/** As `isPartyTo`. */
export function isPartyAtRest({ parties }: PassiveContract, peer: { handle: Handle; signingKey: string }): boolean {
  return parties[peer.handle]?.keys.includes(peer.signingKey) ?? false
}

/** Whether a party that holds this has nothing that is not held here, and lacks nothing that it may see (decision 0075). */
export function isEvenWith({ frontier, parties }: PassiveContract, handle: Handle, theirs: Frontier): boolean {
  const sees = parties[handle]?.sees ?? frontier
  const lacksNothing = placesOf(sees).every(([of, { seq }]) => (theirs[of]?.seq ?? -1) >= seq)
  return lacksNothing && placesOf(theirs).every(([of, { seq, hash }]) => isHeldAt(seq, hash, [sees[of], frontier[of]]))
}

/** What lies between what it may see and what is held here cannot be compared without the statements. */
function isHeldAt(seq: Seq, hash: Hash, ours: readonly (Frontier[Handle] | undefined)[]): boolean {
  const [sees, held] = ours
  if (held === undefined || seq > held.seq) return false
  return [sees, held].every((place) => place?.seq !== seq || place.hash === hash)
}
