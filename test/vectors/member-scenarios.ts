import { statementDue } from '../../src/agreement/draft.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import { declineBytes } from '../../src/events/parties/decline.ts'
import { keyFrom } from '../support/keys.ts'
import { about, CONTRACT, marketOf, owes, Player, talk } from '../support/market.ts'
import { lineOf, offered, type Play, three } from './protocol-play.ts'

/** Who takes part, and under which key. */
export const memberPlays: Readonly<Record<string, Play>> = {
  'opening-and-membership': {
    about: 'A contract is opened, two parties are invited, verify it from its first entry, and are admitted.',
    play: () => ({ all: three()[0] }),
  },
  'invitation-declined': {
    about: 'One invitee declines, the invitation of another is withdrawn; what comes of them later is void.',
    play() {
      const [ana, ben] = marketOf([new Player('ana'), new Player('ben')])
      const [cleo, dov] = [new Player('cleo'), new Player('dov')]
      const all = [ana, ben, cleo, dov]
      ana.requests({ type: 'InviteParty', party: cleo.card }, { type: 'InviteParty', party: dov.card })
      talk(all, owes)
      const index = ana.settled - 1
      const decline = { contract: CONTRACT, invitation: index, handle: cleo.handle }
      const declined = { decline, signature: sign(cleo.privateKey, declineBytes(decline)) }
      ana.requests({ type: 'DeclineInvitation', declined })
      ana.requests({ type: 'WithdrawInvitation', party: dov.handle })
      talk([ana, ben], owes)
      ben.requests({ type: 'AdmitParty', accepted: cleo.accepts(index) })
      ben.requests({ type: 'AdmitParty', accepted: dov.accepts(index) })
      talk([ana, ben], owes)
      return { all: ana }
    },
  },
  'legal-entity-identifiers': {
    about: 'An LEI on a card is claimed by whoever likes; with wrong check digits, or in another form, the card is refused.',
    play() {
      const [ana, ben] = [new Player('ana'), new Player('ben')]
      marketOf([ana, ben])
      const claiming = (handle: string, lei: string) => ({ ...new Player(handle).card, lei })
      ana.requests({ type: 'InviteParty', party: claiming('cleo', '506700GE1G29325QX363') })
      ana.requests({ type: 'InviteParty', party: claiming('dov', '506700GE1G29325QX363') })
      ana.requests({ type: 'InviteParty', party: claiming('eve', '506700GE1G29325QX364') })
      ana.requests({ type: 'InviteParty', party: claiming('eve', '506700ge1g29325qx363') })
      talk([ana, ben], owes)
      return { all: ben }
    },
  },
  'admission-beside-a-field': {
    about: 'One member admits a party while another adds a field: the field is before the admission or needs its answer.',
    play() {
      const [ana, ben] = marketOf([new Player('ana'), new Player('ben')])
      const cleo = new Player('cleo')
      const all = [ana, ben, cleo]
      ana.requests({ type: 'InviteParty', party: cleo.card })
      talk(all, owes)
      const index = ana.settled - 1
      ana.requests({ type: 'AdmitParty', accepted: cleo.accepts(index) })
      ben.requests({ type: 'AddField', parent: '0', name: 'at the same moment', field: { type: 'text' } })
      talk(all, (one) => statementDue(one.state, one.handle) !== undefined && owes(one))
      return { all: cleo }
    },
  },
  resignation: {
    about: 'A member resigns: what it had ordered behind that does not exist, and the others go on.',
    play() {
      const [ana, ben, cleo] = three()
      const said = about('sold')
      ben.says({
        payloads: said.payloads,
        requests: [
          ben.request([{ type: 'Resign', reason: 'transferred', about: said.about }]),
          ben.request([{ type: 'AddField', parent: '0', name: 'after', field: { type: 'text' } }]),
        ],
      })
      talk([ana, ben, cleo], owes)
      ana.proposes('0.0', 'without ben')
      talk([ana, cleo], owes)
      return { all: cleo }
    },
  },
  'key-rotation': {
    about: 'A member goes on under another key; both keys’ statements stay valid at their places.',
    play() {
      const [ana, ben, cleo] = three()
      const before = ben.privateKey
      ben.rotates(keyFrom('ben, second signing'))
      ben.proposes('0.0', 'under the new key')
      talk([ana, ben, cleo], owes)
      const late = ben.says()
      const { privateKey } = ben
      ben.privateKey = before
      const old = ben.forges(late, () => {})
      ben.privateKey = privateKey
      return { all: ana, hostile: [offered(ana.state, 'signed with the key that was given up', old)] }
    },
  },
  'key-revocation': {
    about: 'A key is revoked: all say what they hold, the feed is taken over, and what a thief signs is refused.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      ben.hears(ana.proposes('0.0', 'ben knows'))
      const next = keyFrom('ana, second signing')
      const revocation = ana.revocation(next)
      const thief = new Player('ana')
      thief.state = ana.state
      const holdOfBen = ben.says({ key: { hold: revocation } })
      cleo.hears(...[...ben.state.feeds.values()].flatMap((feed) => [...feed]))
      const holdOfCleo = cleo.says({ key: { hold: revocation } })
      ana.hears(holdOfBen, holdOfCleo)
      ana.takesOver(revocation, next)
      talk(all, owes)
      const theft = thief.proposes('0.0', 'stolen')
      return { all: cleo, hostile: [offered(cleo.state, 'signed with the stolen key', lineOf(theft))] }
    },
  },
}
