import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openNode } from '../../src/index.ts'
import { type NodeParty, newParty, until } from '../support/node-party.ts'
import { sharedContract } from '../support/shared-contract.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

const BINARY = new URL('../../bin/concordata.js', import.meta.url).pathname
/** As the units have it: TimeoutStopSec. */
const STOP_TIMEOUT_MS = 60_000

function start(t: Test, { data }: NodeParty): { child: ChildProcess; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [BINARY, 'node', '--data', data], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, ended }
}

const isReady = ({ api }: NodeParty) =>
  fetch(`${api}/ready`).then(
    ({ ok }) => ok,
    () => false,
  )

t.test('a node that is told to stop answers what is under way, and ends well', { timeout: 180_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-stop-'))
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  const nodeOfBen = await openNode({ data: ben.data })
  let isBenUp = true
  t.teardown(async () => {
    if (isBenUp) await nodeOfBen.close()
    await rm(root, { recursive: true, force: true })
  })
  const { child, ended } = start(t, ana)
  await until('the node to be up', () => isReady(ana))
  const contract = await sharedContract(t, ana, ben, 'two')
  t.equal((await ana.call('POST', `/new-api/${contract}`, { Country: 'Mexico' })).status, 201)

  await nodeOfBen.close()
  isBenUp = false
  // Nobody answers this one: it is under way when the signal comes.
  const writing = ana.call('POST', `/new-api/${contract}`, { City: 'Puebla' }, 'wait=3600').then(
    ({ status, body }) => ({ status, code: body?.code }),
    (error: Error) => ({ status: 0, code: error.message }),
  )
  const metrics = async () =>
    (await fetch(`${ana.api}/metrics`, { headers: { authorization: `Bearer ${ana.token}` } })).text()
  await until('the write to be under way', async () => /waiting_for\{party="ben"\} 1/.test(await metrics()))
  const before = Date.now()
  child.kill('SIGTERM')
  t.equal(await ended, 0, 'exit status')
  t.ok(Date.now() - before < STOP_TIMEOUT_MS, 'before systemd loses its patience')
  const answer = await writing
  t.match(answer, { status: 503, code: 'contract_closed' }, 'and nothing was promised that is not so')

  const again = start(t, ana)
  await until('the node to be up again', () => isReady(ana))
  t.equal((await ana.call('GET', '/api/Contract')).body[0].contract, contract, 'it goes on from there')
  again.child.kill('SIGTERM')
  t.equal(await again.ended, 0)
})
