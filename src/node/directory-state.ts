import { canonicalJson } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import { partyFingerprint } from '../events/party-card.ts'
import { unreachable } from '../runtime/assert.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { DirectoryEvent } from './directory-events.ts'
import type { Introduction, SignedIntroduction } from './introduction.ts'

/** Evidence: `handle`. */
export class PartyUnknown extends ConcordataError {}

/** What the introduction claims belongs to somebody that a person has decided on. Evidence: `handle`, `other`, `claim`. */
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
}

/** Every party that was ever introduced here, by its handle. */
export type DirectoryState = ReadonlyMap<Handle, DirectoryParty>

export const emptyDirectory: DirectoryState = new Map()

/** Never throws on history: what does not fit changes nothing. */
export function evolve(state: DirectoryState, event: DirectoryEvent): DirectoryState {
  switch (event.type) {
    case 'PartyIntroduced':
      return withParty(state, { standing: 'introduced', signed: event.signed })
    case 'EndpointChanged': {
      const known = state.get(event.signed.introduction.card.handle)
      return known === undefined ? state : withParty(state, { ...known, signed: event.signed })
    }
    case 'PartyApproved':
      return withStanding(state, event.handle, 'approved')
    case 'PartyBlocked':
      return withStanding(state, event.handle, 'blocked')
    default:
      return unreachable(event)
  }
}

/**
 * Takes in what a party says of itself; `signed` has been verified. Under the keys that are known, only what is newer
 * is taken. Throws PartyConflict, IntroductionOutdated.
 */
export function introduce(state: DirectoryState, signed: SignedIntroduction, time: string): DirectoryEvent[] {
  const { introduction } = signed
  verifyClaims(state, introduction)
  const known = state.get(introduction.card.handle)
  if (known === undefined || !isSameParty(known.signed.introduction, introduction)) {
    return [{ type: 'PartyIntroduced', signed, time }]
  }
  if (canonicalJson(known.signed.introduction) === canonicalJson(introduction)) return []
  verifyNewer(known.signed.introduction, introduction)
  return [{ type: 'EndpointChanged', signed, time }]
}

/**
 * A person says that this fingerprint is the party's: it must be that of the introduction, which may have been replaced
 * since the person saw it. Throws PartyUnknown, PartyWrongFingerprint, PartyConflict.
 */
export function approve(state: DirectoryState, handle: Handle, given: Hash, time: string): DirectoryEvent[] {
  const party = partyOf(state, handle)
  const expected = partyFingerprint(party.signed.introduction.card)
  if (given !== expected) {
    const message = `the fingerprint is not that of ${handle} as it is introduced`
    throw new PartyWrongFingerprint('party_wrong_fingerprint', message, { handle, expected, given })
  }
  verifyClaims(state, party.signed.introduction)
  return party.standing === 'approved' ? [] : [{ type: 'PartyApproved', handle, fingerprint: expected, time }]
}

/** Throws PartyUnknown. */
export function block(
  state: DirectoryState,
  handle: Handle,
  reason: string | undefined,
  time: string,
): DirectoryEvent[] {
  if (partyOf(state, handle).standing === 'blocked') return []
  return [{ type: 'PartyBlocked', handle, ...(reason === undefined ? {} : { reason }), time }]
}

/** What a person has decided on belongs to that party for good; a mere introduction keeps nobody out. */
function verifyClaims(state: DirectoryState, introduction: Introduction): void {
  for (const { standing, signed } of state.values()) {
    const other = signed.introduction
    if (standing === 'introduced' || isSameParty(other, introduction)) continue
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
  if (a.certificate === b.certificate) return 'certificate'
  const keys = Object.values(a.card.keys)
  return Object.values(b.card.keys).some((key) => keys.includes(key)) ? 'key' : undefined
}

/** A party is its handle, its DID and its keys. */
export function isSameParty(a: Introduction, b: Introduction): boolean {
  return a.card.handle === b.card.handle && partyFingerprint(a.card) === partyFingerprint(b.card)
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
  const party = state.get(handle)
  if (party === undefined) {
    throw new PartyUnknown('party_unknown', `nobody was introduced here as ${handle}`, { handle })
  }
  return party
}

function withStanding(state: DirectoryState, handle: Handle, standing: Standing): DirectoryState {
  const party = state.get(handle)
  return party === undefined ? state : withParty(state, { ...party, standing })
}

function withParty(state: DirectoryState, party: DirectoryParty): DirectoryState {
  return new Map(state).set(party.signed.introduction.card.handle, party)
}
