import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openNode } from '../../src/index.ts'
import { newAuthority } from '../support/authority.ts'
import { newParty } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'
import { webServer } from '../support/web-server.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const PROGRAM = new URL('../../bin/concordata.js', import.meta.url).pathname
const LEI = '506700GE1G29325QX363'

/** A process of its own: what the system trusts is read once. */
function run(args: readonly string[], typed: string, environment: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, ...environment } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      output += piece
    })
  }
  child.stdin.end(typed)
  return new Promise<{ status: number | null; output: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, output })),
  )
}

t.test('a party is found by the DID that is filed under its domain', { timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-did-'))
  const authority = newAuthority('An authority of the test')
  const ca = join(root, 'authority.pem')
  await writeFile(ca, authority.certificate)
  let served: RequestListener = (_, answer) => answer.writeHead(404).end()
  const asked: (string | undefined)[] = []
  const port = await webServer(t, authority.issue('localhost'), (request, answer) => {
    asked.push(request.url)
    served(request, answer)
  })
  const did = `did:web:localhost%3A${port}`
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben', [], { did, lei: LEI })]
  const nodes = [await openNode({ data: ana.data }), await openNode({ data: ben.data })]
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const party = (command: string, ...args: string[]) => runCommand('party', command, ...args, '--data', ana.data)
  const add = (...args: string[]) => party('add', did, '--ca', ca, ...args)
  const serve = (document: string) => {
    served = (_, answer) => answer.end(document)
  }

  t.match(await add('--later'), { status: 1, output: /status 404 \[did_unavailable\]/ })
  const { output: document } = await runCommand('party', 'self', '--did-document', '--data', ben.data)
  serve(document)

  await t.test('who vouches for what is said, and the LEI is a claim', async (t) => {
    asked.length = 0
    const { status, output } = await add('--fingerprint', ben.fingerprint)
    t.equal(status, 0)
    t.same(asked, ['/.well-known/did.json'])
    for (const line of [
      `asks         https://localhost:${port}/.well-known/did.json`,
      `asks         ${ben.endpoint}/.well-known/did.json`,
      new RegExp(
        `^domain +localhost:${port} \\(\\S+\\) has filed ${ben.endpoint} and its keys as those of ${did}`,
        'm',
      ),
      /^authority +CN=An authority of the test has certified that the server is that of localhost:\d+, from \d{4}-\S+ to \d{4}-\S+; its root is CN=An/m,
      /^not proven +who the people are/m,
      /ben is approved\.$/m,
    ])
      t.match(output, line)
    t.match(await party('show', 'ben'), {
      output: new RegExp(`^LEI +${LEI} \\(claimed by the party, not proven\\)$`, 'm'),
    })
    t.match(await party('list'), { output: new RegExp(`LEI \\(claimed\\)\n.*\n(.*\n)?ben .* ${LEI}$`, 'm') })
    const { body } = await ana.call('GET', '/api/Party')
    const [shown] = (body as { handle: string; claimed?: object }[]).filter(({ handle }) => handle === 'ben')
    t.match(shown, { did, status: 'approved', claimed: { lei: LEI } })
    t.notOk(shown && 'lei' in shown)
  })

  await t.test('people still compare the fingerprint', async (t) => {
    t.match(await add('--fingerprint', ana.fingerprint), { status: 1, output: /party_wrong_fingerprint/ })
    const trusting = { SSL_CERT_FILE: ca, SSL_CERT_DIR: '/nonexistent' }
    const args = ['party', 'add', did, '--data', ana.data]
    const compared = await run(args, 'n\n', trusting)
    t.equal(compared.status, 1, 'the authorities of the system count')
    t.match(compared.output, new RegExp(`LEI +${LEI} \\(claimed.*\nfingerprint +${ben.fingerprint}\n`))
    t.match(compared.output, /\[not_confirmed\]$/m)
    const untrusting = { SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' }
    t.match(await run(args, 'y\n', untrusting), { status: 1, output: /did_untrusted/ })
  })

  await t.test('what is filed and what the node says have to be the same', async (t) => {
    const filed = JSON.parse(document)
    const [signing, recovery] = filed.verificationMethod
    serve(
      JSON.stringify({ ...filed, verificationMethod: [signing, { ...recovery, publicKeyJwk: signing.publicKeyJwk }] }),
    )
    t.match(await add('--later'), { status: 1, output: /the recovery key of the node at .* \[did_mismatch\]/ })
    serve(document.replaceAll(ben.endpoint, ana.endpoint))
    t.match(await add('--later'), { status: 1, output: /the DID of the node at .* \[did_mismatch\]/ }, 'another node')
    const sameNode = ben.endpoint.replace('127.0.0.1', 'localhost')
    t.not(sameNode, ben.endpoint)
    serve(document.replaceAll(ben.endpoint, sameNode))
    t.match(await add('--later'), { status: 1, output: /the endpoint of the node at .* \[did_mismatch\]/ })
    serve(document.replaceAll(did, 'did:web:ben.example'))
    t.match(await add('--later'), { status: 1, output: /\[did_document_malformed\]/ })
  })

  await t.test('whom nobody can vouch for is not looked up that way', async (t) => {
    asked.length = 0
    for (const address of ['did:web:127.0.0.1%3A7443', 'did:key:z6Mk', 'did:web:localhost:..:x'])
      t.match(await party('add', address), { status: 1, output: /\[party_address_unfit\]\n$/ }, address)
    t.match(await party('add', did, '--ca', '/nonexistent'), { status: 1, output: /file_unavailable/ })
    t.match(await party('add', did, '--ca', PROGRAM), { status: 1, output: /no certificate.*file_unavailable/ })
    t.match(await runCommand('party', 'add', did, '--data', ben.data), { status: 1, output: /party_is_self/ })
    t.same(asked, [], 'and nobody is asked')
  })
})
