import { erasureId } from '../../src/aggregates/contract/erased-values.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { isFor, recipientsIn } from '../../src/events/recipients.ts'
import { seal } from '../../src/events/seal.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { allOf, owes, Player, talk } from '../support/market.ts'
import { lineOf, offered, type Play, ref, three } from './protocol-play.ts'

/** Values that somebody has not: erased, confidential, missing. */
export const valuePlays: Readonly<Record<string, Play>> = {
  erasure: {
    about:
      'A value is erased by the vote of all; its seal is proposed by nobody any more, and the field takes another. One member keeps what another wants erased.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const first = ana.proposes('0.0', 'a name')
      talk(all, owes)
      const [sealed] = Object.keys(first.payloads)
      const erases = { type: 'EraseValues', seals: [sealed] }
      for (const member of all) {
        member.requests(erases)
        talk(all, owes)
      }
      cleo.requests({ type: 'ProposeValue', field: '0.1', seal: sealed, basis: [] })
      ben.requests(erases)
      talk(all, owes)
      ana.proposes('0.0', 'another name')
      talk(all, owes)
      const kept = { type: 'EraseValues', seals: ['0'.repeat(64)] }
      ana.requests(kept)
      talk(all, owes)
      ben.requests({ type: 'KeepValues', erasure: erasureId(kept.seals as Hash[]) })
      talk(all, owes)
      return { all: ana }
    },
  },
  'confidential-values': {
    about:
      'A block for ana and ben, as cleo sees it, who has none of its values: they are agreed without them, whatever they are; one that names another audience is void, so is one from outside; one is revealed; then the audience is taken away.',
    play() {
      const all = three()
      const [ana, ben, cleo] = all
      const audience = [ana.handle, ben.handle]
      const set = { type: 'SetAudience', element: '#0', parties: [ben.handle, ana.handle], until: '2027-06-01T00:00:00.000Z' }
      const block = { type: 'AddBlock', parent: '0', name: 'Terms', owner: ana.handle }
      ana.requests(block, set, { type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'integer' } })
      talk(all, owes)
      const confides = (author: Player, value: unknown, named: object) => {
        const sealed = seal(value, new Uint8Array(16).fill(1))
        const command = { type: 'ProposeValue', field: '0.2.0', seal: sealed.seal, basis: [], ...named }
        const said = author.says({ requests: [author.request([command])], payloads: { [sealed.seal]: sealed.payload } })
        for (const player of all) if (player !== author) player.hears(player === cleo ? { ...said, payloads: {} } : said)
        talk(all, owes)
        return { ...sealed, proposal: `${author.handle}.${said.statement.seq}.0.0` }
      }
      confides(ben, 'no integer', { audience })
      confides(ben, 6, { audience: [ben.handle] })
      confides(cleo, 7, { audience })
      const { payload, proposal, seal: revealed } = confides(ana, 8, { audience })
      const reveal = { type: 'RevealValue', field: '0.2.0', proposal, seal: revealed }
      ana.says({ requests: [ana.request([reveal])], payloads: { [revealed]: payload } })
      talk(all, owes)
      ana.requests({ type: 'SetAudience', element: '0.2', parties: null })
      talk(all, owes)
      const outside = new Player('dov')
      outside.hears(
        ...allOf(cleo).map((decoded) => {
          const recipients = recipientsIn(decoded.statement)
          const own = Object.entries(decoded.payloads).filter(([one]) => isFor(recipients, one as Hash, cleo.handle))
          return { ...decoded, payloads: Object.fromEntries(own) }
        }),
      )
      return { all: outside }
    },
  },
  'missing-values': {
    about:
      'Values of three requests do not come with their statements: one is refused for that and never needs them; one is acknowledged by ana and ben, who have them; cleo, who has not, holds neither head nor answer against anybody.',
    play() {
      const all = three()
      const [ana, ben, cleo] = all
      const bare = (decoded: SignedStatement): SignedStatement => ({ ...decoded, payloads: {} })
      const refused = ana.proposes('0.0', 'kept back')
      ben.hears(refused)
      cleo.hears(bare(refused))
      const missing = { request: ref(refused), code: 'payload_missing' } as const
      const refusal = cleo.says({ refusals: [missing] })
      for (const player of [ana, ben]) player.hears(refusal)
      talk(all, owes)
      // As dov sees it, who has been invited and whom nobody has given the value.
      const dov = new Player('dov')
      dov.hears(...allOf(ana).map((decoded) => (decoded.hash === refused.hash ? bare(decoded) : decoded)))
      ana.requests({ type: 'InviteParty', party: dov.card })
      talk([...all, dov], owes)
      const asked = ana.proposes('0.1', 'given to members')
      for (const player of [ben, cleo]) player.hears(asked)
      const answers = [ben.says(), cleo.says()]
      ana.hears(...answers)
      const head = ana.says()
      dov.hears(bare(asked), ...answers)
      const other = lineOf(asked).replace('given to members', 'given to nobody')
      return {
        all: dov,
        hostile: [
          offered(dov.state, 'what signs for a request whose values are missing', lineOf(head)),
          offered(dov.state, 'the request again, with another value than the one sealed', other),
          offered(dov.state, 'another request, with another value than the one sealed', lineOf(ben.proposes('0.0', 'y')).replace('"value":"y"', '"value":"z"')),
        ],
      }
    },
  },
}
