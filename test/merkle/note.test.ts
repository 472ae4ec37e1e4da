import { deepEqual } from 'node:assert/strict'
import { createHash, createPublicKey, verify } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { noteDue } from '../../src/contracts/signing/cosigned-notes.ts'
import { isValidSignature } from '../../src/crypto/ed25519.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { generateKeyPair, sign } from '../../src/crypto/key-pair.ts'
import { tagged } from '../../src/crypto/tagged.ts'
import {
  checkpointBody,
  cosignatureBytes,
  cosignatureOf,
  formatNote,
  keyId,
  keyNameOf,
  NoteMalformed,
  type NoteSignature,
  noteSignature,
  originOf,
  parseNote,
} from '../../src/merkle/note.ts'
import { market } from '../support/market.ts'
import { readVectors } from '../support/vectors.ts'

const { notes, cosigners } = readVectors<{
  notes: { name: string; note: string; body: string; signatures: { name: string; keyId: string; length: number }[] }[]
  cosigners: { note: string; verifierKey: string; time: number }[]
}>('merkle/notes.json')
const malformed = readVectors<{ name: string; text: string }[]>('merkle/notes-malformed.json')

const hexId = (id: number) => id.toString(16).padStart(8, '0')
const head = { size: 3, root: sha256('root') }
const body = checkpointBody('concordata/v1/000000000000000000000000000000000000000000000000000a', head)

/** `<name>+<key id>+base64(<type> || <public key>)`, as signed-note prints it. */
function parseVerifierKey(text: string): { name: string; id: string; type: number; publicKey: string } {
  const [, name = '', id = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
  const bytes = Buffer.from(base64, 'base64')
  return { name, id, type: bytes[0] as number, publicKey: tagged(bytes.subarray(1)) }
}

t.test('the notes of others are read, and written again as they were', async (t) => {
  for (const { name, note, body, signatures } of notes) {
    const parsed = parseNote(note)
    t.equal(parsed.body, body, name)
    t.same(
      parsed.signatures.map(({ name, keyId, bytes }) => ({ name, keyId: hexId(keyId), length: bytes.length })),
      signatures,
    )
    t.equal(formatNote(parsed.body, parsed.signatures), note)
  }
})

t.test('the cosignatures of witnesses in service are found by their key ids, and are valid', async (t) => {
  for (const cosigner of cosigners) {
    const { name, id, type, publicKey } = parseVerifierKey(cosigner.verifierKey)
    t.equal(type, 0x04)
    t.equal(hexId(keyId(name, publicKey)), id, name)
    const note = parseNote(notes.find(({ name }) => name === cosigner.note)?.note as string)
    const cosignature = cosignatureOf(note, name, publicKey)
    t.match(cosignature, { time: cosigner.time })
    const { time, signature } = cosignature as { time: number; signature: string }
    t.ok(isValidSignature(publicKey, cosignatureBytes(note.body, time), signature))
    t.notOk(isValidSignature(publicKey, cosignatureBytes(note.body, time + 1), signature))
    t.notOk(
      isValidSignature(publicKey, cosignatureBytes(note.body.replace('1432088532', '1432088533'), time), signature),
    )
  }
})

t.test('a head is a checkpoint of three lines, without an extension line', async (t) => {
  const root = Buffer.from(head.root, 'hex').toString('base64')
  t.equal(body, `concordata/v1/000000000000000000000000000000000000000000000000000a\n3\n${root}\n`)
  t.equal(Buffer.from(cosignatureBytes(body, 1_700_000_000)).toString(), `cosignature/v1\ntime 1700000000\n${body}`)
})

t.test('the name of a party’s keys is the schema-less URL of its did:web', async (t) => {
  const names = {
    'did:web:acme.example': 'acme.example',
    'did:web:acme.example:a': 'acme.example/a',
    'did:web:acme.example:legal:re': 'acme.example/legal/re',
    'did:web:acme.example%3A8443': 'acme.example:8443',
    'did:web:localhost%3a8443:users:alice': 'localhost:8443/users/alice',
    'did:web:acme.example:a%2Fb%3A%20c%2B': 'acme.example/a%2Fb%3A%20c%2B',
  }
  for (const [did, name] of Object.entries(names)) t.equal(keyNameOf(did), name)
  const did = fc.stringMatching(/^did:web:[A-Za-z0-9._%:-]{1,250}$/)
  const signature = { keyId: 1, bytes: new Uint8Array(72) }
  fc.assert(fc.property(did, (did) => formatNote(body, [{ ...signature, name: keyNameOf(did) }]) !== ''))
})

t.test('what members sign is a note that others read by the bytes of the specification alone', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const due = noteDue(ana.state, ana.handle, 1_700_000_000)
  const { head, time, bytes } = due as NonNullable<typeof due>
  t.same(Object.keys(head), ['size', 'root'])
  const signatures = [ana, ben].map(({ card, privateKey }) =>
    noteSignature(keyNameOf(card.did), card.keys.signing, { time, signature: sign(privateKey, bytes) }),
  )
  const text = formatNote(checkpointBody(originOf(ana.contract), head), signatures)
  const [checkpoint = '', lines = ''] = text.split('\n\n')
  const root = Buffer.from(head.root, 'hex').toString('base64')
  t.equal(checkpoint, `concordata/v1/${ana.contract}\n${head.size}\n${root}`)
  const read = lines.trimEnd().split('\n')
  t.equal(read.length, 2)
  for (const [place, { handle, card }] of [ana, ben].entries()) {
    const [dash, name, base64 = ''] = (read[place] as string).split(' ')
    t.same([dash, name], ['\u2014', `${handle}.example`])
    const raw = Buffer.from(card.keys.signing.replace('ed25519:', ''), 'base64url')
    const id = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(4)).update(raw).digest().subarray(0, 4)
    const signed = Buffer.from(base64, 'base64')
    t.same(signed.subarray(0, 4), id, 'key id')
    t.equal(signed.readBigUInt64BE(4), 1_700_000_000n, 'timestamp')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
    const message = `cosignature/v1\ntime 1700000000\n${checkpoint}\n`
    t.ok(verify(null, Buffer.from(message), key, signed.subarray(12)), 'signature')
  }
})

t.test('what a party cosigned is in the note as it signed it', async (t) => {
  const time = 1_700_000_000
  const parties = ['acme-re.example', 'broker.example'].map((name) => ({ name, ...generateKeyPair() }))
  const signatures = parties.map(({ name, publicKey, privateKey }) =>
    noteSignature(name, publicKey, { time, signature: sign(privateKey, cosignatureBytes(body, time)) }),
  )
  const note = parseNote(formatNote(body, signatures))
  for (const { name, publicKey } of parties) {
    const found = cosignatureOf(note, name, publicKey) as { time: number; signature: string }
    t.equal(found.time, time)
    t.ok(isValidSignature(publicKey, cosignatureBytes(note.body, found.time), found.signature))
  }
  const [acme, broker] = parties as [(typeof parties)[0], (typeof parties)[0]]
  t.equal(cosignatureOf(note, acme.name, broker.publicKey), undefined, 'the name of one, the key of another')
  const renamed = note.signatures.map((signature) => ({ ...signature, name: 'other.example' }))
  t.equal(cosignatureOf({ ...note, signatures: renamed }, acme.name, acme.publicKey), undefined, 'the key id alone')
})

t.test('any body and any signatures come back as they were', async (t) => {
  const line = fc.string({ unit: 'grapheme' }).filter((text) => ![...text].some((character) => character < ' '))
  const name = line.filter((text) => /^[^\p{White_Space}+]+$/u.test(text))
  const signature = fc
    .tuple(name, fc.nat({ max: 2 ** 32 - 1 }), fc.uint8Array({ minLength: 1, maxLength: 100 }))
    .map(([name, keyId, bytes]): NoteSignature => ({ name, keyId, bytes: Buffer.from(bytes) }))
  const lines = fc.array(line, { minLength: 1 })
  const law = fc.property(lines, fc.array(signature, { minLength: 1, maxLength: 5 }), (lines, signatures) => {
    const body = `${lines.join('\n')}\n`
    deepEqual(parseNote(formatNote(body, signatures)), { body, signatures })
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('what is no note is refused', async (t) => {
  for (const { name, text } of malformed) {
    t.throws(() => parseNote(text), { name: 'NoteMalformed', code: 'note_malformed' }, name)
  }
  const line = '— name AAAAAAAAAA==\n'
  t.equal(parseNote(`text\n\n${line.repeat(4096)}`).signatures.length, 4096)
  t.throws(() => parseNote(`text\n\n${line.repeat(4097)}`), {
    message: 'a note has 4096 signatures at most',
    evidence: { lines: 4097 },
  })
  t.throws(() => parseNote('text\n\n— name\n'), {
    message: 'a signature line is `— <name> <base64>`',
    evidence: { line: '— name' },
  })
  t.throws(() => parseNote('text\n'), { message: 'a note ends with an empty line, and signature lines after it' })
  t.throws(() => parseNote('\ttext\n\n— name AAAAAAAAAA==\n'), {
    message: 'a note is UTF-8, without control characters other than newlines',
  })
})

t.test('what would be no note is not written', async (t) => {
  const signature = { name: 'name', keyId: 1, bytes: Uint8Array.of(1) }
  t.throws(() => formatNote('text', [signature]), NoteMalformed, 'a body without a newline')
  t.throws(() => formatNote('text\n', []), { name: 'NoteMalformed' }, 'no signatures')
  t.throws(() => formatNote('text\n', [{ ...signature, name: 'a name' }]), { name: 'NoteMalformed' })
  for (const name of ['x AAAAAAAAAA==\n— name', 'x AAAAAAAAAA==\n\n— name']) {
    const message = 'a name of a key breaks its signature line'
    t.throws(() => formatNote('text\n', [{ ...signature, name }]), { name: 'NoteMalformed', message })
  }
})

t.test('a signature under the key of a cosigner that is no cosignature is refused', async (t) => {
  const { publicKey } = generateKeyPair()
  const id = keyId('name', publicKey)
  const noteOf = (bytes: Uint8Array) => parseNote(formatNote(body, [{ name: 'name', keyId: id, bytes }]))
  const far = new Uint8Array(72)
  far[1] = 0x20
  for (const bytes of [new Uint8Array(64), new Uint8Array(71), new Uint8Array(73), far]) {
    t.throws(() => cosignatureOf(noteOf(bytes), 'name', publicKey), {
      code: 'note_malformed',
      message: 'the signature of name is no cosignature',
    })
  }
  const last = new Uint8Array(72).fill(0xff, 2, 8)
  last[1] = 0x1f
  t.equal(cosignatureOf(noteOf(last), 'name', publicKey)?.time, Number.MAX_SAFE_INTEGER)
})
