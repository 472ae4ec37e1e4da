import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { alertsForm, composeForm, dashboardForm, datasourcesForm, prometheusForm, providersForm } from './forms.ts'

interface Form {
  Errors(value: unknown): { instancePath: string; message: string }[]
}
type Json = { [member: string]: Json }

const files: readonly (readonly [name: string, form: Form])[] = [
  ['compose.yaml', composeForm],
  ['compose/prometheus.yml', prometheusForm],
  ['compose/datasource.yaml', datasourcesForm],
  ['prometheus/prometheus.yml', prometheusForm],
  ['prometheus/alerts.yaml', alertsForm],
  ['grafana/concordata.json', dashboardForm],
  ['grafana/provisioning/datasources/prometheus.yaml', datasourcesForm],
  ['grafana/provisioning/dashboards/concordata.yaml', providersForm],
]

async function read(name: string): Promise<Json> {
  const text = await readFile(new URL(`../../ops/${name}`, import.meta.url), 'utf8')
  return name.endsWith('.json') ? JSON.parse(text) : parse(text, { merge: true, strict: true, uniqueKeys: true })
}

const problemsOf = (form: Form, value: unknown) =>
  form.Errors(value).map(({ instancePath, message }) => `${instancePath} ${message}`)

/** The same value with one member renamed, for every member that is no name of somebody's choice. */
function* misspelled(value: unknown, isChosen: (path: string) => boolean, path = ''): Generator<[string, unknown]> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const at = `${path}/${key}`
    if (!Array.isArray(value) && !isChosen(at)) {
      const { [key]: _, ...others } = value as Json
      yield [at, { ...others, [`${key}x`]: inner }]
    }
    for (const [where, changed] of misspelled(inner, isChosen, at)) {
      yield [where, Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed }]
    }
  }
}

/** Names of services, networks, volumes, secrets and variables; test/ops/compose.test.ts holds them against each other. */
const chosen =
  /^\/(?:x-[^/]+(?:\/.*)?|(?:services|networks|volumes|secrets)\/[^/]+|services\/[^/]+\/(?:environment|networks|depends_on)\/[^/]+)$/

for (const [name, form] of files) {
  t.test(`${name} has the form that its program reads`, async (t) => {
    const value = await read(name)
    t.same(problemsOf(form, value), [])
    const isChosen = (path: string) => name === 'compose.yaml' && chosen.test(path)
    let tried = 0
    for (const [path, changed] of misspelled(value, isChosen)) {
      tried++
      if (problemsOf(form, changed).length === 0) t.fail(`${path} misspelled is not noticed`)
    }
    t.ok(tried > 3, `${tried} members misspelled, one at a time`)
  })
}
