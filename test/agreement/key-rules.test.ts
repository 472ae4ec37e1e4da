import t from 'tap'
import { holdDue, isKeyOf, nextKeyOf, revocationsDue } from '../../src/agreement/keys/key-rules.ts'
import { receive } from '../../src/agreement/receive.ts'
import { generateKeyPair, sign } from '../../src/crypto/key-pair.ts'
import { rotationBytes } from '../../src/events/parties/key-change.ts'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { allOf, CONTRACT, market, owes, Player, talk } from '../support/market.ts'

const threeMembers = () => market('ana', 'ben', 'cleo')

t.test('a rotated key holds from the next statement on, and the old signatures stay good', async (t) => {
  const [ana, ben, cleo] = threeMembers()
  const before = nextKeyOf(ana.state, ana.handle)
  const next = generateKeyPair()
  ana.rotates(next)
  const after = ana.proposes('0.0', 'under the new key')
  for (const other of [ben, cleo]) t.same(other.hears(...allOf(ana)).refused, [])
  t.equal(nextKeyOf(ben.state, ana.handle), next.publicKey)
  t.ok(isKeyOf(ben.state, ana.handle, before ?? ''), 'the old key is still known as its')
  talk([ana, ben, cleo], owes)
  t.equal(ben.state.feeds.get(ana.handle)?.get(after.statement.seq)?.hash, after.hash)
  const fresh = new Player('fresh')
  fresh.hears(...allOf(ben))
  t.equal(fresh.settled, ben.settled, 'whoever starts from nothing verifies it all')
})

t.test('the old key signs nothing after a rotation', async (t) => {
  const [ana, ben] = threeMembers()
  const old = ana.privateKey
  ana.rotates()
  ana.privateKey = old
  const late = ana.says()
  const { refused } = ben.hears(...allOf(ana))
  t.match(refused, [{ error: { code: 'statement_badly_signed' } }])
  t.equal(ben.state.feeds.get(ana.handle)?.size, late.statement.seq)
})

t.test('a rotation needs the new key’s word for this very place, and a key that was never in use', async (t) => {
  const next = generateKeyPair()
  const [ana, ben] = threeMembers()
  const said = ana.says()
  const rotation = (change: { seq?: number; signing?: string }) => {
    const bytes = { contract: CONTRACT, party: ana.handle, seq: said.statement.seq, signing: next.publicKey, ...change }
    return { rotate: { signing: bytes.signing, proof: sign(next.privateKey, rotationBytes(bytes)) } }
  }
  const taken = (key: unknown) => {
    const line = ana.forges(said, (statement) => {
      statement.key = key
    })
    return receive(ben.state, [decodeSigned(line)])
  }
  t.match(taken(rotation({ seq: 3 })).refused, [{ error: { code: 'statement_unfit_key' } }], 'made for another place')
  const mine = ana.card.keys.signing
  t.match(taken(rotation({ signing: mine })).refused, [{ error: { code: 'statement_unfit_key' } }], 'in use')
  const weak = `ed25519:${'A'.repeat(43)}`
  t.match(taken(rotation({ signing: weak })).refused, [{ error: { code: 'statement_unfit_key' } }], 'not admissible')
  t.match(taken(rotation({})), { refused: [], taken: [{}] })
})

t.test('a revoked key: every member says what it holds, and the feed goes on after the greatest', async (t) => {
  const [ana, ben, cleo] = threeMembers()
  const heardByBen = ana.proposes('0.0', 'ben knows')
  ben.hears(heardByBen)
  const next = generateKeyPair()
  const revocation = ana.revocation(next)
  const holdOfBen = ben.says({ key: { hold: revocation } })
  t.same(cleo.hears(...allOf(ben)).refused, [])
  t.same(holdDue(cleo.state, cleo.handle), revocation, 'who learns of it by a feed owes its word too')

  const stolen = new Player('thief')
  stolen.state = ana.state
  Object.assign(stolen, { handle: ana.handle, card: ana.card, privateKey: ana.privateKey })
  const theft = stolen.proposes('0.0', 'stolen')
  t.same(ben.hears(theft).taken, [], 'ben takes in nothing more under that key')

  t.same(revocationsDue(ana.state, ana.handle), [])
  const holdOfCleo = cleo.says({ key: { hold: revocation } })
  ana.hears(holdOfBen, holdOfCleo)
  t.same(revocationsDue(ana.state, ana.handle), [revocation])
  const takeover = ana.takesOver(revocation, next)
  t.equal(takeover.statement.seq, heardByBen.statement.seq + 1, 'after what ben held')
  t.same(ben.hears(...allOf(ana)).refused, [])
  const { refused, equivocations } = ben.hears(theft)
  t.match(refused, [{ error: { code: 'statement_badly_signed' } }], 'what the thief made')
  t.same(equivocations, [], 'and it convicts nobody')
  cleo.hears(...allOf(ana))
  ana.proposes('0.0', 'mine again')
  talk([ana, ben, cleo], owes)
  t.equal(ana.settled, ana.acknowledged)
  t.equal(ben.settled, ana.settled)
  const fresh = new Player('fresh')
  fresh.hears(...allOf(cleo))
  t.equal(fresh.settled, ana.settled, 'whoever starts from nothing verifies it all')
})

t.test('a feed is not taken over before every member has said what it holds', async (t) => {
  const [ana, ben, cleo] = threeMembers()
  const next = generateKeyPair()
  const revocation = ana.revocation(next)
  ana.hears(ben.says({ key: { hold: revocation } }))
  const early = ana.takesOver(revocation, next)
  const { refused } = cleo.hears(...allOf(ben), early)
  t.match(refused, [{ error: { code: 'statement_unfit_key', message: /cleo/ } }])
})

t.test('nobody but the recovery key revokes', async (t) => {
  const [ana, ben, cleo] = threeMembers()
  const next = generateKeyPair()
  const forged = ana.revocation(next)
  const hold = { ...forged, signature: forged.proof }
  const line = ben.says({ key: { hold } })
  t.match(cleo.hears(line).refused, [{ error: { code: 'statement_unfit_key' } }])
})

t.test('two parties revoke their keys at the same moment, and neither waits for the other for good', async (t) => {
  const [ana, ben, cleo] = threeMembers()
  const [nextOfAna, nextOfCleo] = [generateKeyPair(), generateKeyPair()]
  const ofAna = ana.revocation(nextOfAna)
  const ofCleo = cleo.revocation(nextOfCleo)
  const beyond = cleo.proposes('0.0', 'said before it knew')
  const holdOfAna = ana.says({ key: { hold: ofCleo } })
  cleo.hears(holdOfAna)
  const holdOfCleo = cleo.says({ key: { hold: ofAna } })
  const later = ana.proposes('0.0', 'ana goes on')
  ben.hears(holdOfAna, later)
  const holdsOfBen = [ben.says({ key: { hold: ofCleo } }), ben.says({ key: { hold: ofAna } })]

  t.same(ana.hears(beyond).taken, [], 'beyond what ana has promised to hold of cleo')
  t.same(cleo.hears(later).taken, [], 'and so the other way round')
  t.equal(ana.hears(beyond, holdOfCleo).taken.length, 2, 'but ana, admitted first, takes the word on its own key')
  t.equal(cleo.hears(later, ...holdsOfBen).taken.length, 3, 'what ben holds too, ana will have to follow')
  t.same(revocationsDue(cleo.state, cleo.handle), [ofCleo])
  const takeover = cleo.takesOver(ofCleo, nextOfCleo)
  ana.hears(beyond, holdOfCleo, ...holdsOfBen, takeover)
  t.same(revocationsDue(ana.state, ana.handle), [ofAna])
  ana.takesOver(ofAna, nextOfAna)
  talk([ana, ben, cleo], owes)
  t.equal(ana.settled, ana.acknowledged)
  t.equal(ben.settled, ana.settled)
  t.equal(cleo.settled, ana.settled)
})

t.test('two parties alone revoke their keys at the same moment: who was admitted first goes first', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const [nextOfAna, nextOfBen] = [generateKeyPair(), generateKeyPair()]
  const [ofAna, ofBen] = [ana.revocation(nextOfAna), ben.revocation(nextOfBen)]
  const holdOfAna = ana.says({ key: { hold: ofBen } })
  const holdOfBen = ben.says({ key: { hold: ofAna } })
  t.same(ben.hears(holdOfAna).taken, [], 'beyond what ben has promised to hold')
  t.equal(ana.hears(holdOfBen).taken.length, 1)
  t.same(revocationsDue(ana.state, ana.handle), [ofAna])
  const takeover = ana.takesOver(ofAna, nextOfAna)
  t.equal(ben.hears(holdOfAna, takeover).taken.length, 2)
  t.same(revocationsDue(ben.state, ben.handle), [ofBen])
  ben.takesOver(ofBen, nextOfBen)
  talk([ana, ben], owes)
  ana.proposes('0.0', 'both under new keys')
  talk([ana, ben], owes)
  t.equal(ana.settled, ana.acknowledged)
  t.equal(ben.settled, ana.settled)
})

t.test('a takeover or a hold that is not valid lets nothing through', async (t) => {
  const [ana, ben, cleo] = threeMembers()
  const next = generateKeyPair()
  const revocation = ana.revocation(next)
  ben.says({ key: { hold: revocation } })
  const theft = ana.proposes('0.0', 'by the thief')
  const takeover = ana.forges(ana.says(), (statement) => {
    statement.key = { revoke: revocation }
  })
  t.same(ben.hears(theft, decodeSigned(takeover)).taken, [], 'the thief cannot sign with the new key')
  cleo.hears(theft)
  const hold = cleo.says({ key: { hold: revocation } })
  const unsigned = ana.forges(hold, () => {})
  t.same(ben.hears(theft, decodeSigned(unsigned)).taken, [], 'nor with cleo’s')
  t.equal(ben.hears(theft, hold).taken.length, 2)
  t.match(ben.hears(theft, hold), { taken: [], waiting: [] }, 'and is known from then on')
})
