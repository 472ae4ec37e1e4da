import { readFile } from 'node:fs/promises'
import fastify from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { type ApiPorts, createApi } from '../../src/api/app.ts'
import { requireKey } from '../../src/api/http/callers/authenticate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { watchRoutes } from '../support/watch-routes.ts'

/** Nothing is asked for: routes are registered only. */
const nothing = {
  contracts: { listen: () => () => {} },
  clock: systemClock,
  behindProxy: false,
  logger: pino({ level: 'silent' }),
} as unknown as ApiPorts

/** Each route (`GET /health`) with its role; undefined: no key is asked for. */
async function rolesOfRoutes(): Promise<ReadonlyMap<string, string | undefined>> {
  const roles = new Map<string, string | undefined>()
  const stop = watchRoutes(roles)
  const app = await createApi(nothing)
  stop()
  await app.close()
  return roles
}

t.test('docs/api.md, "Roles", has every route, with the role that stands at it', async (t) => {
  const roles = await rolesOfRoutes()
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('\n## Roles\n')
  const table = section
    .split('\n## ', 1)[0]
    ?.match(/^\|.*$/gm)
    ?.join('\n')
  const rows = [...roles].map(([route, role]) => `| \`${route}\` | ${role ?? 'none: no key is asked for'} |`)
  t.equal(table, ['| route | role |', '|---|---|', ...rows.sort()].join('\n'))
})

t.test(
  'docs/operations/commands.md, "What the API writes", has every route that writes, with a command or why there is none',
  async (t) => {
    const writing = [...(await rolesOfRoutes()).keys()].filter((route) => !route.startsWith('GET '))
    const page = await readFile(new URL('../../docs/operations/commands.md', import.meta.url), 'utf8')
    const [, section = ''] = page.split('\n## What the API writes\n')
    const rows = [...section.matchAll(/^\| (`[A-Z]+ .*`) \| (.+) \|$/gm)]
    const routes = rows.flatMap(([, said = '']) => said.split(', ').map((route) => route.slice(1, -1)))
    t.same(routes.sort(), writing.sort())
    for (const [line, , how = ''] of rows) t.match(how, /^(?:`concordata [a-z]|none: \S)/, line)
  },
)

t.test('a route without a role is not served', async (t) => {
  const app = fastify()
  requireKey(app, nothing)
  t.throws(() => app.get('/api/Anything', async () => 'open to all'), /GET.* \/api\/Anything has no role/)
  await app.close()
})

const routesFolder = new URL('../../src/api/routes/', import.meta.url)

/** Of the tables in the README of a folder: which file what is in the first column leads to. */
async function filesByUrl(folder: string): Promise<ReadonlyMap<string, string>> {
  const readme = await readFile(new URL(`${folder}README.md`, routesFolder), 'utf8')
  return new Map(
    [...readme.matchAll(/^\| (.*`.*) \| `([\w/-]+\.ts)`.*\|$/gm)].flatMap(([, urls = '', file = '']) =>
      [...urls.matchAll(/`([^`]+)`/g)].map(([, url = '']) => [url, `${folder}${file}`] as const),
    ),
  )
}

/** What of a URL leads to its file. */
function leadOf(url: string): string {
  const [, ofContract] = /^\/api\/Contract\/:uid\/(\w+)/.exec(url) ?? []
  const [view] = /~\w+/.exec(url) ?? []
  const [entities] = /^\/api\/:entities/.exec(url) ?? []
  const [document] = /^\/new-api\/:uid/.exec(url) ?? []
  const [first = url] = /^\/(?:api\/)?[\w.]+/.exec(url) ?? []
  return ofContract ?? view ?? entities ?? document?.replace(':uid', '<uid>') ?? first
}

t.test('the URL leads to the file: the READMEs of routes have each, and it stands there', async (t) => {
  const files = new Map([...(await filesByUrl('')), ...(await filesByUrl('contract/'))])
  const leads = new Set([...(await rolesOfRoutes()).keys()].map((route) => leadOf(route.replace(/^\w+ /, ''))))
  t.same([...leads].filter((lead) => !files.has(lead)).sort(), [], 'each URL leads somewhere')
  t.same([...files.keys()].filter((lead) => !leads.has(lead)).sort(), [], 'nothing else does')
  for (const [lead, file] of files) {
    const text = await readFile(new URL(file, routesFolder), 'utf8')
    const word = lead.split('/').at(-1)?.replace('<uid>', ':uid') ?? lead
    t.ok(text.includes(word) && /\bapp\.(?:get|put|post|patch|delete|route)\(/.test(text), `${file}: ${lead}`)
  }
})
