import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'

/**
 * The members that files in `ops/` use, of all that Compose, Prometheus and Grafana know, each with its form: so a
 * misspelled one is found, which those programs would refuse, or, as Grafana does, pass over. Who needs a further one looks it
 * up in their documentation (Compose specification; prometheus.io/docs, "Configuration", "Alerting rules"; grafana.com/docs,
 * "Provision", "Dashboard JSON model") and adds it here.
 */

const only = <Members extends Record<string, TSchema>>(members: Members) =>
  Type.Object(members, { additionalProperties: false })
const maybe = Type.Optional
const Text = Type.String({ minLength: 1 })
const Texts = Type.Array(Text, { minItems: 1 })
const byName = (form: TSchema) => Type.Record(Type.String({ pattern: '^[a-z][a-z0-9.-]*$' }), form)
const Duration = Type.String({ pattern: '^[0-9]+[smhd]$' })
const Image = Type.String({ pattern: '^[a-z0-9./-]+:[A-Za-z0-9._-]+$' })
const Port = Type.String({ pattern: '^(?:[0-9.]+:)?[0-9]+:[0-9]+$' })
const Nothing = only({})

const Healthcheck = only({
  test: Texts,
  interval: maybe(Duration),
  timeout: maybe(Duration),
  retries: maybe(Type.Integer()),
})
const Condition = Type.Union(
  ['service_started', 'service_healthy', 'service_completed_successfully'].map((one) => Type.Literal(one)),
)
const serviceMembers = {
  image: Image,
  build: maybe(only({ context: Text, dockerfile: Text })),
  restart: maybe(Type.Union(['no', 'always', 'on-failure', 'unless-stopped'].map((one) => Type.Literal(one)))),
  user: maybe(Type.String({ pattern: '^[0-9]+:[0-9]+$' })),
  entrypoint: maybe(Texts),
  command: maybe(Texts),
  environment: maybe(Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]*$' }), Type.String())),
  networks: maybe(Type.Union([Texts, byName(Type.Union([Nothing, only({ aliases: Texts })]))])),
  network_mode: maybe(Type.Literal('none')),
  ports: maybe(Type.Array(Port)),
  depends_on: maybe(byName(only({ condition: Condition }))),
  healthcheck: maybe(Healthcheck),
  volumes: maybe(Type.Array(Type.String({ pattern: '^[^:]+:/[^:]+(?::ro)?$' }))),
  secrets: maybe(Texts),
  tmpfs: maybe(Texts),
  read_only: maybe(Type.Boolean()),
  cap_drop: maybe(Texts),
  security_opt: maybe(Texts),
  pids_limit: maybe(Type.Integer({ minimum: 1 })),
  stop_grace_period: maybe(Duration),
}

export const composeForm = Compile(
  Type.Object(
    {
      name: Text,
      services: byName(only(serviceMembers)),
      networks: byName(Type.Union([Nothing, only({ internal: Type.Boolean() })])),
      volumes: byName(Nothing),
      secrets: byName(only({ file: Text })),
      // Parts that services have in common: where they are merged in, they are looked at.
      'x-eventstoredb': Type.Unknown(),
      'x-eventstoredb-settings': Type.Unknown(),
      'x-concordata': Type.Unknown(),
    },
    { additionalProperties: false },
  ),
)

export const prometheusForm = Compile(
  only({
    global: only({ scrape_interval: Duration, evaluation_interval: Duration }),
    rule_files: Texts,
    scrape_configs: Type.Array(
      only({
        job_name: Text,
        authorization: only({ credentials_file: Type.String({ pattern: '^/' }) }),
        static_configs: Type.Array(only({ targets: Type.Array(Type.String({ pattern: '^[a-z0-9.]+:[0-9]+$' })) })),
      }),
    ),
  }),
)

export const alertsForm = Compile(
  only({
    groups: Type.Array(
      only({
        name: Text,
        rules: Type.Array(
          only({
            alert: Type.String({ pattern: '^[A-Z][A-Za-z]+$' }),
            expr: Text,
            for: Duration,
            labels: only({ severity: Text }),
            annotations: only({ summary: Text, runbook: Text }),
          }),
        ),
      }),
    ),
  }),
)

const Datasource = only({ type: Text, uid: Text })
const Panel = only({
  id: Type.Integer(),
  type: Type.Literal('timeseries'),
  title: Text,
  gridPos: only({ x: Type.Integer(), y: Type.Integer(), w: Type.Integer(), h: Type.Integer() }),
  datasource: Datasource,
  fieldConfig: only({ defaults: only({ unit: Text }), overrides: Type.Array(Type.Never()) }),
  options: Nothing,
  targets: Type.Array(only({ expr: Text, refId: Text })),
})
export const dashboardForm = Compile(
  only({
    uid: Text,
    title: Text,
    schemaVersion: Type.Integer(),
    version: Type.Integer(),
    refresh: Text,
    time: only({ from: Text, to: Text }),
    tags: Texts,
    panels: Type.Array(Panel),
  }),
)

export const datasourcesForm = Compile(
  only({
    apiVersion: Type.Literal(1),
    datasources: Type.Array(
      only({
        name: Text,
        uid: Text,
        type: Text,
        access: Type.Literal('proxy'),
        url: Type.String({ pattern: '^http://' }),
        isDefault: Type.Boolean(),
      }),
    ),
  }),
)

export const providersForm = Compile(
  only({
    apiVersion: Type.Literal(1),
    providers: Type.Array(only({ name: Text, type: Type.Literal('file'), options: only({ path: Text }) })),
  }),
)
