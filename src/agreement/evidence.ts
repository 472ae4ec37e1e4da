import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { builtIn, type Engines } from '../aggregates/contract/engines.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { isValidSignature } from '../crypto/ed25519.ts'
import { type Hash, hashFromBytes, hashToBytes } from '../crypto/hash.ts'
import { CountSchema, type Handle, HandleSchema, requestKey, UidSchema } from '../events/ids.ts'
import { SIGNED_CHARACTERS_MAX } from '../events/limits.ts'
import { revocationBytes, rotationBytes } from '../events/parties/key-change.ts'
import { type Keys, KeysSchema } from '../events/parties/party-card.ts'
import { payloadsInOrder, valueSealsOf } from '../events/seal.ts'
import type { Head } from '../events/statement.ts'
import { bytesToSign, decodeSigned, encodeSigned, type SignedStatement } from '../events/statement-codec.ts'
import { leafHash } from '../merkle/hashing.ts'
import { MerkleLog } from '../merkle/merkle-log.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { feedOf, statementAt } from './feeds.ts'
import { replaying } from './history/replay.ts'
import { isTakeover } from './keys/key-rules.ts'
import { headOf } from './ledger.ts'
import { receive } from './receive.ts'
import type { Equivocation } from './reception.ts'
import type { Divergence } from './settlement.ts'
import { type AgreementState, emptyAgreement, holding } from './state.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import type { VersionVector } from './version-vector.ts'

/** A file of evidence does not prove what it says. */
export class NotProven extends ConcordataError {}

const closed = { additionalProperties: false }
const Line = Type.String({ maxLength: SIGNED_CHARACTERS_MAX })
const place = { contract: UidSchema, party: HandleSchema, seq: CountSchema }

/** A party signed two statements for one place of its feed. Lines as they travel (`encodeSigned`), without values. */
const EquivocationEvidenceSchema = Type.Object(
  {
    v: Type.Literal(1),
    kind: Type.Literal('equivocation'),
    ...place,
    /** The keys of the party's card, by which the reader knows it. */
    keys: KeysSchema,
    /** Statements of its feed before that one in which it changed its key, oldest first. */
    rotations: Type.Array(Line),
    one: Line,
    other: Line,
  },
  closed,
)

/** A party signed a head that what it covers does not make: all that it covers is here, with the values. */
const WrongHeadEvidenceSchema = Type.Object(
  {
    v: Type.Literal(1),
    kind: Type.Literal('wrong head'),
    ...place,
    /** The statement's whole causal past, itself included, causes before effects. */
    past: Type.Array(Line),
  },
  closed,
)

/** What a file of evidence holds. */
export const EvidenceSchema = Type.Union([EquivocationEvidenceSchema, WrongHeadEvidenceSchema])
export type Evidence = Static<typeof EvidenceSchema>
type EquivocationEvidence = Static<typeof EquivocationEvidenceSchema>
type WrongHeadEvidence = Static<typeof WrongHeadEvidenceSchema>

const evidenceForm = Compile(EvidenceSchema)
const listForm = Compile(Type.Array(Type.Object({ evidence: EvidenceSchema })))

/** A file of evidence: one piece, or a list as `contract evidence` prints it. Throws NotProven. */
export function readEvidence(text: string): Evidence[] {
  const parsed = parse(text)
  if (evidenceForm.Check(parsed)) return [parsed]
  if (listForm.Check(parsed)) return parsed.map(({ evidence }) => evidence)
  throw new NotProven('evidence_proves_nothing', 'the file does not have the form of evidence')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new NotProven('evidence_proves_nothing', 'the file is not JSON', {}, { cause })
  }
}

/** Everything that a reader without access to any node needs to convict the party. */
export function equivocationEvidence(state: AgreementState, { party, seq, held, other }: Equivocation): Evidence {
  const changes = [...feedOf(state.feeds, party).between(0, seq)].filter(
    ({ statement }) => statement.key !== undefined && !('hold' in statement.key),
  )
  return {
    v: 1,
    kind: 'equivocation',
    contract: state.contract,
    party,
    seq,
    keys: state.ledger.cards.get(party)?.keys ?? { signing: '', recovery: '' },
    rotations: changes.map(bare),
    one: bare(held),
    other: bare(other),
  }
}

/** With the values that the head hangs on, and nothing else that anybody has said; in steps. */
export function* wrongHeadEvidence(
  state: AgreementState,
  { party, seq }: Pick<Divergence, 'party' | 'seq'>,
): Generator<void, Evidence> {
  const past = statementAt(state.feeds, party, seq)?.past
  const covered = past === undefined ? [] : heldIn(state, past)
  const decided = yield* decidedByValues(state, covered)
  const lines: string[] = []
  for (const { text, signature, statement, payloads } of covered) {
    const isDecided = (index: number) => decided.has(requestKey({ handle: statement.party, seq: statement.seq, index }))
    const needed = valueSealsOf(statement.requests.filter((_, index) => isDecided(index)))
    const kept = Object.entries(payloads).filter(([seal]) => needed.has(seal as Hash))
    lines.push(encodeSigned(text, signature, payloadsInOrder(kept)))
    yield
  }
  return { v: 1, kind: 'wrong head', contract: state.contract, party, seq, past: lines }
}

/** The requests whose outcome takes their values: those that nobody has refused, nor their author withdrawn. */
function* decidedByValues(
  { contract, ledger }: AgreementState,
  covered: readonly VerifiedStatement[],
): Generator<void, Set<string>> {
  const decided = new Set<string>()
  let state = emptyAgreement(contract, ledger.engines)
  for (const held of covered) {
    const progress = yield* holding(state, held)
    yield
    state = progress.state
    for (const { entry } of progress.acknowledged) {
      const { kind } = entry.outcome
      if (kind === 'accepted' || kind === 'void') decided.add(requestKey(entry.request))
    }
  }
  return decided
}

function bare({ text, signature }: SignedStatement): string {
  return encodeSigned(text, signature, {})
}

function heldIn(state: AgreementState, past: VersionVector): VerifiedStatement[] {
  const inside = [...state.feeds].flatMap(([handle, feed]) => [...feed.between(0, (past.get(handle) ?? -1) + 1)])
  return inside.sort((one, other) => one.statement.clock - other.statement.clock)
}

/** Who is convicted, and the keys by which a reader recognizes that party. */
export interface Conviction {
  readonly party: Handle
  readonly keys: Keys
}

/**
 * Whether the evidence convicts, from nothing but itself: the party, and the key that identifies it; undefined if it
 * proves nothing. An honest party is never convicted: it signs one statement a place, and the head that its past
 * makes. Attacker-controlled: all of it. Throws StatementRefused for a line that is no statement, and EngineUnknown.
 */
export function convicted(evidence: Evidence, engines: Engines = builtIn): Conviction | undefined {
  return evidence.kind === 'equivocation' ? forked(evidence) : wrongHead(evidence, engines)
}

function forked(evidence: EquivocationEvidence): Conviction | undefined {
  const { contract, party, seq, keys, rotations } = evidence
  const one = decodeSigned(evidence.one)
  const other = decodeSigned(evidence.other)
  const isThere = ({ statement }: SignedStatement) =>
    statement.contract === contract && statement.party === party && statement.seq === seq
  if (!isThere(one) || !isThere(other) || one.hash === other.hash) return undefined
  const key = keyAfter(evidence, rotations.map(decodeSigned))
  if (key === undefined) return undefined
  // What was signed with a stolen key, where the recovery key took the feed back, convicts nobody.
  if (isTakeover(one) !== isTakeover(other)) return undefined
  return [one, other].every((decoded) => isSignedBy(decoded, key, keys)) ? { party, keys } : undefined
}

/** The key after these changes; undefined if one of them is not the party's own. */
function keyAfter(
  { contract, party, seq, keys }: EquivocationEvidence,
  changes: readonly SignedStatement[],
): string | undefined {
  let key = keys.signing
  let last = -1
  for (const decoded of changes) {
    const { statement } = decoded
    const isNext = statement.contract === contract && statement.party === party && statement.seq > last
    const change = statement.key
    if (!isNext || statement.seq >= seq || change === undefined || !isSignedBy(decoded, key, keys)) return undefined
    last = statement.seq
    if ('rotate' in change) {
      const { signing, proof } = change.rotate
      if (!isValidSignature(signing, rotationBytes({ contract, party, seq: statement.seq, signing }), proof))
        return undefined
      key = signing
    } else if ('revoke' in change) key = change.revoke.revocation.signing
  }
  return key
}

/** With the key that holds there, or, taking the feed over, with the one that the recovery key vouches for. */
function isSignedBy(decoded: SignedStatement, key: string, keys: Keys): boolean {
  const change = decoded.statement.key
  if (change === undefined || !('revoke' in change)) return isSignedWith(key, decoded)
  const { revocation, signature } = change.revoke
  const { contract, party } = decoded.statement
  if (revocation.contract !== contract || revocation.party !== party) return false
  return (
    isValidSignature(keys.recovery, revocationBytes(revocation), signature) && isSignedWith(revocation.signing, decoded)
  )
}

function isSignedWith(key: string, { text, signature }: SignedStatement): boolean {
  return isValidSignature(key, bytesToSign(text), signature)
}

function wrongHead({ contract, party, seq, past }: WrongHeadEvidence, engines: Engines): Conviction | undefined {
  const reception = receive(emptyAgreement(contract, engines), past.map(decodeSigned))
  const { state } = reception
  const [unjudged] = reception.unjudged
  if (unjudged !== undefined) throw unjudged.error
  const accused = statementAt(state.feeds, party, seq)
  if (accused === undefined || reception.waiting.length + reception.refused.length > 0) return undefined
  // Nothing but its own past: what lies outside of it proves nothing about its head.
  const isExact = state.feeds.every((feed, handle) => feed.size - 1 === accused.past.get(handle))
  const keys = state.ledger.cards.get(party)?.keys
  if (!isExact || keys === undefined) return undefined
  return isSame(headOf(state.ledger), accused.statement.head) ? undefined : { party, keys }
}

function isSame(one: Head, other: Head): boolean {
  return canonicalJson(one) === canonicalJson(other)
}

/** Where two states of one ledger diverge, and who is at fault. */
export interface Trace {
  readonly party: Handle
  readonly seq: number
  /** The head that what the statement covers makes, and the one that it carries. */
  readonly expected: Head
  readonly signed: Head
  /** The first differing leaf is at or after this index: up to it an earlier head of the party equals ours. */
  readonly from: number
  /** The first differing leaf, if the party's leaves were given and make the root that it signed. */
  readonly firstDiffering: number | undefined
  /** `party`: it signed what does not follow; `ours`: this node's ledger is not what these statements make. */
  readonly fault: 'party' | 'ours'
}

/**
 * Traces unequal heads of one size to the place where they diverge (design §4). All that the statement covers is held here, so inputs
 * cannot differ: had the party covered another branch of a feed, it would not be. So either a node computes wrongly, or the party lies.
 * `theirLeaves`: the leaf hashes of the party's ledger, if it shows them. In steps.
 */
export function* traceDivergence(
  state: AgreementState,
  { party, seq }: Pick<Divergence, 'party' | 'seq'>,
  theirLeaves?: readonly Hash[],
): Generator<void, Trace | undefined> {
  const held = statementAt(state.feeds, party, seq)
  if (held === undefined) return undefined
  const { log } = state.ledger
  const { head: signed } = held.statement
  const expected = headOf((yield* replaying(state, held.past)).ledger)
  const isEqual = ({ head }: { readonly head: Head }) => head.size <= log.size && log.rootAt(head.size) === head.root
  let from = 0
  for (const { statement } of feedOf(state.feeds, party).between(0, seq)) {
    if (isEqual(statement)) from = Math.max(from, statement.head.size)
    yield
  }
  const fault = isSame(signed, expected) ? 'ours' : 'party'
  return { party, seq, expected, signed, from, firstDiffering: firstDiffering(state, signed, theirLeaves), fault }
}

function firstDiffering(state: AgreementState, signed: Head, theirLeaves?: readonly Hash[]): number | undefined {
  if (theirLeaves === undefined || theirLeaves.length !== signed.size) return undefined
  const theirs = theirLeaves.reduce((log, leaf) => log.append(hashToBytes(leaf)), MerkleLog.empty)
  if (theirs.root() !== signed.root) return undefined
  const { log } = state.ledger
  // Roots of prefixes are equal up to the first difference and never after it.
  let low = 0
  let high = Math.min(signed.size, log.size)
  if (theirs.rootAt(high) === log.rootAt(high)) return signed.size > log.size ? log.size : undefined
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2)
    if (theirs.rootAt(middle) === log.rootAt(middle)) low = middle
    else high = middle
  }
  return low
}

/** The leaf hashes of a ledger whose entries are known as text: what a party publishes so that others can trace a divergence. */
export function leavesOf(entries: readonly string[]): Hash[] {
  return entries.map((text) => hashFromBytes(leafHash(text)))
}
