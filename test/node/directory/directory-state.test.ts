import fc from 'fast-check'
import t from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import { partyFingerprint } from '../../../src/events/parties/party-card.ts'
import type { DirectoryEvent } from '../../../src/node/directory/directory-events.ts'
import {
  approve,
  block,
  type DirectoryState,
  emptyDirectory,
  evolve,
  IntroductionOutdated,
  introduce,
  PartyConflict,
  PartyUnknown,
  PartyWrongFingerprint,
  partyNamed,
} from '../../../src/node/directory/directory-state.ts'
import { type TestParty, testParty } from '../../support/party.ts'
import { tlsIdentity } from '../../support/tls.ts'

const TIME = '2026-11-23T12:00:00.000Z'
const acme = testParty('acme-re')
const zurich = testParty('zurich')
const fingerprintOf = (party: TestParty) => partyFingerprint(party.card)

/** The directory after these events. */
const given = (...events: DirectoryEvent[]): DirectoryState => events.reduce(evolve, emptyDirectory)
const introduced = async (party: TestParty, changes = {}): Promise<DirectoryEvent> => ({
  type: 'PartyIntroduced',
  signed: await party.introduce(changes),
  time: TIME,
})
const approved = (party: TestParty): DirectoryEvent => ({
  type: 'PartyApproved',
  handle: party.card.handle,
  fingerprint: fingerprintOf(party),
  time: TIME,
})
const blocked = (party: TestParty): DirectoryEvent => ({
  type: 'PartyBlocked',
  handle: party.card.handle,
  fingerprint: fingerprintOf(party),
  time: TIME,
})

t.test('a party is introduced, approved, blocked, approved again', async (t) => {
  const { handle } = acme.card
  const signed = await acme.introduce()
  t.strictSame(introduce(emptyDirectory, signed, TIME), [await introduced(acme)])
  const known = given(await introduced(acme))
  t.equal(partyNamed(known, handle)?.standing, 'introduced')
  t.strictSame(approve(known, handle, fingerprintOf(acme), TIME), [approved(acme)])
  const trusted = given(await introduced(acme), approved(acme))
  t.equal(partyNamed(trusted, handle)?.standing, 'approved')
  t.strictSame(block(trusted, handle, 'left the market', TIME), [{ ...blocked(acme), reason: 'left the market' }])
  const shunned = given(await introduced(acme), approved(acme), blocked(acme))
  t.equal(partyNamed(shunned, handle)?.standing, 'blocked')
  t.strictSame(approve(shunned, handle, fingerprintOf(acme), TIME), [approved(acme)])
})

t.test('what is so already is no news', async (t) => {
  const known = given(await introduced(acme), approved(acme))
  t.strictSame(introduce(known, await acme.introduce(), TIME), [])
  t.strictSame(approve(known, acme.card.handle, fingerprintOf(acme), TIME), [])
  t.strictSame(block(evolve(known, blocked(acme)), acme.card.handle, undefined, TIME), [])
})

t.test('an approved party may move and renew its certificate, under the keys that were approved', async (t) => {
  const known = given(await introduced(acme, { serial: 4 }), approved(acme))
  const moved = await acme.introduce({ endpoint: 'https://elsewhere.example', serial: 5 }, tlsIdentity('acme-re'))
  const events = introduce(known, moved, TIME)
  t.strictSame(events, [{ type: 'EndpointChanged', signed: moved, time: TIME }])
  t.strictSame(partyNamed(events.reduce(evolve, known), acme.card.handle), {
    standing: 'approved',
    signed: moved,
    isUnasked: false,
  })
})

t.test('nobody brings back what is outdated', async (t) => {
  const known = given(await introduced(acme, { serial: 5 }), approved(acme))
  for (const serial of [4, 5]) {
    const older = await acme.introduce({ endpoint: 'https://stolen.example', serial })
    t.throws(() => introduce(known, older, TIME), IntroductionOutdated)
    t.throws(() => introduce(known, older, TIME), {
      code: 'introduction_outdated',
      message: `introduction ${serial} of acme-re is no newer than the one that is known, 5`,
      evidence: { handle: 'acme-re', known: 5, serial },
    })
  }
})

t.test('a fingerprint that was not compared approves nobody', async (t) => {
  const known = given(await introduced(acme))
  const otherFingerprint = fingerprintOf(zurich)
  t.throws(() => approve(known, acme.card.handle, otherFingerprint, TIME), PartyWrongFingerprint)
  t.throws(() => approve(known, acme.card.handle, otherFingerprint, TIME), {
    code: 'party_wrong_fingerprint',
    message: 'the fingerprint is not that of acme-re as it is introduced',
    evidence: { handle: 'acme-re', expected: fingerprintOf(acme), given: otherFingerprint },
  })
})

t.test('of those who say the same handle the one is approved whose fingerprint a person has compared', async (t) => {
  const mallory = testParty('acme-re')
  for (const order of [
    [acme, mallory],
    [mallory, acme],
  ]) {
    const known = given(...(await Promise.all(order.map((party) => introduced(party)))))
    t.strictSame(approve(known, acme.card.handle, fingerprintOf(acme), TIME), [approved(acme)])
    const trusted = evolve(known, approved(acme))
    t.strictSame(partyNamed(trusted, acme.card.handle)?.signed.introduction.card, acme.card)
    t.throws(() => approve(trusted, acme.card.handle, fingerprintOf(mallory), TIME), PartyConflict)
  }
})

t.test('nobody is approved or blocked whom nobody introduced', async (t) => {
  const handle = 'nobody' as Handle
  t.throws(() => approve(emptyDirectory, handle, fingerprintOf(acme), TIME), PartyUnknown)
  t.throws(() => block(emptyDirectory, handle, undefined, TIME), {
    code: 'party_unknown',
    message: 'nobody was introduced here as nobody',
    evidence: { handle },
  })
})

t.test('handle, DID and signing key of an approved party are its own', async (t) => {
  const { did, handle } = acme.card
  const thieves = [
    { claim: 'handle', thief: testParty(handle) },
    { claim: 'DID', thief: testParty('mallory', { did }) },
    {
      claim: 'signing key',
      thief: testParty('mallory', { keys: { ...zurich.card.keys, signing: acme.card.keys.signing } }),
    },
  ]
  for (const { claim, thief } of thieves) {
    const signed = await thief.introduce()
    const known = given(await introduced(acme), approved(acme))
    t.throws(() => introduce(known, signed, TIME), PartyConflict)
    t.throws(() => introduce(known, signed, TIME), {
      code: 'party_conflict',
      message: `the ${claim} of ${thief.card.handle} belongs to acme-re (did:web:acme-re.example)`,
      evidence: { handle: thief.card.handle, other: 'acme-re', claim },
    })
    const both = given(await introduced(acme), await introduced(thief), approved(thief))
    t.throws(() => approve(both, handle, fingerprintOf(acme), TIME), PartyConflict, 'nor of the one that came second')
    t.strictSame(
      introduce(given(await introduced(acme), approved(acme), blocked(acme)), signed, TIME),
      [{ type: 'PartyIntroduced', signed, time: TIME }],
      'who is blocked holds nothing',
    )
  }
})

t.test('what is only said holds nothing: a recovery key, an endpoint, a certificate that is shared', async (t) => {
  const { keys } = acme.card
  const own = zurich.card.keys
  const gateway = tlsIdentity('gateway')
  const claimed = [
    await testParty('mallory', { keys: { ...own, recovery: keys.recovery } }).introduce({}, gateway),
    await testParty('mallory', { keys: { ...own, recovery: keys.signing } }).introduce({}, gateway),
  ]
  for (const signed of claimed) {
    const { card } = signed.introduction
    const mallory: DirectoryEvent[] = [
      { type: 'PartyIntroduced', signed, time: TIME },
      { type: 'PartyApproved', handle: card.handle, fingerprint: partyFingerprint(card), time: TIME },
    ]
    const known = given(...mallory)
    const { endpoint } = signed.introduction
    const genuine = await acme.introduce({ endpoint }, gateway)
    const events = introduce(known, genuine, TIME)
    t.strictSame(events, [{ type: 'PartyIntroduced', signed: genuine, time: TIME }])
    t.strictSame(approve(events.reduce(evolve, known), acme.card.handle, fingerprintOf(acme), TIME), [approved(acme)])
  }
})

t.test('a mere introduction keeps nobody out', async (t) => {
  const squatter = testParty('acme-re')
  const known = given(await introduced(squatter))
  t.strictSame(introduce(known, await acme.introduce(), TIME), [await introduced(acme)])
})

t.test('no history breaks the fold, and no two approved parties share what tells them apart', async (t) => {
  const parties = [acme, zurich, testParty('acme-re'), testParty('other', { did: zurich.card.did })]
  const shared = tlsIdentity('gateway')
  const signed = await Promise.all(
    parties.flatMap((party) => [0, 1].map((serial) => party.introduce({ serial }, shared))),
  )
  const handles = parties.map(({ card }) => card.handle)
  const fingerprints = parties.map(fingerprintOf)
  const anEvent: fc.Arbitrary<DirectoryEvent> = fc.oneof(
    fc.record({
      type: fc.constantFrom('PartyIntroduced' as const, 'EndpointChanged' as const),
      signed: fc.constantFrom(...signed),
      time: fc.constant(TIME),
    }),
    fc.record({
      type: fc.constant('PartyApproved' as const),
      handle: fc.constantFrom(...handles),
      fingerprint: fc.constantFrom(...fingerprints),
      time: fc.constant(TIME),
    }),
    fc.record({
      type: fc.constant('PartyBlocked' as const),
      handle: fc.constantFrom(...handles),
      fingerprint: fc.constantFrom(...fingerprints),
      time: fc.constant(TIME),
    }),
  )
  fc.assert(fc.property(fc.array(anEvent), (events) => given(...events).size <= parties.length))

  const aCommand = fc.oneof(
    fc.constantFrom(...signed).map((signed) => (state: DirectoryState) => introduce(state, signed, TIME)),
    fc.tuple(fc.constantFrom(...handles), fc.constantFrom(...fingerprints)).map(
      ([handle, fingerprint]) =>
        (state: DirectoryState) =>
          approve(state, handle, fingerprint, TIME),
    ),
    fc.constantFrom(...handles).map((handle) => (state: DirectoryState) => block(state, handle, undefined, TIME)),
  )
  fc.assert(
    fc.property(fc.array(aCommand, { maxLength: 40 }), (commands) => {
      let state = emptyDirectory
      for (const command of commands) state = attempt(command, state)
      const trusted = [...state.values()]
        .filter(({ standing }) => standing === 'approved')
        .map(({ signed }) => signed.introduction)
      const distinct = (of: (party: (typeof trusted)[number]) => string) =>
        new Set(trusted.map(of)).size === trusted.length
      return (
        distinct(({ card }) => card.did) &&
        distinct(({ card }) => card.handle) &&
        distinct(({ card }) => card.keys.signing)
      )
    }),
    { numRuns: 300 },
  )
  t.pass()
})

function attempt(command: (state: DirectoryState) => DirectoryEvent[], state: DirectoryState): DirectoryState {
  try {
    return command(state).reduce(evolve, state)
  } catch {
    return state
  }
}
