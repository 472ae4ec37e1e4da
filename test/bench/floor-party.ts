import { createPublicKey, generateKeyPairSync, hash, randomBytes, sign, verify } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { certificateFingerprint, generateTlsKey, selfSignedCertificate } from '../../src/crypto/certificate.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { PeerClient } from '../../src/gossip/transport/peer-client.ts'
import { openReceiver } from '../../src/gossip/transport/receiver.ts'
import { answerQuestions } from './child.ts'
import { atRest, CHANGE_BYTES, databaseBytes, FIELDS, type Load, underLoad } from './measure.ts'

/**
 * The least program that does what cannot be left out: it signs a batch, writes it durably, sends it to the others,
 * who verify it, write it durably, sign a head and send that back. Same TLS, same database, same batches as ours; no
 * order, no rules, no document, no agreement among the others.
 */
type Question =
  | { readonly kind: 'start'; readonly dir: string }
  | { readonly kind: 'meet'; readonly others: readonly { endpoint: string; certificate: Hash; key: string }[] }
  | { readonly kind: 'load'; readonly load: Load }
  | { readonly kind: 'rest'; readonly samples: number }
  | { readonly kind: 'bytes' }

const BATCH_MAX = 1024
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const tlsKey = generateTlsKey()
const certificate = selfSignedCertificate(
  tlsKey,
  { commonName: 'floor', host: '127.0.0.1', did: 'did:web:floor' },
  Date.now(),
)
const tls = { key: tlsKey.export({ type: 'pkcs8', format: 'pem' }) as string, certificate }

let path = ''
let insert: Database.Statement
let head = ''
let peers: { client: PeerClient; key: ReturnType<typeof createPublicKey> }[] = []
const queue: { text: string; done: () => void }[] = []
let isSending = false
let turn = 0

function openDatabase(dir: string): void {
  path = join(dir, 'floor.sqlite')
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec(
    'CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY, body TEXT NOT NULL, signature BLOB NOT NULL) STRICT',
  )
  insert = database.prepare('INSERT INTO batches (body, signature) VALUES (?, ?)')
}

/** The other side of a batch: `<signature>\n<body>` in, `<signature of the new head>\n<head>` out. */
async function receive(_party: true, message: string): Promise<string> {
  const place = message.indexOf('\n')
  const signature = Buffer.from(message.slice(0, place), 'base64url')
  const body = message.slice(place + 1)
  const [writer] = peers
  if (writer === undefined || !verify(null, Buffer.from(body), writer.key, signature)) throw new Error('badly signed')
  insert.run(body, signature)
  head = hash('sha256', head + body, 'hex')
  return `${sign(null, Buffer.from(head), privateKey).toString('base64url')}\n${head}`
}

async function send(): Promise<void> {
  isSending = true
  while (queue.length > 0) {
    const batch = queue.splice(0, BATCH_MAX)
    const body = JSON.stringify(batch.map(({ text }) => JSON.parse(text)))
    const signature = sign(null, Buffer.from(body), privateKey)
    insert.run(body, signature)
    head = hash('sha256', head + body, 'hex')
    await Promise.all(
      peers.map(async ({ client, key }) => {
        const answer = await client.exchange(`${signature.toString('base64url')}\n${body}`, { timeoutMs: 10_000 })
        const [signed = '', theirs = ''] = answer.split('\n')
        if (theirs !== head || !verify(null, Buffer.from(theirs), key, Buffer.from(signed, 'base64url')))
          throw new Error('another head')
      }),
    )
    for (const { done } of batch) done()
  }
  isSending = false
}

function change(): Promise<void> {
  return new Promise((done) => {
    const text = JSON.stringify({ field: turn++ % FIELDS, value: randomBytes(CHANGE_BYTES / 2).toString('hex') })
    queue.push({ text, done })
    if (!isSending) {
      isSending = true
      // As ours does: what comes in the same turn of the event loop goes with the same batch.
      setImmediate(() => void send())
    }
  })
}

answerQuestions(
  async (question: Question) => {
    switch (question.kind) {
      case 'start': {
        openDatabase(question.dir)
        const receiver = await openReceiver<true>({
          endpoint: 'https://127.0.0.1:0',
          tls,
          introduction: () => '{}',
          introduced: async () => {},
          self: 'party',
          isKnown: () => true,
          authenticate: () => true,
          exchange: receive,
          failed: (error) => console.error(error),
        })
        const key = publicKey.export({ format: 'jwk' }).x
        return { endpoint: receiver.endpoint, certificate: certificateFingerprint(certificate), key }
      }
      case 'meet':
        peers = question.others.map(({ endpoint, certificate: pinned, key }) => ({
          client: new PeerClient({ self: 'party', peer: 'party', endpoint, certificate: pinned, tls }),
          key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' }),
        }))
        return
      case 'load':
        return underLoad(question.load, change)
      case 'rest':
        return atRest(question.samples, change)
      case 'bytes':
        return databaseBytes(path)
    }
  },
  async () => {},
)
