// Part of `npm run build`: the page of the inward API has Swagger UI beside it, so that who installs the package needs no other.
import { copyFileSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const to = new URL('../dist/api/openapi/swagger-ui/', import.meta.url)
mkdirSync(to, { recursive: true })
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE'])
  copyFileSync(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)), new URL(name, to))
