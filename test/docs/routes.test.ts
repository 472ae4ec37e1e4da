import { readFile } from 'node:fs/promises'
import fastify from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { type ApiPorts, createApi } from '../../src/api/app.ts'
import { requireKey } from '../../src/api/http/authenticate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { watchRoutes } from '../support/watch-routes.ts'

/** Nothing is asked for: routes are registered only. */
const nothing = {
  contracts: { listen: () => () => {} },
  clock: systemClock,
  behindProxy: false,
  logger: pino({ level: 'silent' }),
} as unknown as ApiPorts

t.test('docs/api.md, "Roles", has every route, with the role that stands at it', async (t) => {
  const roles = new Map<string, string | undefined>()
  const stop = watchRoutes(roles)
  const app = await createApi(nothing)
  stop()
  await app.close()
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('\n## Roles\n')
  const table = section
    .split('\n## ', 1)[0]
    ?.match(/^\|.*$/gm)
    ?.join('\n')
  const rows = [...roles].map(([route, role]) => `| \`${route}\` | ${role ?? 'none: no key is asked for'} |`)
  t.equal(table, ['| route | role |', '|---|---|', ...rows.sort()].join('\n'))
})

t.test('a route without a role is not served', async (t) => {
  const app = fastify()
  requireKey(app, nothing)
  t.throws(() => app.get('/api/Anything', async () => 'open to all'), /GET.* \/api\/Anything has no role/)
  await app.close()
})
