// Writes the public surface of each entry point to etc/, where a change of it shows in review.
// With `--check` it writes nothing, and fails where a committed report is no longer true.
// In both modes every public name must have a comment, and every type in a signature must be exported.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import ts from 'typescript'
import { SUBPATHS } from './entries.ts'

const check = process.argv.includes('--check')

const root = dirname(import.meta.dirname)
process.chdir(root)
rmSync('temp', { recursive: true, force: true })
mkdirSync('temp/api', { recursive: true })
mkdirSync('etc', { recursive: true })

// From tsc: the bundled declarations of the build put shared types into chunks, which are nobody's entry point.
const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
const emit = ['--noEmit', 'false', '--emitDeclarationOnly', '--outDir', 'temp/types']
if (spawnSync(process.execPath, [...tsc, ...emit], { stdio: 'inherit' }).status !== 0) process.exit(1)

const core = exportedNames('temp/types/index.d.ts')
const problems = Object.entries(SUBPATHS).flatMap(([subpath, entry]) =>
  report(subpath.replace('.', 'taps-sdk').replace('/', '-'), entry),
)
rmSync('temp', { recursive: true, force: true })
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
console.log(check ? 'The API reports are up to date.' : 'Wrote the API reports to etc/.')

/** Runs API Extractor on one entry point, and returns what is wrong. */
function report(name, entry) {
  const configObject = ExtractorConfig.loadFile('api-extractor.json')
  configObject.mainEntryPointFilePath = `<projectFolder>/temp/types/${entry}.d.ts`
  configObject.apiReport.reportFileName = `${name}.api.md`
  const extractorConfig = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: `${root}/api-extractor.json`,
    packageJsonFullPath: `${root}/package.json`,
  })
  const problems = []
  const { apiReportChanged } = Extractor.invoke(extractorConfig, {
    localBuild: !check,
    messageCallback(message) {
      message.handled = true
      if (message.logLevel !== 'error' && message.logLevel !== 'warning') return
      if (message.category === 'console' || isExportedByCore(message)) return
      const file =
        message.sourceFilePath &&
        relative(root, message.sourceFilePath).replace('temp/types', 'src').replace('.d.ts', '.ts')
      problems.push(`${name}: ${message.text}${file ? ` (${file})` : ''}`)
    },
  })
  if (check && apiReportChanged) {
    problems.push(`etc/${name}.api.md is not what the sources export: run \`npm run api\`, and commit the difference.`)
  }
  return problems
}

/** API Extractor sees one entry point at a time; what a subpath shows of the core, users import from the core. */
function isExportedByCore({ messageId, text }) {
  return messageId === 'ae-forgotten-export' && core.has(/symbol "(.+?)"/.exec(text)?.[1])
}

function exportedNames(file) {
  const program = ts.createProgram([file], { module: ts.ModuleKind.NodeNext, types: ['node'] })
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(file))
  return new Set(checker.getExportsOfModule(module).map((symbol) => symbol.name))
}
