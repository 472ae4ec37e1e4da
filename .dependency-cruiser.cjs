const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { dirname, join, relative } = require('node:path')

// Imports go one way (shared design §12; ARCHITECTURE.md shows the same table).
const table = {
  runtime: [],
  crypto: ['runtime'],
  events: ['runtime', 'crypto'],
  merkle: ['runtime', 'crypto', 'events'],
  aggregates: ['runtime', 'crypto', 'events', 'merkle'],
  agreement: ['runtime', 'crypto', 'events', 'merkle', 'aggregates'],
  gossip: ['runtime', 'crypto', 'events', 'merkle', 'aggregates', 'agreement'],
  store: ['runtime', 'crypto', 'events'],
  contracts: ['runtime', 'crypto', 'events', 'merkle', 'aggregates', 'agreement', 'gossip', 'store'],
  projections: ['runtime', 'crypto', 'events', 'merkle', 'aggregates', 'agreement', 'gossip', 'contracts', 'store'],
  documents: [
    'runtime',
    'crypto',
    'events',
    'merkle',
    'aggregates',
    'agreement',
    'gossip',
    'contracts',
    'projections',
    'store',
  ],
  api: [
    'runtime',
    'crypto',
    'events',
    'merkle',
    'aggregates',
    'agreement',
    'gossip',
    'contracts',
    'projections',
    'documents',
    'store',
  ],
  library: ['runtime', 'events', 'documents', 'api'],
  audit: ['runtime', 'crypto', 'events', 'merkle', 'aggregates', 'agreement'],
  scenario: [
    'runtime',
    'crypto',
    'events',
    'merkle',
    'aggregates',
    'agreement',
    'gossip',
    'contracts',
    'projections',
    'documents',
    'store',
  ],
}
const all = [...Object.keys(table), 'node', 'cli']
const below = { ...table, node: all.filter((folder) => !['cli', 'scenario'].includes(folder)), cli: all }

const oneWay = Object.entries(below).map(([folder, allowed]) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import only: ${[...allowed, folder].join(', ')}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
}))

// Inside of a folder they go one way, too: each of its folders may import those behind it, types included. Files beside the folders are no part of this.
const orders = {
  aggregates: ['contract', 'rules', 'currencies', 'names'],
  'aggregates/contract': ['templates', 'change-sets', 'rules', 'values', 'document'],
  'aggregates/rules': ['text', 'functions', 'values'],
  agreement: ['trials', 'keys', 'history', 'values'],
  api: ['routes', 'openapi', 'answers', 'http'],
  'api/http': ['forms', 'problems', 'callers'],
  'api/routes': ['live', 'contract'],
  cli: ['audit', 'demo', 'contract', 'party', 'template', 'document', 'keys', 'rule'],
  contracts: [
    'processes',
    'registry',
    'replica',
    'obstacles',
    'approvals',
    'commands',
    'contents',
    'passive',
    'requests',
    'signing',
  ],
  'contracts/replica': ['opening', 'inbound'],
  documents: [
    'attachments',
    'diffs',
    'elements',
    'markup',
    'past',
    'requests',
    'rules',
    'tables',
    'templates',
    'writing',
    'candidates',
  ],
  events: ['attachments', 'parties', 'values'],
  library: ['calls', 'typed'],
  node: [
    'maintenance',
    'outward',
    'tracing',
    'webhooks',
    'inward',
    'observability',
    'directory',
    'oidc',
    'identity',
    'files',
    'signer',
    'config',
    'lifecycle',
  ],
  projections: ['export', 'entities', 'queries', 'tables'],
  store: ['eventstoredb', 'sqlite', 'embedded'],
}

// Imports that run back up all the same. None is added; one that is gone is taken out.
const backUp = {
  'agreement/history/snapshot.ts': ['agreement/keys/key-state.ts'],
  // An element has its standing, and what stands is said of elements; rules see both, and bear upon both.
  'aggregates/contract/document/define-type.ts': [
    'aggregates/contract/values/constraint.ts',
    'aggregates/contract/values/value-types.ts',
  ],
  'aggregates/contract/document/element.ts': ['aggregates/contract/values/standing.ts'],
  'aggregates/contract/document/elements.ts': ['aggregates/contract/values/audience.ts'],
  'aggregates/contract/document/lists.ts': ['aggregates/contract/values/effective-audience.ts'],
  'aggregates/contract/rules/request-rules.ts': ['aggregates/contract/change-sets/change-set.ts'],
  'aggregates/contract/values/confidential-standing.ts': ['aggregates/contract/rules/rule-schema.ts'],
  'aggregates/contract/values/effective-audience.ts': ['aggregates/contract/rules/rule-schema.ts'],
  'aggregates/contract/values/list-keys.ts': ['aggregates/contract/rules/document-view.ts'],
  'aggregates/contract/values/proposals.ts': ['aggregates/contract/change-sets/change-set.ts'],
  'aggregates/rules/functions/conversions.ts': ['aggregates/rules/text/range-text.ts'],
  'aggregates/rules/values/connected.ts': ['aggregates/rules/text/syntax-tree.ts'],
  'aggregates/rules/values/format-value.ts': ['aggregates/rules/text/text-literal.ts'],
}

const srcDir = join(__dirname, 'src')
const foldersIn = (dir) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
for (const dir of readdirSync(srcDir, { recursive: true, withFileTypes: true })) {
  if (!dir.isDirectory()) continue
  const path = join(dir.parentPath, dir.name)
  const folders = foldersIn(path)
  const order = orders[relative(srcDir, path)] ?? []
  if (folders.length > 1 && [...folders].sort().join() !== [...order].sort().join())
    throw new Error(
      `${relative(srcDir, path)} has the folders ${folders.join(', ')}: \`orders\` says which may import which`,
    )
}
for (const [from, others] of Object.entries(backUp)) {
  const text = existsSync(join(srcDir, from)) ? readFileSync(join(srcDir, from), 'utf8') : ''
  const gone = others.find((to) => !text.includes(`'${relative(dirname(from), to)}'`))
  if (gone !== undefined) throw new Error(`${from} does not import ${gone} any more: take it out of \`backUp\``)
}

const exactly = (files) => `^src/(${files.join('|').replaceAll('.', '\\.')})$`
const downwards = Object.entries(orders).flatMap(([folder, order]) =>
  order.slice(1).flatMap((one, place) => {
    const above = `^src/${folder}/(${order.slice(0, place + 1).join('|')})/`
    const path = `^src/${folder}/${one}/`
    const comment = `in src/${folder} imports go one way: ${order.join(' → ')}`
    const name = `${folder.replaceAll('/', '-')}-one-way`
    const excused = Object.keys(backUp).filter((file) => file.startsWith(`${folder}/${one}/`))
    return [
      {
        name,
        comment,
        severity: 'error',
        from: { path, ...(excused.length > 0 && { pathNot: exactly(excused) }) },
        to: { path: above },
      },
      ...excused.map((file) => ({
        name,
        comment,
        severity: 'error',
        from: { path: exactly([file]) },
        to: { path: above, pathNot: exactly(backUp[file]) },
      })),
    ]
  }),
)

module.exports = {
  forbidden: [
    ...oneWay,
    ...downwards,
    {
      name: 'pure',
      comment:
        'the pure core runs in a browser: nothing that it imports, however far away, is of Node (test/runtime/purity.test.ts looks at globals)',
      severity: 'error',
      from: {
        path: '^src/(events|merkle|aggregates|agreement|audit)/|^src/gossip/(exchange|peer-knowledge|message|schedule|message-builder|credit)\\.ts',
      },
      to: { path: `^(node:)?(${require('node:module').builtinModules.join('|')})$`, reachable: true },
    },
    {
      name: 'store-adapters-behind-the-port',
      comment: 'contracts, projections, documents and api know the ports of the store, not its adapters',
      severity: 'error',
      from: { path: '^src/(contracts|projections|documents|api)/' },
      to: { path: '^src/store/', pathNot: '^src/store/(port|streams|payload-group|errors|snapshot-port)\\.ts$' },
    },
    {
      name: 'opentelemetry-loaded-where-configured',
      comment: 'one file knows OpenTelemetry, and is loaded by a dynamic import only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/node/tracing/otlp-tracer\\.ts$' },
      to: { path: 'node_modules/@opentelemetry/' },
    },
    {
      name: 'otlp-tracer-not-imported-statically',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/node/tracing/otlp-tracer\\.ts$', dynamic: false },
    },
    {
      name: 'benchmark-measures-what-runs',
      comment: 'what tests hold against each answer in the same process would be measured too',
      severity: 'error',
      from: { path: '^test/bench/' },
      to: { path: '^test/support/checked-answers\\.ts$', reachable: true },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
