import { builtinModules } from 'node:module'

// Core modules are named here without `node:`.
const core = `^(node:.*|${builtinModules.join('|')})$`

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'core-runs-everywhere',
      comment: 'taps-sdk itself works in browsers too: whatever needs Node is reached through a subpath.',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: core, reachable: true },
    },
    {
      name: 'imports-go-one-way',
      comment:
        'cli -> engine -> contracts <- drivers: a contract or driver knows neither the engine nor an entry point.',
      severity: 'error',
      from: { path: '^src/(executor|record|filter|transformer|connector|serializer|cache|host)/' },
      to: { path: '^src/(engine|node|testing|bullmq|python|cli)/' },
    },
    {
      name: 'back-ends-keep-apart',
      comment: 'Whoever uses one of them loads neither the other nor the engine. Types cost nothing.',
      severity: 'error',
      from: { path: '^src/(bullmq|python)/' },
      to: {
        path: '^src/(engine|node|testing|bullmq|python|cli)/',
        pathNot: '^src/$1/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'programs-stay-small',
      comment: 'The command line starts workers of a queue, and nothing else.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/(engine|node|testing|python)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workers-stay-small',
      comment: 'What runs in a worker is loaded once per worker: it does without the engine.',
      severity: 'error',
      from: { path: '^src/worker/' },
      to: { path: '^src/(engine|host|bullmq|python|cli)/' },
    },
    {
      name: 'no-cycles',
      comment: 'Modules that import each other cannot be read, tested or loaded one at a time. Types may refer back.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'sources-stand-alone',
      comment: 'What is published does not know who uses it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|bench|scripts)/' },
    },
    {
      name: 'only-declared-packages',
      comment: 'A package that the sources import is there for users too.',
      severity: 'error',
      from: { path: '^src/' },
      // An optional peer is a dev dependency as well, for our own tests.
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'imports-are-found',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
}
