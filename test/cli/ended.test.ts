import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { newParty, until } from '../support/node-party.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(240_000)

const PROGRAM = new URL('../../bin/concordata.js', import.meta.url).pathname

t.test('whoever reads no further is no fault', { timeout: 60_000 }, async (t) => {
  const child = spawn(process.execPath, [PROGRAM, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let error = ''
  child.stderr.on('data', (piece) => {
    error += piece
  })
  child.stdout.destroy()
  const status = await new Promise((resolve) => child.on('close', resolve))
  t.same({ status, error }, { status: 0, error: '' })
})

t.test('a node ends, and well, with whoever has started it', { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-ended-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const ana = await newParty(root, 'ana')
  const args = ['node', '--data', ana.data]
  const isUp = (child: ChildProcess) => new Promise((resolve) => child.once('message', resolve))
  const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve))
  for (const [what, end] of [
    ['a terminal that is closed', (child: ChildProcess) => child.kill('SIGHUP')],
    ['a parent that is gone', (child: ChildProcess) => child.disconnect()],
    [
      'one signal that comes by two ways',
      (child: ChildProcess) => {
        child.kill('SIGINT')
        child.kill('SIGINT')
      },
    ],
  ] as const) {
    const child = fork(PROGRAM, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    t.teardown(() => child.kill('SIGKILL'))
    await isUp(child)
    const over = ended(child)
    end(child)
    t.equal(await over, 0, what)
  }

  const isReady = () =>
    fetch(`${ana.api}/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  const shell = spawn('sh', ['-c', `"${process.execPath}" "${PROGRAM}" node --data "${ana.data}" & wait`], {
    stdio: 'ignore',
    env: { ...process.env, npm_command: 'exec' },
  })
  await until('the node to be up', isReady)
  shell.kill('SIGKILL')
  await until('the node to have ended', async () => !(await isReady()))
})
