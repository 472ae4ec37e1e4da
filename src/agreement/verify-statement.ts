import type { Engines } from '../aggregates/contract/engines.ts'
import { initialState } from '../aggregates/contract/state.ts'
import { utf8Length } from '../crypto/bytes.ts'
import { isValidSignature } from '../crypto/ed25519.ts'
import type { Handle } from '../events/ids.ts'
import { requestKey } from '../events/ids.ts'
import type { Limits } from '../events/limits.ts'
import { type Payloads, placesOf } from '../events/statement.ts'
import {
  bytesToSign,
  decodeUnsigned,
  type SignedStatement,
  StatementRefused,
  type Unsigned,
} from '../events/statement-codec.ts'
import { type Founder, isFoundedBy } from '../events/uid.ts'
import type { ErrorCode } from '../runtime/errors.ts'
import { completed } from '../runtime/turns.ts'
import { newestOf, saidToHold, statementAt } from './feeds.ts'
import { keyChangeProblem, signingKeyOf } from './keys/key-rules.ts'
import type { AgreementState } from './state.ts'
import { lackedBy } from './values/lacked-values.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { contains, covers, union, type VersionVector, withStatement } from './version-vector.ts'

/**
 * Verifies a statement whose causal past is held, and that is next in its feed. Its verdict is a function of the bytes
 * and that past alone: never of what else is held, of a clock, or of the build (design §3).
 * Attacker-controlled: `decoded`, whole; its shape has been validated. Throws StatementRefused, with the code that says which rule,
 * and EngineUnknown for what opens a contract in an engine that is not here.
 */
export function verifyStatement(state: AgreementState, decoded: SignedStatement): VerifiedStatement {
  return completed(verifying(state, decoded))
}

/** The same in steps: whether a key may be taken over hangs on the whole past. */
export function verifying(state: AgreementState, decoded: SignedStatement): Generator<void, VerifiedStatement> {
  return verifyingUnder(state, decoded, verifySignature)
}

/**
 * Why the others would refuse the party's own next statement, which still lacks its signature. A place of a feed that
 * nobody accepts ends the contract (decision 0046). `state`: what the draft was made from. Undefined: nothing. In steps.
 */
export function* refusalOfOwn(
  state: AgreementState,
  draft: Unsigned,
  payloads: Payloads,
): Generator<void, StatementRefused | undefined> {
  try {
    yield* verifyingUnder(state, decodeUnsigned(draft, payloads), () => {})
  } catch (error) {
    if (error instanceof StatementRefused) return error
    throw error
  }
  return undefined
}

function* verifyingUnder(
  state: AgreementState,
  decoded: SignedStatement,
  verifySigned: typeof verifySignature,
): Generator<void, VerifiedStatement> {
  verifyContract(state, decoded)
  verifyLink(state, decoded)
  const past = verifyCovering(state, decoded)
  verifyClock(state, decoded)
  if (decoded.statement.seq === 0 && past.size === 1 && state.ledger.invited.size === 0)
    verifyGenesis(state.ledger.engines, decoded, verifySigned)
  else {
    verifyMembership(state, decoded, past)
    verifySigned(decoded, signingKeyOf(state, decoded.statement))
    verifyLimits(decoded, state.ledger.document.limits)
  }
  verifyRefusals(state, decoded, past)
  verifyDecisions(state, decoded)
  yield* verifyKeyChange(state, decoded, past)
  return { ...decoded, past, lacks: lackedBy(decoded) }
}

function refuse(
  code: ErrorCode,
  message: string,
  { statement, hash }: SignedStatement,
  evidence: Record<string, unknown> = {},
): never {
  const { contract, party, seq } = statement
  throw new StatementRefused(code, `${party} ${seq}: ${message}`, { contract, party, seq, hash, ...evidence })
}

function verifyContract(state: AgreementState, decoded: SignedStatement): void {
  if (decoded.statement.contract === state.contract) return
  refuse('statement_wrong_contract', 'the statement belongs to another contract', decoded, { expected: state.contract })
}

function verifyLink(state: AgreementState, decoded: SignedStatement): void {
  const { party, prev, seq } = decoded.statement
  const expected = newestOf(state.feeds, party)?.hash ?? null
  if (prev === expected && seq === (newestOf(state.feeds, party)?.statement.seq ?? -1) + 1) return
  refuse('statement_badly_linked', 'it does not follow from the statement held before it', decoded, { prev, expected })
}

/** Its causal past; every statement that `seen` names is held with that hash (`receive` sees to it) (decision 0010). */
function verifyCovering(state: AgreementState, decoded: SignedStatement): VersionVector {
  const { party, seq, seen } = decoded.statement
  const named = placesOf(seen)
  let past = saidToHold(state.feeds, party)
  const pasts = named.map(([handle, place]) => (statementAt(state.feeds, handle, place.seq) as VerifiedStatement).past)
  named.forEach(([handle, place], index) => {
    const elsewhere = pasts.some((other, at) => at !== index && covers(other, handle, place.seq))
    if (handle === party || elsewhere || covers(past, handle, place.seq)) {
      refuse(
        'statement_covers_backwards',
        `seen names ${handle} ${place.seq}, which is its own or is covered already`,
        decoded,
      )
    }
  })
  for (const other of pasts) past = union(past, other)
  return withStatement(past, party, seq)
}

function verifyClock(state: AgreementState, decoded: SignedStatement): void {
  const { party, clock, seen } = decoded.statement
  const expected = clockAfter(state, party, seen)
  if (clock === expected) return
  refuse('statement_wrong_clock', `the clock is ${clock}, not ${expected}`, decoded, { clock, expected })
}

/** Exactly 1 + the greatest clock among the party's previous statement and those named. (Clocks grow along covering.) */
export function clockAfter(state: AgreementState, party: Handle, seen: SignedStatement['statement']['seen']): number {
  let greatest = newestOf(state.feeds, party)?.statement.clock ?? 0
  for (const [handle, place] of placesOf(seen)) {
    const named = statementAt(state.feeds, handle, place.seq)
    if (named !== undefined && named.statement.clock > greatest) greatest = named.statement.clock
  }
  return greatest + 1
}

/** The first statement of all opens the contract, under a UID that is its founder's, and is signed with the key that it names. */
function verifyGenesis(engines: Engines, decoded: SignedStatement, verifySigned: typeof verifySignature): void {
  const [first] = decoded.statement.requests
  const opening = openingOf(engines, decoded)
  if (first === undefined || first.tentative || opening === undefined) {
    refuse('statement_bad_genesis', 'the first statement of a contract must open it', decoded)
  }
  const { founder, limits } = opening
  if (!isFoundedBy(decoded.statement.contract, founder)) {
    refuse('statement_unfit_uid', 'the UID belongs to another founder, or another key', decoded, {
      key: founder.signing,
    })
  }
  verifySigned(decoded, founder.signing)
  verifyLimits(decoded, limits)
}

/**
 * The founder of a contract of which nothing is held yet, by its first statement. Attacker-controlled: all of it.
 * Throws StatementRefused for what does not found it.
 */
export function verifiedFounder(empty: AgreementState, first: SignedStatement): Founder {
  verifyStatement(empty, first)
  return (openingOf(empty.ledger.engines, first) as NonNullable<ReturnType<typeof openingOf>>).founder
}

/** What `decide` makes of the first request alone, so that genesis and ledger can never disagree about it. */
function openingOf(engines: Engines, decoded: SignedStatement): { founder: Founder; limits: Limits } | undefined {
  const { contract, party, requests } = decoded.statement
  const [first] = requests
  if (first === undefined) return undefined
  const request = { handle: party, seq: 0, index: 0 }
  const verdict = engines.decideRequest(first.commands, initialState(contract), {
    index: 0,
    author: party,
    request,
    contract,
    // Whether a contract has begun hangs on no value.
    reveal: () => undefined,
    open: () => undefined,
    computedFrom: () => new Set(),
    rootAt: () => undefined,
  })
  const opened = verdict.kind === 'accepted' ? verdict.events[0] : undefined
  if (opened?.type !== 'ContractOpened') return undefined
  const { handle, keys } = opened.founder
  return { founder: { handle, signing: keys.signing }, limits: opened.limits }
}

function verifyMembership(state: AgreementState, decoded: SignedStatement, past: VersionVector): void {
  const { party, requests } = decoded.statement
  const invited = state.ledger.invited.get(party)
  if (invited === undefined || !contains(past, invited)) {
    refuse('statement_unknown_party', 'its causal past has no invitation of its party', decoded)
  }
  if (requests.length === 0) return
  const admitted = state.ledger.admitted.get(party)
  if (admitted === undefined || !contains(past, admitted)) {
    refuse('statement_not_admitted', 'it carries requests, but its causal past has no admission of its party', decoded)
  }
}

function verifySignature(decoded: SignedStatement, key: string | undefined): void {
  if (key !== undefined && isValidSignature(key, bytesToSign(decoded.text), decoded.signature)) return
  refuse('statement_badly_signed', 'the signature is not valid under the key of its party', decoded, { key })
}

function verifyLimits(decoded: SignedStatement, limits: Limits): void {
  const { requests } = decoded.statement
  const exceeded = (what: string, limit: number): never =>
    refuse('statement_too_large', `more than ${limit} ${what}`, decoded, { limit })
  if (utf8Length(decoded.text) > limits.statementBytes) exceeded('bytes', limits.statementBytes)
  if (requests.length > limits.requestsPerStatement) exceeded('requests', limits.requestsPerStatement)
  if (requests.some(({ commands }) => commands.length > limits.commandsPerRequest)) {
    exceeded('commands in a request', limits.commandsPerRequest)
  }
}

function verifyRefusals(state: AgreementState, decoded: SignedStatement, past: VersionVector): void {
  const { party, refusals } = decoded.statement
  const before = saidToHold(state.feeds, party)
  const refused = new Set<string>()
  for (const { request } of refusals) {
    const { handle, seq, index } = request
    const newlyCovered = handle !== party && covers(past, handle, seq) && !covers(before, handle, seq)
    const exists = newlyCovered && statementAt(state.feeds, handle, seq)?.statement.requests[index] !== undefined
    if (!exists || refused.has(requestKey(request))) {
      refuse('statement_unfit_refusal', `${requestKey(request)} is not newly covered, or refused twice`, decoded)
    }
    refused.add(requestKey(request))
  }
}

function verifyDecisions(state: AgreementState, decoded: SignedStatement): void {
  const { party, decided } = decoded.statement
  const seen = new Set<string>()
  for (const { request } of decided) {
    const key = requestKey(request)
    if (state.undecided.get(key) !== party || seen.has(key)) {
      refuse('statement_unfit_decision', `${key} is not an undecided tentative request of its own`, decoded)
    }
    seen.add(key)
  }
}

function* verifyKeyChange(state: AgreementState, decoded: SignedStatement, past: VersionVector): Generator<void, void> {
  const problem = yield* keyChangeProblem(state, decoded, past)
  if (problem !== undefined) refuse('statement_unfit_key', problem, decoded)
}

/** For a statement whose signature must count as evidence although its causal past is not held. */
export function isSignedBy(state: AgreementState, decoded: SignedStatement): boolean {
  const key = signingKeyOf(state, decoded.statement)
  return key !== undefined && isSignedWith(key, decoded)
}

export function isSignedWith(publicKey: string, { text, signature }: SignedStatement): boolean {
  return isValidSignature(publicKey, bytesToSign(text), signature)
}
