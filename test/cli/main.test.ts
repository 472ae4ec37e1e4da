import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import manifest from '../../package.json' with { type: 'json' }
import { YOUNG_SPACE } from '../../src/cli/demo/party-process.ts'

const PROGRAM = new URL('../../bin/concordata.js', import.meta.url).pathname

t.test('the program runs by its first line, and what the demo starts has the same bound on memory', async (t) => {
  const [first] = (await readFile(PROGRAM, 'utf8')).split('\n')
  t.equal(first, `#!/usr/bin/env -S node ${YOUNG_SPACE}`)
  const { stdout } = await promisify(execFile)(PROGRAM, ['config', '--help'])
  t.match(stdout, /^Usage: concordata config/)
  const asked = await promisify(execFile)(PROGRAM, ['--version'])
  t.equal(asked.stdout, `${manifest.version}\n`)
})
