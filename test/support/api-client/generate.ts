import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript'
import ts from 'typescript'

/** The types that `openapi-typescript` makes of these operations of a document, and of all that they refer to. */
export async function generatedTypes(document: OpenAPI3, operations: readonly string[]): Promise<string> {
  const paths = Object.entries(document.paths ?? {}).flatMap(([path, methods]) => {
    const used = Object.entries(methods).filter(([, one]) => operations.includes(one.operationId))
    return used.length === 0 ? [] : [[path, Object.fromEntries(used)]]
  })
  const { webhooks: _, ...rest } = document as OpenAPI3 & { webhooks?: unknown }
  return astToString(await openapiTS({ ...rest, paths: Object.fromEntries(paths) }))
}

/** What the compiler says against a program. */
export function complaintsAbout(file: string): string[] {
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  })
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n').slice(0, 500))
}
