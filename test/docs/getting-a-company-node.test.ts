import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../src/cli/demo/free-port.ts'
import { openNode } from '../../src/index.ts'
import { newAuthority } from '../support/authority.ts'
import { Access } from '../support/eventstoredb-server/access.ts'
import { startServer } from '../support/eventstoredb-server/server.ts'
import { acceptedBy, approvedBy, BINARY, blocksIn, Shell } from '../support/guide.ts'
import { newParty, until } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'
import { hasUsers, makeDirectories, numberOf, reads, rooted, startUnit } from '../support/systemd-units.ts'
import { webServer } from '../support/web-server.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const ROLES = ['signer', 'transmit', 'receive', 'serve']
/** `concordata` and `as ROLE` of the document. */
function commandsOf(root: string): string {
  const program = `${process.execPath} ${BINARY}`
  const passphrase = `CONCORDATA_PASSPHRASE_FILE=${root}/etc/concordata/passphrase`
  const own = 'CONCORDATA_STORE_USER=concordata-acme-re-$1 CONCORDATA_STORE_PASSWORD_FILE=esdb-password-$1'
  const user = (role: string) => {
    const [uid, gid] = numbersOf(role)
    return `[${role}]="setpriv --reuid ${uid} --regid ${gid} --clear-groups --"`
  }
  return `
declare -A user=(${hasUsers ? ROLES.map(user).join(' ') : ''})
concordata() { ${passphrase} ${program} "$@"; }
as() { \${user[$1]-} env ${passphrase} ${own} ${program} "\${@:2}"; }
`
}

function numbersOf(role: string): [number, number] {
  return [numberOf(`concordata-${role}`), numberOf(role === 'serve' ? 'concordata-serve' : 'concordata')]
}

/** Our reading of EventStoreDB, with the certificate that the document makes; the answer is where its HTTP API is. */
async function startEventStoreDb(t: Test, root: string, port: number): Promise<string> {
  const [key, certificate] = await Promise.all(
    ['key', 'pem'].map((kind) => readFile(join(root, `root/authority/node.${kind}`), 'utf8')),
  )
  const tls = { key: key as string, certificate: certificate as string, passwords: {} }
  const access = new Access(tls)
  const server = await startServer(join(root, 'eventstoredb'), { port, tls, access })
  t.teardown(() => {
    server.close()
    access.close()
  })
  return access.listen()
}

t.test(
  'the way from an empty server to a company’s node is walked as it is written',
  { timeout: 240_000 },
  async (t) => {
    // The name of the signer's socket must be short.
    const root = await mkdtemp(join(tmpdir(), 'company-'))
    t.teardown(() => rm(root, { recursive: true, force: true }))
    await chmod(root, 0o755)
    for (const directory of ['root', 'eventstoredb']) await mkdir(join(root, directory), { mode: 0o700 })
    await makeDirectories(root)
    const authority = newAuthority('The authority of the guide')
    await writeFile(join(root, 'authority.pem'), authority.certificate)
    const files = new Map<string, string>()
    const web = await webServer(t, authority.issue('localhost'), ({ url = '' }, answer) => {
      const file = files.get(url)
      answer.writeHead(file === undefined ? 404 : 200).end(file)
    })
    const didOf = (party: string) => `did:web:localhost%3A${web}:${party}`
    const brix = await newParty(root, 'brix', [], { did: didOf('brix') })
    files.set(
      '/brix/did.json',
      await runCommand('party', 'self', '--did-document', '--data', brix.data).then(({ output }) => output),
    )
    const partner = await openNode({ data: brix.data })
    t.teardown(() => partner.close())
    const [store, outward, ...inward] = [await freePort(), await freePort(), await freePort(), await freePort()]
    const ports: Record<string, number> = {
      7480: inward[0] as number,
      7481: inward[1] as number,
      7482: await freePort(),
    }
    const endpoint = `https://127.0.0.1:${outward}`
    let users = ''
    const asHere = (block: string) =>
      rooted(root, block)
        .replaceAll('https://localhost:2113/users', `${users}/users`)
        .replace('concordata store setup', `concordata store setup --http-url ${users}`)
        .replaceAll('localhost:2113', `localhost:${store}`)
        .replaceAll('https://node.acme.example:7443', endpoint)
        .replace(/\b748[012]\b/g, (port) => `${ports[port]}`)
        .replaceAll('did:web:acme.example', didOf('acme'))
        .replace(/^PARTNER=.*$/m, `PARTNER="${didOf('brix')} --ca ${root}/authority.pem"`)
        .replace(/^FINGERPRINT=.*$/m, `FINGERPRINT="${brix.fingerprint}"`)
    const shell = new Shell(commandsOf(root))
    t.teardown(() => shell.end())
    const running: ChildProcess[] = []
    t.teardown(async () => {
      const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of running) child.kill('SIGTERM')
      await Promise.all(ended)
    })

    const blocks = await blocksIn('getting-a-company-node.md')
    t.ok(blocks.length > 15)
    const printed: string[] = []
    for (const block of blocks) {
      // What stands between the blocks: the server and the services are started, the partner does its part.
      if (block.includes('reset-password')) users = await startEventStoreDb(t, root, store)
      if (block.startsWith('as signer doctor')) {
        for (const role of ROLES) running.push(await startUnit(root, role, 'acme-re'))
        for (const port of Object.values(ports)) {
          await until(`an answer at ${port}`, () =>
            fetch(`http://127.0.0.1:${port}/ready`).then(
              ({ ok }) => ok,
              () => false,
            ),
          )
        }
      }
      if (block.includes('contract open')) {
        files.set('/acme/did.json', await readFile(join(root, 'root/did.json'), 'utf8'))
        await approvedBy(brix, endpoint, [didOf('acme'), join(root, 'authority.pem')])
      }
      if (block.startsWith('until as serve contract show')) await acceptedBy(brix)
      printed.push(await shell.run(asHere(block)))
      t.pass(block.split('\n', 1)[0] as string)
    }
    const printedBy = (part: string) => printed[blocks.findIndex((block) => block.includes(part))] ?? ''

    const [held] = await partner.contracts()
    const rate = await partner
      .contract(held?.contract ?? '')
      .at('Rates/Compact')
      .get()
    t.equal(rate, '31.50', 'the partner holds what was written')
    t.match(
      printedBy('https://node.acme.example:7443/api/Contract'),
      /\n403\n$/,
      'strangers get the introduction alone',
    )
    t.equal(printedBy('for port in').match(/^concordata_contracts 1$/gm)?.length, 3, 'one key is good at all three')
    const looked = printedBy('as signer doctor')
    t.notMatch(looked, / error /, 'to the doctor all is well')
    t.match(looked, /keys +ok +the signer has the signing key/)
    t.match(looked, /certificate +ok/)

    await t.test('transmit and receive, which share a directory, note each by itself whom they refused', async (t) => {
      for (const [role, port] of [
        ['transmit', '7481'],
        ['receive', '7482'],
      ] as const) {
        t.equal((await fetch(`http://127.0.0.1:${ports[port]}/metrics`)).status, 401)
        const log = join(root, `var/lib/concordata-outward/access-${role}.log`)
        await until(`a line in ${log}`, async () => /"status":401/.test(await readFile(log, 'utf8').catch(() => '')))
      }
    })

    await t.test('nobody has, or reads, more than it needs', async (t) => {
      const files = async (directory: string) => (await readdir(join(root, 'var/lib', directory))).sort()
      t.strictSame(
        (await files('concordata-signer')).filter((name) => !name.includes('.lock')),
        ['concordata.json', 'guard', 'party.json', 'signing-key.pem'],
      )
      t.notOk((await files('concordata-serve')).some((name) => /key\.pem|uid-secret|passphrase|guard/.test(name)))
      t.notOk((await files('concordata-outward')).some((name) => /signing-key|recovery-key|guard/.test(name)))
      t.notMatch(printedBy('tar --list'), /guard|\.lock|sqlite|esdb-password/)
      t.match(printedBy('tar --list'), /concordata-signer\/signing-key\.pem/)
      for (const [name, mode] of [
        ['etc/concordata/passphrase', 0o640],
        ['var/lib/concordata-outward/tls-key.pem', 0o640],
        ['var/lib/concordata-serve/esdb-password-serve', 0o600],
        ['run/concordata/signer.sock', 0o660],
      ] as const) {
        t.equal((await stat(join(root, name))).mode & 0o777, mode, name)
      }
      if (!hasUsers) return
      t.match(looked, /reach +ok/)
      const may = (role: string, path: string) => reads(join(root, path), ...numbersOf(role))
      t.ok(may('serve', 'var/lib/concordata-serve/api-token'))
      t.ok(may('transmit', 'run/concordata/signer.sock'))
      for (const path of [
        'etc/concordata/passphrase',
        'run/concordata/signer.sock',
        'var/lib/concordata-outward/tls-key.pem',
        'var/lib/concordata-outward/esdb-password-transmit',
        'var/lib/concordata-signer/signing-key.pem',
      ]) {
        t.notOk(may('serve', path), `serve does not read ${path}`)
      }
      for (const role of ['transmit', 'receive']) {
        t.notOk(may(role, 'var/lib/concordata-signer/signing-key.pem'), `nor does ${role} the signing key`)
        t.notOk(may(role, 'var/lib/concordata-serve/api-keys.json'))
      }
    })
  },
)
