import t from 'tap'
import { type RuleTerms, ruleHash } from '../../../src/aggregates/contract/rules/rule-book.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import { type Handle, ROOT, type Uid } from '../../../src/events/ids.ts'
import type { PartyCard } from '../../../src/events/parties/party-card.ts'
import { Metrics } from '../../../src/node/observability/metrics.ts'
import type { ObstaclesPorts } from '../../../src/node/observability/obstacles.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { allOf, contractFoundedBy, marketOf, owes, Player, talk } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { named, ofTheProcess, sayingOf } from '../../support/obstacles.ts'
import { tlsIdentity } from '../../support/tls.ts'
import { Link, together } from '../../support/two-parties.ts'

t.test('the machine: disk, clock, certificate; each said once in the log, and when it is over', async (t) => {
  const ana = await new EdgelessParty(t).start()
  let aheadMs = new Map<Handle, number>()
  const ahead = (...all: number[]) => {
    aheadMs = new Map(all.map((ms, n) => [`peer-${n}` as Handle, ms]))
  }
  let now = systemClock.now()
  const clock = { ...systemClock, now: () => now }
  const certificate = () => tlsIdentity('ana').certificate
  let failing = 0
  // A file system without room.
  const { obstacles, codes, lines } = sayingOf(ana, {
    dir: '/proc',
    clock,
    aheadMs: () => aheadMs,
    certificate,
    webhooksFailing: () => failing,
  })
  await obstacles.start()
  obstacles.close()
  t.same(codes(), ['disk_full'])
  for (const all of [[60_000, -400, 61_000], [60_000], [-60_000], [-60_000, 60_000], [60_000, 61_000]]) {
    ahead(...all)
    t.same(codes(), ['disk_full', 'clock_off'], `${all}`)
  }
  for (const all of [[60_000, -400, 300], [60_000, -400], [-60_000, 300], []]) {
    ahead(...all)
    t.same(codes(), ['disk_full'], `${all}: one that disagrees with the others says nothing of this clock`)
  }
  failing = 2
  t.same(codes(), ['disk_full', 'webhook_failing'])
  failing = 0
  for (const years of [-100, 200]) {
    now += years * 365 * 24 * 60 * 60 * 1000
    t.same(codes(), ['disk_full', 'certificate_invalid'], 'not valid yet, or no more')
  }
  t.same(
    lines.map(({ obstacle }) => obstacle),
    ['disk_full'],
  )
  t.same(
    obstacles.counts().map(({ code, party, count }) => [code, party, count]),
    [
      ['disk_full', '', 1],
      ['certificate_invalid', '', 1],
    ],
  )
})

t.test('a way that is cut is said of the party, and a wait only after a while, and not beside it', async (t) => {
  const [ana, ben] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [one, other] = [await ana.start(), await ben.start()]
  const link = new Link([one, ana], [other, ben])
  const uid: Uid = await together(one, other)
  const directory = {
    byHandle: () => ({ card: ben.card }),
    handles: () => new Set([ben.card.handle]),
    parties: () => [],
  } as unknown as ObstaclesPorts['directory']
  const { obstacles } = sayingOf(one, { directory })
  t.same(obstacles.all(0), [])
  link.isUp = false
  await one.contracts.use(uid, async (live) => {
    const command = { type: 'AddField', parent: '0', name: 'C', field: { type: 'text' } }
    await live.submit({ request: { id: 'c', commands: [command] }, payloads: {} }).signed
    await until('the call to fail', async () => one.gossip.troubles().size > 0)
    t.match(obstacles.all(0), [{ code: 'party_unreachable', parties: ['ben'], contract: null }])
    t.match(obstacles.of(live), [{ code: 'party_unreachable', parties: ['ben'], contract: uid }])
    link.isUp = true
    await until('it is over', async () => obstacles.all(0).length === 0)
  })
})

t.test('who has accepted other terms than those of now is told, and is admitted once it accepts again', async (t) => {
  const [ana, ben] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [one, other] = [await ana.start(), await ben.start()]
  const link = new Link([one, ana], [other, ben])
  const { contract, opened } = await one.contracts.openContract('of two')
  await opened
  const uid = contract.contract
  const asks = (id: string, ...commands: { type: string; [member: string]: unknown }[]) =>
    one.contracts.use(uid, (live) => live.submit({ request: { id, commands }, payloads: {} }).verdict)
  const partiesOf = ({ contracts }: PartyProcess) => contracts.use(uid, ({ state }) => state.settling.agreed.parties)
  await asks('invite', { type: 'InviteParty', party: other.contracts.card })
  await until('the invitation', async () => other.contracts.has(uid) && (await partiesOf(other)).invitations.length > 0)
  link.isUp = false
  await other.contracts.accept(uid)
  const directory = {
    byHandle: () => ({ card: ana.card }),
    handles: () => new Set([ana.card.handle]),
    parties: () => [],
  } as unknown as ObstaclesPorts['directory']
  const { obstacles, codes } = sayingOf(other, { directory })
  t.same([codes(), other.contracts.replyTo(uid)], [[], 'accepted'])
  const terms: RuleTerms = { at: ROOT, body: { kind: 'single' }, id: 1, ruleSet: 1 }
  const { at, body, ruleSet } = terms
  await asks('draft', { name: 'Terms', type: 'AddRuleSet' }, { at, body, ruleSet, type: 'DraftRule' })
  const rules = [{ hash: ruleHash(terms), rule: 1 }]
  const published = await asks('publish', { rules, ruleSets: [1], type: 'PublishRules' })
  t.match(published, { outcome: { kind: 'accepted' } })
  link.isUp = true
  one.gossip.carry(uid)
  other.gossip.carry(uid)
  await until('ben to hear of the rules', async () => codes().length > 0)
  const ofContract = await other.contracts.use(uid, (live) => obstacles.of(live))
  t.match(ofContract.map(({ code, contract }) => [code, contract])[0], ['acceptance_overtaken', uid])
  t.equal(other.contracts.replyTo(uid), 'overtaken')
  t.equal((await partiesOf(one)).members.length, 1)
  await other.contracts.accept(uid)
  other.gossip.carry(uid)
  await until('ben to be a member', async () => (await partiesOf(other)).members.length === 2)
  t.same(codes(), [])
})

const MADE_UP = 2

/** A contract of mallory and of members that she has made up, in which ben is invited, or a member. */
function madeUp(ben: PartyCard, joins?: Player): Player[] {
  const uid = contractFoundedBy('mallory')
  const players = ['mallory', ...Array.from({ length: MADE_UP }, (_, n) => `made-up-${n}`)].map(
    (handle) => new Player(handle, undefined, uid),
  )
  marketOf(joins === undefined ? players : [...players, joins])
  const [mallory] = players as [Player]
  if (joins === undefined) mallory.requests({ type: 'InviteParty', party: ben })
  talk(players, owes)
  return players
}

t.test('members that somebody has made up are no obstacles as long as this party has not joined them', async (t) => {
  const bens = new EdgelessParty(t, 'ben')
  const ben = await bens.start()
  const [mallory] = madeUp(bens.card) as [Player]
  const contract = mallory.contract
  await ben.contracts.begin(contract, allOf(mallory), mallory.handle)
  await ben.contracts.use(contract, (live) => live.deliver(allOf(mallory)))
  const { obstacles } = sayingOf(ben)
  const standing = (await ben.contracts.summaries()).map(({ standing, members }) => [standing, members.length])
  t.same(standing, [['invited', MADE_UP + 1]])
  t.same(obstacles.all(0), [])
  t.same(obstacles.counts(), [])
})

t.test('and then they are one line of the log, and one series of the metric', async (t) => {
  const joined = new Player('ben', undefined, contractFoundedBy('mallory'))
  const [mallory] = madeUp(joined.card, joined) as [Player]
  const bens = new EdgelessParty(t, 'ben')
  Object.assign(bens, { card: joined.card })
  const ben = await bens.start('node', { signer: keySigner(joined.privateKey) })
  await ben.contracts.begin(mallory.contract, allOf(mallory), mallory.handle)
  await ben.contracts.use(mallory.contract, (live) => live.deliver(allOf(mallory)))
  const metrics = new Metrics(systemClock)
  t.teardown(metrics.watch(ben.contracts, () => new Set([joined.handle])))
  const { obstacles, lines } = sayingOf(ben)
  await obstacles.start()
  obstacles.close()
  const said = lines.filter(({ obstacle }) => obstacle === 'party_not_approved')
  t.match(said, [{ count: MADE_UP + 1, parties: ['mallory', 'made-up-0', 'made-up-1'] }])
  t.equal(said.length, 1)
  const counted = obstacles.counts().filter(({ code }) => code === 'party_not_approved')
  t.same(counted, [{ code: 'party_not_approved', party: '', count: MADE_UP + 1 }])
  const { text } = await metrics.expose()
  const labels = [...text.matchAll(/^concordata_(?:waiting_for|member_lag_entries)\{party="(.*)"\}/gm)]
  t.same([...new Set(labels.map(([, party]) => party))], [''])
})

t.test('what was given up of what others have brought is told for a while, with how much it was', async (t) => {
  const clock = new VirtualClock()
  const bens = new EdgelessParty(t, 'ben')
  const ben = await bens.start('node', { unaskedBounds: { ofPartyMax: 2, inAllMax: 4 } })
  const directory = { byHandle: () => undefined, givenUp: 0, handles: () => new Set<Handle>(), parties: () => [] }
  const { obstacles, codes, lines } = sayingOf(ben, { clock, directory })
  const brings = async (n: number) => {
    const mallory = new Player('mallory', undefined, contractFoundedBy('mallory', n))
    mallory.requests(mallory.opening())
    await ben.contracts.begin(mallory.contract, allOf(mallory), mallory.handle)
  }
  for (const n of [1, 2]) await brings(n)
  t.same(codes(), [])
  for (const n of [3, 4]) await brings(n)
  ben.contracts.reorderBuffer.gaveUp('cleo' as Handle, 7)
  directory.givenUp = 5
  t.same(codes(), ['unasked_given_up', 'ahead_given_up', 'introductions_given_up'])
  await obstacles.start()
  t.match(lines, [
    { obstacle: 'unasked_given_up', parties: ['mallory'], givenUp: 2 },
    { obstacle: 'ahead_given_up', parties: ['cleo'], givenUp: 7 },
    { obstacle: 'introductions_given_up', parties: [], givenUp: 5 },
  ])
  await clock.runUntil(clock.now() + 300_000)
  ben.contracts.reorderBuffer.gaveUp('cleo' as Handle, 3)
  t.match(obstacles.all(0), [{ givenUp: 2 }, { givenUp: 10 }, { givenUp: 5 }])
  t.equal(lines.length, 3, 'once')
  await clock.runUntil(clock.now() + 400_000)
  t.same(codes(), ['ahead_given_up'])
  await clock.runUntil(clock.now() + 400_000)
  t.same(codes(), [])
  obstacles.close()
})

t.test('this file brings about all that stops a process', (t) => {
  t.same([...named].sort(), [...ofTheProcess].sort())
  t.end()
})
