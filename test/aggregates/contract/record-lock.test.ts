import t from 'tap'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import { field, given, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'
import {
  broker,
  claim,
  follower,
  inForce,
  lead,
  pounds,
  premium,
  ready,
  shares,
  slip,
} from '../../support/ruled-document.ts'

const [ana, ben, cleo, dov] = ['ana', 'ben', 'cleo', 'dov'].map((handle) => new Party(handle)) as [
  Party,
  Party,
  Party,
  Party,
]
const document = given(openedBy(ana, ben, cleo), field('Rate'))
const locked = document.when(ben.locks('transfer'))

t.test('from the lock on only its holder changes the record', async (t) => {
  t.match(locked.state.lock, { holder: 'ben', purpose: 'transfer', breakVotes: [] })
  t.same(locked.when(ana.proposes('Rate', '1')).fate, { code: 'record_locked', command: 0, with: ['ben'] })
  t.equal(locked.when(ben.proposes('Rate', '2')).fate, 'accepted')
  t.equal(locked.when(together(ben.proposes('Rate', '2'), ben.releases())).state.lock, null)
})

t.test('who comes second to the lock learns who has it', async (t) => {
  t.same(locked.when(cleo.locks()).fate, { code: 'record_locked', command: 0, with: ['ben'] })
})

t.test('what comes before the lock in one request is void with it', async (t) => {
  const both = locked.when(together(cleo.invites(dov), cleo.proposes('Rate', '3')))
  t.same(both.fate, { code: 'record_locked', command: 1, with: ['ben'] })
  t.same(both.state.parties.invitations, [])
})

t.test('after release everybody writes again', async (t) => {
  t.equal(locked.when(ben.releases(), ana.proposes('Rate', '1')).fate, 'accepted')
  t.same(document.when(ana.releases()).fate, { code: 'no_such_lock', command: 0 })
})

t.test('the lock is a part of the record', async (t) => {
  t.not(recordHash(locked.state), recordHash(document.state))
  t.equal(recordHash(locked.when(ben.releases()).state), recordHash(document.state))
})

t.test('membership goes on beside a lock', async (t) => {
  const invited = locked.when(ana.invites(dov))
  t.equal(invited.fate, 'accepted')
  t.equal(invited.when(ana.admits(dov)).fate, 'accepted')
  t.equal(invited.when(ana.withdrawsInvitation(dov)).fate, 'accepted')
  t.equal(invited.when(ana.bringsDecline(dov)).fate, 'accepted')
  t.equal(locked.when(cleo.resigns()).fate, 'accepted')
})

t.test('all others together break a lock, and nobody less', async (t) => {
  const halfway = locked.when(ana.breaks())
  t.match(halfway.state.lock, { holder: 'ben', breakVotes: ['ana'] })
  t.same(halfway.when(ana.proposes('Rate', '1')).fate, { code: 'record_locked', command: 0, with: ['ben'] })
  const broken = halfway.when(cleo.breaks())
  t.equal(broken.state.lock, null)
  t.equal(broken.when(ana.proposes('Rate', '1')).fate, 'accepted')
})

t.test('a vote is about one lock: it does not count for the next', async (t) => {
  const again = locked.when(ana.breaks(), ben.releases(), ben.locks('edit'))
  t.match(again.state.lock, { breakVotes: [] })
  const { index } = locked.state.lock ?? { index: -1 }
  t.same(again.when(cleo.orders({ type: 'BreakLock', lock: index })).fate, {
    code: 'no_such_lock',
    command: 0,
    with: [String(index)],
  })
})

t.test('who joins while the votes are cast is asked too', async (t) => {
  const joined = locked.when(ana.breaks(), ana.invites(dov), ana.admits(dov), cleo.breaks())
  t.match(joined.state.lock, { breakVotes: ['ana', 'cleo'] })
  t.equal(joined.when(dov.breaks()).state.lock, null)
})

t.test('a holder that resigns lets go', async (t) => {
  t.equal(locked.when(ben.resigns()).state.lock, null)
})

t.test('when the only one that had not voted goes, the lock is broken', async (t) => {
  const left = locked.when(ana.breaks(), cleo.resigns())
  t.equal(left.state.lock, null)
  t.match(left.entries.at(-1)?.events, [{ type: 'PartyResigned' }, { type: 'LockBroken', holder: 'ben' }])
})

t.test('a resignation alone breaks no lock that nobody voted to break', async (t) => {
  t.match(locked.when(ana.resigns(), cleo.resigns()).state.lock, { holder: 'ben' })
})

t.test('who has not got the lock neither votes on rules, publishes them nor reopens; its holder does', async (t) => {
  const voted = ready(shares, ['', { constraint: 'Share <= 100' }]).when(lead.locks())
  for (const act of [broker.publishes(1), broker.votesOnRule(1, 'no'), broker.drafts('', { constraint: 'true' })]) {
    t.match(voted.when(act).fate, { code: 'record_locked', with: ['lead'] })
  }
  const live = voted.when(lead.publishes(1))
  t.equal(live.state.phase, 'live')
  t.match(live.when(broker.reopens()).fate, { code: 'record_locked' })
  t.equal(live.when(lead.reopens(), lead.releases(), broker.reopens()).state.phase, 'edit')
})

t.test('rules judge what the holder of the lock writes, and compute from it', async (t) => {
  const live = inForce(slip, premium, ['', { constraint: 'Rate < 1' }]).when(
    lead.proposes('Sum', pounds('1000.00')),
    lead.locks(),
    lead.proposes('Rate', '0.05'),
  )
  t.same(live.agreedAt('Premium'), pounds('50.00'))
  t.match(live.when(lead.settles('Rate', '2')).fate, { code: 'rule_broken', with: ['2'] })
  t.match(live.when(broker.settles('Rate', '0.1')).fate, { code: 'record_locked' })
})

t.test('votes that are open when the record is locked wait for its release, or end with who resigns', async (t) => {
  const open = inForce(claim, ['Claim', { validation: { parties: ['follower'] } }]).when(
    broker.proposes('Claim/Amount', '5'),
    broker.locks(),
  )
  t.match(open.when(follower.votes('yes', 'Claim/Amount', broker)).fate, { code: 'record_locked' })
  const released = open.when(broker.releases(), follower.votes('yes', 'Claim/Amount', broker))
  t.equal(released.agreedAt('Claim/Amount'), '5')
  const gone = open.when(follower.resigns())
  t.same([gone.fate, gone.agreedAt('Claim/Amount')], ['accepted', '5'], 'nobody is kept from leaving')
})

t.test('no rule keeps the others from breaking a lock', async (t) => {
  const live = inForce(
    claim,
    ['', { access: ['propose', 'add', 'remove', 'vote', 'invite'], who: {} }],
    ['', { constraint: 'true' }],
  ).when(broker.locks())
  t.equal(live.state.lock?.holder, 'broker')
  const broken = live.when(lead.breaks(), follower.breaks())
  t.same([broken.fate, broken.state.lock], ['accepted', null])
})
