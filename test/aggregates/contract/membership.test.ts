import t from 'tap'
import { sha256 } from '../../../src/crypto/hash.ts'
import { tagged } from '../../../src/crypto/tagged.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { concurrently, Document, field, given, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const follower = new Party('follower')

t.test('who opens a contract is its first member', async (t) => {
  const document = given(broker.opens({ members: 7 }))
  t.same(document.state.parties, {
    members: [{ card: broker.card, admittedAt: 0 }],
    invitations: [],
    former: [],
    closed: [],
  })
  t.equal(document.state.title, 'Fleet 2027')
  t.same(document.state.charter, { continuationQuorumPercent: 67 })
  t.equal(document.state.limits.members, 7)
  t.same(document.at(''), document.state.document)
  t.equal(document.state.document.owner, null, 'the root is shared')
})

t.test('a contract is opened once, by its founder, before anything else', async (t) => {
  t.same(given(broker.opens()).when(broker.opens()).fate, { code: 'already_open', command: 0 })
  const fresh = Document.unopened()
  t.same(fresh.when(together(broker.opens(), broker.opens())).fate, { code: 'already_open', command: 1 })
  t.same(fresh.when(together(field('Country'), broker.opens())).fate, { code: 'not_open', command: 0 })
  t.same(fresh.when(broker.opens({}, lead.card)).fate, { code: 'founder_unfit', command: 0, with: ['lead'] })
})

t.test('a contract can be opened with invitations and a first structure in one request', async (t) => {
  const document = Document.unopened().when(
    together(broker.opens(), broker.invites(lead), broker.invites(follower), broker.addsField('Country')),
    broker.admits(follower),
    broker.admits(lead),
  )
  t.same(document.fates, ['accepted', 'accepted', 'accepted'])
  t.same(document.handles, ['broker', 'follower', 'lead'], 'both are invited by one request, and both come in')
})

t.test('an invitee becomes a member with its own signature, brought in by any member', async (t) => {
  const invited = given(openedBy(broker, lead), broker.invites(follower))
  t.same(invited.handles, ['broker', 'lead'], 'an invitee is none yet')
  t.same(invited.state.parties.invitations, [{ index: 3, by: 'broker', party: follower.card }])
  const document = invited.when(lead.admits(follower))
  t.same(document.fate, 'accepted')
  t.same(document.state.parties, {
    members: [
      { card: broker.card, admittedAt: 0 },
      { card: lead.card, admittedAt: 2 },
      { card: follower.card, admittedAt: 4 },
    ],
    invitations: [],
    former: [],
    closed: [],
  })
})

t.test('members are in the order of their admission, not of their invitation', async (t) => {
  const document = given(
    broker.opens(),
    broker.invites(lead),
    broker.invites(follower),
    broker.admits(follower),
    broker.admits(lead),
  )
  t.same(document.handles, ['broker', 'follower', 'lead'])
})

t.test('a handle is never used twice: not by a member, an invitee, nor after a resignation', async (t) => {
  const namesake = new Party('lead')
  const taken = { code: 'handle_taken', command: 0, with: ['lead'] }
  const invited = given(broker.opens(), broker.invites(lead))
  t.same(invited.when(broker.invites(namesake)).fate, taken)
  const admitted = invited.when(broker.admits(lead))
  t.same(admitted.when(broker.invites(namesake)).fate, taken)
  const resigned = admitted.when(lead.resigns())
  t.same(resigned.when(broker.invites(namesake)).fate, taken)
  t.same(resigned.when(broker.invites(lead)).fate, taken)
  t.same(given(broker.opens()).when(concurrently(broker.invites(lead), broker.invites(namesake))).fates, [
    'accepted',
    taken,
  ])
})

t.test('a party is on a contract under one handle: its DID and its keys are taken with it', async (t) => {
  const { did, keys } = lead.card
  const others = [
    new Party('other', { did }),
    new Party('other', { keys: { ...follower.card.keys, signing: keys.signing } }),
    new Party('other', { keys: { ...follower.card.keys, recovery: keys.recovery } }),
    new Party('other', { keys: { signing: keys.recovery, recovery: follower.card.keys.recovery } }),
    new Party('other', { keys: { signing: follower.card.keys.signing, recovery: keys.signing } }),
  ]
  const invited = given(broker.opens(), broker.invites(lead))
  const admitted = invited.when(broker.admits(lead))
  for (const document of [invited, admitted, admitted.when(lead.resigns())]) {
    for (const other of others) {
      t.same(document.when(broker.invites(other)).fate, { code: 'party_taken', command: 0, with: ['lead'] })
    }
  }
})

t.test('a party has two keys, both of the kind that all libraries judge alike', async (t) => {
  const { keys } = lead.card
  const notAdmissible = { code: 'key_not_admissible', command: 0 }
  // The neutral element of the curve.
  const smallOrder = tagged(Buffer.concat([Uint8Array.of(1), new Uint8Array(31)]))
  for (const unfit of [
    { ...keys, signing: smallOrder },
    { ...keys, recovery: smallOrder },
    { signing: keys.signing, recovery: keys.signing },
  ]) {
    const party = new Party('party', { keys: unfit })
    t.same(given(broker.opens()).when(broker.invites(party)).fate, notAdmissible)
    t.same(Document.unopened().when(party.opens()).fate, notAdmissible)
  }
})

t.test('open invitations count as members towards the limit; who has gone does not', async (t) => {
  const full = { code: 'limit_exceeded', command: 0, with: ['members'] }
  const document = given(broker.opens({ members: 2 }), broker.invites(lead))
  t.same(document.when(broker.invites(follower)).fate, full)
  const admitted = document.when(broker.admits(lead))
  t.same(admitted.when(broker.invites(follower)).fate, full)
  t.equal(admitted.when(lead.resigns(), broker.invites(follower)).fate, 'accepted')
})

t.test('an acceptance fits its invitation, to the letter', async (t) => {
  const document = given(broker.opens(), broker.invites(lead), broker.invites(follower))
  const unfit = { code: 'acceptance_unfit', command: 0 }
  const { keys } = lead.card
  const admits = (changes: Parameters<Party['admits']>[1]) => document.when(broker.admits(lead, changes)).fate
  t.same(admits({ contract: '0'.repeat(52) as Uid }), unfit)
  t.same(admits({ charter: { continuationQuorumPercent: 51 } }), unfit)
  t.same(admits({ keys: { ...keys, signing: follower.card.keys.signing } }), unfit)
  t.same(admits({ keys: { ...keys, recovery: follower.card.keys.recovery } }), unfit)
  t.same(
    admits({ handle: follower.handle }),
    { code: 'no_invitation', command: 0, with: ['follower'] },
    'that is another’s',
  )
  t.same(admits({ invitation: 2 }), { code: 'no_invitation', command: 0, with: ['lead'] })
  t.same(admits({ invitation: 0 }), { code: 'no_invitation', command: 0, with: ['lead'] })
})

t.test('nobody is admitted without an open invitation, and none twice', async (t) => {
  const none = { code: 'no_invitation', command: 0, with: ['lead'] }
  t.same(given(broker.opens()).when(broker.admits(lead)).fate, none)
  const document = given(broker.opens(), broker.invites(lead))
  t.same(document.when(concurrently(broker.admits(lead), broker.admits(lead))).fates, ['accepted', none])
  t.same(document.when(broker.admits(lead), lead.resigns(), broker.admits(lead, { invitation: 1 })).fate, none)
})

t.test('an acceptance counts with the invitee’s signature over its very bytes', async (t) => {
  const document = given(broker.opens(), broker.invites(lead), broker.invites(follower))
  const genuine = lead.accepts(document)
  const foreign = follower.accepts(document, genuine.acceptance)
  const altered = { ...genuine, acceptance: { ...genuine.acceptance, lastIndex: 2000 } }
  for (const accepted of [foreign, altered]) {
    t.same(document.when(broker.orders({ type: 'AdmitParty', accepted })).fate, {
      code: 'acceptance_badly_signed',
      command: 0,
    })
  }
  t.equal(document.when(broker.orders({ type: 'AdmitParty', accepted: genuine })).fate, 'accepted')
})

t.test('an acceptance is good up to its last index', async (t) => {
  const document = given(broker.opens(), broker.invites(lead))
  t.equal(document.when(broker.admits(lead, { lastIndex: 2 })).fate, 'accepted', 'it is entry 2')
  t.same(document.when(broker.admits(lead, { lastIndex: 1 })).fate, { code: 'acceptance_late', command: 0 })
})

t.test('the head that an invitee verified is one of this ledger, since its invitation', async (t) => {
  const opened = given(broker.opens())
  const invited = opened.when(broker.invites(lead))
  const document = invited.when(broker.addsField('Country'))
  const admits = (head: Document['head']) => document.when(broker.admits(lead, { head })).fate
  const wrong = { code: 'acceptance_wrong_head', command: 0 }
  t.equal(admits(invited.head), 'accepted')
  t.equal(admits(document.head), 'accepted')
  t.equal(admits({ ...document.head, record: sha256('any') }), 'accepted', 'the root stands for the record')
  t.same(admits(opened.head), wrong, 'it does not have the invitation')
  t.same(admits({ ...document.head, root: invited.head.root }), wrong, 'the root is that of another size')
  t.same(admits(document.when(broker.addsField('City')).head), wrong, 'it has not come to that yet')
})

t.test('who resigns is no member any more, but stays known', async (t) => {
  const document = given(openedBy(broker, lead)).when(lead.resigns('transferred'))
  t.same(document.events, [{ type: 'PartyResigned', handle: 'lead', reason: 'transferred' }])
  t.same(document.handles, ['broker'])
  t.same(document.state.parties.former, [{ card: lead.card, admittedAt: 2, resignedAt: 3 }])
})

t.test('requests of who is no member are never decided', async (t) => {
  const document = given(openedBy(broker, lead), lead.resigns())
  const broken = { name: 'AssertionFailed', message: 'only members have requests' }
  t.throws(() => document.when(lead.addsField('Country')), broken)
  t.throws(() => document.when(follower.addsField('Country')), broken)
})

t.test('the last member may resign too: that ends the contract', async (t) => {
  const document = given(broker.opens()).when(broker.resigns())
  t.equal(document.fate, 'accepted')
  t.same(document.handles, [])
  t.same(document.events, [{ type: 'PartyResigned', handle: 'broker' }])
})

t.test('what decides who has to agree stands alone in its request', async (t) => {
  const document = given(openedBy(broker, lead), broker.invites(follower))
  const alone = (command: number) => ({ code: 'command_not_alone', command })
  t.same(document.when(together(broker.admits(follower), broker.addsField('A'))).fate, alone(0))
  t.same(document.when(together(broker.addsField('A'), broker.admits(follower))).fate, alone(1))
  t.same(document.when(together(broker.resigns(), broker.addsField('A'))).fate, alone(0))
  t.same(document.when(together(broker.addsField('A'), broker.resigns())).fate, alone(1))
})
