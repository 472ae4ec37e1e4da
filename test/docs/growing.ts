import { readdir, readFile } from 'node:fs/promises'
import ts from 'typescript'

const src = new URL('../../src/', import.meta.url)
/** Whatever comes from outside passes through these. */
export const folders = ['api', 'contracts', 'crypto', 'documents', 'gossip', 'node', 'projections', 'runtime', 'store']
/** These are values of one contract, but for what a module of them keeps. */
const pureFolders = ['aggregates', 'agreement', 'audit', 'events', 'merkle']

/** Every structure that can grow and outlives a call, in the sources of these folders: `contracts/registry/unasked-contracts.ts #gone`. */
export async function growing(): Promise<string[]> {
  const found: string[] = []
  for (const folder of [...folders, ...pureFolders]) {
    const isPure = pureFolders.includes(folder)
    const names = await readdir(new URL(`${folder}/`, src), { recursive: true })
    for (const name of names.filter((one) => one.endsWith('.ts')).sort()) {
      const file = `${folder}/${name}`
      const text = await readFile(new URL(file, src), 'utf8')
      for (const one of isPure ? keptIn(text) : growingIn(text)) found.push(`${file} ${one}`)
    }
  }
  return found
}

/**
 * The names, in one source, of fields and module-level variables that hold a Map, a Set, an array or a text that is added to, and
 * of a local Map or Set, or array that is pushed to, which a function that is handed out or called back later goes on using.
 */
export function growingIn(text: string): string[] {
  return declarationsIn(text, true)
}

/** The module-level ones alone. */
export function keptIn(text: string): string[] {
  return declarationsIn(text, false)
}

function declarationsIn(text: string, isAnywhere: boolean): string[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const visit = (node: ts.Node, owner: ts.Node | undefined): void => {
    if (isAnywhere && ts.isPropertyDeclaration(node) && (isContainer(node) || isAddedTo(node, source)))
      found.push(node.name.getText())
    if (ts.isVariableDeclaration(node) && isContainer(node) && ts.isIdentifier(node.name)) {
      if (owner === undefined ? !isConstant(node) : isAnywhere && isKept(node.name, owner)) found.push(node.name.text)
    }
    const inner = ts.isFunctionLike(node) ? node : owner
    ts.forEachChild(node, (child) => visit(child, inner))
  }
  visit(source, undefined)
  return found
}

type Declaration = ts.PropertyDeclaration | ts.VariableDeclaration

const containers = /^(?:readonly )?(?:(?:Readonly)?(?:Map|Set)<|(?:Readonly)?Array<|.*\[\]$|\[.*\]\[\]$)/

function isContainer({ initializer, type }: Declaration): boolean {
  if (initializer !== undefined) {
    if (ts.isNewExpression(initializer)) return ['Map', 'Set', 'Array'].includes(initializer.expression.getText())
    return ts.isArrayLiteralExpression(initializer) && initializer.elements.length === 0
  }
  const types = type?.getText().split(' | ') ?? []
  return types.some((one) => containers.test(one))
}

/** Nothing is put into it, here or where it is handed to: what is empty, and not said to stay so, is there to be filled. */
function isConstant(node: ts.VariableDeclaration): boolean {
  const { initializer, type } = node
  const isEmpty =
    initializer !== undefined && ts.isNewExpression(initializer) && (initializer.arguments?.length ?? 0) === 0
  // Of a type with a name of its own, which says that.
  const staysSo = type !== undefined && !/^(?:Map|Set)</.test(type.getText())
  return (!isEmpty || staysSo) && !isChanged(node.name.getText(), node.getSourceFile())
}

const changing = new Set(['add', 'set', 'push', 'unshift', 'splice'])

/** Whether something is put into a variable anywhere in there. */
function isChanged(name: string, within: ts.Node): boolean {
  return some(within, (node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
    const { expression, name: method } = node.expression
    return expression.getText() === name && changing.has(method.text)
  })
}

/** `this.text += …` */
function isAddedTo({ name }: ts.PropertyDeclaration, source: ts.SourceFile): boolean {
  return some(
    source,
    (node) =>
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.PlusEqualsToken &&
      node.left.getText() === `this.${name.getText()}` &&
      (ts.isTemplateExpression(node.right) || ts.isStringLiteral(node.right)),
  )
}

/** Whether a function within `owner` that is not called on the spot puts something into the variable. */
function isKept(name: ts.Identifier, owner: ts.Node): boolean {
  return some(
    owner,
    (node) => node !== owner && ts.isFunctionLike(node) && isHandedOut(node) && isChanged(name.text, node),
  )
}

/** A callback of `map`, `filter` … is done with when that returns. */
function isHandedOut(node: ts.Node): boolean {
  const { parent } = node
  if (!ts.isCallExpression(parent) || !ts.isPropertyAccessExpression(parent.expression)) return true
  return !onTheSpot.has(parent.expression.name.text)
}

const onTheSpot = new Set([
  'map',
  'flatMap',
  'filter',
  'forEach',
  'find',
  'some',
  'every',
  'sort',
  'reduce',
  'transaction',
])

function some(node: ts.Node, is: (node: ts.Node) => boolean): boolean {
  return is(node) || (ts.forEachChild(node, (child) => some(child, is) || undefined) ?? false)
}
