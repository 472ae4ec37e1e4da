import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly import: string }>>
}

/**
 * `typebox` consists of 683 modules, and a process spends more on finding them than on all of our own. Writes it to `dir` as one module
 * for each of its entries, and what these share; returns the URL of a module that, imported first, has a process load these instead.
 */
export async function bundleTypebox(dir: string): Promise<string> {
  const root = new URL('../../node_modules/typebox/', import.meta.url)
  const { exports } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as Manifest
  const entryPoints: Record<string, string> = {}
  const urls: Record<string, string> = {}
  for (const [entry, { import: path }] of Object.entries(exports)) {
    const name = entry === '.' ? 'index' : entry.slice(2)
    entryPoints[name] = fileURLToPath(new URL(path, root))
    urls[`typebox${entry.slice(1)}`] = pathToFileURL(join(dir, `${name}.mjs`)).href
  }
  await build({
    entryPoints,
    outdir: dir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  })
  const preload = join(dir, 'preload.mjs')
  await writeFile(preload, preloadOf(urls))
  return pathToFileURL(preload).href
}

/** In a Node.js that is too old for this it does nothing: a test starts one. */
function preloadOf(urls: Readonly<Record<string, string>>): string {
  return `import module from 'node:module'
const urls = ${JSON.stringify(urls)}
module.registerHooks?.({
  resolve: (specifier, context, next) =>
    Object.hasOwn(urls, specifier) ? { url: urls[specifier], shortCircuit: true } : next(specifier, context),
})
`
}
