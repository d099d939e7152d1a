/** The dependency rule as a check: who may import whom, and why (docs/architecture.md). Run by `make arch`. */

/** Proofs may reach across layers: a contract suite brings its test tools, a test brings its fakes. */
const PROOFS = '[.](test|contract)[.]tsx?$';

/** Files that put the parts together: the composition root and the entry points of its threads. */
const WIRING = ['^src/compose[.]ts$', '^src/compose/', '^src/threads/'];

/** A library and the only folder that may know it. */
const DRIVERS = [
  { name: 'sqlite', library: '^(node:|bun:)?sqlite$', place: 'src/adapters/sqlite/' },
  { name: 'ioredis', library: '^node_modules/ioredis/', place: 'src/adapters/redis/' },
  {
    name: 'pg',
    library: '^node_modules/(@types/)?(pg|pg-copy-streams)/',
    place: 'src/adapters/postgres/',
  },
  {
    name: 'kafka',
    library: '^node_modules/@platformatic/kafka/',
    place: 'src/adapters/kafka/',
  },
  { name: 'amqplib', library: '^node_modules/amqplib/', place: 'src/adapters/rabbitmq/' },
  {
    name: 'cassandra',
    library: '^node_modules/cassandra-driver/',
    place: 'src/adapters/cassandra/',
  },
  { name: 'grpc', library: '^node_modules/(@grpc|grpc-health-check)/', place: 'src/edge/grpc/' },
  { name: 'parquet', library: '^node_modules/hyparquet-writer/', place: 'src/edge/cli/' },
  { name: 'hono', library: '^node_modules/(hono|@hono)/', place: 'src/edge/http/' },
  { name: 'prom-client', library: '^node_modules/prom-client/', place: 'src/telemetry/' },
  { name: 'pino', library: '^node_modules/pino/', place: 'src/telemetry/' },
  { name: 'preact', library: '^node_modules/preact/', place: 'web/' },
  { name: 'uplot', library: '^node_modules/uplot/', place: 'web/' },
];

const layers = [
  {
    name: 'domain-is-pure',
    comment:
      'The rules of counting and voting must give the same answer anywhere, so they know nothing but each other.',
    from: { path: '^src/domain/', pathNot: PROOFS },
    to: { pathNot: '^src/domain/' },
  },
  {
    name: 'ports-know-only-domain',
    comment:
      'A port is a promise in the words of the domain; a technology in it would bind every adapter.',
    from: { path: '^src/ports/', pathNot: PROOFS },
    to: { pathNot: '^src/(ports|domain)/' },
  },
  {
    name: 'application-knows-domain-and-ports',
    comment:
      'A use case runs unchanged on every store and behind every protocol, so it sees promises only.',
    from: { path: '^src/application/', pathNot: PROOFS },
    to: { pathNot: '^src/(application|ports|domain)/' },
  },
  {
    name: 'edge-never-touches-adapters',
    comment: 'A protocol speaks to use cases; one that reached a store would skip their rules.',
    from: { path: '^src/edge/', pathNot: PROOFS },
    to: { path: ['^src/adapters/', '^src/main[.]ts$', ...WIRING] },
  },
  {
    name: 'adapters-know-only-ports-and-domain',
    comment:
      'An adapter keeps the promise of a port; what calls it is none of its business. runtime/ has no domain words and may help.',
    from: { path: '^src/adapters/', pathNot: PROOFS },
    to: { path: '^(src|web)/', pathNot: '^src/(adapters|ports|domain|runtime)/' },
  },
  {
    name: 'adapter-islands',
    comment: 'One technology must be removable by deleting its folder.',
    from: { path: '^src/adapters/([^/]+)/', pathNot: PROOFS },
    to: { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
  },
  {
    name: 'only-compose-wires',
    comment:
      'Which technology stands behind a port is decided in one place, and so can be read in one place.',
    from: {
      path: '^src/',
      pathNot: [PROOFS, '^src/main[.]ts$', '^src/(adapters|edge)/', ...WIRING],
    },
    to: { path: '^src/(adapters|edge)/' },
  },
  {
    name: 'main-only-runs-commands',
    comment:
      'The program chooses a command; what the command is made of, the composition root says.',
    from: { path: '^src/main[.]ts$' },
    to: { path: '^src/(adapters|edge)/', pathNot: '^src/edge/cli/' },
  },
  {
    name: 'runtime-knows-nothing-of-us',
    comment:
      'Queues, retries and lifecycles are written without domain words, so they can be understood alone.',
    from: { path: '^src/runtime/', pathNot: PROOFS },
    to: { path: '^(src|web)/', pathNot: '^src/runtime/' },
  },
  {
    name: 'web-never-imports-src',
    comment:
      'The pages know the server by its protocol alone; shared code would ship the server to every phone.',
    from: { path: '^web/', pathNot: PROOFS },
    to: { path: '^src/' },
  },
  {
    name: 'only-edge-renders-pages',
    comment: 'Pages are a protocol like any other: only the edge speaks it.',
    from: { path: '^src/', pathNot: [PROOFS, '^src/edge/'] },
    to: { path: '^web/' },
  },
];

const drivers = DRIVERS.map(({ name, library, place }) => ({
  name: `driver-belongs-to-one-adapter:${name}`,
  comment: `Only ${place} may know ${name}, so that it can be replaced there and nowhere else.`,
  from: { path: '^(src|web)/', pathNot: [PROOFS, `^${place}`] },
  to: { path: library },
}));

const proofs = [
  {
    name: 'contracts-only-from-tests',
    comment:
      'A contract suite is run by the tests of adapters; in the program it would bring the test runner along.',
    from: { pathNot: [PROOFS, '^test/'] },
    to: { path: '[.]contract[.]ts$' },
  },
  {
    name: 'not-to-test',
    comment:
      'What a test defines is for tests; the program must not depend on it. The soak is a test of hours, and a bench starts servers as tests do; services in development are those that tests start.',
    from: {
      pathNot: [
        PROOFS,
        '^test/',
        '^bench/(soak(-apart|-pulses)?-part|servers)[.]ts$',
        '^tools/services[.]ts$',
      ],
    },
    to: { path: ['[.]test[.]tsx?$', '^test/', '^(node:|bun:)test$'] },
  },
  {
    name: 'not-to-dev-dep',
    comment: 'The program runs from the dependencies alone.',
    from: { path: '^(src|web)/', pathNot: PROOFS },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
];

const health = [
  {
    name: 'no-circular',
    comment: 'Files that need each other can be neither understood nor tested one at a time.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-orphans',
    comment:
      'Nothing imports this file and it imports nothing: it is dead, or its import was forgotten.',
    from: {
      orphan: true,
      path: '^(src|web)/',
      pathNot: [PROOFS, '[.]d[.]ts$', '^src/main[.]ts$', '^src/threads/'],
    },
    to: {},
  },
  {
    name: 'no-unresolvable',
    comment: 'An import that leads nowhere hides what it would have led to from every other rule.',
    from: {},
    to: { couldNotResolve: true },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [...layers, ...drivers, ...proofs, ...health].map((rule) => ({
    severity: 'error',
    ...rule,
  })),
  options: {
    doNotFollow: { path: 'node_modules' },
    // Else an `import type` is invisible, and with it most of what one layer asks of another.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // Node 20, which may run this check, does not know these modules of the runtime that runs the program.
    builtInModules: { add: ['bun', 'bun:test', 'bun:sqlite', 'bun:jsc', 'node:sqlite', 'sqlite'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.css', '.json'],
    },
  },
};
