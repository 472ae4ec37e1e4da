import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const SCRIPT = fileURLToPath(new URL('../../support/long-feed.ts', import.meta.url))

/** In a process of its own, whose stack is so small that little is much. */
function withSmallStack(what: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, ['--stack-size=100', SCRIPT, what], { encoding: 'utf8' })
  return { status, stderr }
}

t.test('a feed is loaded, recalled, followed and audited whatever its length', async (t) => {
  t.same(withSmallStack('loading'), { status: 0, stderr: '' })
})

t.test('of any number of open asks it is noted how far they are done', async (t) => {
  t.same(withSmallStack('command-queue'), { status: 0, stderr: '' })
})
