import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { requireNodeVersion } from '../../src/runtime/node-version.ts'

t.test(
  'a Node.js that is too old, or between two that do, is told, with the version that package.json asks for',
  async (t) => {
    for (const version of ['20.19.2', '21.7.3', '22.14.0', '23.0.0', '23.7.0', '18.0.0']) {
      t.throws(() => requireNodeVersion(version), {
        code: 'runtime_unfit',
        message: `concordata needs Node.js ^22.15.0 || >=23.8.0; this is ${version}`,
        evidence: { needed: '^22.15.0 || >=23.8.0', version },
      })
    }
    for (const version of ['22.15.0', '22.22.1', '23.8.0', '23.11.1', '24.0.0', '26.1.0', process.versions.node])
      requireNodeVersion(version)
  },
)

t.test('the library loads no native code before it has looked', async (t) => {
  const index = new URL('../../src/index.ts', import.meta.url).href
  const program = `const { openNode } = await import('${index}')
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.2' } })
    const error = await openNode({ data: '/nonexistent' }).catch((error) => error)
    const loaded = process.report.getReport().sharedObjects.some((path) => path.includes('better_sqlite3'))
    console.log(JSON.stringify({ code: error.code, loaded }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  t.same(JSON.parse(stdout), { code: 'runtime_unfit', loaded: false })
})

t.test(
  'the package, which has JavaScript only, starts under each version that it names, and under no other',
  async (t) => {
    const root = fileURLToPath(new URL('../../', import.meta.url))
    const dir = t.testdir()
    for (const name of ['bin/concordata.js', 'package.json']) cpSync(join(root, name), join(dir, name))
    for (const folder of ['runtime', 'cli']) mkdirSync(join(dir, 'dist', folder), { recursive: true })
    for (const name of ['node-version', 'errors']) {
      const built = stripTypeScriptTypes(readFileSync(join(root, `src/runtime/${name}.ts`), 'utf8'))
      writeFileSync(join(dir, `dist/runtime/${name}.js`), built.replaceAll(".ts'", ".js'"))
    }
    writeFileSync(join(dir, 'dist/cli/main.js'), `export const main = async ([said]) => void console.log(said) ?? 0`)
    const started = async (version: string) => {
      const pretended = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
      const args = ['--import', `data:text/javascript,${encodeURIComponent(pretended)}`, 'bin/concordata.js', 'started']
      const run = promisify(execFile)(process.execPath, args, { cwd: dir })
      return run.then(
        ({ stdout }) => stdout,
        ({ stderr }) => stderr,
      )
    }
    for (const version of [process.versions.node, '22.15.0']) t.equal(await started(version), 'started\n', version)
    const needed = 'Node.js ^22.15.0 || >=23.8.0; this is'
    for (const version of ['20.20.2', '23.7.0'])
      t.equal(await started(version), `concordata needs ${needed} ${version} [runtime_unfit]\n`)
  },
)

t.test('what the program and the package name of the built files, their sources have', async (t) => {
  const root = new URL('../../', import.meta.url)
  const program = readFileSync(new URL('bin/concordata.js', root), 'utf8')
  const { exports, types } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const sourceOf = (built: string) =>
    new URL(built.replace(/^(?:\.\/)?dist\//, 'src/').replace(/(?:\.d)?\.[jt]s$/, '.ts'), root)
  const built = [...program.matchAll(/join\(root, ('dist'(?:, '[^']+')+)\)/g)].map(([, steps = '']) =>
    steps.replaceAll("'", '').split(', ').join('/'),
  )
  const named = JSON.stringify([exports, types, built]).match(/(?:\.\/)?dist\/[^"]+/g) ?? []
  t.ok(built.length >= 2 && named.length > built.length, named.join())
  for (const file of named) t.ok(existsSync(sourceOf(file)), file)
  const taken = [...program.matchAll(/const \{ ([^}]+) \} = await import\(/g)].flatMap(([, names = '']) =>
    names.split(', '),
  )
  const sources = await Promise.all(built.map((file) => import(sourceOf(file).href)))
  t.ok(taken.length >= 2, taken.join())
  for (const name of taken)
    t.ok(
      sources.some((source) => typeof source[name] === 'function'),
      name,
    )
})
