import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { addParty } from '../../src/cli/party/approve.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { fetchIntroduction } from '../../src/node/directory/discovery.ts'
import { formatFingerprint } from '../../src/node/identity/fingerprint.ts'
import { type NodeParty, until } from './node-party.ts'

/** The program of this checkout, as documents call it. */
export const BINARY = new URL('../../bin/concordata.js', import.meta.url).pathname

/** The blocks of a document in `docs/` that begin with `sh` and nothing else, in order: it says that a test runs them. */
export async function blocksIn(document: string): Promise<string[]> {
  const text = await readFile(new URL(`../../docs/${document}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
}

/** One shell from top to bottom, as a reader has it. */
export class Shell {
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

/**
 * The partner's part: it approves the party at the endpoint, whose fingerprint it has been told. It looks it up there, or by a DID,
 * and trusts the authorities in that file.
 */
export async function approvedBy(
  partner: NodeParty,
  endpoint: string,
  [address, ca]: readonly [address: string, ca?: string] = [endpoint],
): Promise<void> {
  const { introduction } = await fetchIntroduction(endpoint, 10_000)
  await addParty(partner.data, address, formatFingerprint(partyFingerprint(introduction.card)), ca)
}

/** The partner's part: it accepts the one invitation that comes. */
export async function acceptedBy(partner: NodeParty): Promise<void> {
  type VerifiedStatement = { contract: string; standing: string }[]
  const held = async () => ((await partner.call('GET', '/api/Contract')).body as VerifiedStatement)[0]
  await until('the invitation', async () => (await held())?.standing === 'invited')
  await partner.call('POST', `/api/Contract/${(await held())?.contract}/Acceptance`)
}
