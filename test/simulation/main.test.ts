import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
/** The thread that makes the runs ends as one does in which nothing is left to be done: without a word. */
const SILENT = 'data:text/javascript,import{isMainThread}from%22node:worker_threads%22;if(!isMainThread)process.exit(0)'

t.test('a run that comes to no end is none without a violation', async (t) => {
  const command = spawn(process.execPath, [`--import=${SILENT}`, MAIN, '--seed=7', '--runs=2'])
  let said = ''
  for (const stream of [command.stdout, command.stderr]) stream.on('data', (chunk) => (said += chunk))
  const code = await new Promise((resolve) => command.on('close', resolve))
  t.equal(code, 1)
  t.match(said, 'seed 7 came to no end')
  t.notMatch(said, 'without a violation')
})
