import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { PAGE, PAGE_POLICY, PAGE_SCRIPT, PAGE_STYLE } from '../openapi/page.ts'

/** Of Swagger UI: beside the built program (`npm run build` puts them there), or from its package where this runs from source. */
const ASSETS = ['swagger-ui-bundle.js', 'swagger-ui.css'] as const

/** `/explorer`: the documents of this API as a page in which it can be tried. Of what is served here nothing is of this node, so no key is asked for. */
export function explorerRoutes(app: FastifyInstance): void {
  const serve = (url: string, operationId: string, type: string, text: () => string | Promise<string>) => {
    app.get(
      url,
      {
        schema: {
          operationId,
          summary: 'A part of the page in which this API can be tried',
          response: { 200: { content: { [type]: { schema: Type.String() } } } },
        },
      },
      async (_request, reply: FastifyReply) =>
        reply
          .header('content-security-policy', PAGE_POLICY)
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer')
          .type(`${type}; charset=utf-8`)
          .send(await text()),
    )
  }
  serve('/explorer', 'getExplorer', 'text/html', () => PAGE)
  serve('/explorer/page.js', 'getExplorerScript', 'text/javascript', () => PAGE_SCRIPT)
  serve('/explorer/page.css', 'getExplorerStyle', 'text/css', () => PAGE_STYLE)
  serve('/explorer/swagger-ui-bundle.js', 'getSwaggerUi', 'text/javascript', kept(ASSETS[0]))
  serve('/explorer/swagger-ui.css', 'getSwaggerUiStyle', 'text/css', kept(ASSETS[1]))
}

/** Read once, when it is asked for. */
function kept(name: string): () => Promise<string> {
  let text: Promise<string> | undefined
  return () => {
    text ??= readFile(assetPath(name), 'utf8')
    return text
  }
}

function assetPath(name: string): string {
  const beside = fileURLToPath(new URL(`../openapi/swagger-ui/${name}`, import.meta.url))
  return existsSync(beside) ? beside : fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`))
}
