import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { addParty } from '../../src/cli/party-commands.ts'
import { partyFingerprint } from '../../src/events/party-card.ts'
import { openNode } from '../../src/index.ts'
import { fetchIntroduction } from '../../src/node/discovery.ts'
import { formatFingerprint } from '../../src/node/fingerprint.ts'
import { freePort, newParty, until } from '../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const BINARY = new URL('../../bin/concordata.js', import.meta.url).pathname
const GUIDE = new URL('../../docs/getting-a-node.md', import.meta.url)

/** The blocks that the document says are run by this test, in order. */
async function blocksOf(replace: (text: string) => string): Promise<string[]> {
  const text = await readFile(GUIDE, 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => replace(block))
}

/** One shell from top to bottom, as a reader has it. */
class Shell {
  readonly #bash: ChildProcess
  readonly #output: string[] = []
  #blocks = 0

  constructor(preamble: string) {
    this.#bash = spawn('bash', ['-euo', 'pipefail'], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#bash.stdin?.write(preamble)
    createInterface({ input: this.#bash.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#output.push(line))
  }

  /** What the block printed. Rejects if a command of it fails. */
  async run(block: string): Promise<string> {
    const mark = `block ${this.#blocks++} is done`
    const from = this.#output.length
    this.#bash.stdin?.write(`${block}\nprintf "\\n%s\\n" "${mark}"\n`)
    await until(`the end of\n${block}`, async () => {
      if (this.#bash.exitCode !== null) throw new Error(`a command failed in\n${block}`)
      return this.#output.includes(mark)
    })
    return this.#output.slice(from, -1).join('\n')
  }

  end(): void {
    this.#bash.stdin?.end()
    this.#bash.kill()
  }
}

t.test('the way from an empty server to a partner is walked as it is written', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-guide-'))
  const brix = await newParty(root, 'brix')
  const partner = await openNode({ data: brix.data })
  const [data, passphrase] = [join(root, 'acme'), join(root, 'passphrase')]
  const [endpoint, api] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  await writeFile(passphrase, 'of the guide\n')
  const blocks = await blocksOf((text) =>
    text
      .replaceAll('/var/lib/concordata', data)
      .replaceAll('/var/backups/concordata', join(root, 'backups'))
      .replaceAll('node.acme.example:7443', endpoint)
      .replaceAll('127.0.0.1:7480', api)
      .replace(/^PARTNER=.*$/m, `PARTNER=${brix.endpoint}`)
      .replace(/^FINGERPRINT=.*$/m, `FINGERPRINT="${brix.fingerprint}"`),
  )
  t.ok(blocks.length > 10)
  const shell = new Shell(
    `concordata() { CONCORDATA_PASSPHRASE_FILE=${passphrase} ${process.execPath} ${BINARY} "$@"; }\nmkdir ${root}/backups\n`,
  )
  let node: ChildProcess | undefined
  t.teardown(async () => {
    shell.end()
    const ended = new Promise((resolve) => (node === undefined ? resolve(undefined) : node.on('exit', resolve)))
    node?.kill('SIGTERM')
    await Promise.all([ended, partner.close()])
    await rm(root, { recursive: true, force: true })
  })

  for (const block of blocks) {
    // What stands between the blocks: the service is started, the partner does its part.
    if (block.includes('concordata doctor')) {
      const environment = { ...process.env, CONCORDATA_PASSPHRASE_FILE: passphrase }
      node = spawn(process.execPath, [BINARY, 'node', '--data', data], { env: environment, stdio: 'inherit' })
      await until('the node to be ready', () =>
        fetch(`http://${api}/ready`).then(
          (answer) => answer.ok,
          () => false,
        ),
      )
    }
    if (block.includes('concordata contract open')) {
      const { introduction } = await fetchIntroduction(`https://${endpoint}`, 10_000)
      await addParty(brix.data, `https://${endpoint}`, formatFingerprint(partyFingerprint(introduction.card)))
    }
    if (block.startsWith('until concordata contract show')) {
      type Held = { contract: string; standing: string }[]
      const held = async () => ((await brix.call('GET', '/api/Contract')).body as Held)[0]
      await until('the invitation', async () => (await held())?.standing === 'invited')
      await brix.call('POST', `/api/Contract/${(await held())?.contract}/Acceptance`)
    }
    t.type(await shell.run(block), 'string', block.split('\n', 1)[0] as string)
  }
  const [contract] = partner.contracts()
  t.equal(await contract?.at('Rates/Compact').get(), '31.50', 'the partner holds what was written')
})
