// Checks the share of lines of src/, without generated code, that the last test run with coverage executed.
// tap's report omits files that no test loaded: they count as uncovered, unless they contain types only.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'

const MINIMUM = 95
const GENERATED = join('src', 'server', 'generated')
const report = JSON.parse(readFileSync('.tap/report/coverage-summary.json', 'utf8'))

function linesOf(file) {
  const known = report[resolve(file)]
  if (known) return known.lines
  const source = readFileSync(file, 'utf8')
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
      removeComments: true
    }
  })
  const hasCode = outputText.replace('export {};', '').trim() !== ''
  return { total: hasCode ? source.split('\n').length : 0, covered: 0 }
}

const results = readdirSync('src', { recursive: true })
  .map((name) => join('src', name))
  .filter((file) => /\.(ts|tsx|js)$/.test(file) && !file.startsWith(GENERATED))
  .map((file) => ({ file, ...linesOf(file) }))

const sum = (name) => results.reduce((total, result) => total + result[name], 0)
const percent = (100 * sum('covered')) / sum('total')

for (const { file, covered, total } of results) {
  if (covered < (total * MINIMUM) / 100) console.log(`${file}: ${covered} of ${total} lines covered`)
}
console.log(`Line coverage of src/: ${percent.toFixed(2)}% (at least ${MINIMUM}% required)`)
if (!(percent >= MINIMUM)) process.exit(1)
