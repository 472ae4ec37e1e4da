import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle } from '../../events/ids.ts'
import { type PartyCard, partyFingerprint } from '../../events/parties/party-card.ts'
import { unreachable } from '../../runtime/assert.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { DirectoryEvent } from './directory-events.ts'
import type { Introduction, SignedIntroduction } from './introduction.ts'

/** Evidence: `handle`. */
export class PartyUnknown extends ConcordataError {}

/** What the introduction claims belongs to another whom a person has approved. Evidence: `handle`, `other`, `claim`. */
export class PartyConflict extends ConcordataError {}

/** Evidence: `handle`, `expected`, `given`. */
export class PartyWrongFingerprint extends ConcordataError {}

/** Evidence: `handle`, `known` and `serial`. */
export class IntroductionOutdated extends ConcordataError {}

/** Introduced: looked up, and nothing more. */
type Standing = 'introduced' | 'approved' | 'blocked'

export interface DirectoryParty {
  readonly standing: Standing
  readonly signed: SignedIntroduction
  /** Nobody here has looked it up. */
  readonly isUnasked: boolean
}

/**
 * Every party that was ever introduced here: by its handle, DID and keys, so that nobody who says the same handle stands in
 * another's place. At most one of a handle is approved. Oldest introduction first.
 */
export type DirectoryState = ReadonlyMap<string, DirectoryParty>

export const emptyDirectory: DirectoryState = new Map()

/** Never throws on history: what does not fit changes nothing. */
export function evolve(state: DirectoryState, event: DirectoryEvent): DirectoryState {
  switch (event.type) {
    case 'PartyIntroduced':
      return withParty(without(state, event.insteadOf), {
        standing: 'introduced',
        signed: event.signed,
        isUnasked: event.unasked === true,
      })
    case 'EndpointChanged': {
      const known = state.get(keyOf(event.signed.introduction.card))
      return known === undefined ? state : withParty(state, { ...known, signed: event.signed })
    }
    case 'PartyApproved':
      return withStanding(state, event, 'approved')
    case 'PartyBlocked':
      return withStanding(state, event, 'blocked')
    default:
      return unreachable(event)
  }
}

/**
 * Takes in what a party says of itself; `signed` has been verified. Under the keys that are known, only what is newer
 * is taken. `unasked`: it introduces itself; `insteadOf` goes, should it be new. Throws PartyConflict, IntroductionOutdated.
 */
export function introduce(
  state: DirectoryState,
  signed: SignedIntroduction,
  time: string,
  unasked?: { readonly insteadOf: DirectoryParty | undefined },
): DirectoryEvent[] {
  const { introduction } = signed
  verifyClaims(state, introduction)
  const before = state.get(keyOf(introduction.card))?.signed.introduction
  if (before === undefined) {
    const goes = unasked?.insteadOf && { insteadOf: namedAs(unasked.insteadOf.signed.introduction.card) }
    return [{ type: 'PartyIntroduced', signed, ...(unasked && { unasked: true, ...goes }), time }]
  }
  if (canonicalJson(before) === canonicalJson(introduction)) return []
  verifyNewer(before, introduction)
  return [{ type: 'EndpointChanged', signed, time }]
}

/**
 * A person says that this fingerprint is the party's: of those introduced under the handle it is the one of that fingerprint.
 * Throws PartyUnknown, PartyWrongFingerprint, PartyConflict.
 */
export function approve(state: DirectoryState, handle: Handle, given: Hash, time: string): DirectoryEvent[] {
  const party = state.get(keyed(handle, given))
  if (party === undefined) {
    const expected = partyFingerprint(partyOf(state, handle).signed.introduction.card)
    const message = `the fingerprint is not that of ${handle} as it is introduced`
    throw new PartyWrongFingerprint('party_wrong_fingerprint', message, { handle, expected, given })
  }
  verifyClaims(state, party.signed.introduction)
  return party.standing === 'approved' ? [] : [{ type: 'PartyApproved', handle, fingerprint: given, time }]
}

/** The party that `partyNamed` finds. Throws PartyUnknown. */
export function block(
  state: DirectoryState,
  handle: Handle,
  reason: string | undefined,
  time: string,
): DirectoryEvent[] {
  const { standing, signed } = partyOf(state, handle)
  if (standing === 'blocked') return []
  const fingerprint = partyFingerprint(signed.introduction.card)
  return [{ type: 'PartyBlocked', handle, fingerprint, ...(reason === undefined ? {} : { reason }), time }]
}

/** Whom one means by a handle: the approved party, else who was introduced last, else who was blocked last. */
export function partyNamed(state: DirectoryState, handle: Handle): DirectoryParty | undefined {
  const named = [...state.values()].filter(({ signed }) => signed.introduction.card.handle === handle)
  const last = (standing: Standing) => named.findLast((party) => party.standing === standing)
  return last('approved') ?? last('introduced') ?? last('blocked')
}

/** How many parties that have introduced themselves may wait for a person's decision. */
const WAITING_MAX = 64
/** How many of them may claim the same DID: only the fingerprint tells whose it is. */
const WAITING_OF_DID_MAX = 4

/**
 * Who gives way to a party that introduces itself, among those that wait for a decision: the oldest under its DID, or under the one
 * that most have said. Whoever calls again and again, as a true party does, is seen again. Undefined: there is room.
 */
export function givesWayTo(state: DirectoryState, { card }: Introduction): DirectoryParty | undefined {
  const waiting = [...state.values()].filter(({ standing, isUnasked }) => standing === 'introduced' && isUnasked)
  const byDid = Map.groupBy(waiting, ({ signed }) => signed.introduction.card.did)
  const alike = byDid.get(card.did) ?? []
  if (alike.length >= WAITING_OF_DID_MAX) return alike[0]
  if (waiting.length < WAITING_MAX) return undefined
  const [most] = [...byDid.values()].sort((one, other) => other.length - one.length)
  return most?.[0]
}

/**
 * What tells parties apart belongs to the one that a person has approved, as long as it is (decision 0032). Who is introduced, or blocked,
 * keeps nobody out. A recovery key and an endpoint are only said, and a certificate may be shared: nobody holds them by that.
 */
function verifyClaims(state: DirectoryState, introduction: Introduction): void {
  for (const { standing, signed } of state.values()) {
    const other = signed.introduction
    if (standing !== 'approved' || isSameParty(other, introduction)) continue
    const claim = commonClaim(other, introduction)
    if (claim === undefined) continue
    const handle = introduction.card.handle
    const message = `the ${claim} of ${handle} belongs to ${other.card.handle} (${other.card.did})`
    throw new PartyConflict('party_conflict', message, { handle, other: other.card.handle, claim })
  }
}

function commonClaim(a: Introduction, b: Introduction): string | undefined {
  if (a.card.handle === b.card.handle) return 'handle'
  if (a.card.did === b.card.did) return 'DID'
  return a.card.keys.signing === b.card.keys.signing ? 'signing key' : undefined
}

/** A party is its handle, its DID and its keys. */
export function isSameParty(a: Introduction, b: Introduction): boolean {
  return keyOf(a.card) === keyOf(b.card)
}

function verifyNewer(known: Introduction, introduction: Introduction): void {
  if (introduction.serial > known.serial) return
  const { handle } = introduction.card
  const message = `introduction ${introduction.serial} of ${handle} is no newer than the one that is known, ${known.serial}`
  throw new IntroductionOutdated('introduction_outdated', message, {
    handle,
    known: known.serial,
    serial: introduction.serial,
  })
}

function partyOf(state: DirectoryState, handle: Handle): DirectoryParty {
  const party = partyNamed(state, handle)
  if (party === undefined) {
    throw new PartyUnknown('party_unknown', `nobody was introduced here as ${handle}`, { handle })
  }
  return party
}

function withStanding(
  state: DirectoryState,
  { handle, fingerprint }: { handle: Handle; fingerprint: Hash },
  standing: Standing,
): DirectoryState {
  const party = state.get(keyed(handle, fingerprint))
  return party === undefined ? state : withParty(state, { ...party, standing })
}

function withParty(state: DirectoryState, party: DirectoryParty): DirectoryState {
  return new Map(state).set(keyOf(party.signed.introduction.card), party)
}

function without(state: DirectoryState, party: { handle: Handle; fingerprint: Hash } | undefined): DirectoryState {
  const key = party === undefined ? '' : keyed(party.handle, party.fingerprint)
  if (state.get(key)?.standing !== 'introduced') return state
  const left = new Map(state)
  left.delete(key)
  return left
}

function namedAs(card: PartyCard): { handle: Handle; fingerprint: Hash } {
  return { handle: card.handle, fingerprint: partyFingerprint(card) }
}

function keyOf(card: PartyCard): string {
  return keyed(card.handle, partyFingerprint(card))
}

function keyed(handle: string, fingerprint: Hash): string {
  return `${handle} ${fingerprint}`
}
