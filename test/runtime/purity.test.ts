import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const src = fileURLToPath(new URL('../../src/', import.meta.url))
/** As .dependency-cruiser.cjs has it. */
const PURE =
  /^(events|merkle|aggregates|agreement|audit)\/|^gossip\/(exchange|peer-knowledge|message|schedule|message-builder|credit)\.ts/
/** Beyond ECMAScript: every browser has it, and what it returns depends on its argument alone. */
const ALLOWED = 'declare class TextEncoder {}'
/** Clock, randomness and the language of a machine, which ECMAScript has itself. */
const IMPURE = ['Date', 'Math.random', 'Intl', 'globalThis']

const read = (path: string) => readFileSync(path, 'utf8')

/** The files and all that they import, but for types: those are gone when it runs. */
function closureOf(files: readonly string[], text: (path: string) => string) {
  const sources = new Map<string, ts.SourceFile>()
  const foreign: string[] = []
  const add = (path: string) => {
    if (sources.has(path)) return
    const source = ts.createSourceFile(path, text(path), ts.ScriptTarget.ESNext, true)
    sources.set(path, source)
    for (const statement of source.statements) {
      const isImport = ts.isImportDeclaration(statement) && !isOfTypes(statement.importClause)
      if (!isImport && !(ts.isExportDeclaration(statement) && !statement.isTypeOnly)) continue
      const specifier = statement.moduleSpecifier
      if (specifier === undefined || !ts.isStringLiteral(specifier)) continue
      if (specifier.text.startsWith('.')) add(join(dirname(path), specifier.text))
      else if (specifier.text.startsWith('node:')) foreign.push(placed(specifier, source))
    }
  }
  for (const file of files) add(file)
  return { sources, foreign }
}

function isOfTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  const { namedBindings, phaseModifier } = clause
  if (phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  return namedBindings !== undefined && ts.isNamedImports(namedBindings)
    ? namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
    : false
}

function placed(node: ts.Node, file: ts.SourceFile): string {
  const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
  return `${file.fileName.slice(src.length)}:${line + 1} ${node.getText(file)}`
}

/** Where something of Node or of a browser stands, a clock, or randomness: names that nobody has declared, but for ECMAScript's. */
function faultsIn(files: readonly string[], text: (path: string) => string = read): string[] {
  const { sources, foreign } = closureOf(files, text)
  const allowed = ts.createSourceFile('allowed.d.ts', ALLOWED, ts.ScriptTarget.ESNext)
  const options: ts.CompilerOptions = {
    noResolve: true,
    types: [],
    lib: ['lib.es2024.d.ts'],
    target: ts.ScriptTarget.ES2024,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (path, ...rest) =>
    sources.get(path) ?? (path === 'allowed.d.ts' ? allowed : getSourceFile(path, ...rest))
  const checker = ts.createProgram([...sources.keys(), 'allowed.d.ts'], options, host).getTypeChecker()
  const faults = [...foreign]
  for (const file of sources.values()) {
    const visit = (node: ts.Node): void => {
      if (isOfTypesAlone(node)) return
      const isForeign =
        ts.isIdentifier(node) &&
        !isNameOfMember(node) &&
        checker.resolveName(node.text, node, ts.SymbolFlags.Value | ts.SymbolFlags.Alias, false) === undefined
      const isUse = ts.isIdentifier(node) ? !isNameOfMember(node) : ts.isPropertyAccessExpression(node)
      if (isForeign || (isUse && IMPURE.includes(node.getText(file)))) faults.push(placed(node, file))
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return faults
}

function isOfTypesAlone(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isTypeParameterDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  )
}

/** Of an object's, a class's or a module's: no name of a variable. */
function isNameOfMember(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isExportSpecifier(parent) || ts.isMetaProperty(parent)) return true
  if (ts.isBindingElement(parent) || ts.isImportSpecifier(parent)) return parent.propertyName === node
  return (
    (ts.isClassElement(parent) || ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent)) &&
    parent.name === node
  )
}

const pure = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && PURE.test(file))
  .map((file) => src + file)

t.test('the pure core, with all that it imports, uses nothing of Node, no clock and no randomness', async (t) => {
  t.same(faultsIn(pure), [])
  const reached = [...closureOf(pure, read).sources.keys()]
  t.ok(reached.includes(`${src}crypto/ed25519.ts`), 'what it imports of crypto and runtime is looked at, too')
})

t.test(
  'a global of Node, a built-in, a clock and randomness are found, however far away they are imported',
  async (t) => {
    const texts = {
      [`${src}near.ts`]: "import { a } from './middle.ts'\nconsole.log(a)",
      [`${src}middle.ts`]: "export * from './far.ts'",
    }
    const found = (text: string) =>
      faultsIn([`${src}near.ts`], (path) => ({ ...texts, [`${src}far.ts`]: text })[path] ?? '').filter((fault) =>
        fault.startsWith('far'),
      )
    const cases: readonly (readonly [text: string, fault: string])[] = [
      ['export const a = Buffer.from("a")', 'Buffer'],
      ['export const a = process.version', 'process'],
      ['export const a = () => setTimeout(() => {}, 1)', 'setTimeout'],
      ['export { hash as a } from "node:crypto"', '"node:crypto"'],
      ['export const a = () => Date.now()', 'Date'],
      ['export const a = () => Math.random()', 'Math.random'],
      ['export const a = globalThis', 'globalThis'],
    ]
    for (const [text, fault] of cases) t.same(found(text), [`far.ts:1 ${fault}`], text)
    t.same(found('export const a = new TextEncoder().encode("Buffer")'), [])
  },
)
