import { convicted, equivocationEvidence, readEvidence, wrongHeadEvidence } from '../../src/agreement/evidence.ts'
import { frontierOf } from '../../src/agreement/feeds.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { type Hash, sha256 } from '../../src/crypto/hash.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import { parsePath, subjectOf } from '../../src/documents/path.ts'
import type { Uid } from '../../src/events/ids.ts'
import { declineBytes } from '../../src/events/parties/decline.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payloads } from '../../src/events/statement.ts'
import { decodeSigned, decodeStored, encodeSigned, encodeStored } from '../../src/events/statement-codec.ts'
import { type Asides, decodeMessage, encodeMessage, encodePayloads } from '../../src/gossip/message.ts'
import { encodePiece } from '../../src/gossip/piece-line.ts'
import { checkpointBody, formatNote, noteSignature, parseNote } from '../../src/merkle/note.ts'
import { checkConfiguration } from '../../src/node/config/configuration.ts'
import { decodeDirectoryEvent, encodeDirectoryEvent } from '../../src/node/directory/directory-events.ts'
import { introductionDocument, verifyIntroduction } from '../../src/node/directory/introduction.ts'
import { UID_SECRET_BYTES, UidCodec } from '../../src/node/identity/uid.ts'
import { completed } from '../../src/runtime/turns.ts'
import { allOf, CONTRACT, market } from '../support/market.ts'
import { testParty } from '../support/party.ts'
import { callTargets } from './call-targets.ts'
import { fileTargets } from './file-targets.ts'
import { payloadTargets } from './payload-targets.ts'
import { ruleTargets } from './rule-targets.ts'
import { storeTargets } from './store-targets.ts'
import { parse, type Target } from './target.ts'

const [ana, ben] = market('ana', 'ben')
const proposal = ana.proposes('0.0', { deep: [1, 'ü', null, { x: '𝟙' }] })
const next = ben.rotates()
ana.hears(next)
ben.hears(proposal)
const statements = [...allOf(ana), proposal, next]
const lines = statements.map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
const frontiers = new Map([[CONTRACT, frontierOf(ana.state.feeds)]])
const decline = { contract: CONTRACT, invitation: 3, handle: ana.handle }
const declined = { decline, signature: sign(ana.privateKey, declineBytes(decline)) }
const words = [
  ana.accepts(3),
  declined,
  ana.revocation({ privateKey: ben.privateKey, publicKey: ben.card.keys.signing }),
]
const sealed = Object.keys(proposal.payloads)[0] as Hash
const place = { contract: CONTRACT, party: ana.handle, seq: proposal.statement.seq }
const textsOf = (payloads: Payloads) =>
  new Map(Object.entries(payloads).map(([of, payload]) => [of as Hash, canonicalJson(payload)]))
const payloadLine = encodePayloads(place, textsOf(proposal.payloads))
const bytes = new TextEncoder().encode('bytes of a content')
const pieceLine = encodePiece({ bytes, content: sealed, contract: CONTRACT, index: 0, proof: [sealed] })
const asides: Asides = {
  pieces: new Map([[CONTRACT, [{ content: sealed, count: 2, from: 1, party: ana.handle, seq: place.seq }]]]),
  lacks: new Map([[CONTRACT, { computed: [1], from: 3 }]]),
  wants: new Map([[CONTRACT, [{ party: ana.handle, seq: place.seq, seals: [sealed] }]]]),
  waits: new Map([[CONTRACT, 'payload']]),
}
const party = await testParty('acme-re').introduce()
const uids = new UidCodec(new Uint8Array(UID_SECRET_BYTES), ana.card)

function evidence(): string[] {
  const one = ben.says()
  const other = decodeSigned(
    ben.forges(one, (statement) => {
      statement.time = '2027-01-01T00:00:00.000Z'
    }),
  )
  ana.hears(...allOf(ben))
  const [equivocation] = ana.hears(other).equivocations
  if (equivocation === undefined) throw new Error('no evidence to begin with')
  const wrongHead = completed(wrongHeadEvidence(ana.state, { party: ben.handle, seq: 1 }))
  return [equivocationEvidence(ana.state, equivocation), wrongHead].flatMap((found) => [
    JSON.stringify(found),
    JSON.stringify([{ evidence: found }]),
  ])
}

const headed = statements[0] as (typeof statements)[number]
const cosignature = { time: 1_767_225_600, signature: headed.signature }
const note = formatNote(checkpointBody(`concordata/v1/${CONTRACT}`, headed.statement.head), [
  noteSignature('ana', ana.card.keys.signing, cosignature),
  noteSignature('ben', ben.card.keys.signing, cosignature),
])

const configuration = {
  handle: 'acme-re',
  name: 'Acme',
  endpoint: 'https://127.0.0.1:7443',
  api: 'http://127.0.0.1:7480',
  acknowledgement: [{ commands: ['Resign'], answer: 'ask', forSeconds: 1, otherwise: 'refuse', reason: 'no' }],
  store: { url: 'esdb://x:2113', user: 'u', passwordFile: 'p' },
  outwardLimits: { partyCallsPerSecond: 5 },
}

/** So that what is mutated is mostly read as what it was. */
const memberOfType = { PartyIntroduced: 'signed', PartyApproved: 'fingerprint', PartyBlocked: 'reason' }

export const targets: readonly Target[] = [
  ...storeTargets,
  ...payloadTargets,
  ...fileTargets,
  ...callTargets,
  ...ruleTargets,
  {
    name: 'a statement from the network',
    valid: lines,
    decode(text) {
      const { text: inner, signature, payloads } = decodeSigned(text)
      return () => encodeSigned(inner, signature, payloads)
    },
  },
  {
    name: 'a statement from the store',
    valid: statements.map(({ text, signature }) => encodeStored(text, signature)),
    decode(text) {
      const { text: inner, signature } = decodeStored(text, () => ({}))
      return () => encodeStored(inner, signature)
    },
  },
  {
    name: 'an exchange message',
    valid: [
      encodeMessage(frontiers, lines, []),
      encodeMessage(frontiers, lines.slice(-1), words),
      encodeMessage(new Map(), [], words),
      encodeMessage(frontiers, [payloadLine, pieceLine], [], asides),
    ],
    decode(text) {
      const message = decodeMessage(text)
      // A statement that is refused does not spoil the message, nor does the order of its lines.
      if (message.refused.length > 0) return undefined
      return () => {
        const inner = message.statements.map((found) => encodeSigned(found.text, found.signature, found.payloads))
        const values = message.payloads.map(({ payloads, ...place }) => encodePayloads(place, textsOf(payloads)))
        const pieces = message.pieceLines.map(encodePiece)
        const again = encodeMessage(message.frontiers, [...inner, ...values, ...pieces], message.words, message)
        return again.split('\n').sort().join('\n') === text.split('\n').sort().join('\n') ? text : again
      }
    },
  },
  {
    name: 'an introduction',
    valid: [introductionDocument(party)],
    decode(text) {
      const introduced = verifyIntroduction(text)
      return () => introductionDocument(introduced)
    },
  },
  {
    name: 'a signed note',
    valid: [note],
    decode(text) {
      const { body, signatures } = parseNote(text)
      return () => formatNote(body, signatures)
    },
  },
  {
    name: 'evidence',
    valid: evidence(),
    decode(text) {
      for (const found of readEvidence(text)) convicted(found)
      return undefined
    },
  },
  {
    name: 'the configuration',
    valid: [JSON.stringify(configuration)],
    decode(text) {
      const parsed = parse(text)
      // Taking it again must change nothing: addresses are in their one form then.
      if (parsed !== undefined) checkConfiguration('again', checkConfiguration('test', parsed.value))
      return undefined
    },
  },
  {
    name: 'an event of the directory',
    valid: [
      canonicalJson({ signed: party, time: '2026-01-01T00:00:00.000Z' }),
      canonicalJson({ handle: 'ana', reason: 'x', time: '2026-01-01T00:00:00.000Z' }),
      canonicalJson({ handle: 'ana', fingerprint: sha256('x'), time: '2026-01-01T00:00:00.000Z' }),
    ],
    decode(text) {
      const types = ['PartyIntroduced', 'PartyApproved', 'PartyBlocked', 'EndpointChanged', '__proto__', 'toString']
      const fitting = Object.entries(memberOfType).find(([, member]) => text.includes(`"${member}"`))?.[0]
      const type = text.length % 7 === 0 ? (types[text.length % types.length] as string) : (fitting ?? 'PartyApproved')
      const event = { stream: 'directory', revision: 0, position: 0, id: '', time: '', type, data: text }
      const decoded = decodeDirectoryEvent(event as never)
      return () => encodeDirectoryEvent(decoded).data
    },
  },
  {
    name: 'a path of a URL',
    valid: ['/Claimant/Address', '/a%2Fb/%C3%BC/~rules', '/'],
    decode(text) {
      const steps = parsePath(text)
      // What is read must be read again as the same from the one spelling of it, unless a text is no Unicode.
      if (!steps.every((step) => step.isWellFormed()) || steps.includes('')) return undefined
      return () => {
        const again = subjectOf('', steps).slice('/new-api/'.length)
        return canonicalJson(parsePath(again)) === canonicalJson(steps) ? text : again
      }
    },
  },
  {
    name: 'a UID',
    valid: [0, 1, 2 ** 40].map((number) => uids.encode(number)),
    decode(text) {
      const number = uids.decode(text as Uid)
      return number === undefined ? null : () => uids.encode(number)
    },
  },
  {
    name: 'a value under a seal',
    valid: ['{"a":[1,2]}', '"ü"'],
    decode(text) {
      const parsed = parse(text)
      if (parsed === undefined) return undefined
      const sealed: { seal: Hash } = seal(parsed.value, new Uint8Array(16))
      return sealed.seal.length === 64 ? undefined : () => sealed.seal
    },
  },
]
