import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { Contracts } from '../../src/contracts/registry/contracts.ts'
import { memoryGuard } from '../../src/contracts/signing/signing-guard.ts'
import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle } from '../../src/events/ids.ts'
import { Metrics } from '../../src/node/observability/metrics.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { tlsIdentity } from '../support/tls.ts'
import { nobodysUid } from '../support/uid.ts'
import { readExpression } from './promql.ts'

const ops = new URL('../../ops/', import.meta.url)
const read = (path: string) => readFile(new URL(path, ops), 'utf8')

/** Every metric that a node shows, with its kind. */
async function shownMetrics(): Promise<Map<string, string>> {
  const store = openMemoryStore()
  const signer = keySigner(generateKeyPair().privateKey)
  const keys = { signing: signer.publicKey, recovery: generateKeyPair().publicKey }
  const contracts = await Contracts.open({
    store,
    signer,
    guard: memoryGuard(),
    clock: systemClock,
    random: systemRandom,
    card: { handle: 'ana' as Handle, did: 'did:web:ana.example', name: 'ana', keys },
    uidOf: nobodysUid,
    newRequestId: () => 'one',
  })
  const metrics = new Metrics(systemClock)
  metrics.watchCertificate(() => tlsIdentity('ana').certificate)
  metrics.watchProjections({ failures: () => [], lagSeconds: async () => 0 })
  metrics.watchObstacles({ counts: () => [] })
  metrics.watchWebhooks(() => ({}))
  const stop = metrics.watch(contracts, () => new Set())
  const { text } = await metrics.expose()
  stop()
  await contracts.close()
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name as string, kind as string]))
}

/** Which labels a metric has, as docs/operations/metrics-and-traces.md tells operators: `name{label,label}`. */
async function documentedLabels(): Promise<Map<string, string[]>> {
  const text = await readFile(new URL('../docs/operations/metrics-and-traces.md', ops), 'utf8')
  const found = [...text.matchAll(/`(concordata_[a-z_]+)(?:\{([a-z,]+)\})?`/g)]
  return new Map(found.map(([, name, labels = '']) => [name as string, labels.split(',').filter(Boolean)]))
}

/** Prometheus adds these by itself. */
const ALWAYS = ['instance', 'job', 'le']

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

async function rules(): Promise<Rule[]> {
  const { groups } = parse(await read('prometheus/alerts.yaml'), { strict: true, uniqueKeys: true })
  return groups.flatMap((group: { rules: Rule[] }) => group.rules)
}

/** What is wrong with an expression; nothing, if a node shows all that it asks for. */
async function problemsOf(expression: string): Promise<string[]> {
  const [shown, documented] = [await shownMetrics(), await documentedLabels()]
  const { metrics, labels } = readExpression(expression)
  const known: string[] = [...ALWAYS]
  const problems: string[] = []
  for (const metric of metrics) {
    if (metric === 'up') continue
    const base = shown.get(metric) === undefined ? metric.replace(/_(bucket|sum|count)$/, '') : metric
    const kind = shown.get(base)
    if (kind === undefined) problems.push(`no node shows ${metric}`)
    if (base !== metric && kind !== 'histogram') problems.push(`${base} is no histogram`)
    known.push(...(documented.get(base) ?? []))
  }
  for (const label of labels) if (!known.includes(label)) problems.push(`nothing in it has the label ${label}`)
  for (const [, metric = ''] of expression.matchAll(/(?:rate|increase)\((\w+)/g)) {
    const kind = shown.get(metric.replace(/_bucket$/, ''))
    if (kind === 'gauge') problems.push(`${metric} goes down, too: it has no rate`)
  }
  return problems
}

t.test('the documents and the node name the same metrics', async (t) => {
  const shown = [...(await shownMetrics()).keys()].filter((name) => name.startsWith('concordata_')).sort()
  t.same([...(await documentedLabels()).keys()].sort(), shown)
})

t.test('alerts ask for what a node shows, and lead to a page that says what to do', async (t) => {
  const found = await rules()
  for (const { alert, expr, labels, annotations, for: wait } of found) {
    t.same(await problemsOf(expr), [], alert)
    t.match(wait, /^\d+[smh]$/, `${alert} says for how long`)
    t.ok(['critical', 'warning'].includes(labels.severity), alert)
    t.ok(annotations.summary.length > 0)
    t.equal(annotations.runbook, `ops/runbooks/${alert}.md`)
    const page = await read(`runbooks/${alert}.md`)
    t.match(page, new RegExp(`^# ${alert}\n\nSeverity: ${labels.severity}\\.\n`), `${alert} and its page agree`)
    for (const part of ['What it means', 'Check', 'Do', 'When it is over']) t.match(page, `\n## ${part}\n`, alert)
  }
  const pages = (await readdir(new URL('runbooks/', ops))).map((name) => name.replace(/\.md$/, ''))
  t.same(pages.sort(), found.map(({ alert }) => alert).sort(), 'no page without an alert')
})

t.test('what is wrong in an expression is found', async (t) => {
  t.throws(() => readExpression('sum by (party (x)'))
  t.same(await problemsOf('concordata_nothing > 0'), ['no node shows concordata_nothing'])
  t.same(await problemsOf('sum by (color) (concordata_waiting_for)'), ['nothing in it has the label color'])
  t.same(await problemsOf('rate(concordata_questions[5m])'), ['concordata_questions goes down, too: it has no rate'])
  t.same(await problemsOf('concordata_questions_bucket'), ['concordata_questions is no histogram'])
})

t.test('every panel of the dashboard has its place and asks for what a node shows', async (t) => {
  const { panels } = JSON.parse(await read('grafana/concordata.json')) as {
    panels: {
      id: number
      title: string
      gridPos: { x: number; y: number; w: number; h: number }
      targets?: { expr: string }[]
    }[]
  }
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const { title, gridPos, targets = [] } of panels) {
    t.ok(gridPos.x + gridPos.w <= 24, `${title} is on the page`)
    for (const { expr } of targets) t.same(await problemsOf(expr), [], `${title}: ${expr}`)
  }
  const overlapping = panels.filter((one) => panels.some((other) => one.id < other.id && overlaps(one, other)))
  t.same(overlapping, [])
})

type Placed = { readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number } }
function overlaps({ gridPos: a }: Placed, { gridPos: b }: Placed): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

t.test('Prometheus and Grafana are pointed at what is there', async (t) => {
  const { rule_files, scrape_configs } = parse(await read('prometheus/prometheus.yml'))
  t.same(rule_files, ['alerts.yaml'])
  t.match(scrape_configs, [{ job_name: 'concordata', authorization: { credentials_file: String } }])
  const { datasources } = parse(await read('grafana/provisioning/datasources/prometheus.yaml'))
  t.match(datasources, [{ type: 'prometheus', uid: 'prometheus' }])
  t.match(parse(await read('grafana/provisioning/dashboards/concordata.yaml')).providers, [{ type: 'file' }])
})
