// Builds the npm package of the browser client: `node scripts/build-client.mjs [DIRECTORY]`, by default dist/client.
// The wire types come from schemas. The package has them written out, so that apps need no TypeBox.
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const client = join(root, 'src/client')
const directory = resolve(process.argv[2] ?? join(root, 'dist/client'))

/** @returns the compiled program; ends the process with the compiler's messages when it has errors */
function compile() {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (fault) => fail([fault]) }
  const project = join(client, 'tsconfig.json')
  const { fileNames, options } = ts.getParsedCommandLineOfConfigFile(project, { outDir: directory }, host)
  const program = ts.createProgram(fileNames, options)
  const faults = ts.getPreEmitDiagnostics(program)
  if (faults.length > 0) fail(faults)
  program.emit()
  return program
}

function fail(faults) {
  const host = {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => root,
    getNewLine: () => '\n'
  }
  console.error(ts.formatDiagnostics(faults, host))
  process.exit(1)
}

/** The exported types of a source file, without references to other files. */
function writeOut(file, checker) {
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias
  return file.statements
    .filter(ts.isTypeAliasDeclaration)
    .map(({ name }) => {
      const type = checker.getTypeAtLocation(name)
      return `export type ${name.text} = ${checker.typeToString(type, undefined, flags)};\n`
    })
    .join('')
}

/** Replaces what was made of a file with schemas by its types. */
function replaceSchemas(program) {
  const contract = join(root, 'src/contract/')
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(contract) || !file.text.includes("from '@sinclair/typebox'")) continue
    const output = join(directory, 'contract', basename(file.fileName, '.ts'))
    for (const ending of ['.js', '.js.map', '.d.ts']) rmSync(output + ending)
    const types = writeOut(file, program.getTypeChecker())
    if (types) writeFileSync(`${output}.d.ts`, types)
  }
}

rmSync(directory, { recursive: true, force: true })
replaceSchemas(compile())
for (const name of ['package.json', 'README.md']) cpSync(join(client, name), join(directory, name))
cpSync(join(root, 'LICENSE'), join(directory, 'LICENSE'))
