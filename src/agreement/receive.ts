import { EngineUnknown } from '../aggregates/contract/engines.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import { payloadsInOrder } from '../events/seal.ts'
import { type Payload, type Payloads, placesOf } from '../events/statement.ts'
import { fitsOneLine, type SignedStatement, StatementRefused } from '../events/statement-codec.ts'
import { completed as allAtOnce } from '../runtime/turns.ts'
import { type Completed, type Completion, completing } from './completing.ts'
import { feedOf, saidToHold, statementAt } from './feeds.ts'
import { isTakeover } from './keys/key-rules.ts'
import { type Release, releases, withheldStatements } from './keys/revocation-holds.ts'
import type { Acknowledged } from './ledger.ts'
import {
  type Equivocation,
  joined,
  nothingReceived,
  type OtherBranch,
  type Reception,
  type Unjudged,
} from './reception.ts'
import { type AgreementState, holding } from './state.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { isSignedBy, verifying } from './verify-statement.ts'
import { contains, union, type VersionVector, withStatement } from './version-vector.ts'

type Arrival =
  | { readonly kind: 'ready' }
  | { readonly kind: 'known' }
  | { readonly kind: 'waits' }
  | { readonly kind: 'forked'; readonly held: VerifiedStatement }
  | { readonly kind: 'other branch'; readonly otherBranch: OtherBranch }

/**
 * Takes in statements in whatever order they came, each as soon as its causal past is held. A statement whose past is
 * missing waits; an invalid one is refused with its code and leaves no trace. The result does not depend on the
 * order, except where a party equivocated: then the first branch to arrive is held. `self`: the party whose state it
 * is, if it may have promised to take in no more of a feed whose key is revoked; an auditor has made no promise.
 * `convicted`: parties of which a proof is held; another fork of theirs is not verified.
 */
export function receive(
  before: AgreementState,
  arrived: readonly SignedStatement[],
  self?: Handle,
  convicted: ReadonlySet<Handle> = nobody,
): Reception {
  return allAtOnce(receiving(before, arrived, self, convicted))
}

/** The same in steps: a statement each, an entry each that they acknowledge, and as many as the rules take that judge it. */
export function* receiving(
  before: AgreementState,
  arrived: readonly SignedStatement[],
  self?: Handle,
  convicted: ReadonlySet<Handle> = nobody,
): Generator<void, Reception> {
  const pending = eachOnce(arrived)
  pending.sort((one, other) => one.statement.clock - other.statement.clock)
  if (self === undefined) return yield* takeIn(before, pending, () => nothing, convicted)
  const back = (state: AgreementState, waiting: readonly SignedStatement[]) => withheldStatements(state, self, waiting)
  let reception = yield* takeIn(before, pending, back, convicted)
  for (let further: Reception | undefined = reception; further !== undefined; ) {
    further = yield* takeInReleased(reception, self, convicted)
    if (further !== undefined) reception = joined(reception, further)
  }
  return reception
}

/** Payloads that came by themselves, and what waits for them. Requires that they hash to their seals. As `receive`. */
export function receivePayloads(
  before: Reception,
  arrived: readonly Completion[],
  self?: Handle,
  convicted: ReadonlySet<Handle> = nobody,
): Reception {
  return allAtOnce(receivingPayloads(before, groupedByStatement(arrived), self, convicted))
}

/** The same in steps, a statement each. `grouped`: each statement once. */
export function* receivingPayloads(
  before: Reception,
  grouped: readonly Completion[],
  self?: Handle,
  convicted: ReadonlySet<Handle> = nobody,
): Generator<void, Reception> {
  let { state } = before
  const completions: Completion[] = []
  const acknowledged: Acknowledged[] = []
  const settled: Acknowledged[] = []
  const unjudged: Unjudged[] = []
  for (const { party, seq, payloads } of grouped) {
    yield
    const progress = yield* completingHere(state, party, seq, payloads)
    if (progress === undefined) continue
    if ('error' in progress) {
      unjudged.push(progress)
      continue
    }
    state = progress.state
    completions.push(progress.completion)
    for (const entry of progress.acknowledged) acknowledged.push(entry)
    for (const entry of progress.settled) settled.push(entry)
  }
  if (completions.length + unjudged.length === 0) return before
  const whole = nothingReceived(state, before.waiting)
  const reception = joined(before, { ...whole, completions, acknowledged, settled, unjudged })
  if (completions.length === 0 || reception.waiting.length === 0) return reception
  yield
  return joined(reception, yield* receiving(state, reception.waiting, self, convicted))
}

/** As `completing`: payloads that lead the ledger into an engine that is not here are not taken in. */
function* completingHere(
  state: AgreementState,
  party: Handle,
  seq: Seq,
  payloads: Payloads,
): Generator<void, Completed | Unjudged | undefined> {
  try {
    return yield* completing(state, party, seq, payloads)
  } catch (error) {
    const decoded = statementAt(state.feeds, party, seq)
    if (decoded === undefined || !(error instanceof EngineUnknown)) throw error
    return { decoded, error }
  }
}

/** Payloads that came in many lines, those of one statement together: what they bring is taken in once. */
export function groupedByStatement(arrived: readonly Completion[]): Completion[] {
  const groups = new Map<string, Completion & { readonly payloads: { [seal: Hash]: Payload } }>()
  for (const { party, seq, payloads } of arrived) {
    const key = `${party} ${seq}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { party, seq, payloads: { ...payloads } })
    else Object.assign(group.payloads, payloads)
  }
  return [...groups.values()]
}

/** By hash. A statement that came more than once has the payloads of all its copies, if it could be passed on with them. */
function eachOnce(arrived: readonly SignedStatement[]): SignedStatement[] {
  const copies = new Map<Hash, SignedStatement[]>()
  for (const decoded of arrived) {
    const same = copies.get(decoded.hash)
    if (same === undefined) copies.set(decoded.hash, [decoded])
    else same.push(decoded)
  }
  return Array.from(copies.values(), asOne)
}

function asOne(copies: readonly SignedStatement[]): SignedStatement {
  const [first] = copies as [SignedStatement]
  if (copies.length === 1) return first
  const all: { [seal: Hash]: Payload } = {}
  for (const { payloads } of copies) Object.assign(all, payloads)
  const count = Object.keys(all).length
  const whole = copies.find(({ payloads }) => Object.keys(payloads).length === count)
  if (whole !== undefined) return whole
  const together = payloadsInOrder(Object.entries(all))
  return fitsOneLine(first, together) ? { ...first, payloads: together } : first
}

/** The waiting statements that a promise withholds. */
type HoldingBack = (state: AgreementState, waiting: readonly SignedStatement[]) => ReadonlySet<SignedStatement>

/** What a release lets through, if the releasing statement proves valid: first one by one, then all together, as they may need each other. */
function* takeInReleased(
  { state, waiting }: Reception,
  self: Handle,
  convicted: ReadonlySet<Handle>,
): Generator<void, Reception | undefined> {
  const found = releases(state, self, waiting)
  for (const some of [...found.map((release) => [release]), ...(found.length > 1 ? [found] : [])]) {
    const back: HoldingBack = (now, pending) => heldBackBut(some, withheldStatements(now, self, pending))
    const further = yield* takeIn(state, waiting, back, convicted)
    if (further.taken.length > 0 && some.every(({ by }) => isHeld(further.state, by))) return further
  }
  return undefined
}

function heldBackBut(released: readonly Release[], back: ReadonlySet<SignedStatement>): ReadonlySet<SignedStatement> {
  return new Set([...back].filter((decoded) => !released.some(({ statements }) => statements.has(decoded))))
}

function isHeld({ feeds }: AgreementState, { hash, statement: { party, seq } }: SignedStatement): boolean {
  return statementAt(feeds, party, seq)?.hash === hash
}

/** As `receive`. `arrived`: by clock, each once. */
function* takeIn(
  before: AgreementState,
  arrived: readonly SignedStatement[],
  backOf: HoldingBack,
  convicted: ReadonlySet<Handle>,
): Generator<void, Reception> {
  let state = before
  let pending = arrived
  const taken: VerifiedStatement[] = []
  const completions: Completion[] = []
  const acknowledged: Acknowledged[] = []
  const settled: Acknowledged[] = []
  const refused: Reception['refused'][number][] = []
  const unjudged: Unjudged[] = []
  const equivocations: Equivocation[] = []
  const otherBranches: OtherBranch[] = []
  for (let progressed = true; progressed; ) {
    progressed = false
    const waiting: SignedStatement[] = []
    const back = backOf(state, pending)
    for (const decoded of pending) {
      const standing = back.has(decoded) ? WAITS : standingOf(state, decoded)
      switch (standing.kind) {
        case 'known': {
          const { party, seq } = decoded.statement
          const progress = yield* completingHere(state, party, seq, decoded.payloads)
          if (progress === undefined) break
          if ('error' in progress) {
            unjudged.push(progress)
            break
          }
          state = progress.state
          completions.push(progress.completion)
          for (const entry of progress.acknowledged) acknowledged.push(entry)
          for (const entry of progress.settled) settled.push(entry)
          progressed = true
          break
        }
        case 'waits':
          waiting.push(decoded)
          break
        case 'other branch':
          otherBranches.push(standing.otherBranch)
          break
        case 'forked': {
          const { party, seq } = decoded.statement
          const { held } = standing
          // One proof convicts: thousands of forks cost nothing (decision 0047).
          if (convicted.has(party) || equivocations.some((proven) => proven.party === party)) break
          // What was signed with the stolen key, at the place where the recovery key takes the feed back, convicts nobody.
          const isOfThief = isTakeover(held) && !isTakeover(decoded)
          if (isOfThief || !isSignedBy(state, decoded)) {
            refused.push({ decoded, error: badlySigned(decoded) })
          } else if (isTakeover(held) === isTakeover(decoded)) {
            equivocations.push({ party, seq, held, other: decoded })
          } else {
            otherBranches.push({ signer: party, party, seq, theirs: decoded.hash, ours: held.hash, by: decoded })
          }
          break
        }
        case 'ready':
          try {
            yield
            const held = yield* verifying(state, decoded)
            const progress = yield* holding(state, held)
            if (leadsBeyond(progress.state, held.past)) {
              waiting.push(decoded)
              const lackingAhead = progress.state.ledger.lacking
              state = { ...state, ledger: { ...state.ledger, lackingAhead } }
              break
            }
            state = progress.state
            taken.push(held)
            for (const entry of progress.acknowledged) acknowledged.push(entry)
            for (const entry of progress.settled) settled.push(entry)
            progressed = true
          } catch (error) {
            if (error instanceof StatementRefused) refused.push({ decoded, error })
            else if (error instanceof EngineUnknown) unjudged.push({ decoded, error })
            else throw error
          }
      }
    }
    pending = waiting
  }
  return {
    state,
    taken,
    completions,
    acknowledged,
    settled,
    waiting: pending,
    refused,
    unjudged,
    equivocations,
    otherBranches,
  }
}

const WAITS: Arrival = { kind: 'waits' }
const nothing: ReadonlySet<SignedStatement> = new Set()
const nobody: ReadonlySet<Handle> = new Set()

function standingOf(state: AgreementState, decoded: SignedStatement): Arrival {
  const { party, seq, seen } = decoded.statement
  const feed = feedOf(state.feeds, party)
  if (seq < feed.size) {
    const held = feed.get(seq) as VerifiedStatement
    return held.hash === decoded.hash ? { kind: 'known' } : { kind: 'forked', held }
  }
  if (seq > feed.size) return { kind: 'waits' }
  for (const [handle, place] of placesOf(seen)) {
    const named = statementAt(state.feeds, handle, place.seq)
    if (named === undefined) return { kind: 'waits' }
    if (named.hash !== place.hash) {
      const otherBranch = {
        signer: party,
        party: handle,
        seq: place.seq,
        theirs: place.hash,
        ours: named.hash,
        by: decoded,
      }
      return { kind: 'other branch', otherBranch }
    }
  }
  if (state.ledger.lacking !== undefined && leadsBeyond(state, pastWith(state, decoded))) return WAITS
  return { kind: 'ready' }
}

/**
 * Whether a causal past acknowledges a request that is not in the ledger because its values are not held. Validity
 * and head of a statement with such a past depend on what follows that request, so it cannot be judged here (decision 0018).
 */
function leadsBeyond({ ledger: { lacking } }: AgreementState, past: VersionVector): boolean {
  return lacking !== undefined && contains(past, lacking.need)
}

/** Its causal past. Requires that all that it covers is held. */
function pastWith({ feeds }: AgreementState, { statement: { party, seq, seen } }: SignedStatement): VersionVector {
  let past = saidToHold(feeds, party)
  for (const [handle, place] of placesOf(seen))
    past = union(past, (statementAt(feeds, handle, place.seq) as VerifiedStatement).past)
  return withStatement(past, party, seq)
}

function badlySigned(decoded: SignedStatement): StatementRefused {
  const { contract, party, seq } = decoded.statement
  const message = `${party} ${seq}: the signature is not valid under the key of its party`
  return new StatementRefused('statement_badly_signed', message, { contract, party, seq, hash: decoded.hash })
}
