import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const HEAD = "import t from 'tap'\n"

t.test('whatever a test file does but pass is a failure, said in full and counted', { timeout: 120_000 }, async (t) => {
  const dir = t.testdir({
    'passes.test.ts': `${HEAD}t.test('a rule', async (t) => { t.ok(true); t.skip('not here') })`,
    'fails.test.ts': `${HEAD}t.test('a rule', async (t) => { t.ok(true); await t.test('of two', async (t) => { t.equal(1, 2, 'one is two') }) })`,
    'empty.test.ts': HEAD,
    'broken.test.ts': `${HEAD}console.error('said before')\nt.ok(true)\nthrow new Error('broken on purpose')`,
    'rejects.test.ts': `${HEAD}t.test('a rule', async (t) => { Promise.reject(new Error('awaited by nobody')); await new Promise((resolve) => setTimeout(resolve)); t.ok(true) })`,
    'exits.test.ts': `${HEAD}t.ok(true)\nprocess.on('exit', () => { process.exitCode = 3 })`,
    'hangs.test.ts': `${HEAD}t.test('an end', async () => { setInterval(() => {}, 1_000); await new Promise(() => {}) })`,
  })
  const { status, output } = await runTests(dir, dir, '--timeout', '4')
  t.equal(status, 1)
  const lines = output.trimEnd().split('\n')
  t.match(lines.at(-1), /^\d+ passed, \d+ failed$/)
  t.match(output, /fails\.test\.ts › a rule › of two\nnot ok 1 - one is two/)
  t.match(output, /broken\.test\.ts\nended with 1[\s\S]*on its standard error:\nsaid before[\s\S]*broken on purpose/)
  t.match(output, /rejects\.test\.ts › a rule\nnot ok[\s\S]*Error: awaited by nobody/)
  t.match(output, /empty\.test\.ts\ntests nothing/)
  t.match(output, /exits\.test\.ts\nended with 3/)
  t.match(output, /hangs\.test\.ts[^\n]*\n(?:.*\n)*?.*timeout/i)
  for (const name of ['fails', 'empty', 'broken', 'rejects', 'exits', 'hangs'])
    t.match(output, `not ok ${dir}/${name}.test.ts`)
  t.notMatch(output, /passes\.test\.ts/)
  t.match(await readFile(`${dir}/report.tap`, 'utf8'), new RegExp(`^ok - ${dir}/passes\\.test\\.ts`, 'm'))
})

t.test('what passes is counted, and that there is nothing to run is a failure', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir({ 'passes.test.ts': `${HEAD}t.test('a rule', async (t) => { t.ok(true) })`, none: {} })
  t.match(await runTests(dir, `${dir}/passes.test.ts`), { status: 0, output: /^2 passed, 0 failed\n$/ })
  t.match(await runTests(dir, `${dir}/none`), { status: 1, output: /^0 passed, 1 failed\n$/ })
})

t.test(
  'a test file, and what it starts, loads typebox from few files, and all of it',
  { timeout: 60_000 },
  async (t) => {
    const prints = `import * as all from 'typebox/compile'; console.log(import.meta.resolve('typebox'), Object.keys(all).sort().join())`
    const dir = t.testdir({
      'starts.test.ts': `${HEAD}import { spawnSync } from 'node:child_process'
const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(prints)}], { encoding: 'utf8' })
t.equal(import.meta.resolve('typebox'), stdout.split(' ')[0])
t.comment(stdout)`,
    })
    t.match(await runTests(dir, `${dir}/starts.test.ts`), { status: 0, output: /^1 passed, 0 failed\n$/ })
    const names = Object.keys(
      await import(new URL('../../node_modules/typebox/build/compile/index.mjs', import.meta.url).href),
    )
    t.match(await readFile(`${dir}/report.tap`, 'utf8'), `# file://${dir}/typebox/index.mjs ${names.sort().join()}`)
  },
)

function runTests(dir: string, ...args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, '--dir', dir, ...args], (error, output) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, output }),
    )
  })
}
