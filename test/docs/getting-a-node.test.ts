import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../src/cli/demo/free-port.ts'
import { openNode } from '../../src/index.ts'
import { acceptedBy, approvedBy, BINARY, blocksIn, Shell } from '../support/guide.ts'
import { newParty, until } from '../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('the way from an empty server to a partner is walked as it is written', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-guide-'))
  const brix = await newParty(root, 'brix')
  const partner = await openNode({ data: brix.data })
  const [data, passphrase] = [join(root, 'acme'), join(root, 'passphrase')]
  const [endpoint, api] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  await writeFile(passphrase, 'of the guide\n')
  const blocks = (await blocksIn('getting-a-node.md')).map((text) =>
    text
      .replaceAll('/var/lib/concordata', data)
      .replaceAll('/var/backups/concordata', join(root, 'backups'))
      .replaceAll('/root/', `${root}/`)
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
    if (block.includes('concordata contract open')) await approvedBy(brix, `https://${endpoint}`)
    if (block.startsWith('until concordata contract show')) await acceptedBy(brix)
    t.type(await shell.run(block), 'string', block.split('\n', 1)[0] as string)
  }
  const [held] = await partner.contracts()
  const contract = partner.contract(held?.contract ?? '')
  t.equal(await contract.at('Rates/Compact').get(), '31.50', 'the partner holds what was written')
})
