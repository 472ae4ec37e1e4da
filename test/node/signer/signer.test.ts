import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Guarded, memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { isValidSignature } from '../../../src/crypto/ed25519.ts'
import { domains, sha256 } from '../../../src/crypto/hash.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import { keySigner, type Signer } from '../../../src/crypto/signer.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { SIGNED_CHARACTERS_MAX } from '../../../src/events/limits.ts'
import { LINE_CHARACTERS_MAX } from '../../../src/node/signer/protocol.ts'
import { SignerClient } from '../../../src/node/signer/signer-client.ts'
import { type SignerServer, serveSigner } from '../../../src/node/signer/signer-server.ts'
import { socketPath } from '../../../src/node/signer/socket-path.ts'

const UID = '0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk' as Uid

/** Keys in this process; the files of a key ring have their own tests. */
function someKeys() {
  const signers: Signer[] = []
  const add = async () => {
    const signer = keySigner(generateKeyPair().privateKey)
    signers.push(signer)
    return signer.publicKey
  }
  return {
    add,
    get publicKeys() {
      return signers.map(({ publicKey }) => publicKey)
    },
    get newest() {
      return (signers.at(-1) as Signer).publicKey
    },
    refresh: async () => {},
    signerOf: (publicKey: string) => signers.find((signer) => signer.publicKey === publicKey),
  }
}

async function start(t: Test) {
  // The name of a socket must be short.
  const dir = await mkdtemp(join(tmpdir(), 'signer-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const socket = join(dir, 'sub', 's.sock')
  const keys = someKeys()
  await keys.add()
  const guard = memoryGuard()
  const turnedAway: unknown[] = []
  const serve = () => serveSigner(socket, { keys, guard, failed: (error) => turnedAway.push(error) })
  let server: SignerServer = await serve()
  t.teardown(() => server.close())
  const open = async () => {
    const client = await SignerClient.open(socket)
    t.teardown(() => client.close())
    return client
  }
  const restart = async () => {
    await server.close()
    server = await serve()
  }
  return { socket, keys, guard, open, serve, restart, turnedAway, stop: () => server.close() }
}

function at(seq: number, what = `statement ${seq}`): Guarded {
  return { seq, hash: sha256(what), line: what }
}

function statementBytes(seq: number, more = {}): Uint8Array {
  return Buffer.from(`${domains.statement}${JSON.stringify({ contract: UID, seq, ...more })}`)
}

t.test('signs what a party signs, with the keys that it has', async (t) => {
  const { open, keys } = await start(t)
  const client = await open()
  t.same(client.publicKeys, keys.publicKeys)
  const bytes = statementBytes(0)
  const signature = await client.signerOf(client.newest)?.sign(bytes)
  t.ok(isValidSignature(client.newest, bytes, signature as string))
  t.equal(client.signerOf('x'.repeat(43)), undefined)
  const added = await client.add()
  t.equal(client.newest, added)
  t.equal((await client.signerOf(added)?.sign(bytes))?.length, 'ed25519:'.length + 86)
})

t.test('what is nothing that a party signs is not signed', async (t) => {
  const { open } = await start(t)
  const client = await open()
  const signer = client.signerOf(client.newest) as Signer
  for (const text of ['', 'any', 'concordata/v1/statement', `${domains.party}{}`, `${domains.statement}no json`]) {
    await t.rejects(signer.sign(Buffer.from(text)), { code: 'signer_refused' }, JSON.stringify(text))
  }
  const elsewhere = `${domains.statement}${JSON.stringify({ contract: '../../etc/passwd', seq: 0 })}`
  await t.rejects(signer.sign(Buffer.from(elsewhere)), { code: 'signer_refused' })
})

t.test('of two processes that move the guard from the same place one is told that it did', async (t) => {
  const { open } = await start(t)
  const [one, other] = [await open(), await open()]
  await one.guard.advance(UID, undefined, at(0))
  t.same(await other.guard.read(UID), at(0))
  const both = await Promise.allSettled([
    one.guard.advance(UID, at(0), at(1, 'this')),
    other.guard.advance(UID, at(0), at(1, 'that')),
  ])
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const lost = both.find((result) => result.status === 'rejected')
  t.match(lost?.reason, { code: 'guard_refused' })
  const from = await one.guard.read(UID)
  const same = await Promise.allSettled([one.guard.advance(UID, from, at(2)), other.guard.advance(UID, from, at(2))])
  t.same(
    same.map(({ status }) => status).sort(),
    ['fulfilled', 'rejected'],
    'also if they made the very same statement',
  )
})

t.test('nothing is signed at a place that the guard knows to be taken, but for a takeover', async (t) => {
  const { open } = await start(t)
  const client = await open()
  const signer = client.signerOf(client.newest) as Signer
  await client.guard.advance(UID, undefined, at(3))
  for (const seq of [0, 3]) await t.rejects(signer.sign(statementBytes(seq)), { code: 'guard_refused' })
  await t.resolves(signer.sign(statementBytes(4)))
  await t.resolves(signer.sign(statementBytes(2, { key: { revoke: {} } })))
})

t.test('a signer that dies fails the calls under way, and is found again when it is back', async (t) => {
  const { open, restart, stop } = await start(t)
  const client = await open()
  await client.guard.advance(UID, undefined, at(0))
  await stop()
  await t.rejects(client.guard.read(UID), { code: 'signer_unreachable' })
  await restart()
  t.same(await client.guard.read(UID), at(0))
})

t.test('one that starts together with its signer waits for it', async (t) => {
  const { socket, stop, restart } = await start(t)
  await stop()
  await t.rejects(SignerClient.open(socket), { code: 'signer_unreachable' })
  const opening = SignerClient.open(socket, 10_000)
  await restart()
  const client = await opening
  t.equal(client.publicKeys.length, 1)
  client.close()
  await t.rejects(client.guard.read(UID), { code: 'signer_unreachable', message: /stopping/ })
})

t.test(
  'only its owner and group reach the socket; what a killed signer left is taken away, a live one is left',
  async (t) => {
    const { socket, serve, stop } = await start(t)
    t.equal((await stat(socket)).mode & 0o777, 0o660)
    await t.rejects(serve(), { code: 'data_directory_in_use' })
    await stop()
    await writeFile(socket, '')
    await chmod(socket, 0o600)
    const again = await serve()
    await again.close()
  },
)

t.test('a client that sends nonsense is turned away, and the others go on', async (t) => {
  const { socket, open, turnedAway } = await start(t)
  const client = await open()
  for (const nonsense of ['\n', 'x\n', '{"id":1,"do":"fly"}\n', '{"id":-1,"do":"keys"}\n', 'y'.repeat(40_000_000)]) {
    const stranger = connect(socket)
    stranger.on('error', () => {})
    const closed = new Promise((resolve) => stranger.once('close', resolve))
    stranger.write(nonsense)
    await closed
  }
  t.match(turnedAway, Array(4).fill({ code: 'signer_refused' }))
  t.equal((await client.guard.read(UID)) === undefined, true)
})

t.test('a name that is too long for a socket is told before it is cut off', async (t) => {
  t.equal(socketPath('/data', 's.sock'), '/data/s.sock')
  t.throws(() => socketPath('/data', 's'.repeat(120)), { code: 'configuration_invalid' })
})

t.test('the guard moves on between the longest lines that statements have, whatever is in them', async (t) => {
  const { open, guard } = await start(t)
  const client = await open()
  const longest = (seq: number, of: string) => ({ ...at(seq), line: of.repeat(SIGNED_CHARACTERS_MAX) })
  await client.guard.advance(UID, undefined, longest(0, '"'))
  await client.guard.advance(UID, longest(0, '"'), longest(1, '\\'))
  t.equal((await guard.read(UID))?.seq, 1)
  const read = await client.guard.read(UID)
  t.ok(read?.line === longest(1, '\\').line, 'and comes back as it is')
})

t.test('docs/signer.md says how long a line may be', async (t) => {
  const page = await readFile(new URL('../../../docs/signer.md', import.meta.url), 'utf8')
  t.ok(page.includes(`none longer than ${LINE_CHARACTERS_MAX.toLocaleString('en')} characters`))
  t.ok(page.includes(`two lines of ${SIGNED_CHARACTERS_MAX.toLocaleString('en')}`))
})
