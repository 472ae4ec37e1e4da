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

module.exports = {
  forbidden: [
    ...oneWay,
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
      name: 'no-circular',
      severity: 'error',
      from: {},
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
